// What an apply takes away once the fields of an earlier operator are ours: a forecast, since a dry run cannot first take them over.
// The preview of a plan uses it for objects that are about to be adopted.
// It never changes an object in a cluster.

import JSON
import Kubernetes

extension FieldTakeover {
    /// The object without what the earlier operator owns and the manifest does not name; nil when nothing is to be adopted.
    ///
    /// Defaults that go with it come back when a server admits the result.
    /// - Parameters:
    ///   - live: With its managed fields.
    ///   - merged: The live object with the manifest applied.
    public func forecast(_ live: JSONValue, merged: JSONValue, manifest: JSONValue) -> JSONValue? {
        let entries = (live.at("metadata", "managedFields")?.array ?? []).filter(isEarlier)
        guard !entries.isEmpty else { return nil }
        var out = merged
        for entry in entries {
            guard let fields = PodTemplateFields.split(entry["fieldsV1"] ?? [:], manifest, .left).taken else { continue }
            out = Self.removing(fields, from: out, keeping: manifest)
        }
        return out
    }

    private static func removing(_ fields: JSONValue, from value: JSONValue, keeping manifest: JSONValue?) -> JSONValue {
        var out = value
        for (key, below) in fields.object ?? [:] {
            let name = String(key.dropFirst(2))
            switch key.prefix(2) {
            case "f:":
                guard let child = out[name] else { continue }
                let wanted = manifest?[name]
                let isLeaf = below.object?.isEmpty == true
                if wanted == nil, isLeaf { out[name] = nil } else { out[name] = isLeaf ? child : removing(below, from: child, keeping: wanted) }
                if wanted == nil, !isLeaf, isEmpty(out[name]) { out[name] = nil }
            case "k:": out = removingElement(name, below, from: out, keeping: manifest)
            default: continue
            }
        }
        return out
    }

    /// An element of a list with keys.
    private static func removingElement(_ keys: String, _ below: JSONValue, from list: JSONValue, keeping manifest: JSONValue?) -> JSONValue {
        guard var elements = list.array, let keys = try? JSONValue(parsing: keys), let place = elements.firstIndex(where: { matches($0, keys) }) else {
            return list
        }
        if let wanted = manifest?.array?.first(where: { matches($0, keys) }) {
            elements[place] = removing(below, from: elements[place], keeping: wanted)
        } else {
            elements.remove(at: place)
        }
        return .array(elements)
    }

    /// A key that an element does not have stands for the default.
    private static func matches(_ element: JSONValue, _ keys: JSONValue) -> Bool {
        let members = keys.object ?? [:]
        let given = members.filter { element[$0.0] != nil }
        return !given.isEmpty && given.allSatisfy { element[$0.0] == $0.1 }
    }

    private static func isEmpty(_ value: JSONValue?) -> Bool { value?.object?.isEmpty == true || value?.array?.isEmpty == true }
}
