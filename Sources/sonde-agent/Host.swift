// What the agent reads of the host beside the kernel's maps: the cgroup tree and the names in /var/log/containers.
// AgentLoop looks at it after each reading of the maps.
// It never walks more often than once a second, and only looks at links while a container has no name.

import ProbeCore
import ProbeKernel
import SondeAPI

struct Host {
    let hierarchy: CgroupHierarchy
    private let linksFolder: String
    private var lastWalkNanoseconds: UInt64?
    private var isReadable = true
    /// Whether the cgroups were ever read.
    private(set) var wasRead = false

    private static let ordinaryPauseNanoseconds: UInt64 = 10_000_000_000
    private static let leastPauseNanoseconds: UInt64 = 1_000_000_000

    /// Looks at the configured paths, which are mounts in a pod, and, where those are not there, at the host's own.
    init(_ paths: AgentConfiguration.Paths) {
        hierarchy = CgroupHierarchy.detect(mount: SmallFile.Signature(paths.cgroups) == nil ? "/sys/fs/cgroup" : paths.cgroups)
        linksFolder = SmallFile.Signature(paths.containers) == nil ? "/var/log/containers" : paths.containers
        AgentLog.info(
            "reading identities", ("cgroups", hierarchy.root), ("hierarchy", hierarchy.mode == .v2 ? "v2" : "v1 memory"), ("links", linksFolder))
    }

    /// Tells the aggregator who is there: at once for unknown cgroups, otherwise every ten seconds.
    mutating func identify(for aggregator: inout ProbeAggregator, now: UInt64) {
        let elapsed = lastWalkNanoseconds.map { now - $0 } ?? .max
        if elapsed >= (aggregator.hasUnknownCgroups ? Self.leastPauseNanoseconds : Self.ordinaryPauseNanoseconds) {
            lastWalkNanoseconds = now
            walk(for: &aggregator)
        }
        if aggregator.needsLinks { aggregator.observe(containerLogLinks(in: linksFolder)) }
    }

    private mutating func walk(for aggregator: inout ProbeAggregator) {
        let directories = hierarchy.directories()
        if let directories { aggregator.observe(directories) }
        if directories == nil, isReadable {
            AgentLog.error("the cgroup hierarchy cannot be read, so no count has an owner: mount the host's /sys/fs/cgroup", ("path", hierarchy.root))
        }
        isReadable = directories != nil
        wasRead = wasRead || isReadable
    }
}
