// What a collector lacks at the Kubernetes API: where the operator makes no Roles, and where it cannot know which ones.
// Validation calls it; without the permission a component runs and sees nothing, or only logs an error.
// It never reports an error: a Role that a user made is not seen here.

import CollectorComponents
import JSON
import Kubernetes
import SondeAPI

enum AccessFindings {
    static func findings(_ subject: RuleSubject) -> [Finding] {
        unknowable(subject.configuration, subject.serviceAccount) + (subject.facts.grantsRoles ? [] : missing(subject))
    }

    /// One finding a component: the rules it would get.
    private static func missing(_ subject: RuleSubject) -> [Finding] {
        let (configuration, account) = (subject.configuration, subject.serviceAccount)
        let namespace = subject.metadata.namespace ?? "default"
        return [ComponentKind.receivers, .exporters, .processors, .extensions].flatMap { kind in
            configuration.enabled(kind).compactMap { id -> Finding? in
                let rules = AccessNeed(kind: kind, id: id, settings: configuration.components(kind)[id] ?? .null, namespace: namespace).rules
                guard !rules.isEmpty else { return nil }
                let isDiscovery = ComponentID.registered(kind, id)?.type == "prometheus"
                return Finding(
                    .warning, rule: isDiscovery ? "sd-without-rbac" : "component-without-rbac", path: "spec.config.\(kind.rawValue).\(id)",
                    message: "needs \(rules.map(text).joined(separator: "; ")), and this operator makes no roles",
                    remedy:
                        "bind a role with these rules to service account \(account), or let the operator make it (chart value rbac.collectorRoles)"
                )
            }
        }
    }

    static func text(_ rule: AccessRule) -> String {
        let place =
            switch rule.scope {
            case .cluster: ""
            case .namespace(let name): " in namespace \(name)"
            }
        let resources = rule.resources.map { rule.group.isEmpty ? $0 : "\($0).\(rule.group)" }
        return "\(rule.verbs.joined(separator: ", ")) on \(resources.joined(separator: ", "))\(place)"
    }

    /// A namespace from a variable is known to the collector only.
    private static func unknowable(_ configuration: CollectorConfiguration, _ account: String) -> [Finding] {
        configuration.enabled(.receivers, ofType: CollectorConfiguration.names(.receivers, "prometheus")).flatMap { id, value in
            (value.at("config", "scrape_configs")?.array ?? []).enumerated().flatMap { place, job in
                (job["kubernetes_sd_configs"]?.array ?? []).enumerated().flatMap { index, discovery -> [Finding] in
                    (discovery.at("namespaces", "names")?.array ?? []).enumerated().compactMap { position, name -> Finding? in
                        guard let text = name.string, text.contains("$") else { return nil }
                        return Finding(
                            .warning, rule: "sd-without-rbac",
                            path: "spec.config.receivers.\(id).config.scrape_configs[\(place)].kubernetes_sd_configs[\(index)].namespaces.names[\(position)]",
                            message: "\(text) is a variable, so no Role can be made for it, and without one no target is found there",
                            remedy: "write the namespace, or bind a Role there to service account \(account)")
                    }
                }
            }
        }
    }
}
