// What a cluster's workload controllers and kubelets do with pods, one small step after each request, and a check that somebody always serves.
// Tests of changes without a gap run the operator through it on the in-process server.
// It never takes a step that real controllers would not: pods are adopted by label, replaced by template, ready only one step after they were made.

import JSON
import Kubernetes
import Synchronization

/// An API with controllers behind it. Thread rules: writes and steps run one at a time, whoever asks for them.
actor WorkloadSimulator: KubernetesAPI {
    private let api: any KubernetesAPI
    private let namespace: String
    private let nodes = 2
    private var hasServed = false
    private var made = 0
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// Moments at which the Service had no ready pod, by the request before.
    private(set) var gaps: [String] = []
    /// Pods that were deleted because their workload got another template, or none.
    private(set) var replacedPods = 0
    static let service = "gateway-collector"

    /// What becomes of a pod.
    struct Fate: Sendable {
        var isEverReady = true
        var restarts = 0
        /// Where its metrics are read.
        var metricsPort: Int?
    }

    private let fate: @Sendable (JSONValue) -> Fate

    /// - Parameter fate: Of a pod, by its labels and annotations.
    init(_ api: any KubernetesAPI, namespace: String, fate: @escaping @Sendable (JSONValue) -> Fate = { _ in Fate() }) {
        self.api = api
        self.namespace = namespace
        self.fate = fate
    }

    nonisolated func send(_ request: KubernetesRequest) async throws -> JSONValue {
        guard request.method != .get else { return try await api.send(request) }
        return try await write(request)
    }

    nonisolated func watch(_ request: KubernetesRequest) async throws -> WatchStream { try await api.watch(request) }

    /// Actors let others in while they wait: a step in the middle of another one would make a pod twice.
    private func enter() async {
        if isBusy { await withCheckedContinuation { waiting.append($0) } }
        isBusy = true
    }

    private func leave() {
        // The next one is let in before anybody else can ask.
        if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
    }

    private func write(_ request: KubernetesRequest) async throws -> JSONValue {
        await enter()
        defer { leave() }
        let answer: JSONValue
        do {
            answer = try await api.send(request)
        } catch {
            try await check("\(request.method.rawValue) \(request.path), refused")
            throw error
        }
        // Before the controllers do anything, and after.
        try await check("\(request.method.rawValue) \(request.path)")
        try await stepAlone()
        return answer
    }

    /// Until nothing moves any more, as time would do it.
    func settle() async throws {
        for _ in 0..<20 { try await step() }
    }

    /// One small step of every controller.
    func step() async throws {
        await enter()
        defer { leave() }
        try await stepAlone()
    }

    private func stepAlone() async throws {
        for type in [ResourceType.deployments, .statefulSets, .daemonSets] {
            for workload in try await api.listAll(type, namespace: namespace).items { try await step(workload, type) }
        }
        try await check("controllers")
    }

    private func check(_ what: String) async throws {
        guard let service = try await api.getIfFound(.services, ObjectName(namespace: namespace, name: Self.service)) else { return }
        let selector = (service.at("spec", "selector")?.object ?? [:]).compactMap { key, value in value.string.map { (key, $0) } }
        let matching = try await pods().filter { pod in selector.allSatisfy { pod.metadata.labels[$0.0] == $0.1 } }
        let ready = matching.filter(Self.isReady)
        let isServed = (service.at("spec", "ports")?.array ?? []).allSatisfy { port in ready.contains { Self.takes(port, $0) } }
        if isServed { hasServed = true }
        if hasServed, !isServed { gaps.append(what) }
    }

    /// A name is looked up in each pod; a number reaches every pod that the Service selects, whether or not it listens there.
    private static func takes(_ port: JSONValue, _ pod: JSONValue) -> Bool {
        let target = port["targetPort"] ?? port["port"] ?? .null
        let ports = (pod.at("spec", "containers")?.array ?? []).flatMap { $0["ports"]?.array ?? [] }
        return ports.contains { target.string == nil ? $0["containerPort"] == target : $0["name"] == target }
    }

    private func pods() async throws -> [JSONValue] { try await api.listAll(.pods, namespace: namespace).items }

    private static func isReady(_ pod: JSONValue) -> Bool { pod.at("status", "phase") == "Running" }

    private func step(_ workload: JSONValue, _ type: ResourceType) async throws {
        if workload.metadata.isBeingDeleted { return }
        let selector = (workload.at("spec", "selector", "matchLabels")?.object ?? [:]).compactMap { key, value in value.string.map { (key, $0) } }
        for pod in try await pods() where pod.metadata.controller == nil {
            guard selector.allSatisfy({ pod.metadata.labels[$0.0] == $0.1 }), isPod(pod, of: workload, type) else { continue }
            try await api.patch(
                .pods, pod.metadata.objectName, .merge(["metadata": ["ownerReferences": [OwnerReference(controller: workload, type: type).jsonValue]]]))
        }
        let owned = try await pods().filter { $0.metadata.controller?.uid == workload.metadata.uid }
        for pod in owned where !Self.isReady(pod) { try await run(pod) }
        try await replace(owned, workload, type)
        try await report(workload, type)
    }

    /// Pods with an ordinal are a StatefulSet's.
    private func isPod(_ pod: JSONValue, of workload: JSONValue, _ type: ResourceType) -> Bool {
        let suffix = pod.metadata.name.split(separator: "-").last ?? ""
        return (type == .statefulSets) == suffix.allSatisfy(\.isNumber)
    }

    private func run(_ pod: JSONValue) async throws {
        let fate = fate(pod)
        let container: JSONValue = [
            "name": "otc-container", "image": "b", "imageID": "", "ready": .bool(fate.isEverReady), "restartCount": JSONValue(fate.restarts),
        ]
        var status: JSONValue = ["containerStatuses": [container], "podIP": .string("10.0.0.\(made % 250 + 1)")]
        if fate.isEverReady {
            status["phase"] = "Running"
            status["conditions"] = [["type": "Ready", "status": "True"]]
        }
        if pod.at("status", "containerStatuses")?[0]?["restartCount"] == container["restartCount"], !fate.isEverReady { return }
        try await api.patch(.pods, pod.metadata.objectName, .merge(["status": status]), subresource: "status")
    }

    private func template(_ workload: JSONValue) -> String { String((workload.at("spec", "template") ?? .null).hashValue) }

    private func wanted(_ workload: JSONValue, _ type: ResourceType) -> Int { type == .daemonSets ? nodes : workload.at("spec", "replicas")?.int ?? 1 }

    /// Makes one missing pod, or deletes one of an older template when all others are ready.
    private func replace(_ owned: [JSONValue], _ workload: JSONValue, _ type: ResourceType) async throws {
        let current = owned.filter { $0.metadata.annotations["template"] == template(workload) }
        let old = owned.filter { $0.metadata.annotations["template"] != template(workload) }
        let isDeployment = type == .deployments
        // A Deployment starts the new one first; the others need the old one's place.
        if isDeployment ? current.count < wanted(workload, type) : owned.count < wanted(workload, type) { return try await make(workload, type, owned) }
        // Below the partition pods keep their template; one of an older template goes whether it is ready or not.
        let partition = workload.at("spec", "updateStrategy", "rollingUpdate", "partition")?.int ?? 0
        let replaceable = type == .statefulSets ? old.filter { (Int($0.metadata.name.split(separator: "-").last ?? "") ?? 0) >= partition } : old
        let areReady = owned.allSatisfy { Self.isReady($0) || type == .statefulSets && replaceable.contains($0) }
        guard areReady, let excess = replaceable.last ?? owned.dropFirst(wanted(workload, type)).last else { return }
        try await api.delete(.pods, excess.metadata.objectName)
        replacedPods += 1
    }

    private func make(_ workload: JSONValue, _ type: ResourceType, _ owned: [JSONValue]) async throws {
        made += 1
        let names = Set(owned.map(\.metadata.name))
        let ordinals = (0..<10).map { "\(workload.metadata.name)-\($0)" }
        let name = type == .statefulSets ? ordinals.first { !names.contains($0) } ?? "" : "\(workload.metadata.name)-x\(made)x"
        var metadata = workload.at("spec", "template", "metadata") ?? [:]
        metadata["name"] = .string(name)
        metadata["namespace"] = .string(namespace)
        metadata.set(["annotations", "template"], to: .string(template(workload)))
        if type == .statefulSets { metadata.set(["labels", "controller-revision-hash"], to: .string(Self.revision(template(workload)))) }
        metadata["ownerReferences"] = [OwnerReference(controller: workload, type: type).jsonValue]
        var container: JSONValue = [
            "name": "otc-container", "image": "b", "ports": workload.at("spec", "template", "spec", "containers")?[0]?["ports"] ?? [],
        ]
        if let port = fate(["metadata": metadata]).metricsPort { container["ports"] = [["name": "metrics", "containerPort": JSONValue(port)]] }
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": [
                "containers": [container],
                "volumes": .array((workload.at("spec", "template", "spec", "volumes")?.array ?? []).filter { $0["configMap"] != nil }),
            ],
        ]
        try await api.create(.pods, pod)
    }

    /// A template's hash as a label's value.
    private static func revision(_ template: String) -> String { "r\(template.filter(\.isNumber))" }

    private func report(_ workload: JSONValue, _ type: ResourceType) async throws {
        let owned = try await pods().filter { $0.metadata.controller?.uid == workload.metadata.uid }
        let current = JSONValue(owned.count { $0.metadata.annotations["template"] == template(workload) })
        let ready = JSONValue(owned.count(where: Self.isReady)), count = JSONValue(owned.count)
        let generation = JSONValue(workload.metadata.generation)
        var status: JSONValue =
            type == .daemonSets
            ? [
                "observedGeneration": generation, "desiredNumberScheduled": JSONValue(nodes), "currentNumberScheduled": count,
                "updatedNumberScheduled": current, "numberMisscheduled": 0, "numberReady": ready, "numberAvailable": ready,
            ]
            : ["observedGeneration": generation, "replicas": count, "updatedReplicas": current, "readyReplicas": ready, "availableReplicas": ready]
        if type == .statefulSets { status["updateRevision"] = .string(Self.revision(template(workload))) }
        try await api.patch(type, workload.metadata.objectName, .merge(["status": status]), subresource: "status")
    }
}
