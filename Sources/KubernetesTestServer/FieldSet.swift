// Sets of field paths as server-side apply keeps them for each manager, and their JSON form (meta/v1 FieldsV1).
// Managed fields, merging and pruning are computed with it.
// It never looks at a schema: whoever makes a set has decided where lists and maps are atomic.

import JSON

/// One step of a path into an object.
enum PathElement: Hashable, Sendable {
    /// A field of an object.
    case field(String)
    /// An element of a list with keys, by the values of its keys.
    case key(JSONValue)
    /// An element of a set.
    case value(JSONValue)

    /// The form of FieldsV1: `f:name`, `k:{"name":"a"}`, `v:"x"`.
    var text: String {
        switch self {
        case .field(let name): "f:\(name)"
        case .key(let keys): "k:\(Self.sorted(keys).text())"
        case .value(let value): "v:\(value.text())"
        }
    }

    init?(text: String) {
        let body = text.dropFirst(2)
        switch text.prefix(2) {
        case "f:": self = .field(String(body))
        case "k:":
            guard let keys = try? JSONValue(parsing: String(body)) else { return nil }
            self = .key(keys)
        case "v:":
            guard let value = try? JSONValue(parsing: String(body)) else { return nil }
            self = .value(value)
        default: return nil
        }
    }

    private static func sorted(_ keys: JSONValue) -> JSONValue {
        .object(JSONObject((keys.object ?? [:]).sorted { $0.0 < $1.0 }.map { ($0.0, $0.1) }))
    }
}

/// A set of paths, as a tree: the paths that end at each element, and the sets below it.
struct FieldSet: Hashable, Sendable {
    var members: Set<PathElement> = []
    var children: [PathElement: FieldSet] = [:]

    var isEmpty: Bool { members.isEmpty && children.isEmpty }

    /// True when a path ends at the element or goes through it.
    func touches(_ element: PathElement) -> Bool { members.contains(element) || children[element] != nil }

    func union(_ other: FieldSet) -> FieldSet {
        var out = self
        out.members.formUnion(other.members)
        for (element, child) in other.children { out.children[element] = out.children[element]?.union(child) ?? child }
        return out
    }

    func subtracting(_ other: FieldSet) -> FieldSet {
        var out = FieldSet()
        out.members = members.subtracting(other.members)
        for (element, child) in children {
            let rest = other.children[element].map(child.subtracting) ?? child
            if !rest.isEmpty { out.children[element] = rest }
        }
        return out
    }

    func intersection(_ other: FieldSet) -> FieldSet {
        var out = FieldSet()
        out.members = members.intersection(other.members)
        for (element, child) in children {
            guard let both = other.children[element].map(child.intersection), !both.isEmpty else { continue }
            out.children[element] = both
        }
        return out
    }

    /// Just the paths through one top-level field, or all but those.
    func restricted(to field: String) -> FieldSet {
        var out = FieldSet()
        if members.contains(.field(field)) { out.members.insert(.field(field)) }
        out.children[.field(field)] = children[.field(field)]
        return out
    }

    func removing(_ field: String) -> FieldSet {
        var out = self
        out.members.remove(.field(field))
        out.children[.field(field)] = nil
        return out
    }

    /// Every path as the messages of conflicts write it: `.spec.containers[name="a"].image`.
    var paths: [String] {
        let own = members.map(Self.segment)
        let below = children.flatMap { element, child in child.paths.map { Self.segment(element) + $0 } }
        return (own + below).sorted()
    }

    private static func segment(_ element: PathElement) -> String {
        switch element {
        case .field(let name): ".\(name)"
        case .key(let keys): "[" + (keys.object ?? [:]).sorted { $0.0 < $1.0 }.map { "\($0.0)=\($0.1.text())" }.joined(separator: ",") + "]"
        case .value(let value): "[=\(value.text())]"
        }
    }
}

extension FieldSet {
    /// Reads FieldsV1; what is not understood is left out.
    init(fieldsV1: JSONValue) {
        for (key, value) in fieldsV1.object ?? [:] where key != "." {
            guard let element = PathElement(text: key) else { continue }
            let child = FieldSet(fieldsV1: value)
            if child.isEmpty || value.object?.contains(".") == true { members.insert(element) }
            if !child.isEmpty { children[element] = child }
        }
    }

    /// The FieldsV1 form, keys sorted.
    var fieldsV1: JSONValue {
        var out = JSONObject()
        let elements = members.union(children.keys).map { (text: $0.text, element: $0) }.sorted { $0.text < $1.text }
        for (text, element) in elements {
            guard let child = children[element] else {
                out[text] = [:]
                continue
            }
            var below = JSONObject()
            if members.contains(element) { below["."] = [:] }
            for (key, value) in child.fieldsV1.object ?? [:] { below[key] = value }
            out[text] = .object(below)
        }
        return .object(out)
    }
}
