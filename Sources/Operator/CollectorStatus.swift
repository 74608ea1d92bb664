// The status of an OpenTelemetryCollector, from what was observed.
// CollectorReconciler computes it at the end of each reconcile and hands it to the status writer.
// It never reads a store, a clock or a server.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// Everything that a collector's status is made from.
struct CollectorObservation: Sendable {
    var collector: OpenTelemetryCollector
    /// The live Deployment or DaemonSet, whichever the mode asks for.
    var workload: JSONValue?
    var workloadType: ResourceType
    var verdict: Verdict?
    var isPaused = false
    var warnings: [Finding] = []
    /// The newest refusal of a pod, for DaemonSets.
    var refusal: String?
}

extension CollectorObservation {
    /// The whole status: scale, version, image, observedGeneration, conditions.
    func status(now: Timestamp) -> JSONValue {
        let state = WorkloadState(workload, type: workloadType, refusal: refusal)
        var status: JSONValue = [
            "observedGeneration": JSONValue(collector.metadata.generation),
            "conditions": conditions(state, now: now),
            "scale": ["selector": .string(selector), "replicas": JSONValue(state.replicas), "statusReplicas": .string("\(state.ready)/\(state.replicas)")],
        ]
        if let image {
            status["image"] = .string(image)
            status["version"] = .string(ImageReference.tag(of: image))
        }
        return status
    }

    private func conditions(_ state: WorkloadState, now: Timestamp) -> JSONValue {
        var conditions = StatusConditions(of: collector.object, now: now)
        conditions.setReady(verdict: verdict, workload: state, isPaused: isPaused)
        let fields = collector.spec.unrenderedFields
        let missing = "this version keeps but does not render: " + fields.map { "spec.\($0)" }.joined(separator: ", ")
        conditions.set(ConditionType.degraded, .fieldsNotRendered, message: fields.isEmpty ? nil : missing)
        conditions.set(ConditionType.configurationWarning, .configurationWarnings, message: warnings.isEmpty ? nil : Verdict.text(warnings))
        return conditions.jsonValue
    }

    /// The labels by which pods are found, as a HorizontalPodAutoscaler reads them; from the workload itself, so that they are the live ones.
    private var selector: String {
        let labels = workload?.at("spec", "selector", "matchLabels")?.object ?? [:]
        return LabelSelector(matching: Dictionary(labels.compactMap { key, value in value.string.map { (key, $0) } }, uniquingKeysWith: { $1 })).text
    }

    private var image: String? {
        let containers = workload?.at("spec", "template", "spec", "containers")?.array ?? []
        let container = containers.first { $0["name"]?.string == "otc-container" } ?? containers.first
        return container?["image"]?.string
    }
}

enum ImageReference {
    /// The tag of an image, without a digest; empty when there is none. The colon of a registry's port is no tag.
    static func tag(of image: String) -> String {
        let name = image.prefix { $0 != "@" }
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return "" }
        return String(name[name.index(after: colon)...])
    }
}
