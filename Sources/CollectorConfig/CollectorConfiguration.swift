// A collector's configuration as a document with meaning: which components are defined, which run, in which pipelines.
// Ports, hash, text, destination and validation are computed from it.
// It never changes what the user wrote: `completed()` returns another value, for rendering only.

import JSON

/// The kinds of component of a collector's configuration.
public enum ComponentKind: String, Sendable, CaseIterable {
    case receivers, processors, exporters, connectors, extensions

    /// One of them, for messages.
    public var singular: String { String(rawValue.dropLast()) }
}

/// One pipeline of `service.pipelines`.
public struct Pipeline: Hashable, Sendable {
    /// `metrics` or `metrics/two`.
    public let id: String
    public let receivers: [String]
    public let processors: [String]
    public let exporters: [String]

    /// `metrics`, `traces`, `logs` or `profiles`; other text when the id is wrong.
    public var signal: String { ComponentID.type(id) }

    init(id: String, _ value: JSONValue) {
        func ids(_ key: String) -> [String] { value[key]?.array?.compactMap(\.string) ?? [] }
        self.id = id
        receivers = ids("receivers")
        processors = ids("processors")
        exporters = ids("exporters")
    }
}

/// Ids of components: `type` or `type/name`.
public enum ComponentID {
    /// The text before the slash.
    public static func type(_ id: String) -> String { String(id.prefix { $0 != "/" }) }
}

/// `spec.config` of an OpenTelemetryCollector.
public struct CollectorConfiguration: Hashable, Sendable {
    /// The document as written.
    public var value: JSONValue

    public init(_ value: JSONValue) { self.value = value }

    /// The components of a kind by id, in document order; empty when the section is missing or no mapping.
    public func components(_ kind: ComponentKind) -> JSONObject { value[kind.rawValue]?.object ?? [:] }

    /// The pipelines in document order.
    public var pipelines: [Pipeline] { (value.at("service", "pipelines")?.object ?? [:]).map { Pipeline(id: $0, $1) } }

    /// The extensions that run, in order.
    public var enabledExtensions: [String] { value.at("service", "extensions")?.array?.compactMap(\.string) ?? [] }

    /// Ids that run and are defined, sorted by bytes: in a pipeline, or in `service.extensions`.
    public func enabled(_ kind: ComponentKind) -> [String] {
        let used: [String] =
            switch kind {
            case .receivers: pipelines.flatMap(\.receivers)
            case .processors: pipelines.flatMap(\.processors)
            case .exporters: pipelines.flatMap(\.exporters)
            case .connectors: pipelines.flatMap(\.receivers) + pipelines.flatMap(\.exporters)
            case .extensions: enabledExtensions
            }
        let defined = components(kind)
        return Set(used).filter(defined.contains).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The enabled components of a kind with one of these types (names before `/`), sorted by id.
    public func enabled(_ kind: ComponentKind, ofType types: Set<String>) -> [(id: String, value: JSONValue)] {
        let defined = components(kind)
        return enabled(kind).filter { types.contains(ComponentID.type($0)) }.map { ($0, defined[$0] ?? .null) }
    }

    /// The port of the collector's own metrics: `service.telemetry.metrics` address or Prometheus reader, else 8888.
    public var telemetryPort: Int {
        let metrics = value.at("service", "telemetry", "metrics")
        if let port = Endpoint.port(metrics?["address"]?.string) { return port }
        for reader in metrics?["readers"]?.array ?? [] {
            if let port = reader.at("pull", "exporter", "prometheus", "port")?.int { return port }
        }
        return Self.defaultTelemetryPort
    }

    public static let defaultTelemetryPort = 8888
}
