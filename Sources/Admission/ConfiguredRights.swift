// The rights that the operator grants a collector for its configuration, one by one, as access reviews ask for them.
// The webhook's handler is given it where the operator makes Roles; elsewhere nothing is granted, and nothing is asked.
// It never widens a rule: names and namespaces stay.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// Rights by AccessRules.
public struct ConfiguredRights: CollectorRights {
    private let grantsRoles: Bool

    /// - Parameter grantsRoles: Whether the operator makes Roles and ClusterRoles for collectors.
    public init(grantsRoles: Bool) { self.grantsRoles = grantsRoles }

    public func rights(of collector: OpenTelemetryCollector) -> Set<AccessRight> {
        guard grantsRoles, collector.spec.config.object != nil else { return [] }
        let rules = AccessRules.rules(of: CollectorConfiguration(collector.spec.config).completed(), namespace: collector.name.namespace ?? "default")
        var rights: Set<AccessRight> = []
        for rule in rules {
            let namespace: String? = if case .namespace(let name) = rule.scope { name } else { nil }
            for resource in rule.resources {
                for verb in rule.verbs {
                    for name in rule.resourceNames.isEmpty ? [""] : rule.resourceNames {
                        rights.insert(AccessRight(group: rule.group, resource: resource, verb: verb, name: name, namespace: namespace))
                    }
                }
            }
        }
        return rights
    }
}
