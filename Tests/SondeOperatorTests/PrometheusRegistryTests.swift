import CoreMetrics
import Foundation
import KubernetesRuntime
import Testing

@testable import sonde_operator

@Suite struct PrometheusRegistryTests {
    private static func filled() -> PrometheusRegistry {
        let registry = PrometheusRegistry(help: ["sonde_reconciles_total": "Reconciles by result."])
        Counter(label: "sonde_reconciles_total", dimensions: [("result", "a \"quoted\"\nline")], factory: registry).increment(by: 3)
        Timer(label: "sonde_reconcile_duration_seconds", dimensions: [], factory: registry).recordNanoseconds(20_000_000)
        Gauge(label: "sonde_queue_depth", dimensions: [("queue", "collectors")], factory: registry).record(2)
        return registry
    }

    @Test func aCounterAGaugeAndAHistogramAreWrittenAsText() {
        let text = Self.filled().text()
        #expect(text.contains("# HELP sonde_reconciles_total Reconciles by result.\n# TYPE sonde_reconciles_total counter\n"))
        #expect(text.contains(#"sonde_reconciles_total{result="a \"quoted\"\nline"} 3"#))
        #expect(text.contains(#"sonde_queue_depth{queue="collectors"} 2"#))
        #expect(text.contains("sonde_reconcile_duration_seconds_bucket{le=\"0.01\"} 0\n"))
        #expect(text.contains("sonde_reconcile_duration_seconds_bucket{le=\"0.05\"} 1\n"))
        #expect(text.contains("sonde_reconcile_duration_seconds_count 1\n"))
    }

    @Test func theSameSeriesIsOneWhoeverAsks() {
        let registry = PrometheusRegistry()
        for _ in 0..<2 { Counter(label: "a_total", dimensions: [], factory: registry).increment() }
        #expect(registry.text().contains("\na_total 2\n"))
    }

    @Test func seriesAboveTheLimitAreDroppedAndCounted() {
        let registry = PrometheusRegistry()
        for number in 0..<PrometheusRegistry.maxSeries + 5 { Counter(label: "a_total", dimensions: [("n", "\(number)")], factory: registry).increment() }
        #expect(registry.text().contains("\nsonde_metrics_dropped_series_total 5\n"))
    }

    /// The whole of what a runtime registers at start, and filled series, as Prometheus' own linter sees it.
    @Test func promtoolFindsNothing() throws {
        let registry = Self.filled()
        _ = WriteGate.withoutElection()
        _ = WorkQueue<String>(name: "collectors", metrics: RuntimeMetrics(factory: registry))
        let tools =
            ProcessInfo.processInfo.environment["SONDE_TOOLS"].map { URL(filePath: $0) }
            ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: ".build-tools/bin")
        let promtool = tools.appending(path: "promtool")
        try #require(FileManager.default.isExecutableFile(atPath: promtool.path), "\(promtool.path) is missing: run hack/lib/tools promtool")
        let process = Process()
        process.executableURL = promtool
        process.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(registry.text().utf8))
        try input.fileHandleForWriting.close()
        let problems = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && problems.isEmpty, "\(problems)")
    }
}
