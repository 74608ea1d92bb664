// The built agent as a process: proxies of its environment, and headers that change while it runs.
// It takes no signal here, so it needs no right; its own metrics are what it sends.
// It never reaches beyond the loopback.

import Foundation
import Synchronization
import Testing

@Suite struct ExportProcessTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Runs the agent until the condition holds, and ends it.
    private static func run(endpoint: String, headers: URL? = nil, environment: [String: String], until isDone: () throws -> Bool) async throws {
        let folder = try ConfigurationFileTests.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "agent.yaml")
        let signals = ["scheduler", "tcp", "drops", "dns", "http", "disk", "events"].map { "  \($0): {enabled: false}\n" }.joined()
        let text = """
            destination:
              endpoint: \(endpoint)
              compression: None
            \(headers.map { "  headersDirectory: \($0.path)" } ?? "")
            intervalSeconds: 1
            statusPort: 0
            paths: {cgroups: \(folder.path), containers: \(folder.path)}
            signals:
            \(signals)
            """
        try text.write(to: file, atomically: false, encoding: .utf8)
        let agent = Process()
        agent.executableURL = root.appending(path: ".build/debug/sonde-agent")
        agent.arguments = ["--config", file.path]
        agent.environment = environment
        agent.standardError = FileHandle.nullDevice
        agent.standardOutput = FileHandle.nullDevice
        try agent.run()
        defer {
            kill(agent.processIdentifier, SIGKILL)
            agent.waitUntilExit()
        }
        // An export each second, and a look at the files every other.
        for _ in 0..<1000 {
            if try isDone() { return }
            try #require(agent.isRunning)
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("nothing came within 20 s")
    }

    @Test func theProxyOfTheEnvironmentGetsTheExport() async throws {
        let proxy = try HeadServer()
        try await Self.run(endpoint: "http://otlp.invalid:4318", environment: ["http_proxy": "http://127.0.0.1:\(proxy.port)"]) { !proxy.heads.isEmpty }
        let head = try #require(proxy.heads.first)
        #expect(head.hasPrefix("POST http://otlp.invalid:4318/v1/metrics HTTP/1.1\r\n"), "\(head)")
        #expect(head.lowercased().contains("user-agent: sonde-agent/"))
    }

    @Test(arguments: ["NO_PROXY", "no_proxy"]) func exceptionsFromTheProxyHold(variable: String) async throws {
        let proxy = try HeadServer(), receiver = try HeadServer()
        let environment = ["http_proxy": "http://127.0.0.1:\(proxy.port)", variable: "example.org,127.0.0.0/8"]
        try await Self.run(endpoint: "http://127.0.0.1:\(receiver.port)", environment: environment) { !receiver.heads.isEmpty }
        #expect(receiver.heads.first?.hasPrefix("POST /v1/metrics HTTP/1.1\r\n") == true && proxy.heads.isEmpty)
    }

    /// As the kubelet changes a mounted Secret: the link `..data` turns to another folder.
    @Test func aChangedSecretIsInTheNextExports() async throws {
        let receiver = try HeadServer()
        let secret = try ConfigurationFileTests.folder()
        defer { try? FileManager.default.removeItem(at: secret) }
        for version in ["old", "new"] {
            try FileManager.default.createDirectory(at: secret.appending(path: "..\(version)"), withIntermediateDirectories: true)
            try version.write(to: secret.appending(path: "..\(version)/x-token"), atomically: false, encoding: .utf8)
        }
        let data = secret.appending(path: "..data").path
        try FileManager.default.createSymbolicLink(atPath: data, withDestinationPath: "..old")
        try FileManager.default.createSymbolicLink(atPath: secret.appending(path: "x-token").path, withDestinationPath: "..data/x-token")
        var hasTurned = false
        try await Self.run(endpoint: "http://127.0.0.1:\(receiver.port)", headers: secret, environment: [:]) {
            let tokens = receiver.heads.map { $0.contains("x-token: new\r\n") ? "new" : $0.contains("x-token: old\r\n") ? "old" : "none" }
            if tokens.contains("old"), !hasTurned {
                try FileManager.default.createSymbolicLink(atPath: data + "_tmp", withDestinationPath: "..new")
                try #require(rename(data + "_tmp", data) == 0)
                hasTurned = true
            }
            #expect(!tokens.contains("none"))
            return tokens.last == "new"
        }
    }
}

/// A server that keeps the heads of requests and answers each with status 200.
private final class HeadServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let kept = Kept()

    private final class Kept: Sendable {
        let heads = Mutex<[String]>([])
    }

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0 }
        }
        try #require(bound && listen(listener, 16) == 0)
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        let kept = kept
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Self.answer(connection, kept)
            }
        }
    }

    var heads: [String] { kept.heads.withLock { $0 } }

    private static func answer(_ connection: Int32, _ kept: Kept) {
        defer { close(connection) }
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.reversed().starts(with: [10, 13, 10, 13]) {
            guard read(connection, &byte, 1) == 1 else { return }
            head.append(byte)
        }
        kept.heads.withLock { $0.append(String(decoding: head, as: UTF8.self)) }
        let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
        _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
        shutdown(connection, Int32(SHUT_WR))
        var rest = [UInt8](repeating: 0, count: 65_536)
        while read(connection, &rest, rest.count) > 0 {}
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}
