// Findings and transitions as events and conditions on a server, and the gauge that counts findings.
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never checks the limits of events: KubernetesRuntimeTests does.

import JSON
import Kubernetes
import KubernetesRuntime
import SondeAPI
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct EventTests {
    /// Notes of the events about a resource, by reason.
    private static func events(_ world: World, _ name: String) async throws -> [String: [String]] {
        let events = try await world.api.listAll(.events, namespace: world.namespace).items.filter { $0.at("regarding", "name")?.string == name }
        return Dictionary(events.map { ($0["reason"]?.string ?? "", [$0["note"]?.string ?? ""]) }, uniquingKeysWith: +)
    }

    @Test func anInvalidChangeIsToldAndLeavesWhatRuns() async throws {
        try await World.with { world in
            let counts = CountingMetrics()
            try await world.withOperator(world.environment(metrics: RuntimeMetrics(factory: counts))) { _ in
                try await world.apply(Example.collector())
                try await world.written("gateway")
                let before = try await world.get(.deployments, "gateway-collector")["spec"]
                try await world.apply(Example.collector(more: "replicas: 9\n  autoscaler: {maxReplicas: 3}"))
                let ready = try await world.condition("Ready", .false, .invalidConfig, of: .openTelemetryCollectors, "gateway")
                #expect(ready.message.contains("spec.replicas: must be at most"))
                let healthy = try await world.condition("ConfigHealthy", .false, .invalidConfig, of: .openTelemetryCollectors, "gateway")
                #expect(healthy.message.contains("(autoscaler)"))
                try await world.eventually("the event is there") {
                    try await Self.events(world, "gateway")["InvalidConfig"]?.contains { $0.contains("spec.replicas") } == true
                }
                #expect(try await world.get(.deployments, "gateway-collector")["spec"] == before)
                #expect(counts.level("sonde_findings", "severity", "error") == 1)
                try await world.apply(Example.collector())
                try await world.written("gateway")
                try await world.eventually("no finding is counted") { counts.level("sonde_findings", "severity", "error") == 0 }
                try await world.eventually("the condition is gone") { try await world.conditions(.openTelemetryCollectors, "gateway")["ConfigHealthy"] == nil }
                try await world.eventually("that is told too") { try await Self.events(world, "gateway")["ConfigHealthy"] != nil }
            }
        }
    }

    @Test func warningsAreToldOnceAndCanBeSilenced() async throws {
        try await World.with { world in
            try await world.withOperator { sonde in
                let config = Example.collector().replacing("[memory_limiter, batch]", with: "[batch, memory_limiter]")
                try await world.apply(config)
                let healthy = try await world.condition("ConfigHealthy", .false, .configWarnings, of: .openTelemetryCollectors, "gateway")
                #expect(healthy.message.hasPrefix("1 warning (batch-before-memory-limiter)\n"))
                try await world.written("gateway")
                try await world.eventually("the event is there") { try await Self.events(world, "gateway")["ConfigWarnings"]?.count == 1 }
                for _ in 0..<20 { sonde.scopes[0].collectors.queue.add(world.name("gateway")) }
                let silence: JSONValue = ["metadata": ["annotations": ["sonde.dev/ignore-findings": "batch-before-memory-limiter"]]]
                try await world.merge(.openTelemetryCollectors, "gateway", silence)
                try await world.eventually("the condition is gone") { try await world.conditions(.openTelemetryCollectors, "gateway")["ConfigHealthy"] == nil }
                #expect(try await Self.events(world, "gateway")["ConfigWarnings"]?.count == 1)
                let deployment = try await world.get(.deployments, "gateway-collector")
                #expect(deployment.metadata.annotations["sonde.dev/ignore-findings"] == nil, "it is the resource's own business")
            }
        }
    }

    @Test func aRolloutIsToldWhenItBeginsAndEnds() async throws {
        try await World.with { world in
            guard world.canBecomeReady() else { return }
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.condition("Ready", .false, .rollingOut, of: .openTelemetryCollectors, "gateway")
                try await world.makeAvailable(.deployments, "gateway-collector")
                try await world.condition("Ready", .true, .reconciled, of: .openTelemetryCollectors, "gateway")
                try await world.eventually("both events are there") {
                    let events = try await Self.events(world, "gateway")
                    return events["RollingOut"] != nil && events["Reconciled"] != nil
                }
            }
        }
    }
}
