// Values seen through their schema, as server-side apply sees them: which paths they hold, how two of them differ, how one is merged into another.
// ManagedFields computes ownership with it (the rules are those of sigs.k8s.io/structured-merge-diff v6).
// It never decides who owns what.

import JSON

/// A list's elements with the path element of each; nil when the list is atomic or an element lacks its keys.
struct KeyedElements {
    var order: [PathElement] = []
    var values: [PathElement: JSONValue] = [:]

    init?(_ elements: [JSONValue], _ schema: Schema) {
        for value in elements {
            guard let element = Self.element(value, schema) else { return nil }
            if values.updateValue(value, forKey: element) == nil { order.append(element) }
        }
        if schema.listType == .atomic { return nil }
    }

    static func element(_ value: JSONValue, _ schema: Schema) -> PathElement? {
        switch schema.listType {
        case .atomic: return nil
        case .set: return .value(value)
        case .map(let keys):
            var named = JSONObject()
            for key in keys {
                if let given = value[key] ?? schema.items?.properties[key]?.defaultValue { named[key] = given }
            }
            return named.isEmpty ? nil : .key(.object(named))
        }
    }

    /// The list with each element replaced by what `change` gives; nil leaves it out.
    func list(_ change: (PathElement, JSONValue) -> JSONValue?) -> JSONValue {
        .array(order.compactMap { element in values[element].flatMap { change(element, $0) } })
    }
}

/// How two values of one schema differ.
struct FieldDifference {
    var added = FieldSet()
    var modified = FieldSet()
    var removed = FieldSet()
}

enum TypedValue {
    /// The paths of every leaf and of every element of a list with keys.
    static func fieldSet(_ value: JSONValue, _ schema: Schema) -> FieldSet {
        var out = FieldSet()
        switch value {
        case .object(let members) where schema.isGranularMap:
            for (key, member) in members { add(member, schema.member(key) ?? .any, at: .field(key), to: &out) }
        case .array(let elements):
            guard let keyed = KeyedElements(elements, schema) else { return out }
            for element in keyed.order {
                out.members.insert(element)
                guard case .key = element, let item = keyed.values[element] else { continue }
                let below = fieldSet(item, schema.items ?? .any)
                if !below.isEmpty { out.children[element] = below }
            }
        default: break
        }
        return out
    }

    private static func add(_ value: JSONValue, _ schema: Schema, at element: PathElement, to out: inout FieldSet) {
        let below = fieldSet(value, schema)
        if below.isEmpty { out.members.insert(element) } else { out.children[element] = below }
    }

    static func difference(_ old: JSONValue, _ new: JSONValue, _ schema: Schema) -> FieldDifference {
        var out = FieldDifference()
        if old == new { return out }
        if let left = parts(old, schema), let right = parts(new, schema) {
            for element in left.order + right.order.filter({ left.values[$0] == nil }) {
                compare(left.values[element], right.values[element], childSchema(schema, element), at: element, into: &out)
            }
        }
        return out
    }

    private static func compare(_ old: JSONValue?, _ new: JSONValue?, _ schema: Schema, at element: PathElement, into out: inout FieldDifference) {
        func whole(_ value: JSONValue) -> FieldSet {
            var set = FieldSet()
            if case .field = element {} else { set.members.insert(element) }
            let below = fieldSet(value, schema)
            if below.isEmpty { set.members.insert(element) } else { set.children[element] = below }
            return set
        }
        switch (old, new) {
        case (nil, let new?): out.added = out.added.union(whole(new))
        case (let old?, nil): out.removed = out.removed.union(whole(old))
        case (let old?, let new?) where old != new:
            guard let left = parts(old, schema), let right = parts(new, schema), !left.order.isEmpty, !right.order.isEmpty else {
                out.modified = out.modified.union(whole(new))
                return
            }
            let below = difference(old, new, schema)
            if !below.added.isEmpty { out.added.children[element] = below.added }
            if !below.modified.isEmpty { out.modified.children[element] = below.modified }
            if !below.removed.isEmpty { out.removed.children[element] = below.removed }
        default: break
        }
    }

    /// A value's members by path element; nil for leaves.
    static func parts(_ value: JSONValue, _ schema: Schema) -> (order: [PathElement], values: [PathElement: JSONValue])? {
        switch value {
        case .object(let members) where schema.isGranularMap:
            return (members.keys.map(PathElement.field), Dictionary(uniqueKeysWithValues: members.map { (.field($0), $1) }))
        case .array(let elements):
            return KeyedElements(elements, schema).map { ($0.order, $0.values) }
        default: return nil
        }
    }

    static func childSchema(_ schema: Schema, _ element: PathElement) -> Schema {
        switch element {
        case .field(let name): schema.member(name) ?? .any
        case .key: schema.items ?? .any
        case .value: Schema(.any)
        }
    }

    /// `applied` laid over `live`: maps and lists with keys are joined, everything else is replaced.
    static func merge(_ live: JSONValue, _ applied: JSONValue, _ schema: Schema) -> JSONValue {
        switch (live, applied) {
        case (.object(var members), .object(let changes)) where schema.isGranularMap:
            for (key, change) in changes {
                members[key] = members[key].map { merge($0, change, schema.member(key) ?? .any) } ?? change
            }
            return .object(members)
        case (.array(let left), .array(let right)):
            guard let old = KeyedElements(left, schema), let new = KeyedElements(right, schema) else { return applied }
            return .array(
                mergedOrder(old.order, new.order).compactMap { element in
                    switch (old.values[element], new.values[element]) {
                    case (let old?, let new?): merge(old, new, schema.items ?? .any)
                    case (let old, let new): new ?? old
                    }
                })
        default: return applied
        }
    }

    /// The applied order wins for the elements that it names; live elements that it does not name keep their place before the next named one.
    private static func mergedOrder(_ live: [PathElement], _ applied: [PathElement]) -> [PathElement] {
        let (inLive, inApplied) = (Set(live), Set(applied))
        var out: [PathElement] = []
        var (left, right) = (live[...], applied[...])
        while !left.isEmpty || !right.isEmpty {
            if let element = left.first, !inApplied.contains(element) {
                out.append(left.removeFirst())
                continue
            }
            guard let element = right.popFirst() else { break }
            out.append(element)
            if inLive.contains(element), left.first.map(inApplied.contains) == true { left.removeFirst() }
        }
        return out
    }

    /// The value without what `last` holds and neither `kept` (what the manager still applies) nor `others` do.
    static func prune(_ value: JSONValue, _ schema: Schema, last: FieldSet, kept: FieldSet, others: [FieldSet]) -> JSONValue? {
        guard let parts = parts(value, schema) else { return value }
        var changed = parts.values
        for element in last.members.union(last.children.keys) {
            guard let member = changed[element] else { continue }
            guard kept.touches(element) || others.contains(where: { $0.touches(element) }) else {
                changed[element] = nil
                continue
            }
            guard let below = last.children[element] else { continue }
            changed[element] = prune(
                member, childSchema(schema, element), last: below, kept: kept.children[element] ?? FieldSet(),
                others: others.compactMap { $0.children[element] })
        }
        return rebuilt(value, parts.order, changed)
    }

    private static func rebuilt(_ value: JSONValue, _ order: [PathElement], _ values: [PathElement: JSONValue]) -> JSONValue {
        if case .array = value { return .array(order.compactMap { values[$0] }) }
        var out = JSONObject()
        for case .field(let name) in order { out[name] = values[.field(name)] }
        return .object(out)
    }
}
