// What `sonde top` reads from the kernel: counts by cgroup, and the difference of two readings.
// Top shows it; units are those that the programs were loaded with.
// It never names a cgroup: TopNames does.

import ProbeCore
import ProbeKernel
import ProbePrograms

/// A histogram of durations, summed over the CPUs.
struct Durations: Equatable {
    var count: UInt64 = 0
    var sumNanoseconds: UInt64 = 0
    var slots = [UInt64](repeating: 0, count: HistogramLayout.slotCount)

    /// The kernel's count may be one event apart from the slots while an event is counted, so the slots are what counts.
    init(_ value: [UInt8], at offset: Int = 0) {
        sumNanoseconds = counter(value, offset + HistogramLayout.sumNanosecondsOffset)
        for slot in slots.indices { slots[slot] = counter(value, offset + HistogramLayout.slotsOffset + 8 * slot) }
        count = slots.reduce(0, +)
    }

    init() {}

    static func += (left: inout Durations, right: Durations) {
        left.count += right.count
        left.sumNanoseconds += right.sumNanoseconds
        for slot in left.slots.indices { left.slots[slot] += right.slots[slot] }
    }

    static func - (left: Durations, right: Durations) -> Durations {
        var difference = Durations()
        difference.count = left.count &- right.count
        difference.sumNanoseconds = left.sumNanoseconds &- right.sumNanoseconds
        for slot in left.slots.indices { difference.slots[slot] = left.slots[slot] &- right.slots[slot] }
        return difference
    }

    /// The upper bound in seconds of the slot that holds the quantile: the true value is between half of it and it.
    func quantile(_ share: Double, _ unit: HistogramUnit) -> Double? {
        guard count > 0 else { return nil }
        var seen: UInt64 = 0
        for (slot, events) in slots.enumerated() {
            seen += events
            if Double(seen) >= share * Double(count) { return unit.upperBoundSeconds(slot: slot) }
        }
        return nil
    }
}

/// Packets that were dropped.
struct DropCounts: Equatable {
    var packets: UInt64 = 0
    var bytes: UInt64 = 0

    static func - (left: DropCounts, right: DropCounts) -> DropCounts {
        DropCounts(packets: left.packets &- right.packets, bytes: left.bytes &- right.bytes)
    }
}

/// All counts of one cgroup.
struct CgroupCounts: Equatable {
    struct Label: Hashable {
        var first: UInt32
        var error: UInt32
    }

    var latency = Durations()
    var voluntary: UInt64 = 0
    var involuntary: UInt64 = 0
    /// By role and error.
    var connects: [Label: Durations] = [:]
    /// Segments by kind and error.
    var retransmits: [Label: UInt64] = [:]
    /// By number and error.
    var systemCalls: [Label: Durations] = [:]
    /// The same, of calls that are counted without their times.
    var systemCallCounts: [Label: UInt64] = [:]
    /// By role.
    var lifetimes: [Label: Durations] = [:]
    var roundTrips = Durations()
    /// By direction.
    var resets: [Label: UInt64] = [:]
    /// By reason, and transport with direction.
    var drops: [Label: DropCounts] = [:]
    /// By device and direction.
    var disks: [Label: Durations] = [:]
    /// Opens and syncs by operation and error.
    var fileTimes: [Label: Durations] = [:]
    /// By path template.
    var files: [String: FileCounts] = [:]
    /// DNS, by name and error.
    var lookups: [LookupCounts.Label: LookupCounts] = [:]

    static func - (left: CgroupCounts, right: CgroupCounts) -> CgroupCounts {
        var difference = CgroupCounts()
        difference.latency = left.latency - right.latency
        difference.voluntary = left.voluntary &- right.voluntary
        difference.involuntary = left.involuntary &- right.involuntary
        difference.connects = left.connects.subtracting(right.connects)
        difference.systemCalls = left.systemCalls.subtracting(right.systemCalls)
        difference.systemCallCounts = left.systemCallCounts.subtracting(right.systemCallCounts)
        difference.lifetimes = left.lifetimes.subtracting(right.lifetimes)
        difference.roundTrips = left.roundTrips - right.roundTrips
        difference.disks = left.disks.subtracting(right.disks)
        difference.retransmits = left.retransmits.subtracting(right.retransmits)
        difference.resets = left.resets.subtracting(right.resets)
        for (label, counts) in left.drops {
            let news = right.drops[label].map { counts - $0 } ?? counts
            if news.packets > 0 { difference.drops[label] = news }
        }
        difference.fileTimes = left.fileTimes.subtracting(right.fileTimes)
        for (template, counts) in left.files {
            let news = right.files[template].map { counts - $0 } ?? counts
            if news.operations > 0 { difference.files[template] = news }
        }
        for (label, counts) in left.lookups {
            let news = right.lookups[label].map { counts - $0 } ?? counts
            if news.count > 0 { difference.lookups[label] = news }
        }
        return difference
    }

    var isEmpty: Bool { self == CgroupCounts() }

    /// Everything that was counted, of all signals.
    var eventCount: UInt64 {
        let tcp = connects.total + lifetimes.total + roundTrips.count + retransmits.values.reduce(0, +) + resets.values.reduce(0, +)
        let io = disks.total + drops.values.reduce(0) { $0 + $1.packets } + lookups.values.reduce(0) { $0 + $1.count }
        return latency.count + voluntary + involuntary + tcp + io + files.values.reduce(0) { $0 + $1.operations } + systemCallCount
    }

    var systemCallCount: UInt64 { systemCalls.total + systemCallCounts.values.reduce(0, +) }

    func connectCount(_ role: ConnectKey.Role, failed: Bool) -> UInt64 {
        connects.reduce(0) { $0 + ($1.key.first == role.rawValue && ($1.key.error != 0) == failed ? $1.value.count : 0) }
    }
}

extension [CgroupCounts.Label: Durations] {
    /// Events of all labels.
    var total: UInt64 { values.reduce(0) { $0 + $1.count } }

    fileprivate func subtracting(_ earlier: Self) -> Self {
        var difference: Self = [:]
        for (label, durations) in self {
            let news = earlier[label].map { durations - $0 } ?? durations
            if news.count > 0 { difference[label] = news }
        }
        return difference
    }
}

extension [CgroupCounts.Label: UInt64] {
    fileprivate func subtracting(_ earlier: Self) -> Self {
        var difference: Self = [:]
        for (label, count) in self {
            let news = count &- (earlier[label] ?? 0)
            if news > 0 { difference[label] = news }
        }
        return difference
    }
}

/// Counts of all cgroups since the programs were loaded.
struct TopReading {
    var cgroups: [UInt64: CgroupCounts] = [:]

    /// Reads every map of the probes.
    init(_ probes: [LoadedProbe], _ records: inout TopRecords) throws(ProbeKernelError) {
        try records.read(probes)
        for probe in probes {
            for map in probe.program.groupMaps where GroupKind(map: map.name) != nil {
                for group in try probe.groups(of: map.name) { add(group, from: map.name) }
            }
        }
        for (cgroup, counts) in records.lookups.cgroups { cgroups[cgroup, default: CgroupCounts()].lookups = counts }
        for (cgroup, counts) in records.files.cgroups { cgroups[cgroup, default: CgroupCounts()].files = counts }
    }

    init() {}

    static func - (left: TopReading, right: TopReading) -> TopReading {
        var difference = TopReading()
        for (cgroup, counts) in left.cgroups {
            let news = right.cgroups[cgroup].map { counts - $0 } ?? counts
            if !news.isEmpty { difference.cgroups[cgroup] = news }
        }
        return difference
    }

    /// Sizes were checked against the layouts when the program was loaded.
    private mutating func add(_ group: RawGroup, from map: String) {
        let cgroup = counter(group.key, 0)
        var counts = cgroups[cgroup] ?? CgroupCounts()
        // The other keys all have two 32-bit numbers behind the cgroup.
        let label = group.key.count == 16 ? CgroupCounts.Label(first: word(group.key, 8), error: word(group.key, 12)) : CgroupCounts.Label(first: 0, error: 0)
        for value in group.values {
            switch map {
            case "sched_groups":
                counts.latency += Durations(value, at: SchedValue.latencyOffset)
                counts.voluntary += counter(value, SchedValue.voluntaryOffset)
                counts.involuntary += counter(value, SchedValue.involuntaryOffset)
            case "connects": counts.connects[label, default: Durations()] += Durations(value)
            case "retransmits": counts.retransmits[label, default: 0] += counter(value, RetransmitValue.segmentsOffset)
            case "lifetimes": counts.lifetimes[label, default: Durations()] += Durations(value)
            case "round_trips": counts.roundTrips += Durations(value)
            case "resets": counts.resets[label, default: 0] += counter(value, ResetValue.resetsOffset)
            case "drops":
                counts.drops[label, default: DropCounts()].packets += counter(value, DropValue.packetsOffset)
                counts.drops[label, default: DropCounts()].bytes += counter(value, DropValue.bytesOffset)
            case "disks": counts.disks[label, default: Durations()] += Durations(value)
            case "file_times": counts.fileTimes[label, default: Durations()] += Durations(value)
            case "syscalls": counts.systemCalls[label, default: Durations()] += Durations(value)
            case "syscall_calls": counts.systemCallCounts[label, default: 0] += counter(value, SyscallCount.callsOffset)
            default: break
            }
        }
        cgroups[cgroup] = counts
    }
}

private func counter(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
}

private func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
}
