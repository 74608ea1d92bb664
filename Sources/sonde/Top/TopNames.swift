// What `sonde top` calls a cgroup: pod and container where the kubelet's links say so, else the host's unit or the path.
// Top asks it for each row.
// It never remembers a cgroup longer than its newest walk and one before: rows of cgroups that just ended keep their name.

import ProbeCore
import ProbeKernel

/// Names of cgroups by id.
struct TopNames {
    let hierarchy: CgroupHierarchy
    let containers: String
    /// Names of the kernel's reasons for dropping packets.
    let dropReasons: [UInt32: String]
    /// Block devices by number.
    private(set) var devices: [UInt32: String] = [:]
    private var paths: [UInt64: String] = [:]
    private var earlierPaths: [UInt64: String] = [:]
    private var names: [String: String] = [:]

    /// - Parameter paths: of cgroups, until the first walk.
    init(hierarchy: CgroupHierarchy, containers: String, dropReasons: [UInt32: String], paths: [UInt64: String] = [:]) {
        self.paths = paths
        self.dropReasons = dropReasons
        self.hierarchy = hierarchy
        self.containers = containers
    }

    /// Walks the tree and lists the links anew.
    mutating func refresh() {
        earlierPaths = paths
        devices = KernelNames.devices(inPartitions: readSmallFile("/proc/partitions") ?? "")
        paths = Dictionary((hierarchy.directories() ?? []).map { ($0.id, $0.path) }) { first, _ in first }
        names = containerLogLinks(in: containers).reduce(into: [:]) { names, link in
            if case .whole(let id) = link.containerID { names[id] = "\(link.namespace)/\(link.pod)/\(link.container)" }
        }
    }

    /// The cgroup's path in its hierarchy; nil when it is not known.
    func path(of cgroup: UInt64) -> String? { paths[cgroup] ?? earlierPaths[cgroup] }

    func reason(_ number: UInt32) -> String { dropReasons[number] ?? "\(number)" }

    func device(_ number: UInt32) -> String { devices[number] ?? "\(number >> 20):\(number & 0xfffff)" }

    func name(of cgroup: UInt64) -> String {
        if cgroup == 0 { return "(unknown)" }
        guard let path = path(of: cgroup) else { return "(gone, cgroup \(cgroup))" }
        switch CgroupPlace(path: path) {
        case .pod(_, let container?): return names[container] ?? path
        case .pod(let uid, nil): return "pod \(uid)"
        case .unit(let name): return name
        case .host: return path
        }
    }
}
