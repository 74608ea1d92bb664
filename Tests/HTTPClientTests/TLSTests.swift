// TLS: whom the client trusts, how it proves itself, and the name that it asks for.
// Certificates come from the openssl command; the server is the HTTP server with NIOSSL.
// No test here uses the system's authorities.

import Foundation
import HTTPClient
import HTTPServer
import TestSupport
import Testing

struct TLSTests {
    @Test func aServerOfTheGivenAuthorityIsTrusted() async throws {
        let certificates = try Certificates.shared.get()
        let trusted = [
            TLSConfiguration(caPEM: try certificates.pem("ca.crt")), TLSConfiguration(caFile: certificates.path("ca.crt")),
            TLSConfiguration(insecureSkipVerify: true),
        ]
        for tls in trusted { #expect(try await subject(tls: tls) == "nobody") }
    }

    @Test func otherServersAreNot() async throws {
        let certificates = try Certificates.shared.get()
        for tls in [TLSConfiguration(caPEM: try certificates.pem("other.crt")), TLSConfiguration(), TLSConfiguration(caFile: "/nonexistent/ca.crt")] {
            let error = await failure { _ = try await subject(tls: tls) }
            #expect(error?.code == .tls, "\(error?.message ?? "no error")")
            #expect(error?.message.contains("Check the CA certificate") == true)
        }
    }

    @Test func theClientCertificateIsShown() async throws {
        let certificates = try Certificates.shared.get()
        let bytes = TLSConfiguration(
            caPEM: try certificates.pem("ca.crt"), clientCertificatePEM: try certificates.pem("client.crt"), clientKeyPEM: try certificates.pem("client.key"))
        let files = TLSConfiguration(
            caFile: certificates.path("ca.crt"), clientCertificateFile: certificates.path("client.crt"), clientKeyFile: certificates.path("client.key"))
        #expect(try await subject(tls: bytes) == "client")
        #expect(try await subject(tls: files) == "client")
    }

    @Test func aKeyThatDoesNotFitIsATLSError() async throws {
        let certificates = try Certificates.shared.get()
        let tls = TLSConfiguration(
            caPEM: try certificates.pem("ca.crt"), clientCertificatePEM: try certificates.pem("client.crt"), clientKeyPEM: try certificates.pem("ca.key"))
        #expect(await failure { _ = try await subject(tls: tls) }?.code == .tls)
    }

    @Test func theServerNameReplacesTheHost() async throws {
        let certificates = try Certificates.shared.get()
        let ca = try certificates.pem("ca.crt")
        // This certificate carries only the name: by its address the server is not trusted.
        #expect(await failure { _ = try await subject(server: "named", tls: TLSConfiguration(caPEM: ca)) }?.code == .tls)
        #expect(try await subject(server: "named", tls: TLSConfiguration(caPEM: ca, serverName: "api.test")) == "nobody")
        #expect(await failure { _ = try await subject(server: "named", tls: TLSConfiguration(caPEM: ca, serverName: "api.other")) }?.code == .tls)
        #expect(await failure { _ = try await subject(tls: TLSConfiguration(caPEM: ca, serverName: "a/b")) }?.code == .invalidRequest)
    }

    @Test func aRequestMayBringSettingsOfItsOwn() async throws {
        let certificates = try Certificates.shared.get()
        let server = HTTPServerTLS(certificatePEM: try certificates.pem("server.crt"), privateKeyPEM: try certificates.pem("server.key"))
        let trusting = TLSConfiguration(caPEM: try certificates.pem("ca.crt"))
        try await withServer(tls: server, handler: { _ in .text("ok") }) { client, url async throws in
            #expect(try await client.send(HTTPRequest(url: url, tls: trusting)).status == 200)
            // The connection above is open; settings that do not trust its server must not get it.
            #expect(await failure { _ = try await client.send(HTTPRequest(url: url)) }?.code == .tls)
        }
    }

    /// In TLS 1.3 the server's refusal comes after the handshake, with the first read.
    @Test(arguments: [HTTPVersion.http1, .http2]) func aServerThatMissesOurCertificateIsATLSError(version: HTTPVersion) async throws {
        let certificates = try Certificates.shared.get()
        let arguments = ["s_server", "-www", "-alpn", "h2,http/1.1", "-accept", "127.0.0.1:0", "-Verify", "1", "-verify_return_error"]
        let files = ["-cert", certificates.path("server.crt"), "-key", certificates.path("server.key"), "-CAfile", certificates.path("ca.crt")]
        let server = try ChildProcess("/usr/bin/openssl", arguments + files)
        defer { server.end() }
        let port = try Self.port(of: server)
        let client = HTTPClient()
        let trusting = TLSConfiguration(caFile: certificates.path("ca.crt"))
        let error = await failure {
            _ = try await client.send(HTTPRequest(url: "https://127.0.0.1:\(port)/", timeout: .seconds(5), tls: trusting, version: version))
        }
        #expect(error?.code == .tls && error?.message.contains("certificate required") == true, "\(error?.message ?? "no error")")
        await client.shutdown()
    }

    /// The port in the line that s_server prints when it listens.
    private static func port(of server: ChildProcess) throws -> Substring {
        let said = server.read { $0.contains("\n") && $0.contains("ACCEPT") && $0.hasSuffix("\n") }
        return try #require(said.split(separator: "\n").first { $0.hasPrefix("ACCEPT") }?.split(separator: ":").last)
    }

    /// A server that would rather speak HTTP/2 (as every kube-apiserver) must not be led to it.
    @Test func onlyHTTP1IsOffered() async throws {
        let certificates = try Certificates.shared.get()
        let arguments = ["s_server", "-www", "-alpn", "h2,http/1.1", "-accept", "127.0.0.1:0"]
        let files = ["-cert", certificates.path("server.crt"), "-key", certificates.path("server.key")]
        let server = try ChildProcess("/usr/bin/openssl", arguments + files)
        defer { server.end() }
        let port = try Self.port(of: server)
        let client = HTTPClient()
        let answer = try await client.send(
            HTTPRequest(url: "https://127.0.0.1:\(port)/", timeout: .seconds(5), tls: TLSConfiguration(insecureSkipVerify: true)))
        #expect(answer.status == 200, "its page is HTTP/1, whatever it has agreed to")
        await client.shutdown()
    }

    /// The common name of the client as the server sees it.
    private func subject(server: String = "server", tls: TLSConfiguration) async throws -> String {
        let certificates = try Certificates.shared.get()
        let serverTLS = HTTPServerTLS(
            certificatePEM: try certificates.pem("\(server).crt"), privateKeyPEM: try certificates.pem("\(server).key"),
            clientCAPEM: try certificates.pem("ca.crt"))
        var configuration = HTTPClient.Configuration()
        configuration.tls = tls
        var name = ""
        try await withServer(tls: serverTLS, configuration: configuration, handler: { .text($0.clientCertificateSubject?.commonName ?? "nobody") }) {
            client, url in
            name = String(decoding: try await client.send(HTTPRequest(url: url)).body, as: UTF8.self)
        }
        return name
    }
}
