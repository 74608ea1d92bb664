// Rules over several fields of a collector's spec: modes, disruption budget, ingress, update strategies.
// Validation calls it; the rules are those of the existing operator's admission.
// It never looks into pipelines.

import JSON
import SondeAPI

enum SpecRules {
    static func findings(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        let findings = disruption(spec) + ingress(spec)
        guard let mode = spec.mode else { return findings }  // The schema has refused it; what depends on it cannot be known.
        return modeFindings(spec, mode) + findings + unrendered(spec, mode)
    }

    /// Only for resources that ask to be rolled when content changes.
    static func contentFindings(_ spec: OpenTelemetryCollectorSpec, _ annotations: [String: String]) -> [Finding] {
        let most = OpenTelemetryCollectorSpec.contentReferencesMax
        guard annotations[CollectorAnnotations.rollOnContentKey] == "true", case let all = spec.allContentReferences, all.count > most else { return [] }
        let first = all[most]
        return [
            Finding(
                .warning, rule: "content-not-watched", path: CollectorAnnotations.path(CollectorAnnotations.rollOnContentKey),
                message: "the pods take in \(all.count) ConfigMaps and Secrets, and a change of the first \(most) restarts them: \(first.kind.rawValue) "
                    + "\(first.name) and those after it by kind and name are not looked at",
                remedy: "put them together into fewer objects")
        ]
    }

    private static func modeFindings(_ spec: OpenTelemetryCollectorSpec, _ mode: OpenTelemetryCollectorSpec.Mode) -> [Finding] {
        var findings: [Finding] = []
        for field in ["volumeClaimTemplates", "persistentVolumeClaimRetentionPolicy"] where spec[field].map(isSet) == true && mode != .statefulset {
            findings.append(
                otherMode(field, "works with mode statefulset only, and the mode is \(mode.rawValue)", "remove it, or write mode: statefulset"))
        }
        for field in ["tolerations", "priorityClassName", "affinity", "additionalContainers"] where spec[field].map(isSet) == true && mode == .sidecar {
            findings.append(
                otherMode(field, "does not work with mode sidecar: the pod is another's", "remove it, and set it in the pods that carry the sidecar"))
        }
        for (field, of) in [("daemonSetUpdateStrategy", OpenTelemetryCollectorSpec.Mode.daemonset), ("deploymentUpdateStrategy", .deployment)]
        where spec[field]?["type"]?.string?.isEmpty == false && mode != of {
            findings.append(
                otherMode(field, "works with mode \(of.rawValue) only, and the mode is \(mode.rawValue)", "remove it, or write mode: \(of.rawValue)"))
        }
        if mode == .sidecar, spec["ingress"]?["type"]?.string?.isEmpty == false {
            findings.append(otherMode("ingress", "does not work with mode sidecar, which has no Service", "remove it"))
        }
        return findings
    }

    /// Lists and texts that are empty ask for nothing; an empty mapping does.
    private static func isSet(_ value: JSONValue) -> Bool { value != [] && value != "" }

    private static func disruption(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        guard let budget = spec["podDisruptionBudget"], budget["minAvailable"] != nil, budget["maxUnavailable"] != nil else { return [] }
        return [error("two-limits", "podDisruptionBudget", "has minAvailable and maxUnavailable, and Kubernetes takes one", "remove one of them")]
    }

    private static func ingress(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        guard let ingress = spec["ingress"], ingress["ruleType"]?.string == "subdomain" else { return [] }
        let host = ingress["hostname"]?.string ?? ""
        guard host.isEmpty || host == "*" else { return [] }
        return [
            error(
                "ingress", "ingress.hostname", "must be a domain with ruleType subdomain: each port gets a name below it",
                "write for example hostname: otel.example.com")
        ]
    }

    private static func unrendered(_ spec: OpenTelemetryCollectorSpec, _ mode: OpenTelemetryCollectorSpec.Mode) -> [Finding] {
        spec.unrenderedFields.map {
            Finding(
                .warning, rule: "field-not-rendered", path: "spec.\($0)", message: "means nothing in mode \(mode.rawValue)",
                remedy: "remove it, or change the mode")
        }
    }

    private static func otherMode(_ field: String, _ message: String, _ remedy: String) -> Finding {
        error("field-of-other-mode", field, message, remedy)
    }

    private static func error(_ rule: String, _ field: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.error, rule: rule, path: "spec.\(field)", message: message, remedy: remedy)
    }
}
