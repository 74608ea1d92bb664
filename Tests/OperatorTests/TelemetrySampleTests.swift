// What is read from a collector's Prometheus text, in the spellings of several versions, and what is not.
// Texts are lines that collectors write.
// It never opens a connection.

import Testing

@testable import Operator

@Suite struct TelemetrySampleTests {
    private static func sample(_ text: String) -> TelemetrySample { TelemetrySample(parsing: Array(text.utf8)) }
    private static func flow(_ kind: Flow.Kind, _ component: String, _ signal: Flow.Signal) -> Flow { Flow(kind: kind, component: component, signal: signal) }

    @Test func aCollectorsTextIsRead() {
        let sample = Self.sample(
            """
            # HELP otelcol_exporter_send_failed_spans Number of spans in failed attempts to send to destination. [Alpha]
            # TYPE otelcol_exporter_send_failed_spans counter
            otelcol_exporter_send_failed_spans{exporter="otlp_http/backup",service_name="otelcol-contrib",service_version="0.156.0"} 12
            otelcol_exporter_sent_spans{exporter="otlp_http/backup"} 1.5e+06
            otelcol_exporter_queue_size{data_type="traces",exporter="otlp_http/backup"} 900
            otelcol_exporter_queue_capacity{data_type="traces",exporter="otlp_http/backup"} 1000
            otelcol_process_uptime{service_name="otelcol-contrib"} 61.25
            otelcol_receiver_refused_log_records{receiver="otlp",transport="grpc"} 3
            otelcol_receiver_refused_log_records{receiver="otlp",transport="http"} 4
            otelcol_processor_memory_limiter_refused_metric_points{processor="memory_limiter"} 5
            go_goroutines 12
            """)
        #expect(
            sample.counters == [
                Self.flow(.sendFailed, "otlp_http/backup", .spans): 12, Self.flow(.sent, "otlp_http/backup", .spans): 1_500_000,
                Self.flow(.receiverRefused, "otlp", .logRecords): 7, Self.flow(.processorRefused, "memory_limiter", .metricPoints): 5,
            ])
        #expect(sample.fills == [QueueKey(exporter: "otlp_http/backup", dataType: "traces"): 0.9])
        #expect(sample.uptimeSeconds == 61.25)
    }

    @Test(arguments: [
        ("otelcol_exporter_send_failed_spans{exporter=\"a\"} 1", Flow.Kind.sendFailed, Flow.Signal.spans),
        ("otelcol_exporter_send_failed_spans_total{exporter=\"a\"} 1", .sendFailed, .spans),
        ("otelcol_exporter_enqueue_failed_log_records_total{exporter=\"a\"} 1", .enqueueFailed, .logRecords),
        ("otelcol_exporter_prometheusremotewrite_failed_translations{exporter=\"a\",endpoint=\"x\"} 1", .translationFailed, .metricPoints),
        ("otelcol_processor_tail_sampling_sampling_trace_dropped_too_early{processor=\"a\"} 1", .traceEvicted, .traces),
        ("otelcol_processor_dropped_metric_points{processor=\"a\"} 1", .processorDropped, .metricPoints),
        ("otelcol_processor_refused_spans{processor=\"a\"} 1", .processorRefused, .spans),
        ("otelcol_receiver_failed_profile_samples_total{receiver=\"a\"} 1", .receiverFailed, .profileSamples),
    ])
    func everySpellingIsKnown(line: String, kind: Flow.Kind, signal: Flow.Signal) { #expect(Self.sample(line).counters == [Self.flow(kind, "a", signal): 1]) }

    @Test func olderCollectorsTellACapacityWithoutASignal() {
        let text = "otelcol_exporter_queue_size{exporter=\"a\",data_type=\"logs\"} 10\notelcol_exporter_queue_capacity{exporter=\"a\"} 20"
        #expect(Self.sample(text).fills == [QueueKey(exporter: "a", dataType: "logs"): 0.5])
        #expect(Self.sample("otelcol_exporter_queue_size{exporter=\"a\"} 10\notelcol_exporter_queue_capacity{exporter=\"a\"} 0").fills.isEmpty)
    }

    @Test(arguments: [
        "otelcol_exporter_sent_spans{exporter=\"a\"} NaN", "otelcol_exporter_sent_spans{exporter=\"a\"} +Inf", "otelcol_exporter_sent_spans{exporter=\"a\"} -1",
        "otelcol_exporter_sent_spans{exporter=\"a\"}", "otelcol_exporter_sent_spans{exporter=\"a", "otelcol_exporter_sent_spans{exporter} 1",
        "otelcol_exporter_sent_spans{exporter=a} 1", "otelcol_exporter_sent_traces{exporter=\"a\"} 1", "otelcol_", "otelcol_{} 1",
    ]) func whatCannotBeReadIsLeftOut(line: String) {
        #expect(Self.sample("\(line)\notelcol_exporter_sent_spans{exporter=\"b\"} 1").counters == [Self.flow(.sent, "b", .spans): 1])
    }

    @Test func namesAreCleanedAndBounded() throws {
        let long = String(repeating: "x", count: 5000)
        let flow = try #require(Self.sample("otelcol_exporter_sent_spans{exporter=\"a\\n\\\"\u{202e}\(long)\"} 1").counters.keys.first)
        #expect(flow.component.hasPrefix("a \" x") && flow.component.utf8.count <= TelemetrySample.componentBytesMax)
        let many = (0..<800).map { "otelcol_exporter_sent_spans{exporter=\"e\($0)\"} 1" }.joined(separator: "\n")
        #expect(Self.sample(many).counters.count == TelemetrySample.flowsMax && Self.sample(many).leftOut == 300)
    }
}
