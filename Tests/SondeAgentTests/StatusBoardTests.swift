// When the agent says that it is alive and ready, and what it says of each signal.

import ProbeCore
import ProbePrograms
import SondeAPI
import Testing

@testable import sonde_agent

@Suite struct StatusBoardTests {
    private static let second: UInt64 = 1_000_000_000
    private static let empty = AgentStatus(node: "n", version: "1", kernelRelease: "6.1")

    @Test func aLoopThatStandsStillIsUnhealthyAfterThreeIntervals() {
        let board = StatusBoard(Self.empty, now: 0)
        #expect(board.answer("/healthz", now: 30 * Self.second).status == 200, "loading programs takes its time")
        #expect(board.answer("/healthz", now: 31 * Self.second).status == 503)
        board.turned(now: 100 * Self.second, interval: 20 * Self.second)
        #expect(board.answer("/healthz", now: 160 * Self.second).status == 200)
        #expect(board.answer("/healthz", now: 161 * Self.second) == .text(503, "the loop has not gone round for 61 s"))
        #expect(board.answer("/healthz", now: 0).status == 200, "a request that was accepted before the turn")
    }

    @Test func readyMeansProgramsTriedAndCgroupsRead() {
        let board = StatusBoard(Self.empty, now: 0)
        #expect(board.answer("/readyz", now: 0) == .text(503, "programs are being loaded"))
        board.started(wereCgroupsRead: false)
        #expect(board.answer("/readyz", now: 0).status == 503)
        board.started(wereCgroupsRead: true)
        board.started(wereCgroupsRead: false)
        #expect(board.answer("/readyz", now: 0).status == 200, "once is enough")
        #expect(board.answer("/other", now: 0).status == 404)
    }

    @Test func aNewStatusKeepsWhatTheExporterSaid() throws {
        let board = StatusBoard(Self.empty, now: 0)
        board.report(.init(state: .refused, message: "no"))
        var status = Self.empty
        status.losses = ["sched": 3]
        board.publish(status)
        let shown = try AgentStatus(parsing: board.answer("/status", now: 0).body)
        #expect(shown.export == .init(state: .refused, message: "no") && shown.losses == ["sched": 3])
    }

    private static let signals: ProbeSignals = {
        var signals = AgentConfiguration(endpoint: "http://localhost:4318").signals
        signals.http.enabled = true
        return signals
    }()

    @Test func signalsSayWhatLoadingGaveAndWhatTheBudgetTookBack() throws {
        let outcomes: [String: [AgentStatus.Metric]] = [
            "tcp": [.init(name: "t", state: .unsupported, reason: "no hook")], "sched": [.init(name: "s", state: .active)],
        ]
        func report(_ steps: [SavingStep]) -> [String: [AgentStatus.Metric]] {
            Dictionary(uniqueKeysWithValues: SignalReport.signals(Self.signals, outcomes: outcomes, saving: steps).map { ($0.name, $0.metrics) })
        }
        #expect(report([])["tcp"] == outcomes["tcp"])
        #expect(report([])["scheduler"] == outcomes["sched"])
        #expect(report([])["http"] == [], "this version does not take it")
        #expect(report([])["syscalls"] == nil, "switched off")
        let saved = try #require(report([.schedulerOff])["scheduler"])
        #expect(!saved.isEmpty && saved.allSatisfy { $0.state == .degraded && $0.reason.contains("the scheduler's signals are off") })
    }

    @Test func everyProgramBelongsToAFamilyThatIsSaidToBeTaken() {
        for program in ProbeProgram.all {
            #expect(ProbeSignals.available.contains(SignalReport.family(of: program)), "\(program.name)")
        }
        let taken = Set(ProbeProgram.all.map { SignalReport.family(of: $0) })
        #expect(ProbeSignals.available == taken)
    }

    @Test func costIsAveragedOverMinutes() {
        var average = CostAverage()
        average.take(NodeCost(elapsedSeconds: 0, kernelSeconds: ["a": 1], agentSeconds: 1))
        #expect(average.overhead == .init(), "no time, no cost")
        average.take(NodeCost(elapsedSeconds: 5, kernelSeconds: ["a": 0.05], agentSeconds: 0.01))
        #expect(average.overhead == .init(kernelMillicores: 10, agentMillicores: 2))
        average.take(NodeCost(elapsedSeconds: 5, kernelSeconds: ["a": 0.1], agentSeconds: 0.01))
        #expect(average.overhead.kernelMillicores == 15, "the first minutes count alike")
        for _ in 0..<600 { average.take(NodeCost(elapsedSeconds: 5, kernelSeconds: ["a": 0.005], agentSeconds: 0.01)) }
        #expect(abs(average.overhead.kernelMillicores - 1) < 0.01)
        average.take(NodeCost(elapsedSeconds: 5, kernelSeconds: ["a": 0.5], agentSeconds: 0.01))
        #expect(average.overhead.kernelMillicores < 3, "one burst moves it little")
    }
}
