// The Roles and ClusterRoles that a collector's configuration needs, with their bindings: names as existing clusters have them.
// CollectorRendering renders them when the operator makes roles; the collector controller applies and prunes them.
// It never grants what no component asked for, and never more widely than the configuration says.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// Renders what a collector may read at the Kubernetes API.
public struct CollectorAccess {
    let context: CollectorContext

    /// Kinds that are made here. Objects of them may lie outside the resource's namespace.
    public static let types: [ResourceType] = [.clusterRoles, .clusterRoleBindings, .roles, .roleBindings]
    /// Says for each rule what it is there for, a line a rule: RBAC has no field for it.
    static let reasonsAnnotation = "sonde.dev/access-reasons"
    /// Annotations together may have 256 KiB.
    private static let reasonsBytesMax = 16_384

    private var collectorName: String { context.collector.name.name }
    private var namespace: String { context.collector.name.namespace ?? "default" }

    /// Roles before their bindings: a binding to a role that is not there is of no use.
    var manifests: [Manifest] {
        let rules = AccessRules.rules(of: context.configuration, namespace: namespace)
        let cluster = rules.filter { $0.scope == .cluster }
        var manifests: [Manifest] = []
        if !cluster.isEmpty {
            let role = Names.clusterRole(collectorName, namespace: namespace), binding = Names.clusterRoleBinding(collectorName, namespace: namespace)
            manifests.append(object(.clusterRoles, in: nil, role, content: [("rules", Self.value(cluster))], reasons: cluster))
            manifests.append(object(.clusterRoleBindings, in: nil, binding, content: binds(.clusterRoles, role)))
        }
        for space in Self.namespaces(rules) {
            let name = Names.clusterRoleBinding(collectorName, namespace: namespace)
            let granted = rules.filter { $0.scope == .namespace(space) }
            manifests.append(object(.roles, in: space, name, content: [("rules", Self.value(granted))], reasons: granted))
            manifests.append(object(.roleBindings, in: space, name, content: binds(.roles, name)))
        }
        return manifests
    }

    private static func namespaces(_ rules: [AccessRule]) -> [String] {
        let named = rules.compactMap { rule -> String? in
            if case .namespace(let name) = rule.scope { name } else { nil }
        }
        return Set(named).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private func object(_ type: ResourceType, in space: String?, _ name: String, content: [(String, JSONValue)], reasons: [AccessRule] = []) -> Manifest {
        let labels = context.metadata.labels(name: name)
        var annotations = context.metadata.annotations
        if !reasons.isEmpty { annotations[Self.reasonsAnnotation] = Self.text(reasons) }
        if space == namespace { return context.builder.manifest(type, name: name, labels: labels, annotations: annotations, content: content) }
        return context.builder.detached(type, namespace: space, name: name, labels: labels, annotations: annotations, content: content)
    }

    private func binds(_ type: ResourceType, _ role: String) -> [(String, JSONValue)] {
        let account = context.serviceAccountName
        return [
            ("roleRef", ["apiGroup": .string(type.group), "kind": .string(type.kind), "name": .string(role)]),
            ("subjects", [["kind": "ServiceAccount", "name": .string(account), "namespace": .string(namespace)]]),
        ]
    }

    private static func value(_ rules: [AccessRule]) -> JSONValue {
        func texts(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        return .array(
            rules.map { rule in
                var value: JSONValue = ["apiGroups": texts([rule.group]), "resources": texts(rule.resources), "verbs": texts(rule.verbs)]
                if !rule.resourceNames.isEmpty { value["resourceNames"] = texts(rule.resourceNames) }
                return value
            })
    }

    private static func text(_ rules: [AccessRule]) -> String {
        let lines = rules.map { rule in
            let resources = rule.resources.map { rule.group.isEmpty ? $0 : "\($0).\(rule.group)" }
            return "\(resources.joined(separator: ",")): \(rule.reasons.joined(separator: "; "))"
        }
        return String(lines.joined(separator: "\n").prefix(reasonsBytesMax))
    }
}
