// Rules over several fields of a collector's spec: modes, autoscaler, ingress, update strategies, target allocator.
// Validation calls it; the rules are those of the existing operator's admission for the modes that this version renders.
// It never looks into pipelines.

import JSON
import SondeAPI

enum SpecRules {
    static func findings(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        guard let mode = spec.mode else { return [] }  // The schema has refused it.
        return modeFindings(spec, mode) + disruption(spec) + autoscaler(spec) + ingress(spec, mode) + targetAllocator(spec, mode) + unrendered(spec, mode)
    }

    private static func modeFindings(_ spec: OpenTelemetryCollectorSpec, _ mode: OpenTelemetryCollectorSpec.Mode) -> [Finding] {
        var findings: [Finding] = []
        for field in ["volumeClaimTemplates", "persistentVolumeClaimRetentionPolicy"] where spec[field] != nil && mode != .statefulset {
            findings.append(error("field-of-other-mode", field, "works with mode statefulset only, the mode is \(mode.rawValue)", "remove it"))
        }
        for field in ["tolerations", "priorityClassName", "affinity", "additionalContainers"] where spec[field] != nil && mode == .sidecar {
            findings.append(error("field-of-other-mode", field, "does not work with mode sidecar", "remove it"))
        }
        for (field, of) in [("daemonSetUpdateStrategy", OpenTelemetryCollectorSpec.Mode.daemonset), ("deploymentUpdateStrategy", .deployment)]
        where spec[field]?["type"]?.string?.isEmpty == false && mode != of {
            findings.append(error("field-of-other-mode", field, "works with mode \(of.rawValue) only, the mode is \(mode.rawValue)", "remove it"))
        }
        return findings
    }

    private static func disruption(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        guard let budget = spec["podDisruptionBudget"], budget["minAvailable"] != nil, budget["maxUnavailable"] != nil else { return [] }
        return [error("two-limits", "podDisruptionBudget", "has minAvailable and maxUnavailable, and Kubernetes takes one", "remove one of them")]
    }

    private static func autoscaler(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        guard let autoscaler = spec["autoscaler"] else { return [] }
        var findings: [Finding] = []
        let path = "autoscaler"
        let least = autoscaler["minReplicas"]?.int
        guard let most = autoscaler["maxReplicas"]?.int else {
            if least != nil { findings.append(error("autoscaler", "\(path).maxReplicas", "is required with minReplicas", "add it")) }
            return findings
        }
        if spec.replicas > most { findings.append(error("autoscaler", "replicas", "must be at most autoscaler.maxReplicas, \(most)", "lower it")) }
        if let least, least > most { findings.append(error("autoscaler", "\(path).minReplicas", "must be at most maxReplicas, \(most)", "lower it")) }
        for direction in ["scaleUp", "scaleDown"] {
            guard let seconds = autoscaler.at("behavior", direction, "stabilizationWindowSeconds")?.int, !(0...3600).contains(seconds) else { continue }
            findings.append(
                error(
                    "autoscaler", "\(path).behavior.\(direction).stabilizationWindowSeconds", "must be from 0 to 3600, is \(seconds)",
                    "write a number in that range"))
        }
        for (index, metric) in (autoscaler["metrics"]?.array ?? []).enumerated() where metric["type"]?.string != "Pods" {
            findings.append(error("autoscaler", "\(path).metrics[\(index)].type", "must be Pods", "write type: Pods"))
        }
        return findings
    }

    private static func ingress(_ spec: OpenTelemetryCollectorSpec, _ mode: OpenTelemetryCollectorSpec.Mode) -> [Finding] {
        guard let ingress = spec["ingress"], let type = ingress["type"]?.string, !type.isEmpty else { return [] }
        if mode == .sidecar { return [error("field-of-other-mode", "ingress", "does not work with mode sidecar", "remove it")] }
        let host = ingress["hostname"]?.string ?? ""
        guard ingress["ruleType"]?.string == "subdomain", host.isEmpty || host == "*" else { return [] }
        return [error("ingress", "ingress.hostname", "must be a domain with ruleType subdomain", "write for example hostname: otel.example.com")]
    }

    private static func targetAllocator(_ spec: OpenTelemetryCollectorSpec, _ mode: OpenTelemetryCollectorSpec.Mode) -> [Finding] {
        guard let allocator = spec["targetAllocator"], allocator["enabled"]?.bool == true else { return [] }
        let path = "targetAllocator"
        if mode != .statefulset && mode != .daemonset {
            return [
                error(
                    "target-allocator", path, "works with modes statefulset and daemonset only, the mode is \(mode.rawValue)",
                    "change the mode or set enabled: false")
            ]
        }
        var findings: [Finding] = []
        let isPerNode = allocator["allocationStrategy"]?.string == "per-node"
        if isPerNode != (mode == .daemonset) {
            findings.append(
                error(
                    "target-allocator", "\(path).allocationStrategy", "must be per-node with mode daemonset, and only there", "change the strategy or the mode")
            )
        }
        let receiver = spec.config.at("receivers", "prometheus")
        if receiver == nil {
            findings.append(
                error("target-allocator", "config.receivers.prometheus", "is required by the target allocator", "name the receiver exactly prometheus"))
        } else if receiver?.at("config", "scrape_configs") == nil, allocator.at("prometheusCR", "enabled")?.bool != true {
            findings.append(
                error("target-allocator", "config.receivers.prometheus.config.scrape_configs", "is required unless prometheusCR is enabled", "add it"))
        }
        return findings
    }

    private static func unrendered(_ spec: OpenTelemetryCollectorSpec, _ mode: OpenTelemetryCollectorSpec.Mode) -> [Finding] {
        spec.unrenderedFields.map {
            Finding(
                .warning, rule: "field-not-rendered", path: "spec.\($0)", message: "means nothing in mode \(mode.rawValue)",
                remedy: "remove it, or change the mode")
        }
    }

    private static func error(_ rule: String, _ field: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.error, rule: rule, path: "spec.\(field)", message: message, remedy: remedy)
    }
}
