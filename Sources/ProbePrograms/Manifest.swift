// The programs that Sonde has: the one list that loader, agent, command line and tests take them from.
// A program that is added in bpf/ is added here, with its layouts in Layouts.swift.
// Never says what a kernel can do; the loader finds that out by trying.

extension ProbeProgram {
    /// Every program, in the order in which they are loaded.
    public static let all: [ProbeProgram] = [.sched, .tcp, .syscall]

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

    /// TCP connection latency and failures, retransmitted segments.
    public static let tcp = ProbeProgram(
        name: "tcp",
        hooks: [
            ProbeHook(function: "inet_sock_set_state", tracepoint: "inet_sock_set_state", leastKernel: "5.11", purpose: "a connection is made or fails"),
            ProbeHook(function: "tcp_retransmit_skb", tracepoint: "tcp_retransmit_skb", leastKernel: "5.11", purpose: "segments are sent again"),
            ProbeHook(function: "tcp_retransmit_synack", tracepoint: "tcp_retransmit_synack", leastKernel: "5.11", purpose: "a SYN-ACK is sent again"),
        ],
        groupMaps: [
            ProbeMap(name: "connects", keyBytes: ConnectKey.byteCount, valueBytes: HistogramLayout.byteCount, entries: 4096, leastEntries: 512),
            ProbeMap(name: "retransmits", keyBytes: RetransmitKey.byteCount, valueBytes: RetransmitValue.byteCount, entries: 4096, leastEntries: 512),
        ],
        signals: [
            ProbeSignal(metric: "ebpf.tcp.connect.duration", needs: ["inet_sock_set_state"], completedBy: []),
            ProbeSignal(metric: "ebpf.tcp.retransmits", needs: ["tcp_retransmit_skb"], completedBy: ["tcp_retransmit_synack"]),
        ],
        cost: .low,
        base64: TcpObject.base64)

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
