// The HorizontalPodAutoscaler of a collector and its PodDisruptionBudget: how many pods there are, and how many may be missing.
// CollectorRendering renders them beside the workload.
// It never scales the workload itself: the autoscaler's target is the resource, through its scale subresource.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

struct CollectorAutoscaler {
    /// What the existing operator aims at when the resource names no target.
    private static let cpuTargetPercent = 90

    let context: CollectorContext
    private var settings: JSONValue? { context.spec["autoscaler"].flatMap { $0["maxReplicas"]?.int == nil ? Optional.none : .some($0) } }

    /// The least number of pods; nil without an autoscaler.
    ///
    /// Left out, it is the resource's `replicas` when the autoscaler was first made: later on that field is what the autoscaler writes itself, so the
    /// live autoscaler's own value counts.
    var least: Int? {
        guard let settings else { return nil }
        return settings["minReplicas"]?.int ?? context.facts.scale.autoscalerMinimum ?? context.spec.replicas
    }

    var manifest: Manifest? {
        guard let settings, let most = settings["maxReplicas"], let least else { return nil }
        let target: JSONValue = [
            "apiVersion": .string(ResourceType.openTelemetryCollectors.apiVersion), "kind": .string(ResourceType.openTelemetryCollectors.kind),
            "name": .string(Names.resource(context.collector.name.name)),
        ]
        let spec = JSONValue.members([
            ("scaleTargetRef", target), ("minReplicas", JSONValue(least)), ("maxReplicas", most), ("metrics", .array(metrics(settings))),
            ("behavior", settings["behavior"]),
        ])
        return context.builder.manifest(
            .horizontalPodAutoscalers, name: context.baseName, labels: context.metadata.labels(name: context.baseName),
            annotations: context.metadata.annotations,
            content: [("spec", spec)])
    }

    private func metrics(_ settings: JSONValue) -> [JSONValue] {
        let memory = settings["targetMemoryUtilization"]?.int
        let cpu = settings["targetCPUUtilization"]?.int ?? (memory == nil ? Self.cpuTargetPercent : nil)
        let resources = [("memory", memory), ("cpu", cpu)].compactMap { name, percent in percent.map { Self.utilization(of: name, percent: $0) } }
        let pods = (settings["metrics"]?.array ?? []).filter { $0["type"]?.string == "Pods" }
            .map { JSONValue.members([("type", "Pods"), ("pods", $0["pods"])]) }
        return resources + pods
    }

    private static func utilization(of resource: String, percent: Int) -> JSONValue {
        [
            "type": "Resource",
            "resource": ["name": .string(resource), "target": ["type": "Utilization", "averageUtilization": JSONValue(percent)]],
        ]
    }
}

extension CollectorContext {
    var podDisruptionBudget: Manifest {
        let given = spec["podDisruptionBudget"]
        var budget: JSONValue = ["selector": ["matchLabels": .texts(metadata.selector)]]
        if let least = given?["minAvailable"] { budget["minAvailable"] = least }
        if let most = given?["maxUnavailable"] {
            budget["maxUnavailable"] = most
        } else if given?["minAvailable"] == nil {
            budget["maxUnavailable"] = 1
        }
        return builder.manifest(
            .podDisruptionBudgets, name: baseName, labels: metadata.labels(name: baseName), annotations: metadata.annotations, content: [("spec", budget)])
    }
}
