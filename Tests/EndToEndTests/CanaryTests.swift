// Changes tried in one pod: rolled on when it does well, taken back when it does not, also when the operator ends in the middle or the resource changes again.
// Runs on the in-process server with simulated workload controllers; metrics come over real HTTP.
// It never waits for the default times: the resources set their own.

import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Rendering
import SondeAPI
import Synchronization
import Testing
import YAML

@testable import Operator

@Suite(.timeLimit(.minutes(10))) struct CanaryTests {
    private typealias Fate = WorkloadSimulator.Fate

    private struct Simulation: Sendable {
        let world: World
        let simulator: WorkloadSimulator
        let server: TestAPIServer

        static func start(_ server: TestAPIServer, _ number: Int = 1, fate: @escaping @Sendable (JSONValue) -> Fate = { _ in Fate() }) async throws
            -> Simulation
        {
            let namespace = "canary-\(number)"
            try await server.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]])
            let simulator = WorkloadSimulator(server, namespace: namespace, fate: fate)
            return Simulation(
                world: World(api: simulator, namespace: namespace, server: server, hasControllers: true, nodeCount: 2), simulator: simulator, server: server)
        }

        /// Waits with time passing in the cluster.
        func eventually(_ what: String, _ condition: @Sendable () async throws -> Bool) async throws {
            try await world.eventually(what) {
                try await simulator.step()
                return try await condition()
            }
        }

        func condition(_ type: String) async throws -> Condition? { try await world.conditions(.openTelemetryCollectors, "gateway")[type] }

        /// Until `Ready` has a reason for the newest generation. - Returns: Its message.
        @discardableResult
        func ready(_ reason: ConditionReason) async throws -> String {
            let found = Mutex("")
            try await eventually("Ready has the reason \(reason.rawValue)") {
                let resource = try await world.get(.openTelemetryCollectors, "gateway")
                let ready = Conditions(decoding: resource.at("status", "conditions"))["Ready"]
                found.withLock { $0 = ready?.message ?? "" }
                return ready?.reason == reason.rawValue && ready?.observedGeneration == resource.metadata.generation
            }
            return found.withLock { $0 }
        }

        /// The trial that a Deployment's template has; nil when there is none.
        func trial(_ name: String = "gateway-collector") async throws -> String? {
            try await world.find(.deployments, name)?.at("spec", "template", "metadata", "annotations", "trial")?.string
        }

        func pods() async throws -> [JSONValue] { try await server.listAll(.pods, namespace: world.namespace).items }

        /// Every ConfigMap that a Deployment's pods mount is there.
        func configurationIsThere() async throws -> Bool {
            let volumes = try await world.get(.deployments, "gateway-collector").at("spec", "template", "spec", "volumes")?.array ?? []
            for name in volumes.compactMap({ $0.at("configMap", "name")?.string }) where try await world.find(.configMaps, name) == nil { return false }
            return !volumes.isEmpty
        }

        func end() async throws { try await server.delete(.namespaces, ObjectName(namespace: nil, name: world.namespace)) }
    }

    private static let canary = "gateway-collector-canary"

    /// A collector whose configuration and pods differ by trial.
    private static func collector(_ trial: String, seconds: Int = 0, replicas: Int = 2, limit: Int = 600) -> String {
        let annotations =
            "sonde.dev/rollout: canary, sonde.dev/rollout-seconds: \"\(seconds)\", sonde.dev/progress-deadline-seconds: \"\(limit)\""
        return Example.collector(interval: "\(trial.utf8.count)s", more: "replicas: \(replicas)\n  podAnnotations: {trial: \(trial)}")
            .replacing("x\"}", with: "x\", \(annotations)}")
    }

    private static func with(
        fate: @escaping @Sendable (JSONValue) -> Fate = { _ in Fate() }, source: (any CollectorMetricsSource)? = nil,
        _ body: @escaping @Sendable (Simulation) async throws -> Void
    ) async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        let simulation = try await Simulation.start(server, fate: fate)
        try await run(simulation, source) {
            try await simulation.world.apply(collector("one"))
            try await simulation.ready(.reconciled)
            try await body(simulation)
        }
        let gaps = await simulation.simulator.gaps
        #expect(gaps.isEmpty, "nobody served after \(gaps)")
    }

    private static func run(
        _ simulation: Simulation, _ source: (any CollectorMetricsSource)? = nil, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        var environment = simulation.world.environment(collectorMetrics: source)
        environment.configuration.healthPause = .milliseconds(50)
        try await simulation.world.withOperator(environment) { _ in try await body() }
    }

    @Test func aGoodChangeIsTriedAndRolledOn() async throws {
        try await Self.with { simulation in
            let before = await simulation.simulator.replacedPods
            try await simulation.world.apply(Self.collector("second", seconds: 1))
            let message = try await simulation.ready(.canaryRunning)
            #expect(message.contains("Deployment \(Self.canary)"))
            try await simulation.eventually("the canary's pod runs") {
                try await simulation.pods().contains { $0.metadata.labels["sonde.dev/canary"] == "true" && $0.at("status", "phase") == "Running" }
            }
            #expect(try await simulation.trial() == "one")
            #expect(try await simulation.trial(Self.canary) == "second")
            #expect(try await simulation.pods().count { $0.metadata.annotations["trial"] == "second" } == 1)
            #expect(await simulation.simulator.replacedPods == before, "the others go on")
            try await simulation.ready(.reconciled)
            #expect(try await simulation.trial() == "second")
            try await simulation.eventually("the canary is gone") { try await simulation.world.find(.deployments, Self.canary) == nil }
            #expect(try await simulation.configurationIsThere())
        }
    }

    private static let brokenNever: @Sendable (JSONValue) -> Fate = { Fate(isEverReady: $0.metadata.annotations["trial"] != "broken") }

    @Test func aChangeThatNeverBecomesReadyIsTakenBackAndStaysSo() async throws {
        try await Self.with(fate: Self.brokenNever) { simulation in
            let before = await simulation.simulator.replacedPods
            try await simulation.world.apply(Self.collector("broken", limit: 1))
            let message = try await simulation.ready(.rolledBack)
            #expect(message.contains("it was not ready within 1 s") && message.contains("revision "))
            #expect(try await simulation.condition("Stalled")?.reason == "RolledBack")
            try await simulation.eventually("the canary is gone") { try await simulation.world.find(.deployments, Self.canary) == nil }
            try await simulation.simulator.settle()
            #expect(try await simulation.trial() == "one")
            #expect(try await simulation.configurationIsThere())
            #expect(await simulation.simulator.replacedPods == before)
            try await simulation.world.apply(Self.collector("broken", replicas: 3, limit: 1))
            try await simulation.eventually("the scale follows") {
                try await simulation.world.get(.deployments, "gateway-collector").at("spec", "replicas") == 3
            }
            try await simulation.ready(.rolledBack)
            #expect(try await simulation.trial() == "one")
            let reasons = try await simulation.server.listAll(.events, namespace: simulation.world.namespace).items.compactMap { $0["reason"]?.string }
            #expect(reasons.contains("CanaryRunning") && reasons.contains("RolledBack"))
            try await simulation.world.apply(Self.collector("mended", replicas: 3))
            try await simulation.ready(.reconciled)
            #expect(try await simulation.trial() == "mended")
        }
    }

    @Test func aRestartTakesAChangeBack() async throws {
        try await Self.with(fate: { Fate(restarts: $0.metadata.annotations["trial"] == "broken" ? 3 : 0) }) { simulation in
            try await simulation.world.apply(Self.collector("broken", seconds: 60))
            #expect(try await simulation.ready(.rolledBack).contains("restarted 3 times"))
            #expect(try await simulation.trial() == "one")
        }
    }

    private static func metrics(lost: Int, sent: Int) -> String {
        "otelcol_exporter_send_failed_metric_points{exporter=\"otlphttp\"} \(lost)\notelcol_exporter_sent_metric_points{exporter=\"otlphttp\"} \(sent)\n"
            + "otelcol_process_uptime 5000\n"
    }

    @Test func aChangeThatLosesMoreThanTheOthersIsTakenBack() async throws {
        let good = try await FakeCollector.start(), lossy = try await FakeCollector.start()
        let source = LoopbackPods()
        good.say(Self.metrics(lost: 0, sent: 1000))
        lossy.say(Self.metrics(lost: 0, sent: 1000))
        let (goodPort, lossyPort) = (good.port, lossy.port)
        let count = Mutex(1000)
        try await Self.with(
            fate: { Fate(metricsPort: $0.metadata.annotations["trial"] == "lossy" ? lossyPort : goodPort) }, source: source
        ) { simulation in
            try await simulation.world.apply(Self.collector("lossy", seconds: 60))
            try await simulation.eventually("it is taken back") {
                let sent = count.withLock {
                    $0 += 10; return $0
                }
                good.say(Self.metrics(lost: 0, sent: sent))
                lossy.say(Self.metrics(lost: sent - 1000, sent: sent))
                return try await simulation.condition("Ready")?.reason == "RolledBack"
            }
            let message = try await simulation.ready(.rolledBack)
            #expect(message.contains("it loses 50 % of what it counts") && message.contains("the other pods none"))
            #expect(try await simulation.trial() == "one")
        }
        await source.stop()
        try await good.stop()
        try await lossy.stop()
    }

    @Test func theNewestChangeWinsAndAChangeBackEndsTheTrial() async throws {
        try await Self.with(fate: Self.brokenNever) { simulation in
            let before = await simulation.simulator.replacedPods
            try await simulation.world.apply(Self.collector("broken"))
            try await simulation.ready(.canaryRunning)
            try await simulation.world.apply(Self.collector("one"))
            try await simulation.ready(.reconciled)
            try await simulation.eventually("the canary is gone") { try await simulation.world.find(.deployments, Self.canary) == nil }
            #expect(try await simulation.trial() == "one")
            #expect(await simulation.simulator.replacedPods == before)
            try await simulation.world.apply(Self.collector("broken"))
            try await simulation.ready(.canaryRunning)
            try await simulation.world.apply(Self.collector("third"))
            try await simulation.ready(.reconciled)
            #expect(try await simulation.trial() == "third")
        }
    }

    /// The trials of a StatefulSet's pods, by ordinal.
    private static func trials(_ simulation: Simulation) async throws -> [String] {
        try await simulation.pods().sorted { $0.metadata.name < $1.metadata.name }.compactMap { $0.metadata.annotations["trial"] }
    }

    @Test(arguments: [("second", ConditionReason.reconciled), ("broken", .rolledBack)])
    func theLastPodOfAStatefulSetTriesAChange(trial: String, reason: ConditionReason) async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        let simulation = try await Simulation.start(server, fate: Self.brokenNever)
        func collector(_ trial: String) -> String {
            Self.collector(trial, seconds: 1, replicas: 3).replacing("mode: deployment", with: "mode: statefulset")
                .replacing("sonde.dev/progress-deadline-seconds: \"600\"", with: "sonde.dev/min-ready-seconds: \"0\"")
        }
        let one = collector("one"), changed = collector(trial)
        try await Self.run(simulation) {
            try await simulation.world.apply(one)
            try await simulation.ready(.reconciled)
            try await simulation.world.apply(changed)
            #expect(try await simulation.ready(.canaryRunning).contains("gateway-collector-2"))
            try await simulation.eventually("the last pod has the new template") { try await Self.trials(simulation) == ["one", "one", trial] }
        }
        // Another operator goes on; one that was away for long takes a pod that never became ready back at once.
        if reason == .rolledBack {
            let state = try await simulation.world.get(.statefulSets, "gateway-collector").metadata.annotations["sonde.dev/canary-state"] ?? ""
            let year = try #require(state.firstRange(of: "\"startedAt\":\"")).upperBound
            let aged = state[..<year] + "2020" + state[year...].dropFirst(4)
            try await simulation.server.patch(
                .statefulSets, simulation.world.name("gateway-collector"),
                .merge(["metadata": ["annotations": ["sonde.dev/canary-state": .string(String(aged))]]]))
        }
        try await Self.run(simulation) {
            try await simulation.ready(reason)
            let result = reason == .rolledBack ? "one" : trial
            try await simulation.eventually("all pods have the same template") { try await Self.trials(simulation) == [result, result, result] }
        }
        let live = try await simulation.world.get(.statefulSets, "gateway-collector")
        #expect(live.metadata.annotations["sonde.dev/stable-template"] == nil)
        #expect((live.at("spec", "updateStrategy", "rollingUpdate", "partition")?.int ?? 0) == 0)
        let gaps = await simulation.simulator.gaps
        #expect(gaps.isEmpty, "nobody served after \(gaps)")
    }

    @Test func theDifferenceShowsTheFirstStep() async throws {
        try await Self.with { simulation in
            let world = simulation.world
            var object = try #require(try YAML.parse(Self.collector("second")).first)
            object.set(["metadata", "namespace"], to: .string(world.namespace))
            object.set(["metadata", "uid"], to: .string(try await world.get(.openTelemetryCollectors, "gateway").metadata.uid))
            let collector = try OpenTelemetryCollector(object: object)
            let manifests = CollectorRendering.render(collector, CollectorFacts(collectorImage: "localhost/busybox:1"))
            let changes = try await PlanPreview(api: simulation.server, logger: World.quiet).changes(of: collector, manifests: manifests)
            func change(_ type: ResourceType, _ name: String) -> ObjectChange? { changes.first { $0.reference == ObjectReference(type, world.name(name)) } }
            #expect(change(.deployments, Self.canary)?.action == .create)
            let workload = try #require(change(.deployments, "gateway-collector"))
            #expect(workload.action == .change && workload.restartedPods == 0)
            #expect(change(.services, "gateway-collector")?.action == .hold)
            #expect(changes.allSatisfy { $0.action != .delete })
        }
    }

    @Test func anInvalidChangeIsNotTried() async throws {
        try await Self.with { simulation in
            try await simulation.world.apply(Self.collector("second").replacing("exporters: [otlphttp]", with: "exporters: [nothing]"))
            try await simulation.ready(.invalidConfig)
            #expect(try await simulation.world.find(.deployments, Self.canary) == nil)
            #expect(try await simulation.trial() == "one")
        }
    }

    @Test(arguments: [("second", ConditionReason.reconciled, "second"), ("broken", .rolledBack, "one")])
    func theTrialGoesOnAfterTheOperatorEnded(trial: String, reason: ConditionReason, result: String) async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        var number = 0
        var isReached = true
        while isReached, number < 40 {
            number += 1
            let write = number * 2 - 1
            let simulation = try await Simulation.start(server, number, fate: Self.brokenNever)
            try await Self.run(simulation) {
                try await simulation.world.apply(Self.collector("one"))
                try await simulation.ready(.reconciled)
            }
            try await simulation.world.apply(Self.collector(trial, limit: trial == "broken" ? 1 : 600))
            isReached = try await simulation.world.runUntilCrash(afterWrite: write, on: simulation.simulator) { try await simulation.ready(reason) }
            try await simulation.simulator.settle()
            try await Self.run(simulation) {
                try await simulation.ready(reason)
                try await simulation.eventually("the canary is gone (write \(write))") { try await simulation.world.find(.deployments, Self.canary) == nil }
            }
            #expect(try await simulation.trial() == result, "write \(write)")
            #expect(try await simulation.configurationIsThere(), "write \(write)")
            let gaps = await simulation.simulator.gaps
            #expect(gaps.isEmpty, "write \(write): nobody served after \(gaps)")
            try await simulation.end()
        }
        #expect(number > 2 && !isReached, "the operator's writes were met: \(number)")
    }
}
