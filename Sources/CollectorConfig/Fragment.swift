// A piece of a collector's configuration that is no Kubernetes object, such as only `processors:`: recognised, and put where it belongs.
// `sonde validate` and `sonde render` tell with it what to do when somebody pastes such a piece.
// It never guesses values: what the piece does not have is filled with an OTLP receiver and the debug exporter, which a user replaces.

import JSON

/// Pieces of a collector's configuration.
public enum Fragment {
    private static let sections = ComponentKind.allCases.map(\.rawValue) + ["service"]

    /// The sections that a document has when it is nothing but a piece of a configuration; nil when it is something else.
    public static func sections(of document: JSONValue) -> [String]? {
        guard let members = document.object, !members.isEmpty, members.keys.allSatisfy(sections.contains) else { return nil }
        return members.keys
    }

    /// A resource with the piece below `spec.config`, its components named in pipelines of signals that they take.
    public static func resource(around fragment: JSONValue) -> JSONValue {
        var config = fragment
        for (key, value) in [("receivers", ["otlp": ["protocols": ["grpc": [:], "http": [:]]]]), ("exporters", ["debug": [:]])] as [(String, JSONValue)]
        where config[key]?.object?.isEmpty != false {
            config[key] = value
        }
        if let extensions = config["extensions"]?.object?.keys, config.at("service", "extensions") == nil {
            config.set(["service", "extensions"], to: .array(extensions.map { .string($0) }))
        }
        if config.at("service", "pipelines")?.object?.isEmpty != false { config.set(["service", "pipelines"], to: pipelines(config)) }
        return [
            "apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": ["name": "my-collector"], "spec": ["config": config],
        ]
    }

    /// One pipeline for each signal that the piece's components need; each component in every pipeline that takes it.
    private static func pipelines(_ config: JSONValue) -> JSONValue {
        let configuration = CollectorConfiguration(config)
        var pipelines = JSONObject()
        for signal in signals(configuration) {
            func ids(_ kind: ComponentKind) -> JSONValue {
                .array(
                    configuration.components(kind).keys
                        .filter { ComponentID.signals(kind, $0)?.contains(signal) != false }.map { .string($0) })
            }
            var pipeline: JSONValue = ["receivers": ids(.receivers)]
            let processors = ids(.processors)
            if processors != [] { pipeline["processors"] = processors }
            pipeline["exporters"] = ids(.exporters)
            pipelines[signal] = pipeline
        }
        return .object(pipelines)
    }

    private static func signals(_ configuration: CollectorConfiguration) -> [String] {
        let kinds: [ComponentKind] = [.receivers, .processors, .exporters]
        let fixed = kinds.flatMap { kind in configuration.components(kind).keys.compactMap { ComponentID.signals(kind, $0) } }
        // What takes every signal says nothing about which ones are meant.
        let needed = Set(fixed.filter { !$0.isSuperset(of: ["traces", "metrics", "logs"]) }.flatMap { $0 })
        return needed.isEmpty ? ["traces"] : ["traces", "metrics", "logs"].filter(needed.contains)
    }
}
