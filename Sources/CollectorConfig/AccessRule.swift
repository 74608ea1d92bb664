// One permission at the Kubernetes API that a collector's configuration needs, with the reason for it.
// AccessRules makes them from a configuration; rendering puts them into Roles and ClusterRoles, and the webhook asks whether a user may hand them out.
// It never holds more than one API group, and no wildcard.

/// A rule of a Role or ClusterRole.
public struct AccessRule: Hashable, Sendable {
    public enum Scope: Hashable, Sendable {
        case cluster
        case namespace(String)
    }

    public let scope: Scope
    /// The API group; empty for the core group.
    public let group: String
    public let resources: [String]
    /// Only objects with these names; empty for all.
    public let resourceNames: [String]
    public let verbs: [String]
    /// What needs it: `receivers.prometheus: pods are found by kubernetes_sd_configs`. In the order of the configuration.
    public internal(set) var reasons: [String]

    /// Whether two rules give the same, whatever the reasons.
    func grantsSame(as other: AccessRule) -> Bool {
        scope == other.scope && group == other.group && resources == other.resources && resourceNames == other.resourceNames && verbs == other.verbs
    }

    /// Whether this rule makes the other one needless.
    func covers(_ other: AccessRule) -> Bool {
        scope == .cluster && other.scope != .cluster && group == other.group && resourceNames.isEmpty && Set(other.resources).isSubset(of: resources)
            && Set(other.verbs).isSubset(of: verbs)
    }
}
