// The validation of built-in kinds: the mistakes that an operator is likely to make, answered as a real API server answers them.
// Admission calls it after defaulting.
// It never claims to be complete: what passes here may still be refused by a real server.

import JSON
import Kubernetes

enum BuiltInRules {
    static func errors(_ object: JSONValue, kind: ResourceType, live: JSONValue?) -> [FieldError] {
        switch kind.kind {
        case "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet": WorkloadRules.errors(object, kind: kind.kind, live: live)
        case "Pod": PodRules.errors(object["spec"] ?? [:], path: "spec") + podUpdate(object, live)
        case "Service": ServiceRules.errors(object, live: live)
        case "ConfigMap": dataKeys(object, "data") + dataKeys(object, "binaryData") + immutable(object, live)
        case "Secret": dataKeys(object, "data") + base64(object) + immutable(object, live) + secretType(object, live)
        case "RoleBinding", "ClusterRoleBinding": roleReference(object, live)
        case "Lease": lease(object)
        case "PersistentVolumeClaim": claim(object, live)
        default: []
        }
    }

    private static func dataKeys(_ object: JSONValue, _ field: String) -> [FieldError] {
        (object[field]?.object ?? [:]).keys.filter { !$0.wholeMatches(/[-._a-zA-Z0-9]{1,253}/) || $0 == "." || $0 == ".." }.map {
            .invalid("\(field)[\($0)]", .string($0), "a valid config key must consist of alphanumeric characters, '-', '_' or '.'")
        }
    }

    private static func base64(_ object: JSONValue) -> [FieldError] {
        (object["data"]?.object ?? [:]).filter { Base64.decode($0.1.string ?? "") == nil }.map { .invalid("data[\($0.0)]", $0.1, "illegal base64 data") }
    }

    private static func immutable(_ object: JSONValue, _ live: JSONValue?) -> [FieldError] {
        guard let live, live["immutable"] == true else { return [] }
        var out: [FieldError] = []
        if object["immutable"] != true { out.append(.forbidden("immutable", "field is immutable when `immutable` is set")) }
        for key in ["data", "binaryData"] where object[key] != live[key] { out.append(.forbidden(key, "field is immutable when `immutable` is set")) }
        return out
    }

    private static func secretType(_ object: JSONValue, _ live: JSONValue?) -> [FieldError] {
        guard let live, let type = object["type"], type != live["type"] else { return [] }
        return [.invalid("type", type, "field is immutable")]
    }

    private static func roleReference(_ object: JSONValue, _ live: JSONValue?) -> [FieldError] {
        guard let role = object["roleRef"], role["name"]?.string?.isEmpty == false else { return [.required("roleRef.name")] }
        guard let live, live["roleRef"] != role else { return [] }
        return [.invalid("roleRef", role, "cannot change roleRef")]
    }

    /// Only a bound claim grows; nothing else of a claim changes.
    private static func claim(_ object: JSONValue, _ live: JSONValue?) -> [FieldError] {
        guard let live else { return [] }
        let path = ["resources", "requests", "storage"]
        func fixed(_ object: JSONValue) -> JSONValue? {
            var spec = object["spec"]
            if live.at("status", "phase") == "Bound" { spec?.set(path, to: nil) }
            return spec
        }
        guard fixed(object) == fixed(live) else {
            return [.forbidden("spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")]
        }
        let sizes = [object, live].map { $0["spec"]?.at(path)?.string.flatMap(Quantity.init) }
        guard let new = sizes[0], let old = sizes[1], new < old else { return [] }
        return [.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")]
    }

    private static func lease(_ object: JSONValue) -> [FieldError] {
        guard let seconds = object.at("spec", "leaseDurationSeconds")?.int, seconds <= 0 else { return [] }
        return [.invalid("spec.leaseDurationSeconds", .int(Int64(seconds)), "must be greater than 0")]
    }

    /// A pod's spec hardly changes: images, tolerations that are added, and the deadline.
    private static func podUpdate(_ object: JSONValue, _ live: JSONValue?) -> [FieldError] {
        guard let live, !live.metadata.isBeingDeleted else { return [] }
        func fixed(_ object: JSONValue) -> JSONValue? {
            var spec = object["spec"]
            for key in ["tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds", "nodeName", "schedulingGates"] { spec?[key] = nil }
            for key in ["containers", "initContainers"] { spec?.changeEach([key]) { $0["image"] = nil } }
            return spec
        }
        guard fixed(object) != fixed(live) else { return [] }
        return [
            .forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                    + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                    + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
            )
        ]
    }
}

extension String {
    func wholeMatches(_ pattern: some RegexComponent) -> Bool { wholeMatch(of: pattern) != nil }
}

/// Deployments, DaemonSets, StatefulSets and ReplicaSets.
enum WorkloadRules {
    static func errors(_ object: JSONValue, kind: String, live: JSONValue?) -> [FieldError] {
        let spec = object["spec"] ?? [:]
        var out = selectorErrors(spec, live)
        if let replicas = spec["replicas"]?.int, replicas < 0 {
            out.append(.invalid("spec.replicas", .int(Int64(replicas)), "must be greater than or equal to 0"))
        }
        let template = spec.at("template", "spec") ?? [:]
        out += PodRules.errors(template, path: "spec.template.spec")
        for (_, value) in spec.at("template", "metadata", "labels")?.object ?? [:] {
            if let problem = MetadataRules.labelValueProblem(value) { out.append(.invalid("spec.template.labels", value, problem)) }
        }
        if let policy = template["restartPolicy"], policy != "Always" { out.append(.notSupported("spec.template.spec.restartPolicy", policy, ["Always"])) }
        if kind == "StatefulSet", let live { out += statefulSetUpdate(spec, live["spec"] ?? [:]) }
        return out
    }

    private static func selectorErrors(_ spec: JSONValue, _ live: JSONValue?) -> [FieldError] {
        guard let selector = spec["selector"] else { return [.required("spec.selector")] }
        guard let parsed = try? LabelSelector(decoding: selector) else { return [.invalid("spec.selector", selector, "invalid label selector")] }
        if parsed.requirements.isEmpty { return [.invalid("spec.selector", selector, "empty selector is invalid for deployment")] }
        var out: [FieldError] = []
        let labels = spec.at("template", "metadata", "labels") ?? [:]
        if !parsed.matches(["metadata": ["labels": labels]] as JSONValue) {
            out.append(.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"))
        }
        if let old = live?.at("spec", "selector"), old != selector { out.append(.invalid("spec.selector", selector, "field is immutable")) }
        return out
    }

    private static func statefulSetUpdate(_ spec: JSONValue, _ live: JSONValue) -> [FieldError] {
        let mutable = [
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds", "selector",
        ]
        func fixed(_ spec: JSONValue) -> JSONValue {
            var out = spec
            for key in mutable { out[key] = nil }
            return out
        }
        guard fixed(spec) != fixed(live) else { return [] }
        return [
            .forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                    + "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' "
                    + "and 'minReadySeconds' are forbidden"
            )
        ]
    }
}
