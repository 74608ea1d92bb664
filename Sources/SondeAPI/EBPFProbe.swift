// An EBPFProbe object as a typed value: its spec with every default, its status, and the document kept whole.
// Validation, rendering and the controller read it.
// It never changes the object; defaults are filled into the typed spec only.

import JSON
import Kubernetes

/// One EBPFProbe (`sonde.dev/v1alpha1`).
public struct EBPFProbe: Hashable, Sendable {
    /// The object as it came, unknown fields included.
    public let object: JSONValue
    public let spec: EBPFProbeSpec

    /// - Throws: `ConfigurationError` with everything that is wrong with the object and its spec.
    public init(object: JSONValue) throws(ConfigurationError) {
        let errors = Self.findings(for: object).errors
        if let first = errors.first { throw ConfigurationError(first, Array(errors.dropFirst())) }
        self.object = object
        spec = EBPFProbeSpec(complete: DocumentReader(EBPFProbeSchema.spec.completing(object["spec"] ?? .null)))
    }

    public var metadata: ObjectMetadata { object.metadata }
    public var name: ObjectName { metadata.objectName }
    public var status: JSONValue { object["status"] ?? .null }
    public var conditions: Conditions { Conditions(decoding: object.at("status", "conditions")) }

    /// Errors and warnings about the object and its spec.
    public static func findings(for object: JSONValue) -> [Finding] {
        let problems = ObjectCheck.findings(object, type: .ebpfProbes)
        if object.object == nil { return problems }
        guard let spec = object["spec"], spec.object != nil else {
            let remedy = "add spec: {collectorRef: {name: NAME}}, NAME being an OpenTelemetryCollector of the same namespace"
            return problems + [Finding(.error, rule: "missing-field", path: "spec", message: "is required", remedy: remedy)]
        }
        let findings = problems + EBPFProbeSchema.spec.findings(for: spec, at: "spec") + destinationFindings(spec)
        guard findings.errors.isEmpty, let endpoint = spec["endpoint"]?.string else { return findings }
        let transport = spec.at("export", "protocol")?.string.flatMap { ExportProtocol(rawValue: $0) } ?? .httpProtobuf
        return findings + transport.findings(endpoint: endpoint, at: "spec.endpoint")
    }

    private static func destinationFindings(_ spec: JSONValue) -> [Finding] {
        let given = ["collectorRef", "endpoint"].filter { !(spec[$0] ?? .null).isNull }
        if given.count == 1 { return [] }
        let message = given.isEmpty ? "has no destination" : "has two destinations, collectorRef and endpoint"
        return [
            Finding(
                .error, rule: "one-destination", path: "spec", message: message,
                remedy: "write either collectorRef: {name: NAME} for an OpenTelemetryCollector of the same namespace, or endpoint: http://HOST:4318")
        ]
    }
}

/// `spec` of a probe, complete.
public struct EBPFProbeSpec: Hashable, Sendable {
    public enum Destination: Hashable, Sendable {
        /// An OpenTelemetryCollector of the same namespace.
        case collector(name: String)
        /// An OTLP base URL.
        case endpoint(String)
    }

    public struct Export: Hashable, Sendable {
        public var `protocol`: ExportProtocol
        public var intervalSeconds: Int
        public var compression: ExportCompression
        /// A Secret whose keys are header names.
        public var headersFrom: String?
        public var caSecret: String?
        public var clientCertSecret: String?
        public var serverName: String?
        public var insecureSkipVerify: Bool
    }

    public var destination: Destination
    public var export: Export
    public var signals: ProbeSignals
    public var namespaces: ProbeNamespaces
    public var budget: ProbeBudget
    public var attributes: ProbeAttributes
    public var hostNetwork: Bool
    public var hostPID: Bool
    public var paused: Bool
    /// The spec with every default; what goes into the pod unchanged (affinity, tolerations, resources …) is read from here.
    public let document: JSONValue

    init(complete value: DocumentReader) {
        let export = value["export"], tls = value["export"]["tls"]
        destination = value["collectorRef"].text("name").map { .collector(name: $0) } ?? .endpoint(value.string("endpoint"))
        self.export = Export(
            protocol: export.choice("protocol", .httpProtobuf), intervalSeconds: export.int("intervalSeconds"),
            compression: export.choice("compression", .gzip), headersFrom: export.text("headersFrom"), caSecret: tls.text("caSecret"),
            clientCertSecret: tls.text("clientCertSecret"), serverName: tls.text("serverName"), insecureSkipVerify: tls.bool("insecureSkipVerify"))
        signals = ProbeSignals(complete: value["signals"])
        namespaces = ProbeNamespaces(complete: value["namespaces"])
        budget = ProbeBudget(complete: value["budget"])
        attributes = ProbeAttributes(complete: value["attributes"])
        hostNetwork = value.bool("hostNetwork")
        hostPID = value.bool("hostPID")
        paused = value.bool("paused")
        document = value.value
    }

    /// A field of the spec as written or defaulted; null counts as absent.
    public subscript(field: String) -> JSONValue? {
        guard let value = document[field], !value.isNull else { return nil }
        return value
    }
}
