// Which programs a configuration asks for, after what the budget takes back.
// ProbeSet loads and unloads so that exactly these run.
// It never looks at the kernel: what cannot be loaded is found out by trying.

import ProbeCore
import ProbePrograms
import SondeAPI

enum ProbePlan {
    /// The programs to run, in the order of the manifest.
    static func programs(_ signals: ProbeSignals, saving steps: [SavingStep]) -> [ProbeProgram] {
        let steps = Set(steps)
        let isFast = signals.scheduler.precision == .fast || steps.contains(.schedulerFast)
        let wanted: [(program: ProbeProgram, isWanted: Bool)] = [
            (.sched, signals.scheduler.enabled && !isFast && !steps.contains(.schedulerOff)),
            (.schedFast, signals.scheduler.enabled && isFast && !steps.contains(.schedulerOff)),
            // Before tcp and drops, which look into its maps.
            (.iter, signals.tcp.enabled && !steps.contains(.tcpOff)),
            (.tcp, signals.tcp.enabled && !steps.contains(.tcpOff)),
            (.drops, signals.drops.enabled && !steps.contains(.dropsOff)),
            (.syscall, signals.syscalls.enabled && signals.syscalls.mode == .latency && !steps.contains(.systemCallsOff)),
            (.syscallCounts, signals.syscalls.enabled && signals.syscalls.mode == .counts && !steps.contains(.systemCallsOff)),
            (.files, signals.files.enabled && !steps.contains(.filesOff)),
            (.process, signals.events.enabled),
            (.dns, signals.dns.enabled && !steps.contains(.dnsOff)),
            (.disk, signals.disk.enabled && !steps.contains(.diskOff)),
        ]
        return wanted.filter(\.isWanted).map(\.program)
    }

    /// Names of the kinds that the configuration asks for, whether or not the budget lets them run now.
    static func kinds(_ signals: ProbeSignals, tellsAddresses: Bool) -> Set<String> {
        var kinds = Set(programs(signals, saving: []).flatMap(\.groupMaps).map(\.name))
        if signals.scheduler.enabled { kinds.formUnion(["steal", "throttling", "pressure"]) }
        if signals.tcp.enabled { kinds.formUnion(["connections", "listen_overflows", "retransmit_drift"]) }
        if signals.tcp.enabled, tellsAddresses { kinds.insert(GroupKind.peers.name) }
        if signals.drops.enabled { kinds.insert("device_drops") }
        if signals.dns.enabled { kinds.formUnion(["dns_lookups", "dns_answers"]) }
        if signals.files.enabled { kinds.insert("file_operations") }
        return kinds
    }

    /// What the budget may take back. `precision: Exact` asks for exact times or none.
    static func possibleSteps(_ signals: ProbeSignals) -> Set<SavingStep> {
        var steps: Set<SavingStep> = []
        if signals.scheduler.enabled { steps.insert(.schedulerOff) }
        if signals.scheduler.enabled, signals.scheduler.precision == .auto { steps.insert(.schedulerFast) }
        if signals.tcp.enabled { steps.insert(.tcpOff) }
        if signals.drops.enabled { steps.insert(.dropsOff) }
        if signals.dns.enabled { steps.insert(.dnsOff) }
        if signals.files.enabled { steps.insert(.filesOff) }
        if signals.disk.enabled { steps.insert(.diskOff) }
        if signals.syscalls.enabled { steps.formUnion([.systemCallsSampled, .systemCallsOff]) }
        return steps
    }
}
