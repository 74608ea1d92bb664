// The built agent as a process: proxies of its environment, and headers that change while it runs.
// It takes no signal here, so it needs no right; its own metrics are what it sends.
// It never reaches beyond the loopback.

import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct ExportProcessTests {
    /// Runs the agent until the condition holds, and ends it.
    private static func run(endpoint: String, headers: URL? = nil, environment: [String: String], until isDone: () throws -> Bool) async throws {
        let folder = try TemporaryFolder()
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
        let file = try folder.write("agent.yaml", text)
        let agent = try ChildProcess(try ChildProcess.built("sonde-agent"), ["--config", file], environment: environment)
        defer { agent.end() }
        // An export each second, and a look at the files every other.
        let came = try await eventually {
            try #require(agent.isRunning)
            return try isDone()
        }
        #expect(came, "nothing came in time")
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
        let folder = try TemporaryFolder()
        let secret = folder.url
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
    private let server: LoopbackServer
    private let kept: Kept

    private final class Kept: Sendable {
        let heads = Mutex<[String]>([])
    }

    init() throws {
        let kept = Kept()
        self.kept = kept
        server = try LoopbackServer { connection in
            guard let head = connection.readHead() else { return }
            kept.heads.withLock { $0.append(head) }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.finish()
        }
    }

    var port: UInt16 { server.port }
    var heads: [String] { kept.heads.withLock { $0 } }
}
