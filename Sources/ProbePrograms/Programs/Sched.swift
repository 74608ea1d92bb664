// The scheduler's program: hooks, maps and where each field lies in them.
// The loader, the agent and `sonde` take it from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/sched.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// Run-queue latency and context switches.
    public static let sched = ProbeProgram(
        name: "sched",
        hooks: [
            ProbeHook(function: "sched_wakeup", tracepoint: "sched_wakeup", leastKernel: "5.11", purpose: "a task becomes runnable"),
            ProbeHook(function: "sched_wakeup_new", tracepoint: "sched_wakeup_new", leastKernel: "5.11", purpose: "a new task becomes runnable"),
            ProbeHook(function: "sched_switch", tracepoint: "sched_switch", leastKernel: "5.11", purpose: "a CPU goes from one task to another"),
        ],
        groupMaps: [ProbeMap(name: "sched_groups", keyBytes: SchedKey.byteCount, valueBytes: SchedValue.byteCount, entries: 2048, leastEntries: 256)],
        signals: [
            ProbeSignal(metric: "ebpf.sched.runqueue.latency", needs: ["sched_wakeup", "sched_switch"], completedBy: ["sched_wakeup_new"]),
            ProbeSignal(metric: "process.context_switches", needs: ["sched_switch"], completedBy: []),
        ],
        cost: .medium,
        base64: SchedObject.base64)

    /// The same signals from one hook, at half the cost: sums and tails hold, single waits below 64 µs do not.
    public static let schedFast = ProbeProgram(
        name: "sched_fast",
        hooks: [
            ProbeHook(
                function: "sched_switch_fast", tracepoint: "sched_switch", leastKernel: "5.8",
                purpose: "a CPU goes from one task to another, waits as the kernel keeps them")
        ],
        groupMaps: sched.groupMaps,
        signals: [
            ProbeSignal(metric: "ebpf.sched.runqueue.latency", needs: ["sched_switch_fast"], completedBy: []),
            ProbeSignal(metric: "process.context_switches", needs: ["sched_switch_fast"], completedBy: []),
        ],
        optional: OptionalMap(
            name: "waited_before", constant: "has_task_storage", metric: "ebpf.sched.runqueue.latency",
            limitation: "programs have no task storage (Linux 5.11): what a task waited before it was moved to another CPU is missing"),
        cost: .medium,
        base64: Sched_fastObject.base64)
}

public enum SchedKey {
    public static let cgroupOffset = 0
    public static let byteCount = 8
}

/// The latency of a group's tasks, then how often they left a CPU.
public enum SchedValue {
    /// A histogram (`HistogramLayout`).
    public static let latencyOffset = 0
    public static let voluntaryOffset = HistogramLayout.byteCount
    public static let involuntaryOffset = HistogramLayout.byteCount + 8
    public static let byteCount = HistogramLayout.byteCount + 16
}
