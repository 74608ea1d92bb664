// The cluster that one test of the suite runs on, and what tests do to it.
// In process by default; with KUBECONFIG set, the cluster that it names, through the real client.
// It never touches a namespace that it has not made itself.

import Foundation
import JSON
import Kubernetes
import KubernetesClient
import KubernetesRuntime
import KubernetesTestServer
import Logging
import Operator
import SondeAPI
import Testing
import YAML

/// A condition that did not come true in time.
struct NotInTime: Error, CustomStringConvertible {
    let description: String
}

struct World: Sendable {
    let api: any KubernetesAPI
    let namespace: String
    /// Nil on a real cluster.
    let server: TestAPIServer?
    /// Whether somebody else writes the status of workloads and deletes what has lost its owner.
    let hasControllers: Bool
    let nodeCount: Int

    var deadline: Duration { server == nil ? .seconds(90) : .seconds(30) }
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a test in a namespace of its own and takes everything away afterwards.
    static func with(_ body: (World) async throws -> Void) async throws {
        guard let path = ProcessInfo.processInfo.environment["KUBECONFIG"], !path.isEmpty else {
            let server = TestAPIServer()
            try await run(api: server, server: server, body)
            return
        }
        let client = KubernetesClient(try .kubeconfig(path: path, environment: ProcessInfo.processInfo.environment))
        do {
            try await run(api: client, server: nil, body)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    private static func run(api: any KubernetesAPI, server: TestAPIServer?, _ body: (World) async throws -> Void) async throws {
        let namespace = "sonde-e2e-" + String(UInt32.random(in: .min ... .max), radix: 16)
        try await installDefinitions(api)
        try await api.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]])
        let controllers = server == nil ? try await ControllersProbe.shared.answer(api, namespace: namespace) : false
        let nodes = server == nil ? try await api.list(.nodes, limit: 500).items.count : 0
        let world = World(api: api, namespace: namespace, server: server, hasControllers: controllers, nodeCount: nodes)
        do {
            try await body(world)
        } catch {
            await world.cleanUp()
            throw error
        }
        await world.cleanUp()
    }

    static func installDefinitions(_ api: any KubernetesAPI) async throws {
        for (_, definition) in CustomResourceDefinitions.all {
            try await api.apply(.customResourceDefinitions, definition, fieldManager: "sonde-e2e", force: true)
        }
        for type in [ResourceType.openTelemetryCollectors, .ebpfProbes] {
            try await eventually("\(type.plural) are served", within: .seconds(30)) { (try? await api.list(type, limit: 1)) != nil }
        }
    }

    /// What goes wrong here leaves a namespace behind, and fails no test.
    private func cleanUp() async {
        if let server {
            try? await server.stop()  // Connections to webhooks.
            return
        }
        let children: [ResourceType] = Self.childTypes + [.leases, .pods]
        for type in [ResourceType.openTelemetryCollectors, .ebpfProbes] + children {
            let found = (try? await api.listAll(type, namespace: namespace).items) ?? []
            for object in found where object.metadata.name != "kube-root-ca.crt" {
                _ = try? await api.delete(type, object.metadata.objectName)
                // Of an operator that is not there: the namespace would never go.
                if !object.metadata.finalizers.isEmpty { try? await merge(type, object.metadata.name, ["metadata": ["finalizers": .null]]) }
            }
        }
        _ = try? await api.delete(.namespaces, ObjectName(namespace: nil, name: namespace))
    }

    // MARK: Waiting

    /// Looks until the condition holds.
    static func eventually(_ what: String, within limit: Duration, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + limit
        while true {
            if try await condition() { return }
            guard ContinuousClock.now < end else { throw NotInTime(description: "not within \(limit): \(what)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func eventually(_ what: String, _ condition: () async throws -> Bool) async throws { try await Self.eventually(what, within: deadline, condition) }

    /// Looks until a condition of a resource has a status and reason. - Returns: It.
    @discardableResult
    func condition(_ type: String, _ status: Condition.Status, _ reason: ConditionReason, of resource: ResourceType, _ name: String) async throws -> Condition {
        var last: Condition?
        do {
            try await eventually("\(resource.kind) \(name) has \(type)=\(status.rawValue)/\(reason.rawValue)") {
                last = try await conditions(resource, name)[type]
                return last?.status == status && last?.reason == reason.rawValue
            }
        } catch let error as NotInTime {
            throw NotInTime(description: "\(error); it has \(last.map { "\($0)" } ?? "no \(type)")")
        }
        return try #require(last)
    }

    /// Looks until the objects of a collector are written, whatever its pods do. - Returns: The collector.
    @discardableResult
    func written(_ name: String) async throws -> JSONValue {
        let reasons = [ConditionReason.rollingOut, .reconciled].map(\.rawValue)
        try await eventually("the objects of \(name) are written") {
            let resource = try await find(.openTelemetryCollectors, name)
            guard let ready = Conditions(decoding: resource?.at("status", "conditions"))["Ready"], reasons.contains(ready.reason) else { return false }
            return ready.observedGeneration == resource?.metadata.generation
        }
        return try await get(.openTelemetryCollectors, name)
    }

    func conditions(_ type: ResourceType, _ name: String) async throws -> Conditions {
        Conditions(decoding: try await find(type, name)?.at("status", "conditions"))
    }

    // MARK: Objects

    /// Kinds of objects that the operator makes.
    static let childTypes: [ResourceType] = [
        .deployments, .statefulSets, .daemonSets, .services, .configMaps, .serviceAccounts, .podDisruptionBudgets, .horizontalPodAutoscalers, .ingresses,
        .networkPolicies,
    ]

    func name(_ name: String) -> ObjectName { ObjectName(namespace: namespace, name: name) }

    func find(_ type: ResourceType, _ name: String) async throws -> JSONValue? { try await api.getIfFound(type, self.name(name)) }

    func get(_ type: ResourceType, _ name: String) async throws -> JSONValue { try await api.get(type, self.name(name)) }

    /// Applies a document as kubectl would; the namespace is the test's.
    @discardableResult
    func apply(_ yaml: String) async throws -> JSONValue {
        var object = try #require(try YAML.parse(yaml).first)
        object.set(["metadata", "namespace"], to: .string(namespace))
        let type: ResourceType = object.kind == "EBPFProbe" ? .ebpfProbes : .openTelemetryCollectors
        return try await api.apply(type, object, fieldManager: "kubectl", force: true)
    }

    func merge(_ type: ResourceType, _ name: String, _ patch: JSONValue, subresource: String? = nil) async throws {
        try await api.patch(type, self.name(name), .merge(patch), fieldManager: "kubectl-patch", subresource: subresource)
    }

    /// Objects of the suite's kinds that a resource owns, as `Kind name`.
    func children(of resource: JSONValue) async throws -> Set<String> {
        var found: Set<String> = []
        for type in Self.childTypes {
            for object in try await api.listAll(type, namespace: namespace).items where object.metadata.controller?.uid == resource.metadata.uid {
                found.insert("\(type.kind) \(object.metadata.name)")
            }
        }
        return found
    }

    /// Says that all pods of a workload are available, as its controller would; on a cluster with controllers nothing is said.
    func makeAvailable(_ type: ResourceType, _ name: String, pods: Int = 3) async throws {
        if hasControllers { return }
        let object = try await get(type, name)
        let generation = JSONValue(object.metadata.generation)
        let count = JSONValue(type == .daemonSets ? pods : object.at("spec", "replicas")?.int ?? 1)
        let status: JSONValue =
            type == .daemonSets
            ? [
                "observedGeneration": generation, "desiredNumberScheduled": count, "currentNumberScheduled": count, "updatedNumberScheduled": count,
                "numberMisscheduled": 0, "numberReady": count, "numberAvailable": count,
            ] : ["observedGeneration": generation, "replicas": count, "updatedReplicas": count, "readyReplicas": count, "availableReplicas": count]
        try await merge(type, name, ["status": status], subresource: "status")
    }

    /// Makes a DaemonSet's pods and says that they run, as its controller and kubelets would; only where there are no controllers.
    func startPods(_ daemonSetName: String, nodes: Int) async throws {
        let daemonSet = try await get(.daemonSets, daemonSetName)
        let owner = OwnerReference(controller: daemonSet, type: .daemonSets)
        let template = try #require(daemonSet.at("spec", "template", "spec"))
        for index in 1...nodes {
            // An image and an account are all that a server checks.
            let containers: [JSONValue] = (template["containers"]?.array ?? []).map { ["name": $0["name"] ?? "a", "image": $0["image"] ?? "b"] }
            let pod: JSONValue = [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": [
                    "name": .string("\(daemonSetName)-\(index)"), "namespace": .string(namespace), "ownerReferences": [owner.jsonValue],
                    "labels": daemonSet.at("spec", "template", "metadata", "labels") ?? [:],
                ],
                "spec": [
                    "nodeName": .string("node-\(index)"), "serviceAccountName": template["serviceAccountName"] ?? "", "automountServiceAccountToken": false,
                    "containers": .array(containers),
                ],
            ]
            try await api.create(.pods, pod)
            let address = JSONValue.string("10.0.0.\(index)")
            let status: JSONValue = [
                "phase": "Running", "podIP": address, "podIPs": [["ip": address]], "conditions": [["type": "Ready", "status": "True"]],
            ]
            try await merge(.pods, "\(daemonSetName)-\(index)", ["status": status], subresource: "status")
        }
    }

    /// False, with a word to the reader, where pods can neither run nor be said to run.
    func canBecomeReady(_ test: String = #function) -> Bool {
        if hasControllers, nodeCount == 0 {
            print("\(test): readiness is not checked, because this cluster has controllers and no nodes")
            return false
        }
        return true
    }

    // MARK: Operator

    func environment(
        _ api: (any KubernetesAPI)? = nil, agents: any AgentStatusSource = NoAgents(), collectorMetrics: (any CollectorMetricsSource)? = nil,
        gate: WriteGate = .withoutElection(), metrics: RuntimeMetrics = RuntimeMetrics()
    ) -> OperatorEnvironment {
        var configuration = OperatorConfiguration(namespaces: [namespace], collectorImage: "localhost/busybox:1", agentImage: "localhost/busybox:1")
        configuration.rolloutPause = .milliseconds(20)
        return OperatorEnvironment(
            api: api ?? self.api, agents: agents, collectorMetrics: collectorMetrics, configuration: configuration, gate: gate, logger: Self.quiet,
            metrics: metrics)
    }

    /// Runs an operator while `body` runs, and stops it in good order.
    func withOperator(_ environment: OperatorEnvironment? = nil, _ body: @Sendable (SondeOperator) async throws -> Void) async throws {
        let sonde = SondeOperator(environment ?? self.environment())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sonde.run() }
            try await eventually("the operator is ready") { sonde.readiness == .ready }
            try await body(sonde)
            sonde.stop()
            try await group.waitForAll()
        }
    }
}

/// Agents of a world in which none answers.
struct NoAgents: AgentStatusSource {
    func status(at address: AgentAddress) async throws -> AgentStatus { throw AgentSilence("there is no agent in this test") }
}

/// Finds out once for each process whether the real cluster runs workload controllers.
actor ControllersProbe {
    static let shared = ControllersProbe()
    /// Tests that ask while the first one still looks wait for the same answer.
    private var look: Task<Bool, any Error>?

    func answer(_ api: any KubernetesAPI, namespace: String) async throws -> Bool {
        if let look { return try await look.value }
        let task = Task { try await Self.look(api, namespace: namespace) }
        look = task
        return try await task.value
    }

    private static func look(_ api: any KubernetesAPI, namespace: String) async throws -> Bool {
        let labels: JSONValue = ["app": "controllers-probe"]
        let deployment: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "controllers-probe", "namespace": .string(namespace)],
            "spec": [
                "replicas": 0, "selector": ["matchLabels": labels],
                "template": ["metadata": ["labels": labels], "spec": ["containers": [["name": "a", "image": "localhost/busybox:1"]]]],
            ],
        ]
        try await api.create(.deployments, deployment)
        let name = ObjectName(namespace: namespace, name: "controllers-probe")
        let seen: Void? = try? await World.eventually("a controller takes up the Deployment", within: .seconds(4)) {
            try await api.get(.deployments, name).at("status", "observedGeneration") != nil
        }
        try await api.delete(.deployments, name)
        if seen == nil { print("this cluster runs no controllers: tests write the status of workloads, and garbage collection is not checked") }
        return seen != nil
    }
}
