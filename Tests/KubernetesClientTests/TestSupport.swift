// Servers, folders and certificates for the tests of this target.
// Every test starts its own on a free port of the loopback and ends it.
// It never reaches beyond the loopback.

import Foundation
import HTTPServer
import JSON
import Kubernetes
import KubernetesClient
import Logging
import Testing

/// Runs a test against a server of its own and a client of its own; ends both, and checks that the client left nothing.
func withServer(
    tls: HTTPServerTLS? = nil, handler: @escaping HTTPServer.Handler, configure: (String) throws -> ClientConfiguration = { ClientConfiguration(server: $0) },
    test: (KubernetesClient) async throws -> Void
) async throws {
    let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, tls: tls, logger: Logger(label: "test"), handler: handler)
    let client = KubernetesClient(try configure("\(tls == nil ? "http" : "https")://127.0.0.1:\(server.port)"))
    do {
        try await test(client)
    } catch {
        await client.shutdown()
        try await server.shutdown(grace: .zero)
        throw error
    }
    await client.shutdown()
    #expect(client.liveRequests == 0)
    try await server.shutdown(grace: .zero)
}

func json(_ value: JSONValue, status: Int = 200, headers: [(name: String, value: String)] = []) -> HTTPServerResponse {
    HTTPServerResponse(status: status, headers: [("content-type", "application/json")] + headers, body: .bytes(value.bytes()))
}

/// The error of a request that must fail.
func failure(_ body: () async throws -> Void) async -> KubernetesError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? KubernetesError
    }
}

/// Polls until a condition holds; false after 10 s.
func eventually(_ condition: () async -> Bool) async throws -> Bool {
    for _ in 0..<1000 {
        if await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

/// A folder that goes with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sonde-client-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ text: String, permissions: Int = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        try FileManager.default.createDirectory(atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: file)
        return file
    }

    func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

    /// Runs openssl in this folder.
    func openssl(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = URL(fileURLWithPath: path)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }

    /// A CA and what it signed: `NAME.crt`, `NAME.key`; the server's carries the loopback address.
    func certificates(ca: String, _ names: String...) throws {
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        try openssl("req -x509 \(key) -keyout \(ca).key -out \(ca).crt -subj /CN=\(ca)")
        for name in names {
            try openssl(
                "req -x509 \(key) -CA \(ca).crt -CAkey \(ca).key -keyout \(name).key -out \(name).crt -subj /CN=\(name) -addext subjectAltName=IP:127.0.0.1")
        }
    }

    func serverTLS(_ name: String, clientCA: String? = nil) throws -> HTTPServerTLS {
        HTTPServerTLS(
            certificatePEM: Array(try text("\(name).crt").utf8), privateKeyPEM: Array(try text("\(name).key").utf8),
            clientCAPEM: try clientCA.map { Array(try text("\($0).crt").utf8) })
    }
}
