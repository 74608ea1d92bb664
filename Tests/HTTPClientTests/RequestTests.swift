// What goes out with a request and what comes back from it.
// Each fact is checked at the server, not at the client's options.
// No test here waits for a timeout.

import HTTPServer
import Testing

@testable import HTTPClient

struct RequestTests {
    /// Answers with the request as text.
    private static let echo: HTTPServer.Handler = { request in
        let headers = request.headers.map { "\($0.name.lowercased()): \($0.value)" }.sorted()
        let lines = ["\(request.method) \(request.path)"] + headers + [String(decoding: request.body, as: UTF8.self)]
        return .text(lines.joined(separator: "\n"), status: 201)
    }

    @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE"]) func methodHeadersAndBodyArriveAsGiven(method: String) async throws {
        try await withServer(handler: Self.echo) { client, url async throws in
            let headers = [("X-Empty", ""), ("X-One", "a b"), ("Content-Type", "application/json")]
            let response = try await client.send(HTTPRequest(method: method, url: "\(url)/a%2Fb", headers: headers, body: Array("{}".utf8)))
            let text = String(decoding: response.body, as: UTF8.self)
            #expect(response.status == 201)
            #expect(response.headers["CONTENT-type"] == "text/plain; charset=utf-8")
            #expect(text.hasPrefix("\(method) /a%2Fb\n"))
            #expect(text.contains("\nx-empty: \n") && text.contains("\nx-one: a b\n") && text.contains("\ncontent-type: application/json\n"))
            #expect(text.hasSuffix("\n{}"))
        }
    }

    @Test func aBodyBringsNoHeadersOfItsOwn() async throws {
        try await withServer(handler: Self.echo) { client, url async throws in
            let large = [UInt8](repeating: 120, count: 2 << 20)
            let response = try await client.send(HTTPRequest(method: "POST", url: url, body: large))
            let text = String(decoding: response.body.prefix(2000), as: UTF8.self)
            #expect(!text.contains("content-type:") && !text.contains("expect:"))
            #expect(text.contains("content-length: \(large.count)"))
        }
    }

    @Test func anEmptyBodyIsSentAsOne() async throws {
        try await withServer(handler: Self.echo) { client, url async throws in
            let text = String(decoding: try await client.send(HTTPRequest(method: "POST", url: url, body: [])).body, as: UTF8.self)
            #expect(text.contains("content-length: 0"))
        }
    }

    @Test func redirectsAreReturnedNotFollowed() async throws {
        try await withServer(handler: { _ in HTTPServerResponse(status: 302, headers: [("location", "http://127.0.0.1:1/")]) }) { client, url async throws in
            let response = try await client.send(HTTPRequest(url: url, headers: [("Authorization", "Bearer secret")]))
            #expect(response.status == 302)
            #expect(response.headers["Location"] == "http://127.0.0.1:1/")
        }
    }

    @Test func connectionsAreUsedAgain() async throws {
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, limits: HTTPServerLimits(maxConnections: 1), logger: testLogger) { _ in
            .text("ok")
        }
        let client = HTTPClient()
        for _ in 0..<20 { _ = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)", timeout: .seconds(5))) }
        #expect(server.refusedConnections == 0)
        await client.shutdown()
        try await server.shutdown(grace: .zero)
    }

    @Test func proxyOfTheConfigurationGetsTheRequest() async throws {
        let proxy = try RawServer("HTTP/1.1 203 From Proxy\r\nContent-Length: 0\r\n\r\n")
        var configuration = HTTPClient.Configuration()
        configuration.proxy = "http://127.0.0.1:\(proxy.port)"
        let client = HTTPClient(configuration)
        #expect(try await client.send(HTTPRequest(url: "http://api.invalid/x")).status == 203)
        await client.shutdown()
    }

    @Test func informationalAnswersComeBeforeTheAnswer() async throws {
        let server = try RawServer("HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nok")
        let client = HTTPClient()
        let response = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)"))
        #expect(response.status == 200)
        #expect(response.headers.values("x-a") == ["2"])
        await client.shutdown()
    }

    @Test func trailersStandBehindTheBody() async throws {
        let server = try RawServer(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nX-A: 1\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nX-Empty:\r\n\r\n")
        let client = HTTPClient()
        let response = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)"))
        #expect(response.body == Array("ok".utf8) && response.version == .http1)
        #expect(response.headers["x-a"] == "1" && response.headers["x-sum"] == nil)
        #expect(response.trailers["x-sum"] == "7" && response.trailers["x-empty"] == "" && response.trailers["x-a"] == nil)
        await client.shutdown()
    }

    @Test func trailersCountAgainstTheLimitOfHeaders() async throws {
        let trailer = "X: " + String(repeating: "a", count: 50_000) + "\r\n"
        let server = try RawServer(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + String(repeating: trailer, count: 6) + "\r\n")
        let client = HTTPClient()
        #expect(await failure { _ = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)")) } != nil)
        await client.shutdown()
    }

    // MARK: HTTP/2, where the server does not play along; OTLPExportTests has a real one

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-x\r\n"]) func aServerThatDoesNotKnowHTTP2IsNamed(answer: String)
        async throws
    {
        let server = try RawServer(answer)
        let client = HTTPClient()
        let error = await failure { _ = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)", timeout: .seconds(5), version: .http2)) }
        #expect(error?.code == .otherProtocol, "\(error?.message ?? "no error")")
        // The two versions share no connection, and the client goes on.
        #expect(client.liveTransfers == 0)
        await client.shutdown()
        #expect(await failure { _ = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)", version: .http2)) }?.code == .shutDown)
    }

    /// The start of a connection of a server that speaks HTTP/2: its settings.
    @Test func aServerThatSpeaksOnlyHTTP2IsNamed() async throws {
        let server = try RawServer(answer: [0, 0, 0, 4, 0, 0, 0, 0, 0])
        let client = HTTPClient()
        let error = await failure { _ = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)", timeout: .seconds(5))) }
        #expect(error?.code == .otherProtocol, "\(error?.message ?? "no error")")
        await client.shutdown()
    }

    @Test(arguments: [
        ("ftp://host/", "a scheme other than HTTP"), ("http//host", "no scheme"), ("http://", "no host"),
        ("http://user:secret@host/", "credentials in the URL"),
        ("http://host:0/", "port 0"), ("http://host:70000/", "a port above 65535"), ("http://host/a b", "a space"), ("http://host/\r\nX: y", "a line break"),
        ("http://[::1/", "an open bracket"),
    ]) func badAddressesAreRefusedBeforeAnythingIsSent(url: String, reason: String) async {
        let client = HTTPClient()
        let error = await failure { _ = try await client.send(HTTPRequest(url: url)) }
        #expect(error?.code == .invalidRequest, "\(reason)")
        #expect(error?.message.contains("secret") == false, "\(reason)")
        await client.shutdown()
    }

    @Test(arguments: [("X", "a\r\nY: b"), ("X: y", "a"), ("", "a"), ("X", "a\0b"), ("X\n", "a")]) func headersThatWouldSplitARequestAreRefused(
        name: String, value: String
    ) async {
        let client = HTTPClient()
        let error = await failure { _ = try await client.send(HTTPRequest(url: "http://127.0.0.1:1/", headers: [(name, value)])) }
        #expect(error?.code == .invalidRequest)
        await client.shutdown()
    }

    @Test(arguments: [("http://a/b", "a:80", "/b"), ("https://a?q", "a:443", "?q"), ("HTTPS://[::1]:8443/x", "[::1]:8443", "/x")])
    func hostAndPortAreReadFromAURL(url: String, peer: String, rest: String) throws {
        let target = try RequestTarget(url: url)
        #expect(target.peer == peer)
        #expect(target.rest == rest)
    }
}
