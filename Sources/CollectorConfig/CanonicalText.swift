// The one text and the one hash of a configuration: the content of its ConfigMap and the suffix of that ConfigMap's name.
// Rendering uses both; existing clusters already hold objects with these names, so both follow the existing operator to the byte.
// It never adds defaults: give it a completed configuration.

import Crypto
import JSON
import YAML

extension CollectorConfiguration {
    /// SHA-256 in hexadecimal of Go's JSON form of the configuration. Null components count as null.
    public var sha256: String { SHA256.hexadecimal(Array(Self.goJSON(value).utf8)) }

    /// The first eight digits of the hash: the suffix of the ConfigMap's name.
    public var shortHash: String { String(sha256.prefix(8)) }

    /// The content of `collector.yaml`.
    public var yamlText: String { YAML.text(Self.ordered(value)) }

    /// Top-level keys and those of `service` in the order of the existing API's structs; unknown keys follow, sorted.
    private static let order = ["receivers", "exporters", "processors", "connectors", "extensions", "service"]
    private static let serviceOrder = ["extensions", "telemetry", "pipelines"]

    static func goJSON(_ config: JSONValue) -> String {
        let members = structMembers(config, order: order).map { key, value in
            let text = key == "service" ? goObject(structMembers(value, order: serviceOrder).map { ($0, $1.text(.goSorted)) }) : value.text(.goSorted)
            return (key, text)
        }
        return goObject(members)
    }

    private static func goObject(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(JSONValue.string($0).text(.goSorted)):\($1)" }.joined(separator: ",") + "}"
    }

    private static func ordered(_ config: JSONValue) -> JSONValue {
        let members = structMembers(config, order: order).map { key, value -> (String, JSONValue) in
            (key, key == "service" ? .object(JSONObject(structMembers(value, order: serviceOrder).map { ($0, $1.sortedByKey) })) : value.sortedByKey)
        }
        return .object(JSONObject(members))
    }

    /// Members of a struct with `omitempty`: sections that are null and lists that are empty are left out.
    private static func structMembers(_ value: JSONValue, order: [String]) -> [(String, JSONValue)] {
        let members = value.object ?? [:]
        let known = order.filter(members.contains)
        let unknown = members.keys.filter { !order.contains($0) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return (known + unknown).compactMap { key in
            guard let member = members[key], !member.isNull, member != [] else { return nil }
            return (key, key == "pipelines" ? withoutEmptyProcessors(member) : member)
        }
    }

    private static func withoutEmptyProcessors(_ pipelines: JSONValue) -> JSONValue {
        guard let members = pipelines.object else { return pipelines }
        return .object(
            JSONObject(
                members.map { id, pipeline in
                    var pipeline = pipeline
                    if let processors = pipeline["processors"], processors.isNull || processors == [] { pipeline["processors"] = nil }
                    return (id, pipeline)
                }))
    }
}

extension JSONValue {
    /// The same document with the keys of every object in byte order.
    var sortedByKey: JSONValue {
        switch self {
        case .array(let elements): .array(elements.map(\.sortedByKey))
        case .object(let members):
            .object(JSONObject(members.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }.map { ($0.0, $0.1.sortedByKey) }))
        default: self
        }
    }
}
