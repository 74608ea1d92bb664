// A collector that drops is seen in its status, by events and in the operator's metrics; one that does not is left in peace.
// Metrics come over real HTTP. Runs in process; on a cluster whose controllers make pods themselves it is left out.
// It never waits half a minute: the operator looks often here, and OperatorTests checks how soon a loss is known with its own pause.

import JSON
import Kubernetes
import KubernetesRuntime
import Operator
import SondeAPI
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct HealthTests {
    private static func metrics(failed: Int = 0, refused: Int = 0) -> String {
        """
        # TYPE otelcol_exporter_send_failed_metric_points counter
        otelcol_exporter_send_failed_metric_points{exporter="otlphttp",service_name="otelcol-contrib"} \(failed)
        otelcol_exporter_sent_metric_points{exporter="otlphttp"} 1000
        otelcol_exporter_queue_size{data_type="metrics",exporter="otlphttp"} 250
        otelcol_exporter_queue_capacity{data_type="metrics",exporter="otlphttp"} 1000
        otelcol_receiver_refused_metric_points{receiver="otlp",transport="grpc"} \(refused)
        otelcol_process_uptime 5000

        """
    }

    private static func events(_ world: World, _ reason: String) async throws -> [JSONValue] {
        try await world.api.listAll(.events, namespace: world.namespace).items.filter { $0["reason"]?.string == reason }
    }

    /// An operator that looks often, with one pod of `gateway` that is served by the collector.
    private static func with(_ body: @escaping @Sendable (World, FakeCollector, CountingMetrics) async throws -> Void) async throws {
        try await World.with { world in
            if world.hasControllers { return print("HealthTests: left out, because this cluster makes the pods itself") }
            let collector = try await FakeCollector.start()
            collector.say(metrics())
            let source = LoopbackPods(), counts = CountingMetrics()
            var environment = world.environment(collectorMetrics: source, metrics: RuntimeMetrics(factory: counts))
            environment.configuration.healthPause = .milliseconds(100)
            try await world.withOperator(environment) { _ in
                try await world.apply(Example.collector())
                try await world.eventually("the Deployment is there") { try await world.find(.deployments, "gateway-collector") != nil }
                try await world.makeAvailable(.deployments, "gateway-collector")
                try await world.startCollectorPod("gateway-collector", "gateway-collector-a-b", address: "10.1.2.3", metricsPort: collector.port)
                try await body(world, collector, counts)
            }
            await source.stop()
            try await collector.stop()
        }
    }

    @Test func aCollectorThatDropsSaysSoUntilItNoLongerDoes() async throws {
        try await Self.with { world, collector, counts in
            try await world.eventually("the pod is asked") { counts.value("sonde_collector_metrics_requests_total") > 2 }
            #expect(try await world.conditions(.openTelemetryCollectors, "gateway")["DataLoss"] == nil)
            #expect(counts.value("sonde_collector_lost_items_total") == 0)
            // It goes on dropping for as long as the test looks.
            let dropped = Mutex(0)
            try await world.eventually("the loss is in the status") {
                collector.say(
                    Self.metrics(
                        failed: dropped.withLock {
                            $0 += 50; return $0
                        }))
                return try await world.conditions(.openTelemetryCollectors, "gateway")["DataLoss"]?.status == .true
            }
            let condition = try await world.condition("DataLoss", .true, .dataDropped, of: .openTelemetryCollectors, "gateway")
            #expect(condition.message.hasPrefix("exporter otlphttp: about ") && condition.message.contains("metric points a second are lost"))
            try await world.eventually("the metric counts it") { counts.value("sonde_collector_lost_items_total") > 0 }
            try await world.eventually("the end is told") { try await Self.events(world, "Recovered").count == 1 }
            #expect(try await world.conditions(.openTelemetryCollectors, "gateway")["DataLoss"] == nil)
            let told = try await Self.events(world, "DataDropped")
            #expect(told.count == 1 && told.first?["series"] == nil, "once, whatever the number did meanwhile")
        }
    }

    @Test func whatIsRefusedIsNotCalledLost() async throws {
        try await Self.with { world, collector, counts in
            try await world.eventually("the pod is asked") { counts.value("sonde_collector_metrics_requests_total") > 1 }
            let refused = Mutex(0)
            try await world.eventually("it is in the status") {
                collector.say(
                    Self.metrics(
                        refused: refused.withLock {
                            $0 += 50; return $0
                        }))
                return try await world.conditions(.openTelemetryCollectors, "gateway")["DataLoss"] != nil
            }
            let condition = try await world.condition("DataLoss", .false, .dataRefused, of: .openTelemetryCollectors, "gateway")
            #expect(condition.message.contains("nothing is lost as long as clients try again"))
            try await world.eventually("the metric counts it") { counts.value("sonde_collector_refused_items_total") > 0 }
            #expect(counts.value("sonde_collector_lost_items_total") == 0)
        }
    }

    @Test func podsThatCannotBeReachedHoldNothingUp() async throws {
        try await Self.with { world, collector, counts in
            try await world.condition("Ready", .true, .reconciled, of: .openTelemetryCollectors, "gateway")
            try await collector.stop()
            try await world.eventually("it is told") { try await Self.events(world, "CollectorMetricsNotReachable").count == 1 }
            let asked = counts.value("sonde_collector_metrics_requests_total")
            try await world.eventually("the operator asks again and again") { counts.value("sonde_collector_metrics_requests_total") > asked + 5 }
            let told = try await Self.events(world, "CollectorMetricsNotReachable")
            #expect(told.count == 1 && told.first?["series"] == nil)
            try await world.apply(Example.collector(interval: "2s"))
            try await world.written("gateway")
            #expect(try await world.conditions(.openTelemetryCollectors, "gateway")["DataLoss"] == nil)
        }
    }
}
