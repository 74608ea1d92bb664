// Certificates and a proxy for the tests of this target.
// Every test starts its own proxy on a free port of the loopback.
// It never reaches beyond the loopback.

import Foundation
import Synchronization
import Testing

/// A CA, a server certificate for 127.0.0.1 and otlp.test, and a client certificate, made with openssl once for all tests.
struct ExportCertificates: Sendable {
    let folder: String
    static let shared = Result { try ExportCertificates() }

    private init() throws {
        folder = NSTemporaryDirectory() + "sonde-export-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        try Self.openssl("req -x509 \(key) -keyout ca.key -out ca.crt -subj /CN=test-ca", folder)
        for (name, extra) in [("server", "-addext subjectAltName=IP:127.0.0.1,DNS:otlp.test"), ("client", "")] {
            try Self.openssl("req -x509 \(key) -CA ca.crt -CAkey ca.key -keyout \(name).key -out \(name).crt -subj /CN=\(name) \(extra)", folder)
        }
    }

    private static func openssl(_ arguments: String, _ folder: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = URL(filePath: folder)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }
}

/// A proxy that opens tunnels (CONNECT) to ports of the loopback and keeps the first line of each request; other methods get status 200 and no tunnel.
final class TunnelProxy: Sendable {
    let port: UInt16
    private let listener: Int32
    private let lines: Lines

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0 }
        }
        try #require(bound && listen(listener, 16) == 0)
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        let lines = Lines()
        self.lines = lines
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { Self.serve(connection, lines) }
            }
        }
    }

    var requests: [String] { lines.all.withLock { $0 } }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = port.bigEndian
        return address
    }

    private static func serve(_ connection: Int32, _ lines: Lines) {
        defer { close(connection) }
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.reversed().starts(with: [10, 13, 10, 13]) {
            guard read(connection, &byte, 1) == 1 else { return }
            head.append(byte)
        }
        let line = String(decoding: head.prefix { $0 != 13 }, as: UTF8.self)
        lines.all.withLock { $0.append(line) }
        let words = line.split(separator: " ")
        guard words.first == "CONNECT", let port = words.dropFirst().first?.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
            _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
            return
        }
        let target = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(target) }
        var address = loopback(port: port)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(target, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        guard connected else { return }
        let answer = Array("HTTP/1.1 200 Connected\r\n\r\n".utf8)
        _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
        copy(connection, target)
    }

    /// Both ways until one side ends.
    private static func copy(_ left: Int32, _ right: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var ends = [pollfd(fd: left, events: Int16(POLLIN), revents: 0), pollfd(fd: right, events: Int16(POLLIN), revents: 0)]
        while poll(&ends, 2, -1) > 0 {
            for (from, to) in [(0, right), (1, left)] where ends[from].revents != 0 {
                let count = read(ends[from].fd, &buffer, buffer.count)
                guard count > 0, send(to, buffer, count, Int32(MSG_NOSIGNAL)) == count else { return }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}
