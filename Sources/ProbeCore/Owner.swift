// Who caused what the kernel counted: a container, a unit of the host, or a name for what is not known.
// Series belong to owners; each owner becomes one OTLP resource.
// It never holds a cgroup id: ids are the kernel's, and one owner may have many.

import OTLPMessages

/// What one OTLP resource stands for.
public enum Owner: Hashable, Sendable {
    case container(PodContainer)
    /// A unit of the host's systemd.
    case unit(String)
    /// The rest of the host: kernel threads, sessions outside of units.
    case host
    /// Counts of cgroups that were gone before anybody saw their path, and of sockets older than the agent that cgroup version 1 does not name.
    case unresolved
    /// Counts of owners beyond the limit of series.
    case overflow
}

/// A container as far as it is known: the path gives uid and container id, the log links give the names.
public struct PodContainer: Hashable, Sendable {
    public var podUID: String
    public var containerID: String?
    public var namespace: String?
    public var pod: String?
    /// Nil for the pod's sandbox, which has no link, and for the pod's own cgroup.
    public var container: String?

    public init(podUID: String, containerID: String? = nil, namespace: String? = nil, pod: String? = nil, container: String? = nil) {
        self.podUID = podUID
        self.containerID = containerID
        self.namespace = namespace
        self.pod = pod
        self.container = container
    }
}

/// The node that the agent runs on.
public struct Node: Hashable, Sendable {
    /// The node's name in the cluster; nil outside of Kubernetes.
    public var kubernetesName: String?
    public var hostName: String

    public init(kubernetesName: String?, hostName: String) {
        self.kubernetesName = kubernetesName
        self.hostName = hostName
    }

    /// `k8s.node.name`, or `host.name` outside of Kubernetes: inside, the agent's own host name is that of its pod.
    public var attribute: Attribute {
        kubernetesName.map { Attribute("k8s.node.name", .string($0)) } ?? Attribute("host.name", .string(hostName))
    }
}

extension Owner {
    /// The namespace to which filters apply; nil when there is none or it is not known.
    var namespace: String? { if case .container(let container) = self { container.namespace } else { nil } }

    /// Resource attributes by the semantic conventions (k8s, container, service).
    func resource(on node: Node) -> Resource {
        var attributes = [Attribute("service.name", .string(serviceName(on: node)))]
        if case .container(let container) = self {
            let named: [(String, String?)] = [
                ("k8s.namespace.name", container.namespace), ("k8s.pod.name", container.pod), ("k8s.pod.uid", container.podUID),
                ("k8s.container.name", container.container), ("container.id", container.containerID),
            ]
            attributes += named.compactMap { key, value in value.map { Attribute(key, .string($0)) } }
        }
        return Resource(attributes + [node.attribute])
    }

    /// `unknown_service` is the conventions' word for a service without a name.
    private func serviceName(on node: Node) -> String {
        switch self {
        case .container(let container): container.pod.map { ServiceName.of(pod: $0, node: node.kubernetesName) } ?? "unknown_service"
        case .unit(let name): name
        case .host: "host"
        case .unresolved: "unknown_service"
        case .overflow: overflowValue
        }
    }
}

/// The value that stands for everything beyond a limit, in attributes and in `service.name`.
public let overflowValue = "~other"
