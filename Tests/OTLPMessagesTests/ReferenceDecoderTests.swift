// A request with every kind of metric, decoded by the reference Python package `opentelemetry-proto`: what it read must be what was written.

import Foundation
import OTLPMessages
import Testing

@Suite struct ReferenceDecoderTests {
    /// The repository's Python with its packages, made by hack/lib/tools; SONDE_PYTHON names another one.
    static var python: String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return ProcessInfo.processInfo.environment["SONDE_PYTHON"] ?? root.appending(path: ".build-tools/bin/python").path
    }

    static let program = """
        import sys
        from google.protobuf import json_format
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
        request = ExportMetricsServiceRequest.FromString(sys.stdin.buffer.read())
        print(json_format.MessageToJson(request, indent=None, sort_keys=True))
        """

    static let expected = #"""
        {"resourceMetrics": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}, {"key": "flag", "value": {"boolValue": false}}]}, \#
        "schemaUrl": "https://example.org/1", \#
        "scopeMetrics": [{"metrics": [\#
        {"description": "Memory.", "gauge": {"dataPoints": [{"asInt": "-5", "timeUnixNano": "200"}]}, "name": "g", "unit": "By"}, \#
        {"name": "s", "sum": {"aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", "dataPoints": [{"asDouble": 2.5, "attributes": \#
        [{"key": "n", "value": {"intValue": "-7"}}, {"key": "d", "value": {"doubleValue": 0.25}}], "startTimeUnixNano": "100", "timeUnixNano": "200"}], "isMonotonic": true}}, \#
        {"histogram": {"aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA", "dataPoints": [{"bucketCounts": ["1", "2", "0"], "count": "3", \#
        "explicitBounds": [0.5, 1.0], "startTimeUnixNano": "100", "sum": 1.75, "timeUnixNano": "200"}]}, "name": "h"}, \#
        {"exponentialHistogram": {"aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", "dataPoints": [{"count": "304", "positive": {"bucketCounts": \#
        ["300", "0", "1"], "offset": -29}, "scale": 2, "startTimeUnixNano": "100", "sum": 1.5, "timeUnixNano": "200", "zeroCount": "3", "zeroThreshold": 0.5}]}, "name": "e"}], \#
        "schemaUrl": "https://example.org/1", "scope": {"name": "sonde.probe", "version": "0.1.0"}}]}]}
        """#

    static var request: MetricsRequest {
        let time = TimeSpan(startUnixNanoseconds: 100, endUnixNanoseconds: 200)
        let gaugeTime = TimeSpan(startUnixNanoseconds: 0, endUnixNanoseconds: 200)
        let metrics = [
            Metric(name: "g", description: "Memory.", unit: "By", data: .gauge([NumberPoint(time: gaugeTime, value: .int(-5))])),
            Metric(
                name: "s", unit: "",
                data: .sum([NumberPoint(attributes: [Attribute("n", -7), Attribute("d", 0.25)], time: time, value: .double(2.5))], .cumulative, .monotonic)),
            Metric(
                name: "h", unit: "",
                data: .histogram([HistogramPoint(time: time, count: 3, sum: 1.75, bucketCounts: [1, 2, 0], bounds: [0.5, 1])], .delta)),
            Metric(
                name: "e", unit: "",
                data: .exponentialHistogram(
                    [
                        ExponentialHistogramPoint(
                            time: time, count: 304, sum: 1.5, scale: 2, zeroCount: 3, zeroThreshold: 0.5, offset: -29, bucketCounts: [300, 0, 1])
                    ], .cumulative)),
        ]
        let resource = Resource([Attribute("service.name", "cart"), Attribute("flag", false)])
        return MetricsRequest([
            ResourceMetrics(resource: resource, scope: Scope(name: "sonde.probe", version: "0.1.0", schemaURL: "https://example.org/1"), metrics: metrics)
        ])
    }

    @Test func theReferencePackageReadsEveryField() throws {
        #expect(try Self.decoded(Self.request.bytes(), by: Self.program) == Self.expected)
    }

    private static func decoded(_ bytes: [UInt8], by program: String) throws -> String {
        let python = Self.python
        try #require(FileManager.default.isExecutableFile(atPath: python), "\(python) is missing: run hack/lib/tools, or set SONDE_PYTHON")
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", program]
        let input = Pipe(), output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: bytes)
        try input.fileHandleForWriting.close()
        let decoded = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return decoded.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static let logsProgram = """
        import sys
        from google.protobuf import json_format
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
        request = ExportLogsServiceRequest.FromString(sys.stdin.buffer.read())
        print(json_format.MessageToJson(request, indent=None, sort_keys=True))
        """

    @Test func theReferencePackageReadsLogs() throws {
        let record = LogRecord(
            eventName: "process.crash", unixNanoseconds: 100, observedUnixNanoseconds: 200, severity: .error, body: "it crashed",
            attributes: [Attribute("process.pid", 7)])
        let request = LogsRequest([
            ResourceLogs(
                resource: Resource([Attribute("service.name", "cart")]), scope: Scope(name: "sonde.probe", version: "1", schemaURL: "https://example.org/1"),
                records: [record, record])
        ])
        #expect(request.recordCount == 2)
        let one = #"""
            {"attributes": [{"key": "process.pid", "value": {"intValue": "7"}}], "body": {"stringValue": "it crashed"}, "eventName": "process.crash", \#
            "observedTimeUnixNano": "200", "severityNumber": "SEVERITY_NUMBER_ERROR", "severityText": "ERROR", "timeUnixNano": "100"}
            """#
        let expected = #"""
            {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]}, "schemaUrl": "https://example.org/1", "scopeLogs": [{"logRecords": [\#(one), \#(one)], \#
            "schemaUrl": "https://example.org/1", "scope": {"name": "sonde.probe", "version": "1"}}]}]}
            """#
        #expect(try Self.decoded(request.bytes(), by: Self.logsProgram) == expected)
    }
}
