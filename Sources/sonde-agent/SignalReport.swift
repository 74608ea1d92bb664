// The state of each signal as the status tells it: from what loading programs gave and what the budget takes back.
// AgentLoop puts it into its status.
// It never tries anything itself.

import ProbeCore
import ProbeKernel
import ProbePrograms
import SondeAPI

enum SignalReport {
    /// - Parameters:
    ///   - outcomes: By program, what came of its metrics when it was loaded.
    ///   - steps: What the budget takes back now.
    ///   - files: By family, what the kernel's files give; it stands for what a program of the same name would give.
    /// - Returns: Each family that is switched on. One without metrics is not taken by this version.
    static func signals(
        _ signals: ProbeSignals, outcomes: [String: [AgentStatus.Metric]], saving steps: [SavingStep], files: [String: [AgentStatus.Metric]] = [:]
    )
        -> [AgentStatus.Signal]
    {
        let (planned, running) = (ProbePlan.programs(signals, saving: []), ProbePlan.programs(signals, saving: steps))
        return signals.families.filter(\.enabled).map { name, _ in
            let ours = running.filter { family(of: $0) == name }
            let metrics =
                ours.isEmpty
                ? planned.filter { family(of: $0) == name }.flatMap { taken(back: $0, steps) } : ours.flatMap { outcomes[$0.name] ?? [] }
            let fromFiles = files[name] ?? []
            return AgentStatus.Signal(name: name, metrics: metrics.filter { metric in !fromFiles.contains { $0.name == metric.name } } + fromFiles)
        }
    }

    private static func taken(back program: ProbeProgram, _ steps: [SavingStep]) -> [AgentStatus.Metric] {
        let reason = steps.last { $0.programs.contains(program.name) }?.text ?? "off"
        return program.metricNames.map { AgentStatus.Metric(name: $0, state: .degraded, reason: "the CPU budget is reached: \(reason)") }
    }

    /// The family in `spec.signals` that a program belongs to.
    static func family(of program: ProbeProgram) -> String {
        switch program.name {
        case "sched", "sched_fast": "scheduler"
        case "syscall", "syscall_counts": "syscalls"
        case "disk_issue": "disk"
        case "process": "events"
        case "iter": "tcp"
        default: program.name
        }
    }
}

extension AgentStatus.Metric {
    init(_ signal: ProbeSignal, _ state: SignalState) {
        switch state {
        case .active: self.init(name: signal.metric, state: .active)
        case .degraded(let reason): self.init(name: signal.metric, state: .degraded, reason: reason)
        case .unavailable(let reason): self.init(name: signal.metric, state: .unsupported, reason: reason)
        }
    }
}
