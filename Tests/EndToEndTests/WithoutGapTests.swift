// Changes that cannot be made on a live workload, made without a moment in which nobody serves, also when the operator ends after any of its requests.
// Runs on the in-process server with simulated workload controllers.
// It never lets a test pass in which nobody served before the change.

import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Operator
import SondeAPI
import Testing

@Suite(.timeLimit(.minutes(10))) struct WithoutGapTests {
    /// A world in which pods come and go.
    private struct Simulation: Sendable {
        let world: World
        let simulator: WorkloadSimulator

        static func start(_ server: TestAPIServer, _ number: Int) async throws -> Simulation {
            let namespace = "gap-\(number)"
            try await server.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]])
            let simulator = WorkloadSimulator(server, namespace: namespace)
            let world = World(api: simulator, namespace: namespace, server: server, hasControllers: true, nodeCount: 2)
            return Simulation(world: world, simulator: simulator)
        }

        /// Runs an operator until the resource is ready for its newest generation, with time passing.
        func converge() async throws {
            try await world.withOperator { _ in try await ready() }
        }

        func ready() async throws {
            try await world.eventually("the resource is ready") {
                try await simulator.step()
                guard let resource = try await world.find(.openTelemetryCollectors, "gateway") else { return false }
                let ready = Conditions(decoding: resource.at("status", "conditions"))["Ready"]
                return ready?.status == .true && ready?.observedGeneration == resource.metadata.generation && ready?.reason == "Reconciled"
            }
        }

        /// Takes its objects away: every write looks at every object that is there.
        func end() async throws { try await world.server?.delete(.namespaces, ObjectName(namespace: nil, name: world.namespace)) }

        func workloads() async throws -> Set<String> {
            var found: Set<String> = []
            for type in [ResourceType.deployments, .statefulSets, .daemonSets] {
                for item in try await world.api.listAll(type, namespace: world.namespace).items { found.insert("\(type.kind) \(item.metadata.name)") }
            }
            return found
        }
    }

    /// Makes a change from a ready resource to the end; with `crashes`, before that once for each third write after which the operator ends.
    private static func change(
        from old: String, prepare: @Sendable (Simulation) async throws -> Void = { _ in }, to new: String, crashes: Bool, workloads: Int = 1,
        check: @Sendable (Simulation, String) async throws -> Void
    ) async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        var number = 0
        var isReached = true
        while isReached, number < 60 {
            number += 1
            let write = crashes ? number * 3 - 2 : Int.max
            let simulation = try await Simulation.start(server, number)
            try await simulation.world.apply(old)
            try await simulation.converge()
            try await prepare(simulation)
            try await simulation.simulator.settle()
            try await simulation.world.apply(new)
            isReached = try await simulation.world.runUntilCrash(afterWrite: write, on: simulation.simulator) { try await simulation.ready() }
            // Nobody is there for a while, and the cluster goes on.
            try await simulation.simulator.settle()
            try await simulation.world.withOperator { _ in
                try await simulation.ready()
                try await simulation.world.eventually("leftovers are gone (write \(write))") { try await simulation.workloads().count == workloads }
            }
            let gaps = await simulation.simulator.gaps
            #expect(gaps.isEmpty, "write \(write): nobody served after \(gaps)")
            try await check(simulation, "write \(write)")
            try await simulation.end()
        }
        #expect(number > (crashes ? 2 : 0) && !isReached, "the operator's writes were met: \(number)")
    }

    @Test(arguments: [
        ("deployment", "daemonset", "DaemonSet", true), ("daemonset", "deployment", "Deployment", false),
        ("deployment", "statefulset", "StatefulSet", false), ("statefulset", "deployment", "Deployment", false),
    ])
    func changedMode(old: String, new: String, kind: String, crashes: Bool) async throws {
        try await Self.change(from: Example.collector(mode: old), to: Example.collector(mode: new), crashes: crashes) { simulation, what in
            #expect(try await simulation.workloads() == ["\(kind) gateway-collector"], "\(what)")
            let service = try await simulation.world.get(.services, "gateway-collector")
            #expect(service.at("spec", "internalTrafficPolicy") == (new == "daemonset" ? "Local" : "Cluster"), "\(what)")
        }
    }

    @Test(arguments: [false, true]) func traceRoutingBegins(crashes: Bool) async throws {
        let new = Example.sampling("sonde.dev/trace-routing: managed")
        try await Self.change(from: Example.sampling(""), to: new, crashes: crashes, workloads: 2) { simulation, what in
            #expect(try await simulation.workloads() == ["Deployment gateway-collector", "Deployment gateway-collector-routing"], "\(what)")
            let base = try await simulation.world.get(.services, "gateway-collector")
            #expect(base.at("spec", "ports")?.array?.map { $0["targetPort"]?.string } == ["otlp-grpc", "otlp-http", "statsd"], "\(what)")
            let lane = try await simulation.world.get(.services, "gateway-collector-sampling")
            #expect(lane.at("spec", "clusterIP") == "None" && lane.at("spec", "ports")?[0]?["port"] == 14317, "\(what)")
        }
    }

    @Test(arguments: [false, true]) func traceRoutingEnds(crashes: Bool) async throws {
        let old = Example.sampling("sonde.dev/trace-routing: managed")
        try await Self.change(from: old, to: Example.sampling(""), crashes: crashes) { simulation, what in
            #expect(try await simulation.workloads() == ["Deployment gateway-collector"], "\(what)")
            let services = try await simulation.world.api.listAll(.services, namespace: simulation.world.namespace).items.map(\.metadata.name)
            #expect(Set(services) == ["gateway-collector", "gateway-collector-headless", "gateway-collector-monitoring"], "\(what)")
        }
    }

    private static func stateful(_ storage: String?, _ more: String = "podManagementPolicy: Parallel") -> String {
        let claims = storage.map {
            "\n  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: \($0)}}}}]"
        }
        return Example.collector(mode: "statefulset", more: "replicas: 2\n  \(more)\(claims ?? "")")
    }

    private static func makeClaims(_ simulation: Simulation) async throws {
        guard let server = simulation.world.server else { return }
        for pod in 0..<2 {
            let name = simulation.world.name("data-gateway-collector-\(pod)")
            var claim: JSONValue = ["apiVersion": "v1", "kind": "PersistentVolumeClaim"]
            claim["metadata"] = ["name": .string(name.name), "namespace": .string(simulation.world.namespace)]
            claim["spec"] = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
            try await server.create(.persistentVolumeClaims, claim)
            try await server.patch(.persistentVolumeClaims, name, .merge(["status": ["phase": "Bound"]]), subresource: "status")
        }
    }

    private static func sizes(_ simulation: Simulation) async throws -> Set<String> {
        let claims = try await simulation.world.api.listAll(.persistentVolumeClaims, namespace: simulation.world.namespace).items
        return Set(claims.compactMap { $0.at("spec", "resources", "requests", "storage")?.string })
    }

    @Test(arguments: [
        ("1Gi", "serviceName: other", "1Gi", false), ("1Gi", "podManagementPolicy: OrderedReady", "1Gi", false),
        ("2Gi", "podManagementPolicy: Parallel", "2Gi", true), ("512Mi", "podManagementPolicy: Parallel", "1Gi", false),
    ])
    func fixedFieldsOfAStatefulSet(storage: String, more: String, size: String, crashes: Bool) async throws {
        let new = Self.stateful(storage, more)
        try await Self.change(from: Self.stateful("1Gi"), prepare: Self.makeClaims, to: new, crashes: crashes) { simulation, what in
            let live = try await simulation.world.get(.statefulSets, "gateway-collector")
            let template = live.at("spec", "volumeClaimTemplates")?[0]
            #expect(template?.at("spec", "resources", "requests", "storage")?.string == storage, "\(what)")
            #expect(more.hasSuffix(live.at("spec", more.hasPrefix("service") ? "serviceName" : "podManagementPolicy")?.string ?? "none"), "\(what)")
            #expect(try await Self.sizes(simulation) == [size], "\(what)")
            let replaced = await simulation.simulator.replacedPods
            #expect(replaced == 0, "\(what): the pods went on")
        }
    }

    @Test func whatCannotBeMadeWithoutAGapIsRefusedWithTheWayOut() async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        let simulation = try await Simulation.start(server, 1)
        try await simulation.world.apply(Self.stateful(nil))
        try await simulation.converge()
        let before = try await simulation.world.get(.statefulSets, "gateway-collector")
        try await simulation.world.withOperator { _ in
            try await simulation.world.apply(Self.stateful("1Gi"))
            let condition = try await simulation.world.condition("Ready", .false, .immutableField, of: .openTelemetryCollectors, "gateway")
            #expect(condition.message.contains("data") && condition.message.contains("kubectl delete statefulset gateway-collector"))
            #expect(try await simulation.world.get(.statefulSets, "gateway-collector").metadata.uid == before.metadata.uid)
            try await simulation.world.apply(Self.stateful(nil))
            try await simulation.ready()
        }
    }

    @Test func aClaimThatMayNotGrowLeavesTheStatefulSetAsItIs() async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        let simulation = try await Simulation.start(server, 1)
        try await simulation.world.apply(Self.stateful("1Gi"))
        try await simulation.converge()
        try await Self.makeClaims(simulation)
        let before = try await simulation.world.get(.statefulSets, "gateway-collector")
        server.faults.add(.forbidden(verb: "patch", pathContains: "/persistentvolumeclaims"))
        try await simulation.world.withOperator { _ in
            try await simulation.world.apply(Self.stateful("2Gi"))
            let condition = try await simulation.world.condition("Ready", .false, .immutableField, of: .openTelemetryCollectors, "gateway")
            #expect(condition.message.contains("data-gateway-collector-0") && condition.message.contains("allowVolumeExpansion"))
            #expect(try await simulation.world.get(.statefulSets, "gateway-collector").metadata.uid == before.metadata.uid)
        }
    }

    /// A Deployment of another operator with a selector of its own, whose pods do not have ours.
    @Test func changedSelectorOfADeployment() async throws {
        @Sendable func otherSelector(_ simulation: Simulation) async throws {
            let world = simulation.world
            let live = try await world.get(.deployments, "gateway-collector")
            let service = try await world.get(.services, "gateway-collector")
            let labels: JSONValue = ["app": "old"]
            var old: JSONValue = ["apiVersion": "apps/v1", "kind": "Deployment", "spec": live["spec"] ?? [:]]
            old["metadata"] = [
                "name": "gateway-collector", "namespace": .string(world.namespace), "labels": live.at("metadata", "labels") ?? [:],
                "ownerReferences": live.at("metadata", "ownerReferences") ?? [],
            ]
            old.set(["spec", "selector"], to: ["matchLabels": labels])
            old.set(["spec", "template", "metadata", "labels"], to: labels)
            // Not what is looked at: an unlucky day before.
            guard let server = world.server else { return }
            try await server.delete(.deployments, world.name("gateway-collector"))
            try await server.create(.deployments, old)
            var oldService = service
            oldService.set(["spec", "selector"], to: labels)
            try await server.replace(.services, oldService)
            for pod in try await server.listAll(.pods, namespace: world.namespace).items { try await server.delete(.pods, pod.metadata.objectName) }
        }
        // The first look after the pods are back counts.
        let changed = Example.collector(more: "replicas: 2")
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        var number = 0
        var isReached = true
        while isReached, number < 60 {
            // Every second write: 1, 3, 5, ...
            number += number == 0 ? 1 : 2
            let simulation = try await Simulation.start(server, number)
            try await simulation.world.apply(Example.collector())
            try await simulation.converge()
            try await otherSelector(simulation)
            let fresh = WorkloadSimulator(server, namespace: simulation.world.namespace)
            try await fresh.settle()
            let world = World(api: fresh, namespace: simulation.world.namespace, server: server, hasControllers: true, nodeCount: 2)
            try await world.apply(changed)
            let second = Simulation(world: world, simulator: fresh)
            isReached = try await world.runUntilCrash(afterWrite: number, on: fresh) { try await second.ready() }
            try await fresh.settle()
            try await second.converge()
            let deployment = try await world.get(.deployments, "gateway-collector")
            #expect(deployment.at("spec", "selector", "matchLabels")?["app"] == nil, "write \(number)")
            #expect(try await world.get(.services, "gateway-collector").at("spec", "selector") == deployment.at("spec", "selector", "matchLabels"))
            let pods = try await server.listAll(.pods, namespace: world.namespace).items
            #expect(pods.count == 2 && pods.allSatisfy { $0.metadata.labels["app"] == nil }, "write \(number): \(pods.map(\.metadata.name))")
            let gaps = await fresh.gaps
            #expect(gaps.isEmpty, "write \(number): nobody served after \(gaps)")
            try await simulation.end()
        }
        #expect(number > 5 && !isReached)
    }

    @Test func brokenChangeOfModeKeepsTheOldPods() async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        let simulation = try await Simulation.start(server, 1)
        try await simulation.world.apply(Example.collector())
        try await simulation.converge()
        // Nothing moves any more: the new pods never start.
        let stuck = World(api: server, namespace: simulation.world.namespace, server: server, hasControllers: true, nodeCount: 2)
        try await stuck.withOperator { _ in
            try await stuck.apply(Example.collector(mode: "daemonset"))
            let condition = try await stuck.condition("Ready", .false, .rollingOut, of: .openTelemetryCollectors, "gateway")
            try await stuck.eventually("the DaemonSet is there") { try await stuck.find(.daemonSets, "gateway-collector") != nil }
            try await stuck.eventually("it says what it waits for") {
                let ready = try await stuck.conditions(.openTelemetryCollectors, "gateway")["Ready"]
                return ready?.message.contains("Deployment \(stuck.namespace)/gateway-collector stays until") == true
            }
            #expect(condition.status == .false)
            #expect(try await stuck.find(.deployments, "gateway-collector") != nil)
            #expect(try await stuck.find(.podDisruptionBudgets, "gateway-collector") != nil)
        }
    }

    @Test func configurationsThatPodsMountAreNotDeleted() async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        let simulation = try await Simulation.start(server, 1)
        try await simulation.world.apply(Example.collector(more: "configVersions: 1"))
        try await simulation.converge()
        let mounted = try await server.listAll(.configMaps, namespace: simulation.world.namespace).items.map(\.metadata.name)
        #expect(mounted.count == 1)
        // The pods stay as they are while the configuration changes again and again.
        let stuck = World(api: server, namespace: simulation.world.namespace, server: server, hasControllers: true, nodeCount: 2)
        try await stuck.withOperator { _ in
            for interval in ["1s", "2s", "3s", "4s"] {
                let resource = try await stuck.apply(Example.collector(interval: interval, more: "configVersions: 1"))
                try await stuck.eventually("\(interval) is rolled out") {
                    let ready = try await stuck.conditions(.openTelemetryCollectors, "gateway")["Ready"]
                    return ready?.observedGeneration == resource.metadata.generation
                }
            }
            let left = try await server.listAll(.configMaps, namespace: stuck.namespace).items.map(\.metadata.name)
            #expect(left.contains(mounted[0]), "pods mount it")
            #expect((2...3).contains(left.count), "that one, the current one and one earlier, which may be that one: \(left)")
        }
        try await simulation.converge()
        try await simulation.world.withOperator { _ in
            try await simulation.world.eventually("it goes after the last pod that mounted it") {
                try await server.listAll(.configMaps, namespace: stuck.namespace).items.count == 2
            }
        }
    }
}
