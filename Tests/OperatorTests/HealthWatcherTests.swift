// Looks at collectors: whom they ask, how many at once, how often; and how soon a loss is known.
// Pods are a function of their address; time is moved by hand.
// It never waits for a time: it looks for facts, with a deadline in real time.

import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Rendering
import SondeAPI
import Synchronization
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(3))) struct HealthWatcherTests {
    /// Pods as a function of their address.
    private final class FakePods: CollectorMetricsSource {
        private struct State {
            var asked: [AgentAddress] = []
            var running = 0
            var runningMax = 0
        }

        private let state = Mutex(State())
        private let answer: @Sendable (AgentAddress) async throws -> String

        init(_ answer: @escaping @Sendable (AgentAddress) async throws -> String) { self.answer = answer }

        var asked: [AgentAddress] { state.withLock { $0.asked } }
        var runningMax: Int { state.withLock { $0.runningMax } }

        func metrics(at address: AgentAddress) async throws -> [UInt8] {
            state.withLock { state in
                state.asked.append(address)
                state.running += 1
                state.runningMax = max(state.running, state.runningMax)
            }
            defer { state.withLock { $0.running -= 1 } }
            return Array(try await answer(address).utf8)
        }
    }

    private struct Setup {
        let watcher: HealthWatcher
        let collectors = ObjectStore(type: .openTelemetryCollectors)
        let pods = ObjectStore(type: .pods, indexers: [CollectorPods.index: CollectorPods.keys])
        let time = ManualTime()
        let recorder: EventRecorder
        let server = TestAPIServer()
        let name = ObjectName(namespace: "n", name: "gateway")

        init(_ source: FakePods, pods count: Int, gate: WriteGate? = nil, news: @escaping @Sendable () -> Void = {}) {
            let environment = OperatorEnvironment(
                api: server, agents: FakeAgents { _ in throw AgentSilence("none") }, collectorMetrics: source,
                configuration: OperatorConfiguration(collectorImage: "a", agentImage: "b"), gate: gate ?? .withoutElection(time: time), time: time,
                logger: quiet)
            recorder = EventRecorder(
                api: server, gate: .withoutElection(time: time), reportingController: "a/b", reportingInstance: "c", time: time, logger: quiet)
            watcher = HealthWatcher(
                environment: environment, collectors: collectors, pods: pods, slots: RequestSlots(HealthWatcher.requestsMax),
                events: ResourceEvents(recorder: recorder), counts: HealthMetrics(metrics: environment.metrics), hasNews: { _ in news() })
            _ = collectors.replace([HealthWatcherTests.collector()], resourceVersion: "7")
            _ = pods.replace((0..<count).map { CollectorPods.projection(HealthWatcherTests.pod($0)) }, resourceVersion: "7")
        }
    }

    private static func collector(telemetry: JSONValue = [:], mode: String = "deployment", uid: String = "collector", version: String = "7") -> JSONValue {
        let pipelines: JSONValue = ["traces": ["receivers": ["otlp"], "exporters": ["debug"]]]
        let config: JSONValue = [
            "receivers": ["otlp": ["protocols": ["grpc": [:]]]], "exporters": ["debug": [:]],
            "service": ["telemetry": telemetry, "pipelines": pipelines],
        ]
        return [
            "apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector",
            "metadata": ["name": "gateway", "namespace": "n", "uid": .string(uid), "generation": 1, "resourceVersion": .string(version)],
            "spec": ["mode": .string(mode), "config": config],
        ]
    }

    private static func pod(_ index: Int, owner: String = "gateway-collector-5d8f", port: Int? = 9999, more: [([String], JSONValue)] = []) -> JSONValue {
        let reference = OwnerReference(apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: "rs")
        var container: JSONValue = ["name": "otc-container"]
        if let port { container["ports"] = [["name": "otlp-grpc", "containerPort": 4317], ["name": "metrics", "containerPort": JSONValue(port)]] }
        var pod: JSONValue = [
            "metadata": [
                "name": .string("p-\(index)"), "namespace": "n", "uid": .string("pod-\(index)"), "resourceVersion": "5",
                "ownerReferences": [reference.jsonValue], "labels": ["app.kubernetes.io/instance": "n.gateway"],
            ], "spec": ["containers": [container]],
            "status": [
                "phase": "Running", "podIP": .string(Fixture.address(index)), "conditions": [["type": "Ready", "status": "True"]],
                "containerStatuses": [["name": "otc-container", "restartCount": 2]],
            ],
        ]
        for (path, value) in more { pod.set(path, to: value) }
        return pod
    }

    private static func text(failed: Int) -> String { "otelcol_exporter_send_failed_spans{exporter=\"otlp\"} \(failed)\notelcol_process_uptime 5000" }

    private static func pause(_ result: ReconcileResult) throws -> Duration {
        guard case .after(let pause) = result else {
            Issue.record("there is no next look")
            return .zero
        }
        return pause
    }

    @Test func podsThatRouteTracesAreAskedTooAndKnownAsSuch() async throws {
        let labels: JSONValue = [
            "app.kubernetes.io/instance": "n.gateway", "app.kubernetes.io/component": "opentelemetry-collector-routing",
            "app.kubernetes.io/managed-by": "opentelemetry-operator", "app.kubernetes.io/part-of": "opentelemetry", "sonde.dev/trace-tier": "routing",
        ]
        let routing = Self.pod(1, owner: "gateway-collector-routing-7c9d", more: [(["metadata", "labels"], labels)])
        #expect(CollectorPods.selector.matches(routing.metadata.labels))
        let setup = Setup(FakePods { _ in Self.text(failed: 0) }, pods: 1)
        _ = setup.pods.replace([Self.pod(0), routing].map(CollectorPods.projection), resourceVersion: "8")
        _ = try await setup.watcher.look(setup.name)
        let collector = try OpenTelemetryCollector(object: Self.collector())
        #expect(setup.watcher.pods(of: collector).map(\.isRouting) == [false, true])
    }

    @Test func aLossIsKnownWithinAMinute() async throws {
        let failed = Mutex(7)
        let news = Mutex(0)
        let setup = Setup(FakePods { _ in Self.text(failed: failed.withLock { $0 }) }, pods: 2) { news.withLock { $0 += 1 } }
        for _ in 0..<3 { setup.time.advance(by: try Self.pause(try await setup.watcher.look(setup.name))) }
        #expect(setup.watcher.view(of: Self.collector()) == .known(HealthReport(podsAsked: 2, pods: 2)))
        let before = news.withLock { $0 }
        // Right after a look, the worst moment.
        var elapsed = Duration.zero
        while news.withLock({ $0 }) == before, elapsed < .seconds(300) {
            failed.withLock { $0 += 300 }
            let pause = try Self.pause(try await setup.watcher.look(setup.name))
            if news.withLock({ $0 }) > before { break }
            setup.time.advance(by: pause)
            elapsed += pause
        }
        #expect(elapsed <= .seconds(60), "\(elapsed)")
        guard case .known(let report) = setup.watcher.view(of: Self.collector()) else {
            Issue.record("nothing is known")
            return
        }
        #expect(report.lost.count == 1)
        #expect(setup.watcher.view(of: Self.collector(uid: "another")) == .unknown)
    }

    @Test func aLookAsksASampleOfReadyPodsAtTheirOwnPortAndIsNotRepeatedTooEarly() async throws {
        let source = FakePods { _ in
            await Task.yield()
            return Self.text(failed: 1)
        }
        let setup = Setup(source, pods: 300)
        _ = try await setup.watcher.look(setup.name)
        #expect(source.asked.count == CollectorHealth.podsMax && Set(source.asked).count == CollectorHealth.podsMax)
        #expect(source.asked.allSatisfy { $0.port == 9999 })
        #expect(source.runningMax <= HealthWatcher.requestsMax)
        let first = Set(source.asked)
        let pause = try Self.pause(try await setup.watcher.look(setup.name))
        #expect(pause == .seconds(30) && source.asked.count == CollectorHealth.podsMax, "a change of the resource does not bring the next look nearer")
        setup.time.advance(by: pause)
        _ = try await setup.watcher.look(setup.name)
        #expect(Set(source.asked) == first && source.asked.count == 2 * CollectorHealth.podsMax, "the sample stays")
    }

    @Test func whoIsNotReadyNotOursOrWithoutAnAddressIsNotAsked() async throws {
        let source = FakePods { _ in Self.text(failed: 1) }
        let setup = Setup(source, pods: 0)
        let pods = [
            Self.pod(1), Self.pod(2, more: [(["status", "conditions"], [["type": "Ready", "status": "False"]])]), Self.pod(3, owner: "other-5d8f"),
            Self.pod(4, more: [(["status", "podIP"], "127.0.0.1")]), Self.pod(5, more: [(["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z")]),
            Self.pod(6, more: [(["status", "phase"], "Failed")]), Self.pod(7, more: [(["metadata", "labels"], ["app.kubernetes.io/instance": "n.other"])]),
            Self.pod(8, port: nil), Self.pod(9, more: [(["status", "podIP"], "")]),
        ]
        _ = setup.pods.replace(pods.map(CollectorPods.projection), resourceVersion: "8")
        _ = try await setup.watcher.look(setup.name)
        #expect(Set(source.asked.map { "\($0)" }) == ["\(Fixture.address(1)):9999", "\(Fixture.address(8)):8888"])
    }

    @Test func canariesAreAlwaysInTheSample() async throws {
        let source = FakePods { _ in Self.text(failed: 1) }
        let setup = Setup(source, pods: 0)
        let pods = (0..<100).map { Self.pod($0, more: $0 == 99 ? [(["metadata", "labels", CollectorRendering.canaryLabel], "true")] : []) }
        _ = setup.pods.replace(pods.map(CollectorPods.projection), resourceVersion: "8")
        _ = try await setup.watcher.look(setup.name)
        #expect(source.asked.contains { $0.host == Fixture.address(99) })
    }

    @Test(
        arguments: [
            (["metrics": ["level": "none"]], "deployment"), (["metrics": ["address": "localhost:8888"]], "deployment"),
            (["metrics": ["readers": [["pull": ["exporter": ["prometheus": ["host": "127.0.0.1", "port": 8888]]]]]]], "statefulset"),
            (["metrics": ["readers": [["periodic": ["exporter": ["otlp": [:]]]]]]], "daemonset"), ([:], "sidecar"),
        ] as [(JSONValue, String)]) func nobodyAsksWhereNobodyAnswers(telemetry: JSONValue, mode: String) async throws
    {
        let source = FakePods { _ in Self.text(failed: 1) }
        let setup = Setup(source, pods: 2)
        let collector = Self.collector(telemetry: telemetry, mode: mode, version: "8")
        _ = setup.collectors.replace([collector], resourceVersion: "8")
        #expect(try await setup.watcher.look(setup.name) == .done)
        #expect(source.asked.isEmpty && setup.watcher.view(of: collector) == .off)
        #expect(setup.watcher.comparison(of: collector, canary: [], window: .seconds(60)) == nil)
    }

    @Test func aFollowerAsksNobodyAndAGoneCollectorIsForgotten() async throws {
        let source = FakePods { _ in Self.text(failed: 1) }
        let follower = Setup(source, pods: 2, gate: WriteGate(time: ManualTime()))
        #expect(try await follower.watcher.look(follower.name) == .after(.seconds(5)))
        #expect(source.asked.isEmpty)
        let setup = Setup(source, pods: 2)
        for _ in 0..<2 { setup.time.advance(by: try Self.pause(try await setup.watcher.look(setup.name))) }
        #expect(setup.watcher.view(of: Self.collector()) != .unknown)
        _ = setup.collectors.replace([], resourceVersion: "8")
        #expect(try await setup.watcher.look(setup.name) == .done)
        #expect(setup.watcher.view(of: Self.collector()) == .unknown)
    }

    @Test func podsThatCannotBeReachedAreToldOnce() async throws {
        let isAway = Mutex(true)
        let source = FakePods { _ in
            if isAway.withLock({ $0 }) { throw CollectorSilence("no connection is accepted") }
            return Self.text(failed: 1)
        }
        let setup = Setup(source, pods: 3)
        try await setup.server.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "n"]])
        func look(_ times: Int) async throws { for _ in 0..<times { setup.time.advance(by: try Self.pause(try await setup.watcher.look(setup.name))) } }
        try await look(6)
        isAway.withLock { $0 = false }
        try await look(2)
        setup.recorder.stop()
        try await setup.recorder.run()
        let events = try await setup.server.listAll(.events, namespace: "n").items
        #expect(events.compactMap { $0["reason"]?.string } == ["CollectorMetricsNotReachable"])
        #expect(events.first?["note"]?.string?.contains("no connection is accepted") == true && events.first?["series"] == nil)
    }

    @Test func aSilentPodHoldsALookForThreeSecondsOnly() async throws {
        let time = Mutex<ManualTime?>(nil)
        let source = FakePods { address in
            if address.host == Fixture.address(0) { try await time.withLock { $0 }?.sleep(for: .seconds(3600)) }
            return Self.text(failed: 1)
        }
        let setup = Setup(source, pods: 2)
        time.withLock { $0 = setup.time }
        async let result = setup.watcher.look(setup.name)
        await setup.time.waitForSleepers(2)
        setup.time.advance(by: HealthWatcher.requestDeadline)
        _ = try Self.pause(try await result)
        #expect(setup.time.sleeperCount == 0)
    }
}
