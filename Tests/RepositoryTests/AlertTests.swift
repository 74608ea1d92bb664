// The alerts that collectors get, checked and run by promtool: they are valid, they fire when they should, and stay quiet otherwise.
// The rules are those of the golden file, which is what the operator writes.
// It never starts a Prometheus.

import Foundation
import JSON
import Kubernetes
import TestSupport
import Testing
import YAML

@Suite struct AlertTests {
    private static func rules(_ name: String) throws -> JSONValue {
        let objects = try YAML.parse(try Repository.text("Tests/RenderingTests/Golden/alerts.golden.yaml"))
        return try #require(objects.first { $0.kind == "PrometheusRule" && $0.metadata.name == name }?["spec"], "no PrometheusRule \(name)")
    }

    private static func write(_ value: JSONValue, _ name: String, _ folder: TemporaryFolder) throws -> String {
        let path = "\(folder.path)/\(name)"
        try YAML.documents([value]).write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test(arguments: ["alerts-deployment-collector", "alerts-daemonset-collector"]) func promtoolTakesTheRules(name: String) throws {
        let folder = try TemporaryFolder()
        let (status, output) = try Tools.run(
            "promtool", ["check", "rules", "--lint=all", "--lint-fatal", try Self.write(try Self.rules(name), "rules.yaml", folder)])
        #expect(status == 0, "\(output)")
    }

    /// A series of the ServiceMonitor's, and which alert with which value comes after ten minutes.
    private struct Row: CustomTestStringConvertible, Sendable {
        let series: [String]
        let alert: String
        let fires: Bool
        var testDescription: String { "\(alert) \(fires ? "fires" : "is quiet"): \(series.joined(separator: ", "))" }
    }

    private static let labels = #"namespace="shop",job="alerts-deployment-collector-monitoring",pod="p""#
    private static let rows = [
        Row(series: [#"otelcol_exporter_send_failed_spans{\#(labels),exporter="otlp_http"} 0+60x30"#], alert: "CollectorLosesData", fires: true),
        Row(series: [#"otelcol_exporter_send_failed_spans_total{\#(labels),exporter="otlp_http"} 0+60x30"#], alert: "CollectorLosesData", fires: true),
        Row(series: [#"otelcol_exporter_send_failed_spans{\#(labels),exporter="otlp_http"} 7x30"#], alert: "CollectorLosesData", fires: false),
        Row(
            series: [#"otelcol_exporter_send_failed_spans{namespace="shop",job="other-collector-monitoring",pod="p",exporter="otlp_http"} 0+60x30"#],
            alert: "CollectorLosesData", fires: false),
        Row(series: [#"otelcol_exporter_enqueue_failed_metric_points{\#(labels),exporter="a"} 0+60x30"#], alert: "CollectorQueueFull", fires: true),
        Row(
            series: [#"otelcol_exporter_prometheusremotewrite_failed_translations{\#(labels),exporter="a"} 0+6x30"#],
            alert: "CollectorCannotTranslate", fires: true),
        Row(
            series: [#"otelcol_processor_tail_sampling_sampling_trace_dropped_too_early{\#(labels)} 0+6x30"#], alert: "CollectorEvictsTraces", fires: true),
        Row(series: [#"otelcol_receiver_refused_spans_total{\#(labels),receiver="otlp"} 0+6x30"#], alert: "CollectorRefusesData", fires: true),
        Row(
            series: [
                #"otelcol_exporter_queue_size{\#(labels),exporter="a",data_type="traces"} 90x30"#,
                #"otelcol_exporter_queue_capacity{\#(labels),exporter="a"} 100x30"#,
            ], alert: "CollectorQueueNearlyFull", fires: true),
        Row(
            series: [
                #"otelcol_exporter_queue_size{\#(labels),exporter="a",data_type="traces"} 70x30"#,
                #"otelcol_exporter_queue_capacity{\#(labels),exporter="a",data_type="traces"} 100x30"#,
            ], alert: "CollectorQueueNearlyFull", fires: false),
    ]

    @Test(arguments: rows) private func anAlertFiresWhenItShould(row: Row) throws {
        let folder = try TemporaryFolder()
        _ = try Self.write(try Self.rules("alerts-deployment-collector"), "rules.yaml", folder)
        let series: [JSONValue] = row.series.map { line in
            let parts = line.split(separator: "} ", maxSplits: 1)
            return ["series": .string("\(parts[0])}"), "values": .string(String(parts[1]))]
        }
        let query = "count(ALERTS{alertname=\"\(row.alert)\",alertstate=\"firing\",collector=\"alerts-deployment\"})"
        let samples: [JSONValue] = row.fires ? [["labels": "{}", "value": 1]] : []
        let test: JSONValue = [
            "interval": "1m", "input_series": .array(series),
            "promql_expr_test": [["expr": .string(query), "eval_time": "20m", "exp_samples": .array(samples)]],
        ]
        let file: JSONValue = ["rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]]
        let (status, output) = try Tools.run("promtool", ["test", "rules", try Self.write(file, "test.yaml", folder)])
        #expect(status == 0, "\(output)")
    }
}
