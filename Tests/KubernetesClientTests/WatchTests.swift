// Watches: events however the bytes are cut, each way in which a stream can end, and nothing left behind.
// The server is scripted: it sends exactly the pieces of the case.
// Deadlines are tens of milliseconds.

import HTTPServer
import JSON
import Kubernetes
import Synchronization
import TestSupport
import Testing

@testable import KubernetesClient

struct WatchTests {
    private static func added(_ name: String, version: Int, padding: Int = 0) -> String {
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\(name)\",\"resourceVersion\":\"\(version)\",\"managedFields\":[{}]},\"pad\":\"\(String(repeating: "é", count: padding))\"}}\n"
    }

    private static let bookmark = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"12\"}}}\n"
    private static let expired = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\"}}\n"

    /// Sends the pieces one after the other and then ends as told.
    private static func body(_ pieces: [[UInt8]], then end: End = .close) -> HTTPServerResponse.Body {
        let rest = Mutex(pieces[...])
        return .stream {
            if let piece = rest.withLock({ $0.popFirst() }) { return piece }
            switch end {
            case .close: return nil
            case .cut: throw CancellationError()
            case .silence:
                try await Task.sleep(for: .seconds(3600))
                return nil
            }
        }
    }

    private enum End { case close, cut, silence }

    private let request = KubernetesRequest(.get, "/api/v1/pods", query: [.init("watch", "true")])

    private func names(_ stream: WatchStream) async throws -> [String] {
        var names: [String] = []
        for try await event in stream {
            switch event {
            case .added(let object): names.append(object.metadata.name)
            case .bookmark(let version, _): names.append("bookmark \(version)")
            case .failed(let error): names.append("\(error.code)")
            case .undecodable: names.append("undecodable")
            case .modified, .deleted: names.append("unexpected")
            }
        }
        return names
    }

    @Test func eventsArriveHoweverTheBytesAreCut() async throws {
        let text = Array((Self.added("a", version: 1) + Self.added("b", version: 2, padding: 3) + Self.bookmark).utf8)
        try await withServer(handler: { request in
            let size = Int(request.queryItem("size") ?? "") ?? 1
            return HTTPServerResponse(
                status: 200, body: Self.body(stride(from: 0, to: text.count, by: size).map { Array(text[$0..<min($0 + size, text.count)]) }))
        }) { client async throws in
            for size in [1, 2, 7, 64, 100_000] {
                var request = request
                request.query.append(.init("size", String(size)))
                #expect(try await names(client.watch(request)) == ["a", "b", "bookmark 12"], "pieces of \(size) bytes")
            }
        }
    }

    @Test func managedFieldsAreDropped() async throws {
        try await withServer(handler: { _ in HTTPServerResponse(status: 200, body: Self.body([Array(Self.added("a", version: 1).utf8)])) }) {
            client async throws in
            for try await event in try await client.watch(request) {
                guard case .added(let object) = event else {
                    Issue.record("\(event)")
                    return
                }
                #expect(object.at("metadata", "managedFields") == nil)
            }
        }
    }

    @Test func anExpiredVersionIsGoneAsAStatusAndInsideTheStream() async throws {
        let status = KubernetesError(.gone, status: 410, reason: "Expired", message: "too old resource version").statusObject
        try await withServer(handler: { request in
            request.queryItem("inside") == nil ? json(status, status: 410) : HTTPServerResponse(status: 200, body: Self.body([Array(Self.expired.utf8)]))
        }) { client async throws in
            let error = await failure { _ = try await client.watch(request) }
            #expect(error?.code == .gone && error?.message == "too old resource version")
            var inside = request
            inside.query.append(.init("inside", "1"))
            #expect(try await names(client.watch(inside)) == ["gone"])
        }
    }

    @Test func oneBadEventDoesNotEndTheWatch() async throws {
        let lines = "not json\n" + "{\"type\":\"NEW\"}\n" + "\n" + Self.added("a", version: 1)
        try await withServer(handler: { _ in HTTPServerResponse(status: 200, body: Self.body([Array(lines.utf8)])) }) { client async throws in
            #expect(try await names(client.watch(request)) == ["undecodable", "undecodable", "a"])
        }
    }

    @Test func anEventBeyondTheLimitIsSkipped() async throws {
        let lines = [Self.added("a", version: 1), Self.added("large", version: 2, padding: 5000), Self.added("b", version: 3)].map { Array($0.utf8) }
        let configure: (String) throws -> ClientConfiguration = { server in
            var configuration = ClientConfiguration(server: server)
            configuration.watchEventBytesMax = 1000
            return configuration
        }
        try await withServer(handler: { _ in HTTPServerResponse(status: 200, body: Self.body(lines)) }, configure: configure) { client async throws in
            #expect(try await names(client.watch(request)) == ["a", "undecodable", "b"])
        }
    }

    @Test(arguments: [(true, "cut by the network"), (false, "ended by the server in the middle of an event")])
    func aCutStreamIsANetworkErrorAfterItsEvents(isCut: Bool, reason: String) async throws {
        let text = Self.added("a", version: 1) + "{\"type\":"
        try await withServer(handler: { _ in HTTPServerResponse(status: 200, body: Self.body([Array(text.utf8)], then: isCut ? .cut : .close)) }) {
            client async throws in
            var events = try await client.watch(request).makeAsyncIterator()
            guard case .added = try await events.next() else {
                Issue.record("the event before the cut is lost: \(reason)")
                return
            }
            let error = await failure { _ = try await events.next() }
            #expect(error?.code == .network, "\(reason)")
        }
    }

    @Test func silenceBeyondTheDeadlineEndsTheWatch() async throws {
        let configure: (String) throws -> ClientConfiguration = { server in
            var configuration = ClientConfiguration(server: server)
            configuration.watchIdleTimeout = .milliseconds(50)
            return configuration
        }
        try await withServer(handler: { _ in HTTPServerResponse(status: 200, body: Self.body([], then: .silence)) }, configure: configure) {
            client async throws in
            let error = await failure { _ = try await names(client.watch(request)) }
            #expect(error?.code == .timeout)
            #expect(error?.retry == .backoff)
            #expect(client.liveRequests == 0)
        }
    }

    @Test func cancelledAndDroppedWatchesLeaveNothing() async throws {
        let open = Mutex(0)
        try await withServer(handler: { _ in
            open.withLock { $0 += 1 }
            return HTTPServerResponse(status: 200, body: Self.body([Array(Self.added("a", version: 1).utf8)], then: .silence))
        }) { client async throws in
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        do {
                            _ = try await names(client.watch(request))
                            return false
                        } catch {
                            return error is CancellationError
                        }
                    }
                }
                #expect((try? await eventually { open.withLock { $0 } == 20 && client.liveRequests == 20 }) == true)
                group.cancelAll()
                #expect(await group.reduce(true) { $0 && $1 })
            }
            #expect(try await eventually { client.liveRequests == 0 })
            do {
                var events = try await client.watch(request).makeAsyncIterator()
                _ = try await events.next()
            }
            #expect(try await eventually { client.liveRequests == 0 })
        }
    }
}

struct LineFramerTests {
    @Test func linesAreTheSameForEverySplit() {
        let text = Array("one\n\ntwo three\nfour".utf8)
        for first in 0...text.count {
            for second in first...text.count {
                var framer = LineFramer(lineBytesMax: 100)
                var lines: [LineFramer.Line] = []
                for piece in [text[..<first], text[first..<second], text[second...]] {
                    framer.append(Array(piece))
                    while let line = framer.next() { lines.append(line) }
                }
                #expect(lines == ["one", "", "two three"].map { .line(Array($0.utf8)) }, "split at \(first) and \(second)")
                #expect(framer.hasPartialLine)
            }
        }
    }

    @Test func aLineBeyondTheLimitIsSkippedWhole() {
        var framer = LineFramer(lineBytesMax: 4)
        var lines: [LineFramer.Line] = []
        for piece in ["123", "45", "678\n", "1234\n12345\nok\n"] {
            framer.append(Array(piece.utf8))
            while let line = framer.next() { lines.append(line) }
        }
        #expect(lines == [.tooLong(bytes: 8), .line(Array("1234".utf8)), .tooLong(bytes: 5), .line(Array("ok".utf8))])
        #expect(!framer.hasPartialLine)
    }
}

struct Base64Tests {
    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")])
    func theVectorsOfRFC4648HoldBothWays(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
    }

    @Test(arguments: ["Zg=", "Zg", "Z===", "Zg==Zg==", "Z-9v", "Zm9v "]) func otherTextIsRefused(text: String) { #expect(Base64.decode(text) == nil) }

    @Test func lineBreaksAreSkipped() { #expect(Base64.decode("Zm9v\nYmFy\r\n") == Array("foobar".utf8)) }
}
