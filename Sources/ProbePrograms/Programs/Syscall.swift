// The system calls' program: hooks, maps and where each field lies in them.
// The loader, the agent and `sonde` take it from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/syscall.bpf.c and bpf/layout.h; a test compares them.

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
}

/// The value is a histogram.
public enum SyscallKey {
    public static let cgroupOffset = 0
    public static let numberOffset = 8
    public static let errorOffset = 12
    public static let byteCount = 16
}

/// The value of `syscall_filter`'s only entry: a bit for each wanted call.
public enum SyscallFilter {
    public static let syscallCount = 512
    public static let byteCount = syscallCount / 8
}
