// The HTTP server's behaviour on the wire: what it answers, what it limits, when it closes, what it cancels.
// hack/test runs it; everything is on loopback.
// It never uses a client that would hide the bytes.

import Synchronization
import Testing

@testable import HTTPServer

private func echo(_ request: HTTPServerRequest) async -> HTTPServerResponse {
    .text("\(request.method) \(request.path) \(request.query.map { "\($0.name)=\($0.value)" }) \(request.body.count)")
}

@Suite struct HTTPServerTests {
    @Test func requestArrivesWholeAndConnectionIsUsedAgain() async throws {
        try await withServer(handler: echo) { server in
            let client = try RawClient(port: server.port)
            client.send("POST /a%2Fb?x=1+2&y=%26 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc")
            #expect(try await client.read(until: " 3").hasSuffix(#"POST /a%2Fb ["x=1 2", "y=&"] 3"#))
            client.send("GET /second HTTP/1.1\r\nhost: a\r\n\r\n")
            #expect(try await client.read(until: "[] 0").hasPrefix("HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: "))
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withServer(handler: echo) { server in
            let client = try RawClient(port: server.port)
            client.send("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            let all = try #require(try await client.readToEnd())
            let first = try #require(all.firstRange(of: "GET /1"))
            let second = try #require(all.firstRange(of: "GET /2"))
            #expect(first.lowerBound < second.lowerBound)
        }
    }

    @Test func headHasNoBody() async throws {
        try await withServer(handler: echo) { server in
            let client = try RawClient(port: server.port)
            client.send("HEAD /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            let answer = try #require(try await client.readToEnd())
            #expect(answer.hasSuffix("\r\n\r\n"))
            #expect(answer.contains("content-length: "))
        }
    }

    @Test func expectContinueIsAnsweredBeforeTheBody() async throws {
        try await withServer(handler: echo) { server in
            let client = try RawClient(port: server.port)
            client.send("POST /a HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
            #expect(try await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
            client.send("ab")
            #expect(try await client.read(until: "[] 2").hasPrefix("HTTP/1.1 200 "))
        }
    }

    struct Refusal: CustomTestStringConvertible {
        let reason: String
        let request: String
        let status: Int
        var testDescription: String { reason }
    }

    static let refusals = [
        Refusal(
            reason: "announced body above the limit", request: "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 101\r\n\r\n" + String(repeating: "x", count: 101),
            status: 413),
        Refusal(
            reason: "chunked body above the limit",
            request: "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n65\r\n" + String(repeating: "x", count: 101) + "\r\n0\r\n\r\n",
            status: 413),
        Refusal(reason: "headers above the limit", request: "GET / HTTP/1.1\r\nhost: a\r\nx: \(String(repeating: "y", count: 2000))\r\n\r\n", status: 431),
        Refusal(reason: "no HTTP", request: "\u{16}\u{3}\u{1} hello\r\n\r\n", status: 400),
        Refusal(reason: "a body that does not come", request: "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc", status: 408),
    ]

    @Test(arguments: refusals) func badRequestIsRefusedAndClosed(refusal: Refusal) async throws {
        let limits = HTTPServerLimits(maxBodyBytes: 100, maxHeaderBytes: 1024, bodyDeadline: .milliseconds(100))
        try await withServer(limits: limits, handler: echo) { server in
            let client = try RawClient(port: server.port)
            client.send(refusal.request)
            let answer = try #require(try await client.readToEnd(), "the connection stays open")
            #expect(answer.hasPrefix("HTTP/1.1 \(refusal.status) "), "\(refusal.reason): \(answer)")
        }
    }

    // MARK: Bodies together

    /// A handler that holds the bodies of `/hold` until it is told to go on.
    private final class Gate: Sendable {
        private let entered = AsyncStream.makeStream(of: Void.self)
        private let opened = AsyncStream.makeStream(of: Void.self)

        func handle(_ request: HTTPServerRequest) async -> HTTPServerResponse {
            if request.path == "/hold" {
                entered.continuation.yield()
                for await _ in opened.stream {}
            }
            return await echo(request)
        }

        func waitUntilEntered() async { for await _ in entered.stream { break } }
        func open() { opened.continuation.finish() }
    }

    private static let together = HTTPServerLimits(maxBodyBytes: 100, maxBodyBytesTogether: 150)

    private func post(_ server: HTTPServer, _ path: String, bytes: Int, isChunked: Bool = false) throws -> RawClient {
        let client = try RawClient(port: server.port)
        let body = String(repeating: "x", count: bytes)
        let framed = "transfer-encoding: chunked\r\n\r\n\(String(bytes, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        client.send("POST \(path) HTTP/1.1\r\nhost: a\r\nconnection: close\r\n" + (isChunked ? framed : "content-length: \(bytes)\r\n\r\n\(body)"))
        return client
    }

    /// Asks until there is room: what was held is given back a moment after its answer.
    private func eventuallyTaken(_ server: HTTPServer, bytes: Int) async throws -> Bool {
        for _ in 0..<500 {
            if try await post(server, "/", bytes: bytes).readToEnd()?.hasPrefix("HTTP/1.1 200 ") == true { return true }
            try await Task.sleep(for: .milliseconds(2))
        }
        return false
    }

    @Test(arguments: [false, true]) func bodiesTogetherHaveALimit(isChunked: Bool) async throws {
        let gate = Gate()
        let refusals = Mutex<[HTTPServer.Refusal]>([])
        let server = try await HTTPServer.start(
            host: "127.0.0.1", port: 0, limits: Self.together, logger: quiet, refused: { refusal in refusals.withLock { $0.append(refusal) } },
            handler: { await gate.handle($0) })
        let first = try post(server, "/hold", bytes: 100)
        await gate.waitUntilEntered()
        let answer = try #require(try await post(server, "/", bytes: 51, isChunked: isChunked).readToEnd())
        #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("retry-after: 1\r\n"), "\(answer)")
        #expect(server.refusedBodies == 1 && refusals.withLock { $0 } == [.bodies])
        #expect(try await post(server, "/", bytes: 50, isChunked: isChunked).readToEnd()?.hasPrefix("HTTP/1.1 200 ") == true, "the rest is free")
        gate.open()
        #expect(try await first.readToEnd()?.hasPrefix("HTTP/1.1 200 ") == true)
        #expect(try await eventuallyTaken(server, bytes: 100), "what was held came back")
        try await server.shutdown(grace: .seconds(1))
    }

    @Test func aBodyThatIsBrokenOffGivesItsRoomBack() async throws {
        let gate = Gate()
        try await withServer(limits: Self.together, handler: { await gate.handle($0) }) { server in
            func breakOff() async throws {
                let half = try RawClient(port: server.port)
                half.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n")
                #expect(try await half.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
                half.send(String(repeating: "x", count: 90))
            }
            for _ in 0..<5 { try await breakOff() }
            #expect(try await eventuallyTaken(server, bytes: 100))
            // Too long after some of it was held: given back as well.
            for _ in 0..<3 {
                #expect(try await post(server, "/", bytes: 101, isChunked: true).readToEnd()?.hasPrefix("HTTP/1.1 413 ") == true)
            }
            #expect(try await eventuallyTaken(server, bytes: 100))
            gate.open()
        }
    }

    @Test func slowHeadersAreCutAtTheDeadline() async throws {
        try await withServer(limits: HTTPServerLimits(headDeadline: .milliseconds(100)), handler: echo) { server in
            let client = try RawClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nhost:")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test func oneConnectionTooManyIsClosedAndCounted() async throws {
        try await withServer(limits: HTTPServerLimits(maxConnections: 1), handler: echo) { server in
            let first = try RawClient(port: server.port)
            first.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            #expect(try await first.read(until: "[] 0").hasPrefix("HTTP/1.1 200"))
            let second = try RawClient(port: server.port)
            #expect(try await second.readToEnd() == "")
            #expect(server.refusedConnections == 1)
        }
    }

    @Test func streamIsSentChunkByChunk() async throws {
        let left = Mutex(3)
        let respond: HTTPServer.Handler = { _ in
            HTTPServerResponse(
                status: 200,
                body: .stream {
                    let number = left.withLock { value -> Int in
                        value -= 1
                        return value
                    }
                    return number < 0 ? nil : Array("chunk\(number);".utf8)
                })
        }
        try await withServer(handler: respond) { server in
            let client = try RawClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            let answer = try #require(try await client.readToEnd())
            #expect(answer.contains("transfer-encoding: chunked"))
            #expect(answer.hasSuffix("7\r\nchunk2;\r\n7\r\nchunk1;\r\n7\r\nchunk0;\r\n0\r\n\r\n"))
        }
    }

    @Test func errorInStreamBreaksTheConnection() async throws {
        struct Cut: Error {}
        let first = Mutex(true)
        let respond: HTTPServer.Handler = { _ in
            HTTPServerResponse(
                status: 200,
                body: .stream {
                    guard
                        first.withLock({ value in
                            defer { value = false }; return value
                        })
                    else { throw Cut() }
                    return Array("half".utf8)
                })
        }
        try await withServer(handler: respond) { server in
            let client = try RawClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            let answer = try #require(try await client.readToEnd())
            #expect(answer.hasSuffix("4\r\nhalf\r\n"), "no last chunk: the client must see that something is missing")
        }
    }

    @Test func clientThatGoesAwayCancelsTheHandler() async throws {
        let (cancelled, report) = AsyncStream.makeStream(of: Void.self)
        let respond: HTTPServer.Handler = { _ in
            HTTPServerResponse(
                status: 200,
                body: .stream {
                    do {
                        try await Task.sleep(for: .seconds(60))
                    } catch {
                        report.finish()
                        throw error
                    }
                    return nil
                })
        }
        try await withServer(handler: respond) { server in
            func askAndLeave() async throws {
                let client = try RawClient(port: server.port)
                client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                #expect(try await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            }
            try await askAndLeave()
            for await _ in cancelled {}
        }
    }

    @Test func streamWaitsForASlowClientAndThenGivesUp() async throws {
        let pulled = Mutex(0)
        let respond: HTTPServer.Handler = { _ in
            HTTPServerResponse(
                status: 200,
                body: .stream {
                    pulled.withLock { $0 += 1 }
                    return [UInt8](repeating: 120, count: 1 << 20)
                })
        }
        try await withServer(limits: HTTPServerLimits(writeDeadline: .milliseconds(200)), handler: respond) { server in
            let client = try RawClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            #expect(try await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            // Nobody reads on: the sockets' buffers fill, the pull stops, and the deadline closes the connection.
            let start = ContinuousClock.now
            while pulled.withLock({ $0 }) < 2, start.duration(to: .now) < .seconds(5) { await Task.yield() }
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(pulled.withLock { $0 } < 30, "an unread stream was pulled without end")
    }

    @Test func shutdownEndsStreamsProperlyAndLetsResponsesFinish() async throws {
        let respond: HTTPServer.Handler = { request in
            if request.path == "/slow" {
                try? await Task.sleep(for: .milliseconds(100))
                return .text("finished")
            }
            return HTTPServerResponse(
                status: 200,
                body: .stream {
                    try await Task.sleep(for: .seconds(60)); return nil
                })
        }
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: quiet, handler: respond)
        let stream = try RawClient(port: server.port)
        stream.send("GET /watch HTTP/1.1\r\nhost: a\r\n\r\n")
        #expect(try await stream.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
        let slow = try RawClient(port: server.port)
        slow.send("GET /slow HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n")
        #expect(try await slow.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100"))
        let start = ContinuousClock.now
        try await server.shutdown()
        #expect(start.duration(to: .now) < .seconds(3))
        #expect(try await stream.readToEnd() == "0\r\n\r\n")
        #expect(try await slow.readToEnd()?.hasSuffix("finished") == true)
        #expect(throws: RawClient.Failure.self) { _ = try RawClient(port: server.port) }
    }

    @Test func takenPortIsAClearError() async throws {
        try await withServer(handler: echo) { server in
            let error = await #expect(throws: HTTPServerError.self) {
                try await HTTPServer.start(host: "127.0.0.1", port: server.port, logger: quiet, handler: echo)
            }
            #expect(error?.code == .bind)
            #expect(error?.message.contains(":\(server.port)") == true)
        }
    }

    @Test(arguments: [-1, 65536, 99999]) func portOutOfRangeIsAClearError(port: Int) async throws {
        let error = await #expect(throws: HTTPServerError.self) {
            try await HTTPServer.start(host: "127.0.0.1", port: port, logger: quiet, handler: echo)
        }
        #expect(error?.message.contains("a port is from 0 to 65535") == true)
    }

    @Test func unusableCertificateIsAClearError() async throws {
        let tls = HTTPServerTLS(certificatePEM: Array("nothing".utf8), privateKeyPEM: [])
        let error = await #expect(throws: HTTPServerError.self) {
            try await HTTPServer.start(host: "127.0.0.1", port: 0, tls: tls, logger: quiet, handler: echo)
        }
        #expect(error?.code == .tls)
    }
}
