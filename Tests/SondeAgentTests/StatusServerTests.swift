// The status server over real sockets: what it answers, and what clients that misbehave get.

import Foundation
import SondeAPI
import TestSupport
import Testing

@testable import sonde_agent

@Suite struct StatusServerTests {
    static let status = AgentStatus(node: "n1", version: "1", kernelRelease: "6.1", signals: [.init(name: "tcp", metrics: [.init(name: "a", state: .active)])])

    static func board() -> StatusBoard { StatusBoard(status, now: Clock.monotonicNanoseconds()) }

    /// Runs a server on a free port of loopback while `body` runs on a thread that may block.
    static func withServer(_ board: StatusBoard = board(), address: String = "127.0.0.1", _ body: @escaping @Sendable (StatusServer) -> Void) async throws {
        let server = try StatusServer(address: address, port: 0, board: board)
        async let serving = NamedThread.run("status") { server.run() }
        _ = await NamedThread.run("client") { body(server) }
        server.stop()
        #expect(await serving)
    }

    @Test func aStatusIsAnsweredAndReadsBack() async throws {
        try await Self.withServer { server in
            let answer = Client(server).exchange("GET /status HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"))
            let body = Array(answer.utf8.drop { $0 != UInt8(ascii: "{") })
            #expect((try? AgentStatus(parsing: body)) == Self.status)
            #expect(answer.contains("content-length: \(body.count)\r\n"))
        }
    }

    @Test func anyAddressMeansBothFamilies() async throws {
        try await Self.withServer(address: "*") { server in
            #expect(Client(server).exchange("GET /healthz HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 200"))
        }
        #expect(throws: FileFailure.self) { try StatusServer(address: "localhost", port: 0, board: Self.board()) }
        #expect(throws: FileFailure.self) { try StatusServer(address: "127.0.0.1", port: 70_000, board: Self.board()) }
        let first = try StatusServer(address: "127.0.0.1", port: 0, board: Self.board())
        #expect(throws: FileFailure.self, "the port is taken") { try StatusServer(address: "127.0.0.1", port: first.port, board: Self.board()) }
    }

    static let requests: [(reason: String, text: String, status: Int)] = [
        ("a query is ignored", "GET /status?x=1 HTTP/1.0\r\n\r\n", 200), ("there is nothing else", "GET / HTTP/1.1\r\n\r\n", 404),
        ("nothing can be changed", "POST /status HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}", 405), ("HEAD is not GET", "HEAD /status HTTP/1.1\r\n\r\n", 405),
        ("two words", "GET /status\r\n\r\n", 400), ("another protocol", "\u{16}\u{3}\u{1}\r\n\r\n", 400), ("an empty line", "\r\n\r\n", 400),
        ("a proxy's form", "GET http://a/status HTTP/1.1\r\n\r\n", 400), ("a newer version", "GET /status HTTP/2\r\n\r\n", 505),
        ("more than a request may have", "GET /status HTTP/1.1\r\nx: " + String(repeating: "a", count: 1100), 431),
        ("far more", String(repeating: "a", count: 300_000), 431),
    ]

    @Test func requestsGetTheirStatus() async throws {
        try await Self.withServer { server in
            for (reason, text, status) in Self.requests {
                #expect(Client(server).exchange(text).hasPrefix("HTTP/1.1 \(status) "), "\(reason)")
            }
            #expect(server.counts.answered == 2 && server.counts.refused == UInt64(Self.requests.count - 2))
        }
    }

    @Test func aRequestMayComeByteByByte() async throws {
        try await Self.withServer { server in
            let client = Client(server)
            for byte in "GET /healthz HTTP/1.1\r\n\r\n".utf8 { client.send([byte]) }
            #expect(client.readAll().hasSuffix("\r\n\r\nok\n"))
        }
    }

    @Test func theOldestOfTooManyClientsGivesWay() async throws {
        try await Self.withServer { server in
            let idle = (0..<StatusServer.clientsMax).map { _ in Client(server) }
            for client in idle { client.send(Array("GET /he".utf8)) }
            #expect(Client(server).exchange("GET /healthz HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 200 "), "a probe is answered whoever holds connections")
            #expect(idle[0].readAll().hasPrefix("HTTP/1.1 503 "))
            idle[7].send(Array("althz HTTP/1.1\r\n\r\n".utf8))
            #expect(idle[7].readAll().hasPrefix("HTTP/1.1 200 "), "the others are still served")
            #expect(server.counts.displaced >= 1)
        }
    }

    @Test func aSlowClientIsTurnedAwayAtItsDeadline() throws {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { close(ends[1]) }
        var connection = StatusConnection(descriptor: ends[0], now: 100)
        defer { connection.close() }
        _ = write(ends[1], "GET /", 5)
        connection.proceed(now: 100 + StatusConnection.deadlineNanoseconds - 1) { _ in nil }
        #expect(!connection.isDone)
        connection.proceed(now: connection.deadline) { _ in nil }
        #expect(connection.isDone)
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = read(ends[1], &bytes, bytes.count)
        #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
    }

    @Test func anythingElseIsRefusedAndNothingBreaks() async throws {
        let seeded = Seeded()
        try await Self.withServer { server in
            var random = seeded
            let valid = Array("GET /status HTTP/1.1\r\nhost: a\r\n\r\n".utf8)
            for _ in 0..<300 {
                var bytes = valid
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    let index = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: bytes[index] = .random(in: 0...255, using: &random)
                    case 1: bytes.insert(.random(in: 0...255, using: &random), at: index)
                    default: bytes.replaceSubrange(index..<index, with: [UInt8](repeating: bytes[index], count: .random(in: 0...700, using: &random)))
                    }
                }
                let client = Client(server)
                client.send(bytes)
                client.finish()
                let answer = client.readAll()
                #expect(answer.isEmpty || answer.wholeMatch(of: /HTTP\/1\.1 (200|400|404|405|431|505) [^\0]*/) != nil, "\(bytes)")
            }
            #expect(Client(server).exchange("GET /healthz HTTP/1.1\r\n\r\n").hasSuffix("ok\n"))
        }
    }
}

/// A blocking client with a deadline of its own.
private final class Client {
    private let descriptor: Int32

    init(_ server: StatusServer) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(server.port).bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        if !isConnected { Issue.record("no connection: \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return }  // It has answered and closed.
            rest = rest.dropFirst(count)
        }
    }

    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    func readAll() -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count <= 0 { return String(decoding: all, as: UTF8.self) }
            all += chunk[..<count]
        }
    }

    func exchange(_ text: String) -> String {
        send(Array(text.utf8))
        return readAll()
    }
}
