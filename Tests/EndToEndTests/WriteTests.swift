// Who writes, when, and how often (docs/controllers.md rules 22, 23, 24, 32): the tests that count requests on purpose.
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never counts reads.

import CoreMetrics
import JSON
import Kubernetes
import KubernetesRuntime
import SondeAPI
import Synchronization
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct WriteTests {
    @Test func settledWorldSeesNoWrites() async throws {
        try await World.with { world in
            let api = InterceptingAPI(world.api)
            let counts = CountingMetrics()
            try await world.withOperator(world.environment(api, metrics: RuntimeMetrics(factory: counts))) { sonde in
                try await world.apply(Example.collector())
                try await world.apply(Example.probe())
                try await world.eventually("the objects are there") {
                    let deployment = try await world.find(.deployments, "gateway-collector"), agents = try await world.find(.daemonSets, "nodes-agent")
                    return deployment != nil && agents != nil
                }
                try await world.makeAvailable(.deployments, "gateway-collector")
                try await world.makeAvailable(.daemonSets, "nodes-agent")
                if world.canBecomeReady() {
                    try await world.condition("Ready", .true, .reconciled, of: .openTelemetryCollectors, "gateway")
                    try await world.condition("Ready", .true, .reconciled, of: .ebpfProbes, "nodes")
                }
                try await Self.settle(sonde, world)
                let before = api.writes.count
                let reconciles = counts.value("sonde_controller_reconcile_total")
                for _ in 0..<500 {
                    sonde.scopes[0].collectors.queue.add(world.name("gateway"))
                    sonde.scopes[0].probes.queue.add(world.name("nodes"))
                    try await Self.settle(sonde, world)
                }
                #expect(counts.value("sonde_controller_reconcile_total") - reconciles >= 1000)
                #expect(api.writes.count == before, "\(api.writes.dropFirst(before).map(\.text))")
            }
        }
    }

    /// Waits until no key waits or runs, and what was recorded is sent.
    static func settle(_ sonde: SondeOperator, _ world: World) async throws {
        let queues = [sonde.scopes[0].collectors.queue, sonde.scopes[0].probes.queue]
        let end = ContinuousClock.now + world.deadline
        while queues.contains(where: { $0.runningCount > 0 || $0.depth > 0 }) || !sonde.recorder.isIdle {
            guard ContinuousClock.now < end else { throw NotInTime(description: "the queues do not empty") }
            try await Task.sleep(for: .microseconds(200))
        }
    }

    /// As `settle`, for a resource whose error is tried again after a minute: its key stays in the queue, and nobody works on it.
    static func settleUntilRetry(_ sonde: SondeOperator, _ world: World) async throws {
        let queues = [sonde.scopes[0].collectors.queue, sonde.scopes[0].probes.queue]
        let end = ContinuousClock.now + world.deadline
        // Longer than a key is held back for its own writes.
        var idleSince = ContinuousClock.now
        while ContinuousClock.now - idleSince < .milliseconds(300) {
            guard ContinuousClock.now < end else { throw NotInTime(description: "the operator does not come to rest") }
            if queues.contains(where: { $0.runningCount > 0 }) || !sonde.recorder.isIdle { idleSince = ContinuousClock.now }
            try await Task.sleep(for: .microseconds(200))
        }
    }

    @Test func statusIsWrittenOnlyWhenItSaysSomethingNew() async throws {
        try await World.with { world in
            let api = InterceptingAPI(world.api)
            let counts = CountingMetrics()
            try await world.withOperator(world.environment(api, metrics: RuntimeMetrics(factory: counts))) { sonde in
                try await world.apply(Example.collector(more: "replicas: 0"))
                try await world.written("gateway")
                try await world.makeAvailable(.deployments, "gateway-collector")
                try await world.condition("Ready", .true, .reconciled, of: .openTelemetryCollectors, "gateway")
                try await Self.settle(sonde, world)
                let since = try #require(try await world.conditions(.openTelemetryCollectors, "gateway")["Ready"]?.lastTransitionTime)
                let before = api.writes.count
                let reconciles = counts.value("sonde_controller_reconcile_total")
                try await world.merge(.services, "gateway-collector", ["metadata": ["labels": ["app.kubernetes.io/part-of": "nothing"]]])
                try await world.eventually("the label is repaired") {
                    try await world.get(.services, "gateway-collector").metadata.labels["app.kubernetes.io/part-of"] == "opentelemetry"
                }
                try await Self.settle(sonde, world)
                #expect(counts.value("sonde_controller_reconcile_total") > reconciles)
                #expect(api.writes.dropFirst(before).map(\.text) == ["PATCH /api/v1/namespaces/\(world.namespace)/services/gateway-collector"])
                #expect(try await world.conditions(.openTelemetryCollectors, "gateway")["Ready"]?.lastTransitionTime == since)
            }
        }
    }

    @Test func wipedStatusIsWrittenAgain() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.written("gateway")
                try await world.merge(.openTelemetryCollectors, "gateway", ["status": nil], subresource: "status")
                try await world.written("gateway")
            }
        }
    }

    @Test func recreatedResourceIsNotTouchedByTheStatusOfTheOldOne() async throws {
        try await World.with { world in
            let old = try await world.apply(Example.collector())
            try await world.api.delete(.openTelemetryCollectors, world.name("gateway"))
            let writer = StatusWriter(api: world.api, gate: .withoutElection())
            let status: JSONValue = ["observedGeneration": 1]
            #expect(try await writer.write(status, of: old, type: .openTelemetryCollectors) == .gone, "no such name")
            #expect(try await world.find(.openTelemetryCollectors, "gateway") == nil)
            let new = try await world.apply(Example.collector())
            #expect(try await writer.write(status, of: old, type: .openTelemetryCollectors) == .gone, "another uid")
            #expect(try await world.get(.openTelemetryCollectors, "gateway")["status"] == nil)
            guard case .written = try await writer.write(status, of: new, type: .openTelemetryCollectors) else {
                Issue.record("the new resource's own status is written")
                return
            }
        }
    }

    @Test func twoReplicasNeverBothWrite() async throws {
        try await World.with { world in
            let (first, second) = (Replica(world, "first"), Replica(world, "second"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await first.run() }
                try await first.elector.waitUntilLeading()
                group.addTask { try await second.run() }
                try await world.apply(Example.collector())
                try await world.written("gateway")
                try await world.eventually("the second replica is ready, though it does not lead") { second.sonde.readiness == .ready }
                #expect(second.api.writes.isEmpty)
                first.stop()
                try await second.elector.waitUntilLeading()
                try await world.apply(Example.collector(more: "replicas: 5"))
                try await world.eventually("the second replica goes on") { try await world.get(.deployments, "gateway-collector").at("spec", "replicas") == 5 }
                second.stop()
                try await group.waitForAll()
            }
            let end = try #require(first.api.writes.map(\.time).max()), begin = try #require(second.api.writes.map(\.time).min())
            #expect(end < begin)
        }
    }

    @Test func closedGateLetsNoWriteThrough() async throws {
        try await World.with { world in
            let api = InterceptingAPI(world.api)
            let gate = WriteGate()
            try await world.apply(Example.collector())
            try await world.withOperator(world.environment(api, gate: gate)) { sonde in
                try await world.eventually("the reconcile was tried and refused") { sonde.scopes[0].collectors.queue.failureCount(world.name("gateway")) > 1 }
                #expect(api.writes.isEmpty)
            }
        }
    }
}

/// One operator with its elector, as the process puts them together.
private struct Replica: Sendable {
    let api: InterceptingAPI
    let elector: LeaderElector
    let sonde: SondeOperator

    init(_ world: World, _ identity: String) {
        api = InterceptingAPI(world.api)
        // The lease is given back at the end, so its length only matters when the machine is slow.
        let gate = WriteGate(requestTimeout: .seconds(5))
        let election = ElectionConfiguration(
            lease: world.name("sonde-operator"), identity: identity, leaseDuration: .seconds(30), renewDeadline: .seconds(20), retryPeriod: .milliseconds(100),
            requestTimeout: .seconds(10))
        elector = LeaderElector(api: world.api, configuration: election, gate: gate, logger: World.quiet)
        sonde = SondeOperator(world.environment(api, gate: gate))
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await elector.run() }
            try await sonde.run { try await elector.waitUntilLeading() }
            elector.stop()
            try await group.waitForAll()
        }
    }

    func stop() { sonde.stop() }
}

/// Adds up counters by name, whatever their labels, and keeps gauges by name and labels.
final class CountingMetrics: MetricsFactory, Sendable {
    private final class Count: CounterHandler, Sendable {
        let add: @Sendable (Int64) -> Void
        init(_ add: @escaping @Sendable (Int64) -> Void) { self.add = add }
        func increment(by amount: Int64) { add(amount) }
        func reset() {}
    }

    private final class Level: RecorderHandler, Sendable {
        let set: @Sendable (Double) -> Void
        init(_ set: @escaping @Sendable (Double) -> Void) { self.set = set }
        func record(_ value: Int64) { set(Double(value)) }
        func record(_ value: Double) { set(value) }
    }

    private let counts = Mutex<[String: Int64]>([:])
    private let levels = Mutex<[String: Double]>([:])
    private let nothing = NOOPMetricsHandler.instance

    func value(_ name: String) -> Int64 { counts.withLock { $0[name] ?? 0 } }

    /// A gauge with one label.
    func level(_ name: String, _ label: String, _ value: String) -> Double? { levels.withLock { $0["\(name) \(label)=\(value)"] } }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        Count { amount in self.counts.withLock { $0[label, default: 0] += amount } }
    }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let key = ([label] + dimensions.map { "\($0.0)=\($0.1)" }).joined(separator: " ")
        return aggregate ? nothing : Level { level in self.levels.withLock { $0[key] = level } }
    }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { nothing }
    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { nothing }
    func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler { nothing }
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
}
