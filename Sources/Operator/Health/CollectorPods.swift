// The collectors' pods as far as the operator cares: whose they are, whether they are ready, how often they restarted, and where their metrics are.
// OperatorScope watches them through `projection`; health and canaries read the store with `pods`.
// It never keeps a pod's spec, and never takes a pod for a collector's that its workload does not own.

import CollectorConfig
import JSON
import Kubernetes
import KubernetesRuntime
import Rendering
import SondeAPI

/// One pod of a collector's workload.
struct CollectorPod: Hashable, Sendable {
    let name: String
    let uid: String
    let isReady: Bool
    /// Of the collector's container.
    let restarts: Int
    /// Of a Deployment that tries a change.
    let isCanary: Bool
    /// Of the template that a canary has; empty for others.
    let revision: String
    /// Of a StatefulSet's pod: which of its templates it has.
    var controllerRevision = ""
    /// Of the pods in front that route traces.
    var isRouting = false
    /// Nil where there is no address, or one that pods do not have.
    let address: AgentAddress?
}

enum CollectorPods {
    /// Both tiers of pods, which differ in their component.
    static let selector = LabelSelector(matching: CollectorRendering.podLabels.filter { $0.key != "app.kubernetes.io/component" })
    static let index = IndexName("collectorInstance")
    private static let controllerRevisionLabel = "controller-revision-hash"
    private static let instanceLabel = "app.kubernetes.io/instance"

    static let keys: ObjectStore.Indexer = { pod in
        pod.metadata.labels[instanceLabel].map { ["\(pod.metadata.namespace ?? "")/\($0)"] } ?? []
    }

    /// What the store keeps of a pod.
    static let projection: Informer.Transform = { pod in
        var metadata: JSONValue = [:]
        for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"] {
            if let text = pod["metadata"]?[key] { metadata[key] = text }
        }
        if let owner = pod.metadata.controller { metadata["ownerReferences"] = [owner.jsonValue] }
        var labels: JSONValue = [:]
        let kept = [instanceLabel, CollectorRendering.revisionLabel, CollectorRendering.canaryLabel, CollectorRendering.tierLabel, controllerRevisionLabel]
        for key in kept {
            labels[key] = pod.metadata.labels[key].map { .string($0) }
        }
        metadata["labels"] = labels
        let status = (pod.at("status", "containerStatuses")?.array ?? []).first { $0["name"] == "otc-container" }
        let isReady = Conditions(decoding: pod.at("status", "conditions")).isTrue("Ready")
        return [
            "metadata": metadata, "spec": ["metricsPort": metricsPort(pod) ?? .null],
            "status": [
                "phase": pod.at("status", "phase") ?? "", "podIP": pod.at("status", "podIP") ?? "", "restarts": status?["restartCount"] ?? 0,
                "conditions": [["type": "Ready", "status": .string(isReady ? "True" : "False")]],
            ],
        ]
    }

    /// The pod's own port: during a rollout not every pod has the newest configuration's.
    private static func metricsPort(_ pod: JSONValue) -> JSONValue? {
        let container = (pod.at("spec", "containers")?.array ?? []).first { $0["name"] == "otc-container" }
        return (container?["ports"]?.array ?? []).first { $0["name"] == "metrics" }?["containerPort"]
    }

    /// The pods of a collector's workload that are not on their way out, by uid.
    /// - Parameter port: For pods that do not say one.
    static func pods(of collector: OpenTelemetryCollector, in store: ObjectStore, port: Int) -> [CollectorPod] {
        let namespace = collector.name.namespace ?? ""
        let instance = Names.instance(namespace: namespace.isEmpty ? "default" : namespace, name: collector.name.name)
        let workload = Names.collector(collector.name.name)
        return store.byIndex(index, "\(namespace)/\(instance)").filter { isOwned($0, by: workload) }.compactMap { pod($0, port) }.sorted { $0.uid < $1.uid }
    }

    private static func isOwned(_ pod: JSONValue, by workload: String) -> Bool {
        guard let owner = pod.metadata.controller else { return false }
        return owner.name == workload || owner.name.hasPrefix("\(workload)-")
    }

    private static func pod(_ object: JSONValue, _ port: Int) -> CollectorPod? {
        guard !object.metadata.isBeingDeleted, !["Succeeded", "Failed"].contains(object.at("status", "phase")?.string ?? "") else { return nil }
        let labels = object.metadata.labels
        let number = object.at("spec", "metricsPort")?.int ?? port
        return CollectorPod(
            name: object.metadata.name, uid: object.metadata.uid, isReady: Conditions(decoding: object.at("status", "conditions")).isTrue("Ready"),
            restarts: object.at("status", "restarts")?.int ?? 0, isCanary: labels[CollectorRendering.canaryLabel] != nil,
            revision: labels[CollectorRendering.revisionLabel] ?? "", controllerRevision: labels[controllerRevisionLabel] ?? "",
            isRouting: labels[CollectorRendering.tierLabel] == "routing",
            address: AgentAddress(podIP: object.at("status", "podIP")?.string ?? "", port: number))
    }
}
