// Reads the files in which the kernel keeps stolen time, throttling and pressure.
// AgentLoop hands the readings to the aggregator each window while the scheduler's signals are on.
// It never reads more than `cgroupsMax` cgroups, and what a kernel does not have is simply not there.

import Glibc
import ProbeCore
import ProbeKernel
import SondeAPI

struct HostMeter {
    /// Four files each; a node has at most some hundred containers.
    static let cgroupsMax = 2048

    private let hierarchy: CgroupHierarchy
    /// Where `cpu.stat` lies: the same tree on version 2, a tree of its own on version 1.
    private let cpuRoot: String
    private let ticksPerSecond = sysconf(Int32(_SC_CLK_TCK))
    private var isBaseline = true

    init(_ hierarchy: CgroupHierarchy) {
        self.hierarchy = hierarchy
        let mount = hierarchy.root.hasSuffix("/memory") ? String(hierarchy.root.dropLast("/memory".count)) : hierarchy.root
        cpuRoot = hierarchy.mode == .v2 ? hierarchy.root : ["/cpu", "/cpu,cpuacct"].map { mount + $0 }.first { SmallFile.Signature($0) != nil } ?? mount
    }

    mutating func read(into aggregator: inout ProbeAggregator) {
        var readings = node()
        for cgroup in aggregator.meteredCgroups.prefix(Self.cgroupsMax) { readings += Self.group(cgroup, root: hierarchy.root, cpuRoot: cpuRoot) }
        aggregator.absorb(readings, isBaseline: isBaseline)
        isBaseline = false
    }

    /// What this host's files give.
    var metrics: [AgentStatus.Metric] {
        [
            Self.metric("system.cpu.time", isThere: readSmallFile("/proc/stat") != nil, "/proc/stat cannot be read"),
            Self.metric("ebpf.cgroup.throttled.time", isThere: SmallFile.Signature(cpuRoot) != nil, "the hierarchy of the CPU controller cannot be read"),
            // Where pressure is switched off, the files are there and reading them fails.
            Self.metric(
                "ebpf.cgroup.pressure.time", isThere: readSmallFile("/proc/pressure/cpu")?.isEmpty == false,
                "this kernel keeps no pressure (CONFIG_PSI, or psi=1 on its command line)"),
        ]
    }

    private static func metric(_ name: String, isThere: Bool, _ reason: String) -> AgentStatus.Metric {
        isThere ? AgentStatus.Metric(name: name, state: .active) : AgentStatus.Metric(name: name, state: .unsupported, reason: reason)
    }

    /// What concerns the whole node counts for the root of the hierarchy, which is the host.
    private func node() -> [HostReading] {
        var root = stat()
        guard stat(hierarchy.root, &root) == 0 else { return [] }
        let id = UInt64(root.st_ino)
        let steal = HostFiles.stealNanoseconds(inStat: readSmallFile("/proc/stat") ?? "", ticksPerSecond: ticksPerSecond)
        return steal.map { HostReading(cgroup: id, quantity: .steal(cpu: $0.cpu), nanoseconds: $0.nanoseconds) }
            + Self.pressure(of: id) { "/proc/pressure/\($0)" }
    }

    private static func group(_ cgroup: CgroupDirectory, root: String, cpuRoot: String) -> [HostReading] {
        let throttled = readSmallFile(cpuRoot + cgroup.path + "/cpu.stat").flatMap(HostFiles.throttledNanoseconds)
        return pressure(of: cgroup.id) { root + cgroup.path + "/\($0).pressure" }
            + (throttled.map { [HostReading(cgroup: cgroup.id, quantity: .throttled, nanoseconds: $0)] } ?? [])
    }

    private static func pressure(of id: UInt64, file: (PressureResource) -> String) -> [HostReading] {
        PressureResource.allCases.flatMap { resource in
            HostFiles.pressureNanoseconds(in: readSmallFile(file(resource)) ?? "").map {
                HostReading(cgroup: id, quantity: .pressure(resource, $0.kind), nanoseconds: $0.nanoseconds)
            }
        }
    }
}
