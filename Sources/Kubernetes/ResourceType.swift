// The kinds of object that Sonde reads or writes, and the paths under which an API server serves them.
// Requests, stores and renderers name kinds with it.
// It never asks a server: discovery of other kinds is the client's work.

import JSON

/// One kind of Kubernetes object as the API serves it: group, version, kind, plural name and scope.
public struct ResourceType: Hashable, Sendable {
    /// `""` for the core group.
    public let group: String
    public let version: String
    public let kind: String
    /// The lower-case plural in the path: `configmaps`.
    public let plural: String
    public let isNamespaced: Bool

    public init(group: String, version: String, kind: String, plural: String, isNamespaced: Bool = true) {
        self.group = group
        self.version = version
        self.kind = kind
        self.plural = plural
        self.isNamespaced = isNamespaced
    }

    /// The `apiVersion` of such an object: `v1`, `apps/v1`.
    public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The path of the collection, or of one object, or of one subresource of it. Names are percent-encoded where a path needs it.
    public func path(namespace: String? = nil, name: String? = nil, subresource: String? = nil) -> String {
        var path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        if isNamespaced, let namespace { path += "/namespaces/\(PercentEncoding.encode(namespace))" }
        path += "/\(plural)"
        if let name { path += "/\(PercentEncoding.encode(name))" }
        if let subresource { path += "/\(subresource)" }
        return path
    }
}

extension ResourceType {
    public static let namespaces = ResourceType(group: "", version: "v1", kind: "Namespace", plural: "namespaces", isNamespaced: false)
    public static let nodes = ResourceType(group: "", version: "v1", kind: "Node", plural: "nodes", isNamespaced: false)
    public static let pods = ResourceType(group: "", version: "v1", kind: "Pod", plural: "pods")
    public static let configMaps = ResourceType(group: "", version: "v1", kind: "ConfigMap", plural: "configmaps")
    public static let secrets = ResourceType(group: "", version: "v1", kind: "Secret", plural: "secrets")
    public static let persistentVolumeClaims = ResourceType(group: "", version: "v1", kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims")
    public static let services = ResourceType(group: "", version: "v1", kind: "Service", plural: "services")
    public static let serviceAccounts = ResourceType(group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts")
    public static let deployments = ResourceType(group: "apps", version: "v1", kind: "Deployment", plural: "deployments")
    public static let daemonSets = ResourceType(group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets")
    public static let statefulSets = ResourceType(group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets")
    public static let replicaSets = ResourceType(group: "apps", version: "v1", kind: "ReplicaSet", plural: "replicasets")
    public static let podDisruptionBudgets = ResourceType(group: "policy", version: "v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets")
    public static let horizontalPodAutoscalers = ResourceType(
        group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers")
    public static let ingresses = ResourceType(group: "networking.k8s.io", version: "v1", kind: "Ingress", plural: "ingresses")
    public static let networkPolicies = ResourceType(group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy", plural: "networkpolicies")
    public static let roles = ResourceType(group: "rbac.authorization.k8s.io", version: "v1", kind: "Role", plural: "roles")
    public static let roleBindings = ResourceType(group: "rbac.authorization.k8s.io", version: "v1", kind: "RoleBinding", plural: "rolebindings")
    public static let clusterRoles = ResourceType(
        group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole", plural: "clusterroles", isNamespaced: false)
    public static let clusterRoleBindings = ResourceType(
        group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRoleBinding", plural: "clusterrolebindings", isNamespaced: false)
    public static let leases = ResourceType(group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases")
    public static let events = ResourceType(group: "events.k8s.io", version: "v1", kind: "Event", plural: "events")
    public static let customResourceDefinitions = ResourceType(
        group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition", plural: "customresourcedefinitions", isNamespaced: false)
}

/// Kinds of others that Sonde writes where their custom resource definitions are installed.
extension ResourceType {
    public static let serviceMonitors = ResourceType(group: "monitoring.coreos.com", version: "v1", kind: "ServiceMonitor", plural: "servicemonitors")
    public static let podMonitors = ResourceType(group: "monitoring.coreos.com", version: "v1", kind: "PodMonitor", plural: "podmonitors")
    public static let prometheusRules = ResourceType(group: "monitoring.coreos.com", version: "v1", kind: "PrometheusRule", plural: "prometheusrules")
    public static let httpRoutes = ResourceType(group: "gateway.networking.k8s.io", version: "v1", kind: "HTTPRoute", plural: "httproutes")
    public static let routes = ResourceType(group: "route.openshift.io", version: "v1", kind: "Route", plural: "routes")
}

/// The name of one object within its kind: a namespace (nil for cluster-scoped kinds) and a name.
public struct ObjectName: Hashable, Sendable, CustomStringConvertible {
    public let namespace: String?
    public let name: String

    public init(namespace: String?, name: String) {
        self.namespace = namespace
        self.name = name
    }

    public var description: String { namespace.map { "\($0)/\(name)" } ?? name }
}

/// One object of any kind, named.
public struct ObjectReference: Hashable, Sendable, CustomStringConvertible {
    public let type: ResourceType
    public let name: ObjectName

    public init(_ type: ResourceType, _ name: ObjectName) {
        self.type = type
        self.name = name
    }

    public var description: String { "\(type.kind) \(name)" }
}
