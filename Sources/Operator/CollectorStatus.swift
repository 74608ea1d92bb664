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
    /// The live Deployment, StatefulSet or DaemonSet, whichever the mode asks for.
    var workload: JSONValue?
    /// Nil for a sidecar, whose pods are not the resource's own.
    var workloadType: ResourceType?
    var verdict: Verdict?
    var isPaused = false
    /// What the validation found; nil where it did not look.
    var findings: [Finding]?
    /// The newest refusal of a pod, for DaemonSets and StatefulSets.
    var refusal: String?
    /// Objects that were left out because the cluster does not serve their kinds.
    var notServed: [ObjectReference] = []
    /// Roles for namespaces that are not there.
    var withoutNamespace: [ObjectReference] = []
    /// Objects whose content should roll the pods, and may not be read.
    var unreadable: [String] = []
    /// A change is tried in one pod: it is to be looked at soon.
    var isTrying = false
    /// What its pods' own metrics say.
    var health = HealthView.unknown
}

extension CollectorObservation {
    /// The whole status: scale, version, image, observedGeneration, conditions.
    func status(now: Timestamp) -> JSONValue {
        let state = workloadType.map { WorkloadState(workload, type: $0, refusal: refusal) } ?? .ofSidecars
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
        setDegraded(&conditions)
        if let findings { conditions.setConfigHealthy(findings) }
        setDataLoss(&conditions)
        return conditions.jsonValue
    }

    private func setDegraded(_ conditions: inout StatusConditions) {
        let kinds = notServed.isEmpty ? nil : missingKinds
        guard !unreadable.isEmpty else {
            guard !withoutNamespace.isEmpty else { return conditions.set(ConditionType.degraded, .kindNotInstalled, message: kinds) }
            return conditions.set(ConditionType.degraded, .namespaceMissing, message: [missingNamespaces, kinds].compactMap(\.self).joined(separator: "\n"))
        }
        let content =
            "the operator may not read \(unreadable.joined(separator: ", ")), so a change there restarts no pod; set rbac.readSecrets of the chart, "
            + "or take the annotation \(ContentHash.annotation) away"
        conditions.set(ConditionType.degraded, .contentNotReadable, message: [content, kinds].compactMap(\.self).joined(separator: "\n"))
    }

    private var missingNamespaces: String {
        let names = Set(withoutNamespace.compactMap(\.name.namespace)).sorted().joined(separator: ", ")
        return "the configuration reads objects of namespaces that are not there: \(names); its Roles are made within a minute after the namespace, or correct "
            + "the name in spec.config"
    }

    /// There only while there is something to say; False as long as nothing is gone for good.
    private func setDataLoss(_ conditions: inout StatusConditions) {
        switch health {
        case .unknown: return
        case .off: conditions.remove(ConditionType.dataLoss)
        case .known(let report):
            guard let (isLoss, reason, message) = HealthText.condition(report) else { return conditions.remove(ConditionType.dataLoss) }
            conditions.set(ConditionType.dataLoss, isLoss ? .true : .false, reason, message)
        }
    }

    private var missingKinds: String {
        let names = notServed.map { "\($0.type.kind) \($0.name.name)" }.joined(separator: ", ")
        let definitions = Set(notServed.map { "\($0.type.plural).\($0.type.group)" }).sorted().joined(separator: ", ")
        return "left out, because the cluster does not serve their kind (or the operator may not list it): \(names); install the definition "
            + "\(definitions), which is noticed by itself, or take what asks for them out of the spec"
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
