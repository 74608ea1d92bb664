// The files' program: hooks, maps and where each field lies in them.
// The loader, the agent and `sonde` take it from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/files.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// Opens, reads, writes and syncs of regular files, by file.
    public static let files = ProbeProgram(
        name: "files",
        hooks: [
            ProbeHook(function: "files_enter", tracepoint: "sys_enter", leastKernel: "5.11", purpose: "an open or a sync begins"),
            ProbeHook(function: "files_exit", tracepoint: "sys_exit", leastKernel: "5.11", purpose: "a call on a file is done"),
        ],
        accounts: ["file_calls", "file_paths"],
        groupMaps: [
            ProbeMap(name: "files", keyBytes: FileKey.byteCount, valueBytes: FileValue.byteCount, entries: 4096, leastEntries: 512),
            ProbeMap(name: "files_rest", keyBytes: 8, valueBytes: FileValue.byteCount, entries: 1024, leastEntries: 128),
            ProbeMap(name: "file_times", keyBytes: FileTimeKey.byteCount, valueBytes: HistogramLayout.byteCount, entries: 1024, leastEntries: 128),
        ],
        rings: [ProbeRing(name: "file_paths", bytes: 1 << 18, leastBytes: 1 << 16)],
        signals: [
            ProbeSignal(metric: "ebpf.file.operations", needs: ["files_exit"], completedBy: []),
            ProbeSignal(metric: "ebpf.file.io", needs: ["files_exit"], completedBy: []),
            ProbeSignal(metric: "ebpf.file.duration", needs: ["files_enter", "files_exit"], completedBy: []),
        ],
        cost: .high,
        base64: FilesObject.base64)
}

/// A file as one cgroup uses it.
public enum FileKey {
    public static let cgroupOffset = 0
    public static let inodeOffset = 8
    /// The kernel's `dev_t`.
    public static let deviceOffset = 16
    public static let generationOffset = 20
    public static let byteCount = 24
}

/// Successful calls and their bytes.
public enum FileValue {
    public static let opensOffset = 0
    public static let readsOffset = 8
    public static let writesOffset = 16
    public static let syncsOffset = 24
    public static let readBytesOffset = 32
    public static let writtenBytesOffset = 40
    /// Not a counter: whether this CPU has sent the path.
    public static let namedOffset = 48
    public static let byteCount = 56
}

/// The value is a histogram.
public enum FileTimeKey {
    public static let cgroupOffset = 0
    public static let operationOffset = 8
    public static let errorOffset = 12
    public static let byteCount = 16

    public enum Operation: UInt32, Sendable, CaseIterable {
        case open = 0
        case fsync = 1
    }
}

/// A record of the ring `file_paths`: the names of the path's components, the last one first. It ends behind the last name that there is.
public enum FilePathLayout {
    public static let keyOffset = 0
    public static let namesOffset = 24
    /// The upper components are missing.
    public static let isCutOffset = 28
    public static let nameOffset = 32
    public static let nameBytes = 40
    public static let namesMax = 16
    public static let byteCount = nameOffset + namesMax * nameBytes
}
