// Whether this process is in the host's network namespace, where /proc/net speaks of the node.
// The agent asks once before it reads files of /proc/net; `sonde doctor` shows it.
// Never guesses from a name or a number: a program asks the kernel (bpf/host.bpf.c).
import ProbePrograms

/// What /proc/net shows to this process.
public enum NetworkView: Sendable, Hashable {
    /// The host's network; the namespace's inode.
    case host(inode: UInt32)
    /// That of a pod or another container.
    case ownNamespace
    case unknown(reason: String)

    /// What stands in a signal's reason.
    public var reason: String {
        switch self {
        case .host: ""
        case .ownNamespace: "namespace: the agent is not in the host's network namespace; hostNetwork: true gives it"
        case .unknown(let reason): "namespace: whether the agent is in the host's network namespace is not known: \(reason)"
        }
    }
}

extension ProbeLoader {
    /// Finds out by running a program, whose parents lead to the host's first task.
    public func networkView(cgroupMode: ProbeSettings.CgroupMode) -> NetworkView {
        let load = load(.host, settings: ProbeSettings(cgroupMode: cgroupMode))
        guard let probe = load.probe else { return .unknown(reason: load.hooks.compactMap(\.failure?.reason).first ?? "no program") }
        defer { probe.close() }
        do throws(ProbeKernelError) {
            let found = try probe.namespaces()
            guard found.host != 0, found.own != 0 else { return .unknown(reason: "the process's ancestors do not lead to the host's first task") }
            return found.host == found.own ? .host(inode: found.own) : .ownNamespace
        } catch {
            return .unknown(reason: error.message)
        }
    }
}
