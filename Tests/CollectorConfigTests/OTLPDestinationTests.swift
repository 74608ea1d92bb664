// The OTLP address that is found in a collector's configuration, and what is said when there is none.
// Collectors are YAML.
// It never connects.

import JSON
import SondeAPI
import Testing

@testable import CollectorConfig

@Suite struct OTLPDestinationTests {
    struct Row: Sendable, CustomStringConvertible {
        let reason: String
        let otlp: String
        let transport: ExportProtocol
        let url: String
        var description: String { reason }
    }

    static let rows = [
        Row(reason: "HTTP by default", otlp: "{protocols: {grpc: , http: }}", transport: .httpProtobuf, url: "http://gateway-collector.observability.svc:4318"),
        Row(reason: "gRPC on request", otlp: "{protocols: {grpc: , http: }}", transport: .grpc, url: "http://gateway-collector.observability.svc:4317"),
        Row(
            reason: "a written port", otlp: "{protocols: {http: {endpoint: '${env:IP}:5000'}}}", transport: .httpProtobuf,
            url: "http://gateway-collector.observability.svc:5000"),
        Row(
            reason: "TLS", otlp: "{protocols: {http: {tls: {cert_file: a}}}}", transport: .httpProtobuf, url: "https://gateway-collector.observability.svc:4318"
        ),
    ]

    @Test(arguments: rows) func addressIsThatOfTheService(_ row: Row) throws {
        let object = try collector(simple(receivers: "{otlp: \(row.otlp)}", signal: "metrics", receiver: "otlp"))
        #expect(try OTLPDestination.url(of: OpenTelemetryCollector(object: object), for: row.transport) == row.url)
    }

    struct Problem: Sendable, CustomStringConvertible {
        let reason: String
        let receivers: String
        let signal: String
        let receiver: String
        let says: [String]
        var spec = "{}"
        var description: String { reason }
    }

    static let problems = [
        Problem(
            reason: "no receiver", receivers: "{zipkin: }", signal: "traces", receiver: "zipkin", says: ["no OTLP receiver", "http: {}", "receivers: [otlp]"]),
        Problem(reason: "only traces", receivers: "{otlp: {protocols: {http: }}}", signal: "traces", receiver: "otlp", says: ["no metrics pipeline"]),
        Problem(
            reason: "only gRPC", receivers: "{otlp: {protocols: {grpc: }}}", signal: "metrics", receiver: "otlp",
            says: ["grpc only", "add http: {}"]),
        Problem(
            reason: "loopback", receivers: "{otlp: {protocols: {http: {endpoint: 'localhost:4318'}}}}", signal: "metrics", receiver: "otlp",
            says: ["no other pod", "0.0.0.0:4318"]),
        Problem(reason: "no protocols", receivers: "{otlp: {}}", signal: "metrics", receiver: "otlp", says: ["without protocols", "add http: {}"]),
        Problem(
            reason: "sidecar", receivers: "{otlp: {protocols: {http: }}}", signal: "metrics", receiver: "otlp", says: ["sidecar", "deployment"],
            spec: "{mode: sidecar}"),
    ]

    @Test(arguments: problems) func missingAddressSaysWhatToAdd(_ problem: Problem) throws {
        let object = try collector(simple(receivers: problem.receivers, signal: problem.signal, receiver: problem.receiver), spec: problem.spec)
        let error = try #require(throws: ConfigurationError.self) { try OTLPDestination.url(of: OpenTelemetryCollector(object: object), for: .httpProtobuf) }
        #expect(error.path == "spec.collectorRef")
        for text in problem.says { #expect(error.description.contains(text), "\(error)") }
    }
}
