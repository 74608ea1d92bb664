// What is chosen before a program is loaded.
// Made by the agent and the command line from configuration and what they see of the host.
// Never changed afterwards; only the wanted system calls and DNS ports can be, through the loaded probe.
import ProbePrograms

/// Constants and sizes of a load.
public struct ProbeSettings: Sendable, Hashable {
    /// Which hierarchy cgroup ids come from.
    public enum CgroupMode: Sendable, Hashable {
        /// Version 1's memory hierarchy: where `/sys/fs/cgroup` is no cgroup2 file system (also hybrid hosts).
        case v1Memory
        /// The unified hierarchy.
        case v2
    }

    public var cgroupMode: CgroupMode
    public var histogramUnit: HistogramUnit
    /// Memory for the group maps of one program, values of all possible CPUs included; nil takes every map's full size.
    public var mapMemoryBytes: Int?
    /// Numbers of the system calls to count; used by the programs that count them.
    public var systemCalls: Set<UInt32>
    /// Round-trip times are taken of one of so many received segments; 0: of none.
    public var roundTripSampling = 16
    /// Whether program starts are recorded.
    public var recordsExec = false
    /// Server ports below this are told with connections; 0 tells none.
    public var portsBelow = 0
    /// Whether the addresses of clients' peers are told.
    public var tellsAddresses = false
    /// Ports that carry DNS; used by the DNS program only.
    public var dnsPorts: Set<UInt16>

    /// The network namespace (its inode) whose retransmitted segments are also counted on their own; 0: none.
    public var comparedNetwork: UInt32 = 0

    public init(
        cgroupMode: CgroupMode, histogramUnit: HistogramUnit = .binarySecond, mapMemoryBytes: Int? = nil, systemCalls: Set<UInt32> = [],
        dnsPorts: Set<UInt16> = [53]
    ) {
        self.cgroupMode = cgroupMode
        self.histogramUnit = histogramUnit
        self.mapMemoryBytes = mapMemoryBytes
        self.systemCalls = systemCalls
        self.dnsPorts = dnsPorts
    }
}

/// How many entries each group map gets: its full size, or its share of the memory, but never less than its least.
///
/// Per-CPU maps hold a value for every possible CPU, so the same memory has room for fewer groups on a larger machine.
func mapEntries(of program: ProbeProgram, memoryBytes: Int?, cpuCount: Int) -> [String: UInt32] {
    // What the kernel adds to an entry: struct htab_elem and the pointer to the values.
    let overheadBytes = 56
    let entryBytes = { (map: ProbeMap) in map.keyBytes + overheadBytes + (map.valueBytes + 7) / 8 * 8 * cpuCount }
    let fullBytes = program.groupMaps.reduce(0) { $0 + $1.entries * entryBytes($1) }
    return program.groupMaps.reduce(into: [:]) { sizes, map in
        guard let memoryBytes, memoryBytes < fullBytes else {
            sizes[map.name] = UInt32(map.entries)
            return
        }
        let share = Double(memoryBytes) / Double(fullBytes) * Double(map.entries)
        sizes[map.name] = UInt32(max(Int(share), map.leastEntries))
    }
}

/// How large each ring gets: its full size, or the largest power of two within a quarter of the memory, but never less than its least.
func ringBytes(of program: ProbeProgram, memoryBytes: Int?) -> [String: UInt32] {
    program.rings.reduce(into: [:]) { sizes, ring in
        var bytes = ring.bytes
        while let memoryBytes, bytes > ring.leastBytes, bytes > memoryBytes / 4 { bytes /= 2 }
        sizes[ring.name] = UInt32(bytes)
    }
}
