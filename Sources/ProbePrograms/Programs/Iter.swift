// The program that walks over all tasks: when it is run, its map and where each field lies in it.
// The loader, the agent and `sonde` take it from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/iter.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// Open TCP sockets by state and owner, listeners' drops, and the owners of what is older than the other programs.
    public static let iter = ProbeProgram(
        name: "iter",
        hooks: [ProbeHook(function: "walk_tasks", running: "bpf_iter_task_new", leastKernel: "6.7", purpose: "all tasks and their open sockets are looked at")],
        groupMaps: [],
        signals: [
            ProbeSignal(metric: "system.network.connection.count", needs: ["walk_tasks"], completedBy: []),
            ProbeSignal(metric: "ebpf.tcp.listen.overflows", needs: ["walk_tasks"], completedBy: []),
        ],
        cost: .low,
        base64: IterObject.base64)
}

/// A value of `open_sockets`; the key is the socket's address.
public enum OpenSocketLayout {
    public static let cgroupOffset = 0
    public static let walkOffset = 8
    public static let dropsOffset = 16
    public static let stateOffset = 20
    public static let byteCount = 24
}
