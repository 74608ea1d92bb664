// Strategic merge patches, which `kubectl apply` and `kubectl edit` send for built-in kinds.
// Patching applies them with the merge keys of the kind's schema.
// It never guesses a merge key: a list without one is replaced.

import JSON
import Kubernetes

enum StrategicMergePatch {
    static func apply(_ patch: JSONValue, to live: JSONValue, schema: Schema) throws(KubernetesError) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        if changes["$patch"] == "replace" {
            var out = changes
            out["$patch"] = nil
            return .object(out)
        }
        if changes["$patch"] == "delete" { return [:] }
        var members = live.object ?? [:]
        for (key, change) in changes where !key.hasPrefix("$") {
            let field = schema.member(key) ?? .any
            if change.isNull {
                members[key] = nil
            } else if case .array(let elements) = change {
                members[key] = .array(try list(elements, members[key]?.array ?? [], field))
            } else if change.object != nil {
                members[key] = try apply(change, to: members[key] ?? [:], schema: field)
            } else {
                members[key] = change
            }
        }
        try directives(changes, &members, schema)
        return .object(members)
    }

    private static func list(_ patch: [JSONValue], _ live: [JSONValue], _ schema: Schema) throws(KubernetesError) -> [JSONValue] {
        if patch.contains(["$patch": "replace"]) { return patch.filter { $0 != ["$patch": "replace"] } }
        guard schema.mergesList else { return patch }
        guard let key = schema.mergeKey else { return live + patch.filter { !live.contains($0) } }
        var out = live
        for element in patch {
            guard let identity = element[key] else {
                throw KubernetesError(
                    .badRequest, status: 400, reason: "BadRequest", message: "map: \(element.text()) does not contain declared merge key: \(key)")
            }
            let position = out.firstIndex { $0[key] == identity }
            if element["$patch"] == "delete" {
                if let position { out.remove(at: position) }
            } else if let position {
                out[position] = try apply(element, to: out[position], schema: schema.items ?? .any)
            } else {
                out.append(try apply(element, to: [:], schema: schema.items ?? .any))
            }
        }
        return out
    }

    /// `$deleteFromPrimitiveList/x`, `$setElementOrder/x` and `$retainKeys`.
    private static func directives(_ changes: JSONObject, _ members: inout JSONObject, _ schema: Schema) throws(KubernetesError) {
        for (key, value) in changes where key.hasPrefix("$") {
            let parts = key.split(separator: "/", maxSplits: 1)
            let name = parts.count == 2 ? String(parts[1]) : ""
            switch parts[0] {
            case "$deleteFromPrimitiveList": members[name] = members[name]?.array.map { .array($0.filter { !(value.array ?? []).contains($0) }) }
            case "$setElementOrder": members[name] = members[name]?.array.map { .array(ordered($0, value.array ?? [], schema.member(name)?.mergeKey)) }
            case "$retainKeys":
                let kept = Set((value.array ?? []).compactMap(\.string))
                for present in members.keys where !kept.contains(present) { members[present] = nil }
            case "$patch": break
            default: throw .badRequest("unrecognized directive \(key) in a strategic merge patch")
            }
        }
    }

    /// The elements that the order names stand in that order; the others keep their place behind their predecessor.
    private static func ordered(_ elements: [JSONValue], _ order: [JSONValue], _ key: String?) -> [JSONValue] {
        func identity(_ value: JSONValue) -> JSONValue { key.flatMap { value[$0] } ?? value }
        let wanted = order.map(identity)
        var named = elements.filter { wanted.contains(identity($0)) }
        named.sort { (wanted.firstIndex(of: identity($0)) ?? 0) < (wanted.firstIndex(of: identity($1)) ?? 0) }
        var next = named[...]
        return elements.map { wanted.contains(identity($0)) ? next.removeFirst() : $0 }
    }
}
