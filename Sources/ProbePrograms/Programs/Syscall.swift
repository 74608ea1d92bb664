// The system calls' programs: hooks, maps and where each field lies in them.
// The loader, the agent and `sonde` take them from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/syscall.bpf.c, bpf/syscall_counts.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// System call count and latency.
    public static let syscall = ProbeProgram(
        name: "syscall",
        hooks: [
            ProbeHook(function: "sys_enter", tracepoint: "sys_enter", leastKernel: "5.11", purpose: "a system call starts"),
            ProbeHook(function: "sys_exit", tracepoint: "sys_exit", leastKernel: "5.11", purpose: "a system call ends"),
        ],
        groupMaps: [ProbeMap(name: "syscalls", keyBytes: SyscallKey.byteCount, valueBytes: HistogramLayout.byteCount, entries: 8192, leastEntries: 512)],
        signals: [ProbeSignal(metric: "ebpf.syscall.duration", needs: ["sys_enter", "sys_exit"], completedBy: [])],
        cost: .high,
        base64: SyscallObject.base64)

    /// System call count alone, from one hook: without the time, nothing is kept between two calls.
    public static let syscallCounts = ProbeProgram(
        name: "syscall_counts",
        hooks: [ProbeHook(function: "sys_exit_count", tracepoint: "sys_exit", leastKernel: "5.11", purpose: "a system call ends, and is counted")],
        groupMaps: [ProbeMap(name: "syscall_calls", keyBytes: SyscallKey.byteCount, valueBytes: SyscallCount.byteCount, entries: 8192, leastEntries: 512)],
        signals: [ProbeSignal(metric: "ebpf.syscall.calls", needs: ["sys_exit_count"], completedBy: [])],
        cost: .high,
        base64: Syscall_countsObject.base64)

    /// Whether it counts system calls: such a program has `syscall_filter`, and may be attached for a part of the time only.
    public var countsSystemCalls: Bool { groupMaps.contains { $0.name == "syscalls" || $0.name == "syscall_calls" } }

    /// Whether an interrupted call, which the kernel goes on with as `restart_syscall`, is the same call to the program.
    public var followsRestarts: Bool { name == "syscall" }
}

/// The value is a histogram in `syscalls`, a `SyscallCount` in `syscall_calls`.
public enum SyscallKey {
    public static let cgroupOffset = 0
    public static let numberOffset = 8
    public static let errorOffset = 12
    public static let byteCount = 16
}

public enum SyscallCount {
    public static let callsOffset = 0
    public static let byteCount = 8
}

/// The value of `syscall_filter`'s only entry: a bit for each wanted call.
public enum SyscallFilter {
    public static let syscallCount = 512
    public static let byteCount = syscallCount / 8
}
