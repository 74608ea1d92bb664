// What a symbolic link in /var/log/containers says: names of namespace, pod and container for a container id.
// The kubelet makes them, whatever the runtime: `<pod>_<namespace>_<container>-<id>.log` -> `<pod logs>/<namespace>_<pod>_<uid>/<container>/<n>.log`.
// It never reads a log, and never follows a link.

/// A container's names.
public struct ContainerLogLink: Hashable, Sendable {
    /// What is left of the container's id in the link's name, which file systems cut at 255 bytes.
    public enum ContainerID: Hashable, Sendable {
        case whole(String)
        /// The first digits; possibly none.
        case prefix(String)
    }

    public let namespace: String
    public let pod: String
    public let container: String
    /// The pod's uid as the kubelet has it (a static pod's is the hash of its file); nil when the target could not be read.
    public let podUID: String?
    public let containerID: ContainerID

    /// The longest name of a file; the kubelet cuts before `.log`.
    private static let nameBytesMax = 255

    /// - Parameters:
    ///   - name: the link's name.
    ///   - target: where it points, nil when that could not be read.
    /// - Returns: nil when this is no link of the kubelet.
    public init?(name: String, target: String?) {
        guard name.hasSuffix(".log") else { return nil }
        let stem = name.dropLast(".log".utf8.count)
        if let target, let names = Self.names(target: target) {
            (namespace, pod, podUID, container) = (names.namespace, names.pod, names.uid, names.container)
            let head = "\(pod)_\(namespace)_\(container)-"
            if stem.hasPrefix(head), CgroupPlace.isContainerID(stem.dropFirst(head.count)) {
                containerID = .whole(String(stem.dropFirst(head.count)))
            } else if name.utf8.count == Self.nameBytesMax {
                containerID = .prefix(stem.hasPrefix(head) ? String(stem.dropFirst(head.count)) : "")
            } else {
                return nil
            }
        } else {
            guard let names = Self.names(stem: stem) else { return nil }
            (namespace, pod, podUID, container) = (names.namespace, names.pod, nil, names.container)
            containerID = .whole(names.id)
        }
    }

    /// Pod names may hold dots and dashes, but no name of Kubernetes holds an underscore.
    private static func names(target: String) -> (namespace: String, pod: String, uid: String, container: String)? {
        let components = target.split(separator: "/")
        guard components.count >= 3 else { return nil }
        let parts = components[components.count - 3].split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        return (String(parts[0]), String(parts[1]), String(parts[2]), String(components[components.count - 2]))
    }

    private static func names(stem: Substring) -> (namespace: String, pod: String, container: String, id: String)? {
        let parts = stem.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }), let dash = parts[2].lastIndex(of: "-") else { return nil }
        let id = parts[2][parts[2].index(after: dash)...]
        guard CgroupPlace.isContainerID(id), dash > parts[2].startIndex else { return nil }
        return (String(parts[1]), String(parts[0]), String(parts[2][..<dash]), String(id))
    }
}
