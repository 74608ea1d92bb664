// What the loop knows, for those who ask over HTTP: the newest status, and the signs that the loop works.
// AgentLoop and the exporter's report write it; StatusServer reads it for each request.
// It never waits for the loop: a loop that hangs is what it must tell.

import JSON
import SondeAPI
import Synchronization

/// One answer over HTTP.
struct StatusAnswer: Equatable {
    var status: Int
    var contentType = "text/plain; charset=utf-8"
    var body: [UInt8]

    static func text(_ status: Int, _ text: String) -> StatusAnswer { StatusAnswer(status: status, body: Array((text + "\n").utf8)) }
}

/// Thread rules: any thread may call; nothing blocks.
final class StatusBoard: Sendable {
    private struct State {
        var status: AgentStatus
        var turnedNanoseconds: UInt64
        var silenceNanoseconds: UInt64 = StatusBoard.silenceNanosecondsMin
        var wereProgramsTried = false
        var wereCgroupsRead = false
    }

    /// Intervals that the loop may take for one turn, and the least time: loading programs alone takes seconds on a slow node.
    static let silentIntervalsMax: UInt64 = 3
    static let silenceNanosecondsMin: UInt64 = 30_000_000_000

    private let state: Mutex<State>

    /// - Parameter now: CLOCK_MONOTONIC, as everywhere here.
    init(_ status: AgentStatus, now: UInt64) { state = Mutex(State(status: status, turnedNanoseconds: now)) }

    /// The loop has gone round.
    func turned(now: UInt64, interval: UInt64) {
        state.withLock {
            $0.turnedNanoseconds = now
            $0.silenceNanoseconds = max(Self.silentIntervalsMax * interval, Self.silenceNanosecondsMin)
        }
    }

    /// Programs were tried; the cgroups were read, or not yet.
    func started(wereCgroupsRead: Bool) {
        state.withLock {
            $0.wereProgramsTried = true
            $0.wereCgroupsRead = $0.wereCgroupsRead || wereCgroupsRead
        }
    }

    /// Puts a new status up; what the exporter has reported stays.
    func publish(_ status: AgentStatus) {
        state.withLock { state in
            let export = state.status.export
            state.status = status
            state.status.export = export
        }
    }

    func report(_ export: AgentStatus.Export) { state.withLock { $0.status.export = export } }

    func answer(_ path: String, now: UInt64) -> StatusAnswer {
        let state = state.withLock { $0 }
        switch path {
        case AgentStatus.path: return StatusAnswer(status: 200, contentType: "application/json", body: state.status.document.bytes())
        case "/healthz":
            let silent = now >= state.turnedNanoseconds ? now - state.turnedNanoseconds : 0
            if silent <= state.silenceNanoseconds { return .text(200, "ok") }
            return .text(503, "the loop has not gone round for \(silent / 1_000_000_000) s")
        case "/readyz":
            if !state.wereProgramsTried { return .text(503, "programs are being loaded") }
            return state.wereCgroupsRead ? .text(200, "ok") : .text(503, "the cgroup hierarchy was not read yet: the host's /sys/fs/cgroup must be mounted")
        default: return .text(404, "there is \(AgentStatus.path), /healthz and /readyz")
        }
    }
}
