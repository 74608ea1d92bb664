// Takes unknown fields out of an object and puts schema defaults in.
// The write path calls it before validation, for built-in and custom kinds.
// It never rejects anything: what it dropped is told to the caller, who knows how strict the request is.

import JSON
import Kubernetes

extension Schema {
    /// The value without fields that the schema does not have; their paths are appended to `dropped`.
    func pruned(_ value: JSONValue, path: String, dropped: inout [String], isRoot: Bool = true) -> JSONValue {
        switch value {
        case .object(let members) where kind == .object:
            var out = JSONObject()
            for (key, member) in members {
                let place = path.isEmpty ? key : "\(path).\(key)"
                if (isRoot || isEmbeddedResource) && ["apiVersion", "kind", "metadata"].contains(key) && properties[key] == nil {
                    out[key] = member
                } else if let schema = self.member(key) {
                    out[key] = schema.pruned(member, path: place, dropped: &dropped, isRoot: false)
                } else {
                    dropped.append(place)
                }
            }
            return .object(out)
        case .array(let elements):
            guard let items else { return value }
            return .array(elements.enumerated().map { items.pruned($1, path: "\(path)[\($0)]", dropped: &dropped, isRoot: false) })
        default: return value
        }
    }

    /// The value with the defaults of absent fields; a null in a field that may not be null counts as absent.
    func defaulted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(var members):
            for (key, schema) in properties {
                let isAbsent = members[key] == nil || (members[key] == .null && !schema.isNullable)
                if isAbsent { members[key] = schema.defaultValue }
                if let member = members[key] { members[key] = schema.defaulted(member) }
            }
            if let additional {
                for (key, member) in members where properties[key] == nil {
                    members[key] = member.isNull && !additional.isNullable ? Optional.none : additional.defaulted(member)
                }
            }
            return .object(members)
        case .array(let elements):
            guard let items else { return value }
            return .array(elements.map(items.defaulted))
        default: return value
        }
    }
}

extension Schema {
    /// Empty texts that the Go types keep, because the field is a pointer.
    private static let keptWhenEmpty: Set<String> = ["storageClassName", "path", "holderIdentity", "ingressClassName", "value"]

    /// The value as it comes back from the Go types of built-in kinds: nulls and empty lists, maps and texts of optional fields are gone, quantities
    /// are in their canonical form.
    func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            var out = JSONObject()
            for (key, member) in members where !member.isNull {
                let schema = self.member(key) ?? .any
                let clean = schema.canonical(member)
                if properties[key] != nil, schema.isEmptyAndOmitted(clean), !Self.keptWhenEmpty.contains(key) { continue }
                out[key] = clean
            }
            return .object(out)
        case .array(let elements): return .array(elements.map { (items ?? .any).canonical($0) })
        case .string(let text) where isQuantity: return Quantity(text).map { .string($0.description) } ?? value
        case .int(let number) where isQuantity: return .string(String(number))
        default: return value
        }
    }

    private func isEmptyAndOmitted(_ value: JSONValue) -> Bool {
        switch value {
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let members): members.isEmpty && additional != nil
        default: false
        }
    }
}
