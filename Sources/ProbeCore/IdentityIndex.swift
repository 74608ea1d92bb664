// From a cgroup's id to its owner, also for cgroups whose names come later or that are gone.
// ProbeAggregator resolves every group of counts with it; the agent feeds it with walks of the cgroup tree and with link names.
// It never reads a file, and it holds at most `goneMax` ids of cgroups that are no more.

/// A folder of the cgroup tree.
public struct CgroupDirectory: Hashable, Sendable {
    /// The folder's inode number, which is the id that programs see.
    public var id: UInt64
    /// Relative to the hierarchy's mount, beginning with `/`.
    public var path: String

    public init(id: UInt64, path: String) {
        self.id = id
        self.path = path
    }
}

/// Owners by cgroup id.
///
/// Time is counted in windows, one for each export. The kubelet makes a pod's cgroup about 600 ms before the link with its names, so a container without
/// names is incomplete for `namelessWindowsMax` windows; then it counts as what its path says. A cgroup that is gone is remembered for `goneWindowsMax`
/// windows, because sockets and late reads still count for it.
struct IdentityIndex {
    static let namelessWindowsMax = 3
    static let goneWindowsMax = 6
    static let goneMax = 4096

    enum Resolution: Equatable {
        case known(Owner)
        /// Names may still come.
        case incomplete(Owner)
        case unknown
    }

    private struct Living {
        var path: String
        var place: CgroupPlace
        var owner: Owner
        var isNamed: Bool
        var firstSeen: Int
    }

    private struct Gone {
        var owner: Owner
        var since: Int
    }

    private var living: [UInt64: Living] = [:]
    private var gone: [UInt64: Gone] = [:]
    private var window = 0

    /// Whether any owner of this kind could still get a name from links.
    var needsLinks: Bool { living.values.contains { !$0.isNamed && window - $0.firstSeen < Self.namelessWindowsMax } }

    /// Every owner that has a cgroup now.
    var livingOwners: Set<Owner> { Set(living.values.lazy.map(\.owner)) }

    var livingCount: Int { living.count }

    func isAlive(_ id: UInt64) -> Bool { living[id] != nil }

    /// Whether the newest walk was the first that missed the cgroup: its last events may not have been read yet.
    func isJustGone(_ id: UInt64) -> Bool { gone[id].map { window - $0.since < 2 } ?? false }

    /// Takes a complete walk of the tree.
    mutating func observe(_ directories: [CgroupDirectory]) {
        var next: [UInt64: Living] = [:]
        next.reserveCapacity(directories.count)
        for directory in directories {
            if let known = living[directory.id], known.path == directory.path {
                next[directory.id] = known
            } else {
                next[directory.id] = Self.newcomer(directory, window: window)
                gone[directory.id] = nil
            }
        }
        for (id, entry) in living where next[id] == nil { gone[id] = Gone(owner: entry.owner, since: window) }
        living = next
        limitGone()
    }

    private static func newcomer(_ directory: CgroupDirectory, window: Int) -> Living {
        let place = CgroupPlace(path: directory.path)
        let owner: Owner =
            switch place {
            case .pod(let uid, let containerID): .container(PodContainer(podUID: uid, containerID: containerID))
            case .unit(let name): .unit(name)
            case .host: .host
            }
        let isPod = if case .pod = place { true } else { false }
        return Living(path: directory.path, place: place, owner: owner, isNamed: !isPod, firstSeen: window)
    }

    private mutating func limitGone() {
        if gone.count <= Self.goneMax { return }
        for id in gone.sorted(by: { $0.value.since < $1.value.since }).prefix(gone.count - Self.goneMax).map(\.key) { gone[id] = nil }
    }

    /// Takes all links that there are now. Links whose container is gone (a kubelet that crashed leaves them) match no cgroup and say nothing.
    mutating func observe(_ links: [ContainerLogLink]) {
        let names = LinkNames(links)
        var unnamedIDs: [String: [String]] = [:]
        for case .container(let container) in living.values.lazy.filter({ !$0.isNamed }).map(\.owner) {
            if let id = container.containerID, names.whole[id] == nil { unnamedIDs[container.podUID, default: []].append(id) }
        }
        for (id, entry) in living where !entry.isNamed {
            guard case .pod(let uid, let containerID) = entry.place else { continue }
            let link = containerID.flatMap { names.link(containerID: $0, podUID: uid, unnamedIDs: Set(unnamedIDs[uid] ?? [])) }
            guard let known = link ?? names.anyOfPod[uid] else { continue }
            living[id]?.owner = .container(
                PodContainer(podUID: uid, containerID: containerID, namespace: known.namespace, pod: known.pod, container: link?.container))
            // A pod's own cgroup has no container; a container keeps waiting for its own link, unless it is the sandbox, which never gets one.
            living[id]?.isNamed = link != nil || containerID == nil
        }
    }

    /// Begins the next window and forgets what was gone for long.
    mutating func advanceWindow() {
        window += 1
        for (id, entry) in gone where window - entry.since > Self.goneWindowsMax { gone[id] = nil }
    }

    /// The topmost cgroup of each container and each unit of the host: what runs below it is counted in it by the kernel.
    var topmost: [CgroupDirectory] {
        living.compactMap { id, entry in
            guard entry.place != .host, let slash = entry.path.lastIndex(of: "/") else { return nil }
            let parent = CgroupPlace(path: String(entry.path[..<slash]))
            if case .pod(_, nil) = entry.place { return nil }
            return parent == entry.place ? nil : CgroupDirectory(id: id, path: entry.path)
        }
    }

    /// Cgroups whose owner has its final name.
    var knownOwners: [(id: UInt64, owner: Owner)] {
        living.compactMap { id, entry in if case .known(let owner) = resolve(id) { (id, owner) } else { nil } }
    }

    /// The owner as far as it is known now.
    func owner(of id: UInt64) -> Owner? { living[id]?.owner ?? gone[id]?.owner }

    func resolve(_ id: UInt64) -> Resolution {
        if let entry = living[id] {
            return entry.isNamed || window - entry.firstSeen >= Self.namelessWindowsMax ? .known(entry.owner) : .incomplete(entry.owner)
        }
        return gone[id].map { .known($0.owner) } ?? .unknown
    }
}

/// Links by what they can be found by.
private struct LinkNames {
    private(set) var whole: [String: ContainerLogLink] = [:]
    private(set) var anyOfPod: [String: ContainerLogLink] = [:]
    private var cutOfPod: [String: [(prefix: String, link: ContainerLogLink)]] = [:]

    init(_ links: [ContainerLogLink]) {
        for link in links {
            switch link.containerID {
            case .whole(let id): whole[id] = link
            case .prefix(let prefix): if let uid = link.podUID { cutOfPod[uid, default: []].append((prefix, link)) }
            }
            if let uid = link.podUID { anyOfPod[uid] = link }
        }
    }

    /// A link whose id was cut counts when only one container without a link of its own can be meant; nothing is guessed.
    func link(containerID: String, podUID: String, unnamedIDs: Set<String>) -> ContainerLogLink? {
        if let link = whole[containerID] { return link }
        let fitting = (cutOfPod[podUID] ?? []).filter { containerID.hasPrefix($0.prefix) }
        guard let only = fitting.first, fitting.count == 1, unnamedIDs.filter({ $0.hasPrefix(only.prefix) }) == [containerID] else { return nil }
        return only.link
    }
}
