// The program for what happens to processes: hooks, ring and where each field lies in its records.
// The loader, the agent and `sonde` take it from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/process.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// OOM kills, crashes and, on request, program starts.
    public static let process = ProbeProgram(
        name: "process",
        hooks: [
            ProbeHook(function: "sched_process_exec", tracepoint: "sched_process_exec", leastKernel: "5.8", purpose: "a program is started"),
            ProbeHook(function: "sched_process_exit", tracepoint: "sched_process_exit", leastKernel: "5.8", purpose: "a process ends, and may have crashed"),
            ProbeHook(function: "mark_victim", tracepoint: "mark_victim", leastKernel: "5.8", purpose: "a process is killed because memory is short"),
        ],
        groupMaps: [],
        rings: [ProbeRing(name: "process_events", bytes: 1 << 18, leastBytes: 1 << 15)],
        signals: [
            ProbeSignal(metric: "k8s.container.oom_kill", needs: ["mark_victim"], completedBy: []),
            ProbeSignal(metric: "process.crash", needs: ["sched_process_exit"], completedBy: []),
            ProbeSignal(metric: "process.exec", needs: ["sched_process_exec"], completedBy: []),
        ],
        cost: .low,
        base64: ProcessObject.base64)
}

/// A record of `process_events`.
public enum ProcessEventLayout {
    public static let timeOffset = 0
    public static let cgroupOffset = 8
    public static let anonymousPagesOffset = 16
    public static let kindOffset = 24
    public static let pidOffset = 28
    public static let signalOffset = 32
    public static let nameBytesOffset = 36
    public static let nameOffset = 40
    public static let nameByteCount = 128
    public static let byteCount = nameOffset + nameByteCount

    public enum Kind: UInt32, Sendable, CaseIterable {
        case exec = 0
        case crash = 1
        case oomKill = 2
    }
}
