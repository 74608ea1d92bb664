// Who decides how many pods a collector has: the resource and its own autoscaler, or an autoscaler that somebody else aimed at the workload.
// CollectorReconciler asks before it renders, and gives the number away when it is no longer ours.
// It never changes an autoscaler that is not the collector's own.

import CollectorConfig
import JSON
import Kubernetes
import KubernetesRuntime
import Rendering
import SondeAPI
import Synchronization

enum CollectorScales {
    /// - Parameter autoscalers: All of the namespace; those that KEDA makes are among them.
    static func scale(of collector: OpenTelemetryCollector, autoscalers: [JSONValue]) -> CollectorScale {
        var scale = CollectorScale()
        let workload = CollectorRendering.workloadType(of: collector.spec.mode)
        for autoscaler in autoscalers {
            if autoscaler.metadata.controller?.uid == collector.metadata.uid {
                scale.autoscalerMinimum = autoscaler.at("spec", "minReplicas")?.int
            } else if let workload, target(of: autoscaler) == ObjectReference(workload, workloadName(of: collector)) {
                scale.isOwnedByOthers = true
                scale.initialReplicas = initial(autoscaler, collector.spec.replicas)
            } else if target(of: autoscaler) == ObjectReference(.deployments, CollectorRendering.routingName(of: collector.name)) {
                scale.isRoutingOwnedByOthers = true
            }
        }
        return scale
    }

    /// What the autoscaler last wanted: the workload may be missing only because it is made anew.
    private static func initial(_ autoscaler: JSONValue, _ replicas: Int) -> Int {
        let wanted = autoscaler.at("status", "desiredReplicas")?.int ?? 0
        return max(wanted > 0 ? wanted : replicas, autoscaler.at("spec", "minReplicas")?.int ?? 1)
    }

    /// The Deployment or StatefulSet that an autoscaler scales; nil for other targets.
    static func target(of autoscaler: JSONValue) -> ObjectReference? {
        guard let target = autoscaler.at("spec", "scaleTargetRef"), let name = target["name"]?.string,
            let type = [ResourceType.deployments, .statefulSets].first(where: { $0.kind == target["kind"]?.string }),
            target["apiVersion"]?.string?.hasPrefix("\(type.group)/") ?? true
        else { return nil }
        return ObjectReference(type, ObjectName(namespace: autoscaler.metadata.namespace, name: name))
    }

    static func workloadName(of collector: OpenTelemetryCollector) -> ObjectName {
        ObjectName(namespace: collector.name.namespace, name: Names.collector(collector.name.name))
    }
}

/// Gives the number of pods of a workload away without changing it.
///
/// A field that its only owner no longer applies is removed, and `replicas` would fall back to 1 until the autoscaler has looked again. So a second
/// field manager takes the live number over first, and loses it to the autoscaler's first change.
final class ScaleHandover: Sendable {
    private static let rememberedMax = 20_000

    private let api: any KubernetesAPI
    private let fieldManager: String
    /// Workloads by uid whose `replicas` are known not to be ours.
    private let handedOver = Mutex<Set<String>>([])

    init(api: any KubernetesAPI, fieldManager: String) {
        self.api = api
        self.fieldManager = fieldManager
    }

    /// - Parameter workload: As the store has it.
    func handOver(_ workload: JSONValue, type: ResourceType) async throws {
        let uid = workload.metadata.uid
        if handedOver.withLock({ $0.contains(uid) }) { return }
        guard let live = try await api.getIfFound(type, workload.metadata.objectName), live.metadata.uid == uid else { return }
        if owns(live), let replicas = live.at("spec", "replicas") {
            var metadata: JSONValue = ["name": .string(live.metadata.name), "uid": .string(uid)]
            metadata["namespace"] = live.metadata.namespace.map { .string($0) }
            // The number must still be the one that was read.
            metadata["resourceVersion"] = .string(live.metadata.resourceVersion)
            let claim: JSONValue = [
                "apiVersion": .string(type.apiVersion), "kind": .string(type.kind), "metadata": metadata, "spec": ["replicas": replicas],
            ]
            try await api.apply(type, claim, fieldManager: "\(fieldManager)-scale", force: true)
        }
        handedOver.withLock { handedOver in
            // Forgetting costs one read of a workload.
            if handedOver.count >= Self.rememberedMax { handedOver.removeAll() }
            handedOver.insert(uid)
        }
    }

    /// The resource decides again.
    func forget(uid: String) { handedOver.withLock { _ = $0.remove(uid) } }

    /// An earlier operator's fields become ours with the apply that follows.
    private func owns(_ live: JSONValue) -> Bool {
        let managers = EarlierOperator.fieldManagers.union([fieldManager])
        return (live.at("metadata", "managedFields")?.array ?? []).contains { entry in
            entry["manager"]?.string.map(managers.contains) == true && entry["subresource"] == nil && entry.at("fieldsV1", "f:spec", "f:replicas") != nil
        }
    }
}
