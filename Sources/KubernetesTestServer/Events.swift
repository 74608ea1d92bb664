// Core and events.k8s.io events are one kind with two spellings: the fields of one named as the other names them.
// Reads and writes of events pass through it; events are stored in the newer spelling.
// It never loses a field.

import JSON
import Kubernetes

enum EventSpelling {
    /// Core name, events.k8s.io name.
    private static let names = [
        ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"), ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"), ("reportingComponent", "reportingController"),
    ]

    static func core(_ event: JSONValue) -> JSONValue { renamed(event, Dictionary(uniqueKeysWithValues: names.map { ($1, $0) }), "v1") }

    static func stored(_ event: JSONValue) -> JSONValue { renamed(event, Dictionary(uniqueKeysWithValues: names.map { ($0, $1) }), "events.k8s.io/v1") }

    private static func renamed(_ event: JSONValue, _ names: [String: String], _ apiVersion: String) -> JSONValue {
        var out = JSONObject((event.object ?? [:]).map { (names[$0.0] ?? $0.0, $0.1) })
        if out["apiVersion"] != nil { out["apiVersion"] = .string(apiVersion) }
        return .object(out)
    }
}

extension ServedKind {
    private var isCoreEvent: Bool { type.group.isEmpty && type.plural == "events" }

    /// A stored object as this version of the kind shows it.
    func shown(_ stored: JSONValue) -> JSONValue {
        var out = isCoreEvent ? EventSpelling.core(stored) : stored
        out["apiVersion"] = .string(type.apiVersion)
        out["kind"] = .string(type.kind)
        return out
    }

    /// An object of this version in the form in which it is stored.
    func stored(_ object: JSONValue) -> JSONValue { isCoreEvent ? EventSpelling.stored(object) : object }
}
