// Which permissions at the Kubernetes API the components of a configuration need: exactly those, each with its reason.
// Rendering makes Roles of them; validation says with them what a collector lacks when no Roles are made.
// It never grants by guess: what depends on a variable or on another cluster gives no rule.

import CollectorComponents
import JSON

/// Permissions read from a configuration.
public enum AccessRules {
    /// The rules in a fixed order: receivers, exporters, processors, extensions, each by id; equal rules once, with all reasons.
    /// What the existing operator grants, it grants in the cluster, and so do these rules; further ones are limited to the namespaces that are named.
    /// - Parameter namespace: Where the collector runs.
    public static func rules(of configuration: CollectorConfiguration, namespace: String) -> [AccessRule] {
        var rules: [AccessRule] = []
        for kind in [ComponentKind.receivers, .exporters, .processors, .extensions] {
            for id in configuration.enabled(kind) {
                let need = AccessNeed(kind: kind, id: id, settings: configuration.components(kind)[id] ?? .null, namespace: namespace)
                for rule in need.rules { add(rule, to: &rules) }
            }
        }
        return rules.filter { rule in !rules.contains { $0.covers(rule) } }
    }

    private static func add(_ rule: AccessRule, to rules: inout [AccessRule]) {
        guard let place = rules.firstIndex(where: { $0.grantsSame(as: rule) }) else { return rules.append(rule) }
        rules[place].reasons += rule.reasons.filter { !rules[place].reasons.contains($0) }
    }
}

/// What one component needs.
struct AccessNeed {
    let kind: ComponentKind
    let id: String
    let settings: JSONValue
    let namespace: String

    /// A condition that holds: where the rows of that condition apply, and why.
    struct Grant {
        let condition: String
        var scopes: [AccessRule.Scope] = [.cluster]
        var names: [String] = []
        let why: String
    }

    var rules: [AccessRule] {
        guard let component = ComponentID.registered(kind, id), !component.access.isEmpty else { return [] }
        switch component.type {
        case "k8s_objects": return objects
        case "receiver_creator": return templates
        default:
            return grants(component).flatMap { grant in
                component.access.filter { $0.condition == grant.condition }.flatMap { row in
                    grant.scopes.map { scope in
                        AccessRule(
                            scope: scope, group: row.group, resources: row.resources, resourceNames: grant.names, verbs: row.verbs, reasons: [reason(grant.why)]
                        )
                    }
                }
            }
        }
    }

    private func grants(_ component: Component) -> [Grant] {
        let always = component.access.contains { $0.condition == "always" } ? [Grant(condition: "always", why: "always needed")] : []
        switch component.type {
        case "kubelet_stats": return always + utilization
        case "k8s_cluster":
            let isOpenShift = settings["distribution"]?.string == "openshift"
            return always + (isOpenShift ? [Grant(condition: "openshift", why: "distribution is openshift")] : [])
        case "prometheus": return discovery
        case "k8s_attributes": return always + attributes
        case "resource_detection": return detectors
        case "load_balancing": return resolver
        case "k8s_observer": return observed
        default: return always
        }
    }

    func reason(_ why: String) -> String { "\(kind.rawValue).\(id): \(why)" }

    // MARK: Receivers

    private var utilization: [Grant] {
        if settings["extra_metadata_labels"]?.array?.isEmpty == false {
            return [Grant(condition: "utilization", why: "extra_metadata_labels reads the kubelet's pods")]
        }
        let metrics = settings["metrics"]
        for scope in ["container", "pod"] {
            for what in ["cpu_limit", "cpu_request", "memory_limit", "memory_request"] {
                let name = "k8s.\(scope).\(what)_utilization"
                if metrics?[name]?["enabled"]?.bool == true { return [Grant(condition: "utilization", why: "\(name) reads the kubelet's pods")] }
            }
        }
        return []
    }

    /// A rule for each object, as the settings name it.
    private var objects: [AccessRule] {
        (settings["objects"]?.array ?? []).compactMap { object in
            guard let name = object["name"]?.string, Self.isPlain(name) else { return nil }
            var verbs = ["list"]
            switch object["mode"]?.string {
            case "pull" where name != "events" && name != "events.k8s.io": verbs.append("get")
            case "watch": verbs.append("watch")
            default: break
            }
            return AccessRule(
                scope: .cluster, group: object["group"]?.string ?? "", resources: [name], resourceNames: [], verbs: verbs,
                reasons: [reason("objects names \(name)")])
        }
    }

    /// What the receivers need that a receiver_creator starts.
    private var templates: [AccessRule] {
        (settings["receivers"]?.object ?? [:]).flatMap { template, value -> [AccessRule] in
            guard ComponentID.registered(.receivers, template)?.type != "receiver_creator" else { return [] }
            let need = AccessNeed(kind: .receivers, id: template, settings: value["config"] ?? [:], namespace: namespace)
            return need.rules.map { rule in
                var rule = rule
                rule.reasons = [reason("starts \(template)")]
                return rule
            }
        }
    }

    private var discovery: [Grant] {
        (settings.at("config", "scrape_configs")?.array ?? []).flatMap { job in
            (job["kubernetes_sd_configs"]?.array ?? []).flatMap { discovery($0, job: job["job_name"]?.string ?? "") }
        }
    }

    private func discovery(_ discovery: JSONValue, job: String) -> [Grant] {
        // Another API server, or another identity: nothing of ours.
        guard discovery["api_server"] == nil, discovery["kubeconfig_file"] == nil, let role = discovery["role"]?.string else { return [] }
        var named = discovery.at("namespaces", "names")?.array?.compactMap(\.string) ?? []
        if discovery.at("namespaces", "own_namespace")?.bool == true { named.append(namespace) }
        let known = named.filter(Self.isPlain)
        let scopes: [AccessRule.Scope] = named.isEmpty ? [.cluster] : known.map { .namespace($0) }
        let why = "job \(job) finds targets of role \(role)"
        var grants = [Grant(condition: "sd-\(role)", scopes: role == "node" ? [.cluster] : scopes, why: why)]
        if discovery.at("attach_metadata", "node")?.bool == true { grants.append(Grant(condition: "sd-node", why: "job \(job) attaches metadata of nodes")) }
        if discovery.at("attach_metadata", "namespace")?.bool == true {
            grants.append(Grant(condition: "sd-namespace-metadata", why: "job \(job) attaches metadata of namespaces"))
        }
        return grants
    }

    // MARK: Processors, exporters, extensions

    private var attributes: [Grant] {
        let metadata = settings.at("extract", "metadata")?.array?.compactMap(\.string) ?? []
        let fields = ["labels", "annotations"].flatMap { settings.at("extract", $0)?.array ?? [] }
        let sources = Set(fields.compactMap { $0["from"]?.string })
        var grants: [Grant] = []
        if metadata.isEmpty {
            grants.append(Grant(condition: "replicasets", why: "k8s.deployment.name is read by default"))
        } else if let field = metadata.first(where: { ["k8s.deployment.uid", "k8s.deployment.name", "service.name"].contains($0) }) {
            grants.append(Grant(condition: "replicasets", why: "extract.metadata has \(field)"))
        }
        if let field = metadata.first(where: { $0.contains("k8s.node") }) {
            grants.append(Grant(condition: "nodes", why: "extract.metadata has \(field)"))
        } else if sources.contains("node") {
            grants.append(Grant(condition: "nodes", why: "labels or annotations of nodes are extracted"))
        }
        if let field = metadata.first(where: { $0.hasPrefix("k8s.cronjob.") }) {
            grants.append(Grant(condition: "jobs", why: "extract.metadata has \(field)"))
        } else if sources.contains("job") {
            grants.append(Grant(condition: "jobs", why: "labels or annotations of jobs are extracted"))
        }
        for kind in ["deployment", "statefulset", "daemonset"] where sources.contains(kind) {
            grants.append(Grant(condition: "\(kind)s", why: "labels or annotations of \(kind)s are extracted"))
        }
        return grants
    }

    private var detectors: [Grant] {
        (settings["detectors"]?.array?.compactMap(\.string) ?? []).flatMap { detector -> [Grant] in
            let why = "the detector \(detector)"
            guard detector == "kubeadm" else { return [Grant(condition: detector, why: why)] }
            let system = AccessRule.Scope.namespace("kube-system")
            return [
                Grant(condition: "kubeadm", scopes: [system], names: ["kubeadm-config"], why: why),
                Grant(condition: "kubeadm-cluster", scopes: [system], names: ["kube-system"], why: why),
            ]
        }
    }

    /// `gateway.observability`, also with the end that names in DNS have: `gateway.observability.svc.cluster.local`. Without a namespace the collector's own.
    private var resolver: [Grant] {
        guard let service = settings.at("resolver", "k8s", "service")?.string, !service.isEmpty else { return [] }
        let parts = service.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let space = parts.count > 1 ? parts[1] : namespace
        guard parts.count < 3 || parts[2] == "svc", Self.isPlain(space) else { return [] }
        let scopes = [AccessRule.Scope.namespace(space)], why = "the resolver watches the addresses of Service \(service)"
        return [Grant(condition: "resolver-slices", scopes: scopes, why: why), Grant(condition: "resolver-endpoints", scopes: scopes, why: why)]
    }

    /// Pods are observed unless the settings say otherwise.
    private var observed: [Grant] {
        let named = (settings["namespaces"]?.array?.compactMap(\.string) ?? []).filter(Self.isPlain)
        return ["pods", "services", "nodes", "ingresses"].compactMap { what in
            let key = "observe_\(what)"
            guard settings[key]?.bool ?? (what == "pods") else { return nil }
            let isNarrow = what == "ingresses" && !named.isEmpty
            return Grant(condition: key, scopes: isNarrow ? named.map { .namespace($0) } : [.cluster], why: "\(key) is on")
        }
    }

    /// Whether a name can be granted on: a variable, say, cannot.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 253
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "/")
            }
    }
}
