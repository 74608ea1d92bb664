// A proxy for the tests of this target.
// Every test starts its own on a free port of the loopback.
// It never reaches beyond the loopback.

import Synchronization
import TestSupport

/// A proxy that opens tunnels (CONNECT) to ports of the loopback and keeps the first line of each request; other methods get status 200 and no tunnel.
final class TunnelProxy: Sendable {
    private let server: LoopbackServer
    private let lines: Lines

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    init() throws {
        let lines = Lines()
        self.lines = lines
        server = try LoopbackServer { Self.serve($0, lines) }
    }

    var port: UInt16 { server.port }
    var requests: [String] { lines.all.withLock { $0 } }

    private static func serve(_ connection: LoopbackServer.Connection, _ lines: Lines) {
        guard let line = connection.readHead()?.split(separator: "\r\n").first.map(String.init) else { return }
        lines.all.withLock { $0.append(line) }
        let words = line.split(separator: " ")
        guard words.first == "CONNECT", let port = words.dropFirst().first?.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        }
        guard let target = LoopbackServer.Connection(to: port) else { return }
        defer { target.close() }
        connection.write("HTTP/1.1 200 Connected\r\n\r\n")
        connection.join(target)
    }
}
