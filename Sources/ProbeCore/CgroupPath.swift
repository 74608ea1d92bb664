// What the path of a cgroup says about who runs in it: the forms that kubelet, container runtimes and systemd give to paths.
// IdentityIndex reads every cgroup's path with it.
// It never knows names of pods or containers: paths carry ids only.

/// The owner of a cgroup as far as its path tells.
public enum CgroupPlace: Hashable, Sendable {
    /// A pod's cgroup; with `containerID` that of one of its containers (or its sandbox), or of what the container made below.
    case pod(uid: String, containerID: String?)
    /// A unit of the host's systemd, without its suffix: `nginx` for `nginx.service`.
    case unit(String)
    /// Any other cgroup of the host.
    case host

    /// - Parameter path: relative to the mount of the hierarchy: `/kubepods/burstable/pod…/…`.
    ///
    /// The first pod on the path counts: a cluster that runs inside of a pod belongs to that pod.
    public init(path: String) {
        let components = CgroupPlace.components(of: path)
        if let (place, uid) = CgroupPlace.pod(in: components) {
            self = .pod(uid: uid, containerID: components[(place + 1)...].lazy.compactMap(CgroupPlace.containerID).first)
        } else if let unit = components.reversed().lazy.compactMap(CgroupPlace.unit).first {
            self = .unit(unit)
        } else {
            self = .host
        }
    }

    /// A runtime that is told the wrong cgroup driver makes one folder named `<pod slice>:<runtime>:<container id>`.
    private static func components(of path: String) -> [Substring] {
        path.split(separator: "/").flatMap { $0.contains(".slice:") ? $0.split(separator: ":") : [$0] }
    }

    /// The place and uid of the first component that names a pod. A kubelet's `cgroupRoot` may put anything before `kubepods`.
    private static func pod(in components: [Substring]) -> (place: Int, uid: String)? {
        var isBelowKubepods = false
        for (place, component) in components.enumerated() {
            if isBelowKubepods, component.hasPrefix("pod"), let uid = podUID(component.dropFirst(3)) { return (place, uid) }
            if let uid = sliceUID(component) { return (place, uid) }
            if component == "kubepods" { isBelowKubepods = true }
        }
        return nil
    }

    /// `kubepods-burstable-pod<uid>.slice`, with what a nested `cgroupRoot` puts before it: `kubelet-kubepods-pod<uid>.slice`.
    private static func sliceUID(_ component: Substring) -> String? {
        guard component.hasSuffix(".slice"), let kubepods = component.range(ofText: "kubepods"),
            let pod = component[kubepods.upperBound...].range(ofText: "-pod")
        else { return nil }
        return podUID(component[pod.upperBound...].dropLast(".slice".utf8.count))
    }

    /// systemd reads a dash as a step down, so the kubelet writes the uid's dashes as underscores. Static pods have 32 digits without dashes.
    private static func podUID(_ text: Substring) -> String? {
        guard !text.isEmpty, text.utf8.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }) else { return nil }
        return String(text.map { $0 == "_" ? "-" : $0 })
    }

    /// The id in `<id>`, `crio-<id>`, `cri-containerd-<id>.scope`. A `crio-conmon-<id>` holds the container's monitor, not the container.
    static func containerID(_ component: Substring) -> String? {
        let name = component.hasSuffix(".scope") ? component.dropLast(".scope".utf8.count) : component
        guard let id = name.split(separator: "-").last, isContainerID(id), !name.contains("conmon-") else { return nil }
        return String(id)
    }

    /// 64 lower-case hexadecimal digits.
    static func isContainerID(_ text: some StringProtocol) -> Bool { text.utf8.count == 64 && text.utf8.allSatisfy(isHexDigit) }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// The unit's name; for a container outside of Kubernetes (`docker-<id>.scope`) that of its runtime, since ids without end would be services.
    private static func unit(_ component: Substring) -> String? {
        for suffix in [".service", ".scope"] where component.hasSuffix(suffix) && component.utf8.count > suffix.utf8.count {
            let name = component.dropLast(suffix.utf8.count)
            guard let dash = name.lastIndex(of: "-"), isContainerID(name[name.index(after: dash)...]) else { return String(name) }
            return String(name[..<dash])
        }
        return nil
    }
}

extension Substring {
    /// Where a text first stands.
    func range(ofText text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<(index(start, offsetBy: text.count)) }
            formIndex(after: &start)
        }
        return nil
    }
}
