// `sonde-agent status` against the agent's own server and against others, and the lines that it prints.

import Foundation
import SondeAPI
import Testing

@testable import sonde_agent

@Suite struct StatusQuestionTests {
    private static let full = AgentStatus(
        node: "worker-1", version: "0.1.0", kernelRelease: "6.1.0-18-amd64",
        signals: [
            .init(name: "scheduler", metrics: [.init(name: "a", state: .active), .init(name: "b", state: .active)]),
            .init(
                name: "tcp",
                metrics: [.init(name: "c", state: .active), .init(name: "d", state: .unsupported, reason: "no tracepoint"), .init(name: "e", state: .active)]),
            .init(name: "http", metrics: []),
        ], overhead: .init(kernelMillicores: 3.46, agentMillicores: 12.6), budget: .init(steps: ["system calls are off"]),
        losses: ["sched": 3, "metric_point": 9, "dns": 0], export: .init(state: .refused, message: "HTTP 401"))

    private static let patience = Duration.seconds(60)

    /// Runs a status server on a thread while `body` runs.
    private static func withServer(_ status: AgentStatus, address: String, _ body: (StatusServer) async throws -> Void) async throws {
        let server = try StatusServer(address: address, port: 0, board: StatusBoard(status, now: Clock.monotonicNanoseconds()))
        async let serving = NamedThread.run("status") { server.run() }
        do {
            try await body(server)
        } catch {
            server.stop()
            _ = await serving
            throw error
        }
        server.stop()
        #expect(await serving)
    }

    @Test(arguments: [("127.0.0.1", nil), ("*", "*"), ("*", ""), ("127.0.0.2", "127.0.0.2"), ("::1", "::1")] as [(String, String?)])
    func theAgentAnswersWhereItListens(address: String, variable: String?) async throws {
        try await Self.withServer(Self.full, address: address) { server in
            // A busy machine may take its time: what is asked here is where, not how fast. The server itself ends a connection that lasted for five seconds.
            var answer = try? await StatusQuestion(statusAddress: variable, port: server.port, timeout: Self.patience).ask()
            for _ in 0..<10 where answer == nil {
                answer = try? await StatusQuestion(statusAddress: variable, port: server.port, timeout: Self.patience).ask()
            }
            #expect(answer == Self.full)
        }
    }

    @Test func nobodyThereIsAFailureWithTheAddress() async throws {
        let board = StatusBoard(Self.full, now: 0)
        let port = try StatusServer(address: "127.0.0.1", port: 0, board: board).port  // Closed again at once.
        do throws(StatusQuestion.Failure) {
            _ = try await StatusQuestion(statusAddress: nil, port: port, timeout: Self.patience).ask()
            Issue.record("somebody answered")
        } catch {
            #expect(error.message.hasPrefix("no agent answers at http://127.0.0.1:\(port)/status: "))
        }
    }

    @Test func theTableSaysWhatAndWhy() {
        #expect(
            StatusTable(status: Self.full).text == """
                node      worker-1, kernel 6.1.0-18-amd64, sonde-agent 0.1.0
                export    refused: HTTP 401
                overhead  3.5m in the kernel, 13m the agent
                budget    held; system calls are off
                lost      metric_point 9, sched 3

                SIGNAL     STATE        METRICS  WHY
                scheduler  active       2/2
                tcp        degraded     2/3      d: no tracepoint
                http       unsupported  0/0      this version of the agent does not take it
                """)
    }

    @Test func aNewAgentHasATableToo() {
        let text = StatusTable(status: AgentStatus(node: "n", version: "1", kernelRelease: "6.1", budget: .init(isOver: true))).text
        #expect(text.contains("export    waiting: nothing was sent yet\n") && text.contains("budget    exceeded, and nothing is left to take back\n"))
        #expect(text.contains("overhead  not measured yet\n"))
        #expect(text.contains("lost      nothing\n") && text.hasSuffix("SIGNAL  STATE  METRICS  WHY"))
    }
}
