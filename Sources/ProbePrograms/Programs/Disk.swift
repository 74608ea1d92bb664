// The disk's programs: hooks, maps and where each field lies in them.
// The loader, the agent and `sonde` take them from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/disk.h and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// Block IO latency with the time in the queue.
    public static let disk = ProbeProgram(
        name: "disk",
        hooks: [
            ProbeHook(function: "block_io_start", tracepoint: "block_io_start", leastKernel: "6.5", purpose: "a block request begins"),
            ProbeHook(function: "block_io_done", tracepoint: "block_io_done", leastKernel: "6.5", purpose: "a block request ends"),
        ],
        groupMaps: [ProbeMap(name: "disks", keyBytes: DiskKey.byteCount, valueBytes: HistogramLayout.byteCount, entries: 1024, leastEntries: 128)],
        signals: [ProbeSignal(metric: "ebpf.disk.io.duration", needs: ["block_io_start", "block_io_done"], completedBy: [])],
        cost: .low,
        base64: DiskObject.base64)

    /// Block IO latency of the device alone, for kernels without the hooks of `disk`.
    public static let diskIssue = ProbeProgram(
        name: "disk_issue",
        hooks: [
            ProbeHook(function: "block_rq_issue", tracepoint: "block_rq_issue", leastKernel: "5.8", purpose: "a block request goes to its device"),
            ProbeHook(function: "block_rq_complete", tracepoint: "block_rq_complete", leastKernel: "5.8", purpose: "a block request is completed"),
            ProbeHook(
                function: "block_getrq", tracepoint: "block_getrq", leastKernel: "5.8",
                purpose: "a block request is made; on cgroup version 1 it tells whose request it is"),
        ],
        groupMaps: disk.groupMaps,
        signals: [ProbeSignal(metric: "ebpf.disk.io.duration", needs: ["block_rq_issue", "block_rq_complete"], completedBy: ["block_getrq"])],
        cost: .low,
        base64: Disk_issueObject.base64)
}

/// The value is a histogram.
public enum DiskKey {
    public static let cgroupOffset = 0
    /// `major << 20 | minor`.
    public static let deviceOffset = 8
    public static let directionOffset = 12
    public static let byteCount = 16

    public enum Direction: UInt32, Sendable, CaseIterable {
        case read = 0
        case write = 1
    }
}
