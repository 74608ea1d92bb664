// DNS lookups for `sonde top`: the records of the DNS program's ring become counts by cgroup, name and error.
// Top reads the ring ten times a second; TopReading copies the counts.
// It never forgets within a run: counts only grow, and further names than the limit stand under `~other`.

import Glibc
import ProbeCore
import ProbeKernel
import ProbePrograms

/// Lookups that ended alike.
struct LookupCounts: Equatable {
    struct Label: Hashable, Comparable {
        var name: String
        /// nil when they were answered.
        var error: String?

        static func < (left: Label, right: Label) -> Bool { (left.name, left.error ?? "") < (right.name, right.error ?? "") }
    }

    var count: UInt64 = 0
    var sumNanoseconds: UInt64 = 0
    /// Of `DNSLookups.Lookups.bounds`, and one beyond.
    var buckets = [UInt64](repeating: 0, count: DNSLookups.Lookups.bounds.count + 1)

    static func += (left: inout LookupCounts, right: LookupCounts) {
        left.count += right.count
        left.sumNanoseconds += right.sumNanoseconds
        for index in left.buckets.indices { left.buckets[index] += right.buckets[index] }
    }

    static func - (left: LookupCounts, right: LookupCounts) -> LookupCounts {
        var difference = left
        difference.count -= right.count
        difference.sumNanoseconds -= right.sumNanoseconds
        for index in difference.buckets.indices { difference.buckets[index] -= right.buckets[index] }
        return difference
    }
}

struct TopLookups {
    /// Names and errors of all cgroups together.
    static let labelsMax = 20000

    private(set) var cgroups: [UInt64: [LookupCounts.Label: LookupCounts]] = [:]
    private var labels = 0
    private var decoder = DNSLookups()

    /// Takes what waits in the ring.
    mutating func drain(_ probes: [LoadedProbe]) throws(ProbeKernelError) {
        guard let probe = probes.first(where: { $0.program.name == ProbeProgram.dns.name }) else { return }
        for ring in probe.program.rings { try probe.drain(ring.name) { decoder.take($0) } }
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        for lookups in decoder.takeLookups(monotonicNanoseconds: UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)) { add(lookups) }
    }

    private mutating func add(_ lookups: DNSLookups.Lookups) {
        var label = LookupCounts.Label(name: lookups.name, error: lookups.error)
        if cgroups[lookups.cgroup]?[label] == nil {
            if labels >= Self.labelsMax { label.name = overflowValue } else { labels += 1 }
        }
        cgroups[lookups.cgroup, default: [:]][label, default: LookupCounts()] += LookupCounts(
            count: lookups.count, sumNanoseconds: lookups.sumNanoseconds, buckets: lookups.buckets)
    }
}
