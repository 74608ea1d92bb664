// Which field of a resource changes which of its objects, found by rendering the old resource with one field changed at a time.
// `sonde diff` gives with it the reason of each change.
// It never guesses from names of fields: what rendering does with a field is what it says.

import JSON
import Kubernetes

/// One field that differs between two versions of a resource, and what comes of it.
public struct FieldEffect: Hashable, Sendable {
    /// `spec.config.exporters.otlp_http.endpoint`, `metadata.labels.team`.
    public let field: String
    /// Objects that are made, changed or no longer rendered because of it.
    public let objects: [ObjectReference]
    /// Whether the pods' template changes, which replaces them.
    public let replacesPods: Bool
}

public enum FieldEffects {
    /// With more differing fields than this they are taken by their topmost name.
    static let fieldsMax = 100

    /// The differing fields in document order, those without an effect too.
    /// - Parameter render: Everything that is rendered for a resource.
    public static func between(_ old: JSONValue, _ new: JSONValue, render: (JSONValue) -> [Manifest]) -> [FieldEffect] {
        let base = objects(render(old))
        var paths = differingPaths(old, new, depthMax: .max)
        if paths.count > fieldsMax { paths = differingPaths(old, new, depthMax: 1) }
        return paths.map { path in
            var changed = old
            changed.set(path, to: new.at(path))
            return effect(of: path, base, objects(render(changed)))
        }
    }

    private static func objects(_ manifests: [Manifest]) -> [ObjectReference: JSONValue] {
        Dictionary(manifests.map { (ObjectReference($0.type, $0.name), $0.object) }, uniquingKeysWith: { first, _ in first })
    }

    private static func effect(of path: [String], _ before: [ObjectReference: JSONValue], _ after: [ObjectReference: JSONValue]) -> FieldEffect {
        let references = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }
        let replaced = references.contains { reference in
            guard let old = before[reference]?.at("spec", "template"), let new = after[reference]?.at("spec", "template") else { return false }
            return old != new
        }
        return FieldEffect(field: path.joined(separator: "."), objects: references.sorted { "\($0)" < "\($1)" }, replacesPods: replaced)
    }

    /// Paths of `spec`, labels and annotations at which two versions differ: objects are compared member by member, lists as a whole.
    private static func differingPaths(_ old: JSONValue, _ new: JSONValue, depthMax: Int) -> [[String]] {
        [["spec"], ["metadata", "labels"], ["metadata", "annotations"]].flatMap { paths(old.at($0), new.at($0), below: $0, depth: depthMax) }
    }

    private static func paths(_ old: JSONValue?, _ new: JSONValue?, below path: [String], depth: Int) -> [[String]] {
        if old == new { return [] }
        guard depth > 0, let left = old?.object, let right = new?.object else { return [path] }
        let keys = left.keys + right.keys.filter { !left.contains($0) }
        return keys.flatMap { paths(left[$0], right[$0], below: path + [$0], depth: depth - 1) }
    }
}
