// Files for `sonde top`: the files program's maps and its ring of paths become counts by cgroup and path template.
// Top reads the ring ten times a second and the maps with each screen; TopReading copies the counts.
// It never forgets within a run: counts only grow, and further templates than the limit stand under `~other`.

import ProbeCore
import ProbeKernel
import ProbePrograms

/// Calls on files of one template.
struct FileCounts: Equatable {
    var opens: UInt64 = 0
    var reads: UInt64 = 0
    var writes: UInt64 = 0
    var syncs: UInt64 = 0
    var readBytes: UInt64 = 0
    var writtenBytes: UInt64 = 0

    var operations: UInt64 { opens + reads + writes + syncs }

    static func += (left: inout FileCounts, right: FileCounts) { left = left.combined(right, &+) }

    static func - (left: FileCounts, right: FileCounts) -> FileCounts { left.combined(right, &-) }

    private func combined(_ other: FileCounts, _ operation: (UInt64, UInt64) -> UInt64) -> FileCounts {
        FileCounts(
            opens: operation(opens, other.opens), reads: operation(reads, other.reads), writes: operation(writes, other.writes),
            syncs: operation(syncs, other.syncs), readBytes: operation(readBytes, other.readBytes),
            writtenBytes: operation(writtenBytes, other.writtenBytes))
    }
}

struct TopFiles {
    /// Templates of all cgroups together.
    static let templatesMax = 20000

    private(set) var cgroups: [UInt64: [String: FileCounts]] = [:]
    private var templates = 0
    private var table = FileTable(redact: [])

    /// Takes the paths that wait in the ring.
    mutating func drain(_ probes: [LoadedProbe]) throws(ProbeKernelError) {
        guard let probe = probes.first(where: { $0.program.name == ProbeProgram.files.name }) else { return }
        for ring in probe.program.rings { try probe.drain(ring.name) { table.take($0) } }
    }

    /// Reads the maps.
    mutating func read(_ probes: [LoadedProbe]) throws(ProbeKernelError) {
        guard let probe = probes.first(where: { $0.program.name == ProbeProgram.files.name }) else { return }
        try drain(probes)
        for map in probe.program.groupMaps where GroupKind(map: map.name) == nil {
            let (uses, idle) = table.read(map.name, try probe.groups(of: map.name))
            uses.forEach { add($0) }
            if !idle.isEmpty { table.forget(map.name, try probe.take(idle, from: map.name)).forEach { add($0) } }
        }
    }

    private mutating func add(_ use: FileTable.Use) {
        var template = use.template ?? overflowValue
        if cgroups[use.cgroup]?[template] == nil {
            if templates >= Self.templatesMax { template = overflowValue } else { templates += 1 }
        }
        cgroups[use.cgroup, default: [:]][template, default: FileCounts()] += FileCounts(
            opens: use.opens, reads: use.reads, writes: use.writes, syncs: use.syncs, readBytes: use.readBytes, writtenBytes: use.writtenBytes)
    }
}
