// Limits, deadlines and broken connections: each error class is reached, and its message says where and what to do.
// Servers that misbehave are raw sockets; the others are the HTTP server.
// Deadlines are tens of milliseconds.

import HTTPClient
import HTTPServer
import TestSupport
import Testing

struct LimitTests {
    @Test func aBodyAtTheLimitIsTakenAndOneByteMoreIsNot() async throws {
        try await withServer(handler: { _ in HTTPServerResponse(status: 200, body: .bytes([UInt8](repeating: 1, count: 1000))) }) { client, url async throws in
            #expect(try await client.send(HTTPRequest(url: url, maxResponseBytes: 1000)).body.count == 1000)
            let error = await failure { _ = try await client.send(HTTPRequest(url: url, maxResponseBytes: 999)) }
            #expect(error?.code == .tooLarge)
            #expect(error?.message.contains("999 bytes") == true)
            #expect(client.liveTransfers == 0)
        }
    }

    @Test func endlessHeadersAreRefused() async throws {
        let lines = (0..<3000).map { "X-\($0): \(String(repeating: "y", count: 100))\r\n" }.joined()
        let server = try RawServer("HTTP/1.1 200 OK\r\n\(lines)Content-Length: 0\r\n\r\n")
        try await expect(.tooLarge, from: HTTPRequest(url: "http://127.0.0.1:\(server.port)"))
    }

    @Test func aSilentServerIsATimeout() async throws {
        try await withServer(handler: { _ in
            try? await Task.sleep(for: .seconds(3600))
            return .text("late")
        }) { client, url async throws in
            let error = await failure { _ = try await client.send(HTTPRequest(url: url, timeout: .milliseconds(50))) }
            #expect(error?.code == .timeout)
            #expect(error?.message.contains(url.dropFirst("http://".count)) == true)
            let stream = await failure { _ = try await client.stream(HTTPRequest(url: url, timeout: .milliseconds(50))) }
            #expect(stream?.code == .timeout)
        }
    }

    @Test func nothingListensIsRefused() async throws {
        // Port 1 of the loopback: nothing listens there.
        let error = try await expect(.refused, from: HTTPRequest(url: "http://127.0.0.1:1/", headers: [("Authorization", "Bearer secret")]))
        #expect(error?.message.hasPrefix("127.0.0.1:1 does not accept connections. Check") == true)
        #expect(error?.message.contains("secret") == false)
    }

    @Test func unknownNamesAreResolveErrors() async throws {
        var configuration = HTTPClient.Configuration()
        configuration.proxy = ""
        try await expect(.resolve, from: HTTPRequest(url: "http://no-such-host.invalid:8080/"), configuration)
    }

    @Test(arguments: [
        ("", "closed without an answer"), ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "closed inside the body"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "a bad chunk"),
    ]) func cutAnswersAreBroken(answer: String, reason: String) async throws {
        let server = try RawServer(answer)
        let error = try await expect(.broken, from: HTTPRequest(url: "http://127.0.0.1:\(server.port)"))
        #expect(error != nil, "\(reason)")
    }

    @Test func whatIsNoHTTPIsNamed() async throws {
        let server = try RawServer("SSH-2.0-OpenSSH\r\n")
        try await expect(.otherProtocol, from: HTTPRequest(url: "http://127.0.0.1:\(server.port)"))
    }

    @Test func afterShutdownNothingIsSent() async throws {
        let client = HTTPClient()
        await client.shutdown()
        await client.shutdown()
        let error = await failure { _ = try await client.send(HTTPRequest(url: "http://127.0.0.1:1/")) }
        #expect(error?.code == .shutDown)
    }

    @Test func shutdownFailsWhatIsUnderWay() async throws {
        try await withServer(handler: { _ in
            try? await Task.sleep(for: .seconds(3600))
            return .text("late")
        }) { client, url async throws in
            async let error = failure { _ = try await client.send(HTTPRequest(url: url)) }
            #expect(try await eventually { client.liveTransfers == 1 })
            await client.shutdown()
            #expect(await error?.code == .shutDown)
            #expect(client.liveTransfers == 0)
        }
    }

    @discardableResult
    private func expect(_ code: HTTPError.Code, from request: HTTPRequest, _ configuration: HTTPClient.Configuration = .init()) async throws -> HTTPError? {
        let client = HTTPClient(configuration)
        let error = await failure { _ = try await client.send(request) }
        #expect(error?.code == code, "\(error?.message ?? "no error")")
        #expect(client.liveTransfers == 0)
        await client.shutdown()
        return error
    }
}
