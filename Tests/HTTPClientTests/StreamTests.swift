// Streams and cancellation: pieces arrive as they are sent, a slow reader slows the sender, and nothing is left behind.
// The server's side counts what it handed over.
// No test here depends on how bytes are cut into pieces.

import HTTPServer
import Synchronization
import TestSupport
import Testing

@testable import HTTPClient

struct StreamTests {
    /// Endless unless `total` is set; counts bytes that the transport took.
    private final class Source: Sendable {
        static let chunkBytes = 64 << 10
        let sent = Mutex(0)
        let total: Int
        init(total: Int = .max) { self.total = total }

        func next() -> [UInt8]? {
            sent.withLock { sent in
                guard sent < total else { return nil }
                sent += Self.chunkBytes
                return [UInt8](repeating: UInt8(truncatingIfNeeded: sent / Self.chunkBytes), count: Self.chunkBytes)
            }
        }
    }

    private static func silence(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        HTTPServerResponse(
            status: 200,
            body: .stream {
                try await Task.sleep(for: .seconds(3600))
                return nil
            })
    }

    @Test func aSlowReaderPausesTheTransferAndLosesNothing() async throws {
        let source = Source(total: 64 << 20)
        try await withServer(handler: { _ in HTTPServerResponse(status: 200, body: .stream { source.next() }) }) { client, url async throws in
            let stream = try await client.stream(HTTPRequest(url: url))
            var before = -1
            // Nobody reads: the sender must come to rest, with no more under way than the buffers of client and kernel.
            #expect(
                try await eventually {
                    let now = source.sent.withLock { $0 }
                    defer { before = now }
                    try? await Task.sleep(for: .milliseconds(300))
                    return now == before
                })
            #expect(before < 32 << 20)
            var received = 0
            for try await piece in stream.body { received += piece.count }
            #expect(received == source.total)
        }
    }

    @Test func aPausedStreamHasNoDeadline() throws {
        let transfer = try Transfer(
            HTTPRequest(url: "http://127.0.0.1:1/", idleTimeout: .seconds(1)), mode: .stream(bufferBytes: 1), defaultTLS: TLSConfiguration())
        let easy = try #require(EasyTransfer(transfer, settings: HTTPClient.Configuration()))
        #expect(easy.deadline != nil, "until the head is there")
        let receive = { (bytes: [UInt8]) in bytes.withUnsafeBytes { piece in transfer.withState { $0.onBody(piece).0 } } }
        for line in ["HTTP/1.1 200 OK\r\n", "\r\n"] { _ = Array(line.utf8).withUnsafeBytes { piece in transfer.withState { $0.onHeaderLine(piece) } } }
        #expect(receive([1]) == .taken && easy.deadline != nil, "while the server may send")
        #expect(receive([2]) == .pause && easy.deadline == nil, "while its reader is slow")
        _ = easy.resume()
        #expect(easy.deadline != nil, "when its reader is ready again")
    }

    @Test func headAndPiecesArriveBeforeTheEnd() async throws {
        let (chunks, feed) = AsyncStream<[UInt8]>.makeStream()
        try await withServer(handler: { _ in
            HTTPServerResponse(
                status: 206, headers: [("x-a", "1")],
                body: .stream {
                    for await chunk in chunks { return chunk }; return nil
                })
        }) { client, url async throws in
            feed.yield(Array("one".utf8))
            let stream = try await client.stream(HTTPRequest(url: url))
            #expect(stream.status == 206)
            #expect(stream.headers["X-A"] == "1")
            var pieces = stream.body.makeAsyncIterator()
            #expect(try await pieces.next() == Array("one".utf8))
            feed.yield(Array("two".utf8))
            #expect(try await pieces.next() == Array("two".utf8))
            feed.finish()
            #expect(try await pieces.next() == nil)
            #expect(try await pieces.next() == nil)
        }
    }

    @Test func aDroppedStreamIsFreed() async throws {
        let source = Source()
        try await withServer(handler: { _ in HTTPServerResponse(status: 200, body: .stream { source.next() }) }) { client, url async throws in
            do {
                let stream = try await client.stream(HTTPRequest(url: url))
                var pieces = stream.body.makeAsyncIterator()
                _ = try await pieces.next()
                #expect(client.liveTransfers == 1)
            }
            #expect(try await eventually { client.liveTransfers == 0 })
        }
    }

    @Test func prefixReadsNoFurtherThanAsked() async throws {
        let source = Source()
        try await withServer(handler: { _ in HTTPServerResponse(status: 500, body: .stream { source.next() }) }) { client, url async throws in
            let stream = try await client.stream(HTTPRequest(url: url))
            #expect(try await stream.body.prefix(maxBytes: 100_000).count == 100_000)
            #expect(try await eventually { client.liveTransfers == 0 })
        }
    }

    @Test func silenceEndsAStream() async throws {
        try await withServer(handler: Self.silence) { client, url async throws in
            let stream = try await client.stream(HTTPRequest(url: url, idleTimeout: .milliseconds(50)))
            let error = await failure { for try await _ in stream.body {} }
            #expect(error?.code == .timeout)
            #expect(client.liveTransfers == 0)
        }
    }

    @Test func whatCameBeforeACutIsHandedOver() async throws {
        let server = try RawServer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        let client = HTTPClient()
        let stream = try await client.stream(HTTPRequest(url: "http://127.0.0.1:\(server.port)"))
        #expect(try await eventually { client.liveTransfers == 0 })
        var pieces = stream.body.makeAsyncIterator()
        #expect(try await pieces.next() == Array("half".utf8))
        let error = await failure { _ = try await pieces.next() }
        #expect(error?.code == .broken)
        await client.shutdown()
    }

    @Test func cancellingATaskEndsItsStream() async throws {
        try await withServer(handler: Self.silence) { client, url async throws in
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        for try await _ in try await client.stream(HTTPRequest(url: url)).body {}
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                #expect((try? await eventually { client.liveTransfers == 1 }) == true)
                group.cancelAll()
                #expect(await group.next() == true)
            }
            #expect(try await eventually { client.liveTransfers == 0 })
        }
    }

    @Test func aThousandCancelledRequestsLeaveNothing() async throws {
        try await withServer(handler: { _ in
            try? await Task.sleep(for: .seconds(3600))
            return .text("late")
        }) { client, url async throws in
            let cancelled = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<1000 {
                    group.addTask {
                        do {
                            _ = try await client.send(HTTPRequest(url: url))
                            return false
                        } catch {
                            return error is CancellationError
                        }
                    }
                }
                #expect((try? await eventually { client.liveTransfers == 1000 }) == true)
                group.cancelAll()
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(cancelled == 1000)
            // Freed before the calls returned, so there is nothing to wait for.
            #expect(client.liveTransfers == 0)
        }
    }

    @Test func aTaskThatIsCancelledAlreadySendsNothing() async throws {
        let requests = Mutex(0)
        try await withServer(handler: { _ in
            requests.withLock { $0 += 1 }
            return .text("ok")
        }) { client, url async throws in
            await withTaskGroup(of: Bool.self) { group in
                group.cancelAll()
                group.addTask {
                    do {
                        _ = try await client.send(HTTPRequest(url: url))
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                #expect(await group.next() == true)
            }
            #expect(requests.withLock { $0 } == 0)
        }
    }
}
