// A client of raw bytes over a loopback socket: what a test sends is exactly what the server reads.
// HTTPServerTests use it for limits, deadlines, pipelining and clients that go away.
// It never parses more than it must to find the end of what the server sent.

import Glibc
import Logging

@testable import HTTPServer

final class RawClient {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        if result != 0 { throw Failure(errno: errno) }
    }

    deinit { close(descriptor) }

    struct Failure: Error { let errno: Int32 }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return }
            sent += count
        }
    }

    /// What arrives until the text stands in it, the server closes, or 10 s pass.
    func read(until end: String) async throws -> String {
        var all: [UInt8] = []
        while !String(decoding: all, as: UTF8.self).contains(end), let chunk = try await receive(), !chunk.isEmpty { all += chunk }
        return String(decoding: all, as: UTF8.self)
    }

    /// Everything until the server closes; nil when it did not within 10 s.
    func readToEnd() async throws -> String? {
        var all: [UInt8] = []
        while let chunk = try await receive() {
            if chunk.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += chunk
        }
        return nil
    }

    /// The next bytes; empty at the end, nil after 10 s. Never blocks a thread of the pool that the server's handlers need.
    private func receive() async throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count >= 0 { return Array(buffer[..<count]) }
            if errno != EAGAIN { return [] }
            try await Task.sleep(for: .milliseconds(1))
        }
        return nil
    }
}

let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// Runs a server for the time of one test body.
func withServer<Result>(
    limits: HTTPServerLimits = HTTPServerLimits(), handler: @escaping HTTPServer.Handler, _ body: (HTTPServer) async throws -> Result
) async throws -> Result {
    let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, limits: limits, logger: quiet, handler: handler)
    do {
        let result = try await body(server)
        try await server.shutdown(grace: .seconds(1))
        return result
    } catch {
        try await server.shutdown(grace: .seconds(1))
        throw error
    }
}
