// Attributes of metrics with a value for each pod, client or request: each value is a series of its own.
// Validation calls it for what the configuration itself makes of such attributes; what clients send cannot be seen here.
// It never reports the same place twice, and nothing that a later processor takes away again.

import JSON
import SondeAPI

enum CardinalityTraps {
    /// Names of OpenTelemetry's conventions, old and new; labels of scraped metrics have `_` for `.`.
    private static let names: Set<String> = [
        "client.address", "client.port", "source.address", "source.ip", "source.port", "destination.address", "destination.ip", "destination.port",
        "network.peer.address", "network.peer.port", "network.local.address", "net.peer.ip", "net.peer.port", "net.sock.peer.addr", "net.sock.peer.port",
        "net.host.ip", "http.client_ip", "host.ip", "process.pid", "process.parent_pid", "thread.id", "user.id", "enduser.id", "session.id", "url.full",
        "url.query", "http.url", "http.target", "k8s.pod.uid", "k8s.pod.ip", "k8s.pod.start_time", "container.id", "trace_id", "span_id", "trace.id",
        "span.id", "request.id", "db.statement", "db.query.text", "user_agent.original", "http.user_agent", "pod_ip", "pod_uid", "pid", "client_ip",
    ]

    private static let labels = Set(names.map(underscored))

    private static func underscored(_ name: String) -> String { String(name.map { $0 == "." ? "_" : $0 }) }

    /// An attribute that a component puts on metrics.
    private struct Addition {
        let path: String
        let name: String
    }

    static func findings(_ configuration: CollectorConfiguration) -> [Finding] {
        var findings: [Finding] = []
        for pipeline in configuration.pipelines where pipeline.signal == "metrics" {
            let dropped = Set(pipeline.processors.flatMap { droppedNames($0, configuration) })
            let additions =
                pipeline.receivers.flatMap { ofReceiver($0, configuration) } + pipeline.processors.flatMap { ofProcessor($0, configuration) }
                + pipeline.exporters.flatMap { ofExporter($0, pipeline, configuration) }
            findings += additions.filter { !dropped.contains($0.name) && !dropped.contains(underscored($0.name)) }.map(finding)
        }
        return findings.withoutRepetitions
    }

    private static func finding(_ addition: Addition) -> Finding {
        Finding(
            .warning, rule: "high-cardinality-attribute", path: addition.path,
            message: "\(addition.name) has a value for each pod, client or request, and each value is a series of its own",
            remedy: "leave it out; or delete it with the attributes processor and sum what is left with metrics_transform (aggregate_labels, sum), "
                + "since dropping alone does not aggregate")
    }

    // MARK: Who adds

    private static let connectors: Set<String> = [
        "spanmetrics", "span_metrics", "servicegraph", "service_graph", "count", "sum", "signaltometrics", "signal_to_metrics", "exceptions",
    ]

    private static func ofReceiver(_ id: String, _ configuration: CollectorConfiguration) -> [Addition] {
        if let connector = configuration.components(.connectors)[id], connectors.contains(ComponentID.type(id)) {
            return named(connector, RuleSubject.path(.connectors, id))
        }
        guard ComponentID.type(id) == "prometheus" else { return [] }
        let receiver = configuration.components(.receivers)[id] ?? .null
        return (receiver.at("config", "scrape_configs")?.array ?? []).enumerated().flatMap { job, value in
            ["relabel_configs", "metric_relabel_configs"].flatMap { list in
                (value[list]?.array ?? []).enumerated().compactMap { index, rule -> Addition? in
                    guard let label = rule["target_label"]?.string, labels.contains(label) else { return nil }
                    let path = "\(RuleSubject.path(.receivers, id)).config.scrape_configs[\(job)].\(list)[\(index)].target_label"
                    return Addition(path: path, name: label)
                }
            }
        }
    }

    /// Every `name` or `key` of a list entry in a connector's settings, texts of `dimensions` included.
    private static func named(_ value: JSONValue, _ path: String) -> [Addition] {
        switch value {
        case .object(let members):
            members.flatMap { key, member in
                if key == "name" || key == "key", let name = member.string { return names.contains(name) ? [Addition(path: "\(path).\(key)", name: name)] : [] }
                return named(member, "\(path).\(key)")
            }
        case .array(let elements):
            elements.enumerated().flatMap { index, element in
                if let name = element.string { return names.contains(name) ? [Addition(path: "\(path)[\(index)]", name: name)] : [] }
                return named(element, "\(path)[\(index)]")
            }
        default: []
        }
    }

    private static func ofProcessor(_ id: String, _ configuration: CollectorConfiguration) -> [Addition] {
        let value = configuration.components(.processors)[id] ?? .null
        let path = RuleSubject.path(.processors, id)
        switch ComponentID.type(id) {
        case "attributes":
            return (value["actions"]?.array ?? []).enumerated().compactMap { index, action in
                guard let key = action["key"]?.string, names.contains(key) || labels.contains(key),
                    ["insert", "upsert", "update"].contains(action["action"]?.string)
                else { return nil }
                return Addition(path: "\(path).actions[\(index)].key", name: key)
            }
        case "transform":
            return (value["metric_statements"]?.allStrings ?? []).compactMap { statement in
                guard let key = TransformationLanguage.attribute(of: "set", in: statement), names.contains(key) || labels.contains(key) else { return nil }
                return Addition(path: "\(path).metric_statements", name: key)
            }
        default: return []
        }
    }

    /// Resource attributes become labels when the exporter says so; k8s_attributes adds a pod's uid unless told otherwise.
    private static func ofExporter(_ id: String, _ pipeline: Pipeline, _ configuration: CollectorConfiguration) -> [Addition] {
        guard configuration.components(.exporters)[id]?.at("resource_to_telemetry_conversion", "enabled")?.bool == true else { return [] }
        let path = "\(RuleSubject.path(.exporters, id)).resource_to_telemetry_conversion"
        let added = pipeline.processors.filter { ["k8sattributes", "k8s_attributes"].contains(ComponentID.type($0)) }.flatMap { processor in
            let metadata = (configuration.components(.processors)[processor] ?? .null).at("extract", "metadata")?.array?.compactMap(\.string)
            return metadata.map { $0.filter(names.contains) } ?? ["k8s.pod.uid"]
        }
        return added.map { Addition(path: path, name: $0) }
    }

    // MARK: Who takes away

    private static func droppedNames(_ id: String, _ configuration: CollectorConfiguration) -> [String] {
        let value = configuration.components(.processors)[id] ?? .null
        switch ComponentID.type(id) {
        case "attributes", "resource":
            let actions = value[ComponentID.type(id) == "resource" ? "attributes" : "actions"]?.array ?? []
            return actions.filter { $0["action"]?.string == "delete" }.compactMap { $0["key"]?.string }
        case "transform":
            return (value["metric_statements"]?.allStrings ?? []).compactMap { TransformationLanguage.attribute(of: "delete_key", in: $0) }
        default: return []
        }
    }
}
