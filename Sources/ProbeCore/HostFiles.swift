// What the kernel writes into files and no program has to count: stolen CPU time, throttling, pressure.
// The agent reads the files; this turns their text into rows as if a map held them.
// It never trusts a file's form: a line that is not understood is no reading.

/// Parsers of the kernel's files; see proc(5), Documentation/admin-guide/cgroup-v2.rst and Documentation/accounting/psi.rst.
public enum HostFiles {
    /// Time that a hypervisor gave to others, by logical CPU, from `/proc/stat`: the eighth number of each `cpuN` line, in clock ticks.
    /// - Parameter ticksPerSecond: `sysconf(_SC_CLK_TCK)`.
    public static func stealNanoseconds(inStat text: String, ticksPerSecond: Int) -> [(cpu: UInt32, nanoseconds: UInt64)] {
        guard ticksPerSecond > 0 else { return [] }
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 8, fields[0].hasPrefix("cpu"), let cpu = UInt32(fields[0].dropFirst(3)), let ticks = UInt64(fields[8]) else { return nil }
            return (cpu, ticks.multipliedSaturating(by: 1_000_000_000 / UInt64(ticksPerSecond)))
        }
    }

    /// Time in which a group's tasks could not run because its quota was used up: `throttled_usec` of version 2, `throttled_time` (ns) of version 1.
    /// nil for a group without a quota controller.
    public static func throttledNanoseconds(inCPUStat text: String) -> UInt64? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count == 2, let value = UInt64(fields[1]) else { continue }
            if fields[0] == "throttled_usec" { return value.multipliedSaturating(by: 1000) }
            if fields[0] == "throttled_time" { return value }
        }
        return nil
    }

    /// Time in which some, or all, tasks waited for a resource: `total=` of each line, in microseconds.
    public static func pressureNanoseconds(in text: String) -> [(kind: PressureKind, nanoseconds: UInt64)] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard let first = fields.first, let kind = PressureKind.allCases.first(where: { "\($0)" == first }),
                let total = fields.last, total.hasPrefix("total="), let microseconds = UInt64(total.dropFirst("total=".count))
            else { return nil }
            return (kind, microseconds.multipliedSaturating(by: 1000))
        }
    }
}

/// `ebpf.pressure.kind`.
public enum PressureKind: UInt32, Sendable, CaseIterable {
    /// At least one task waited.
    case some = 0
    /// All tasks waited at once.
    case full = 1
}

/// `ebpf.pressure.resource`; also the name of the file: `cpu.pressure`, `/proc/pressure/cpu`.
public enum PressureResource: UInt32, Sendable, CaseIterable {
    case cpu = 0
    case memory = 1
    case io = 2
}

extension UInt64 {
    fileprivate func multipliedSaturating(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}

/// One number that a file of the host gave, for a cgroup.
public struct HostReading: Sendable, Hashable {
    public enum Quantity: Sendable, Hashable {
        /// Of a logical CPU.
        case steal(cpu: UInt32)
        case throttled
        case pressure(PressureResource, PressureKind)
    }

    /// The root of the hierarchy for what concerns the whole node.
    public var cgroup: UInt64
    public var quantity: Quantity
    /// Since the machine, or the cgroup, was started.
    public var nanoseconds: UInt64

    public init(cgroup: UInt64, quantity: Quantity, nanoseconds: UInt64) {
        self.cgroup = cgroup
        self.quantity = quantity
        self.nanoseconds = nanoseconds
    }

    var kind: GroupKind {
        switch quantity {
        case .steal: .steal
        case .throttled: .throttling
        case .pressure: .pressure
        }
    }

    var key: GroupKey {
        switch quantity {
        case .steal(let cpu): GroupKey(cgroup: cgroup, first: cpu)
        case .throttled: GroupKey(cgroup: cgroup)
        case .pressure(let resource, let kind): GroupKey(cgroup: cgroup, first: resource.rawValue, second: kind.rawValue)
        }
    }
}
