// Checks a value against its schema: types, required fields, enumerations, bounds, patterns, list keys.
// The write path calls it for custom kinds, and for the types of built-in ones.
// It never changes the value, and CEL rules are evaluated elsewhere.

import JSON

extension Schema {
    /// Everything that is wrong, in the order of the fields. Messages are those of kube-openapi's validation.
    func errors(_ value: JSONValue, path: String) -> [FieldError] {
        if value.isNull && (isNullable || kind == .any) { return [] }
        if let wrong = typeError(value, path) { return [wrong] }
        var out = scalarErrors(value, path)
        if case .object(let members) = value { out += memberErrors(members, path) }
        if case .array(let elements) = value { out += elementErrors(elements, path) }
        return out + combinedErrors(value, path)
    }

    private func typeError(_ value: JSONValue, _ path: String) -> FieldError? {
        let wanted: String
        switch (kind, value) {
        case _ where isIntOrString:
            switch value {
            case .int, .uint, .string: return nil
            // Quantities of built-in types may be written as any number.
            case .double where typeName == nil && kind == .any: return nil
            default: wanted = "integer,string"
            }
        case (.any, _), (.object, .object), (.array, .array), (.string, .string), (.boolean, .bool), (.integer, .int), (.integer, .uint),
            (.number, .int), (.number, .uint), (.number, .double):
            return nil
        case (.integer, .double(let number)) where number == number.rounded(): return nil
        default: wanted = kind.rawValue
        }
        return .wrongType(path, shown: .string(value.kindName), wanted: wanted)
    }

    private func scalarErrors(_ value: JSONValue, _ path: String) -> [FieldError] {
        var out: [FieldError] = []
        func bad(_ text: String) { out.append(.invalid(path, value, "\(path) in body should \(text)")) }
        if let allowed = rules.allowed, !allowed.contains(value) { out.append(.notSupported(path, value, allowed.map { $0.string ?? $0.text() })) }
        if let number = value.double, !isIntOrString || rules.minimum != nil || rules.maximum != nil {
            if let (limit, isExclusive) = rules.minimum, number < limit || (isExclusive && number == limit) {
                bad("be greater than\(isExclusive ? "" : " or equal to") \(Self.text(limit))")
            }
            if let (limit, isExclusive) = rules.maximum, number > limit || (isExclusive && number == limit) {
                bad("be less than\(isExclusive ? "" : " or equal to") \(Self.text(limit))")
            }
        }
        if let number = value.double, let unit = rules.multipleOf, unit > 0, number.truncatingRemainder(dividingBy: unit) != 0 {
            bad("be a multiple of \(Self.text(unit))")
        }
        if let text = value.string {
            let count = text.unicodeScalars.count
            // Of these three a server names the first.
            if count > rules.lengths.upperBound {
                out.append(.tooLong(path, rules.lengths.upperBound))
            } else if count < rules.lengths.lowerBound {
                bad("be at least \(rules.lengths.lowerBound) chars long")
            } else if let pattern = rules.pattern, RegularExpression(pattern)?.matches(text) == false {
                bad("match '\(pattern)'")
            }
            if let format = rules.format, !Formats.accepts(text, format) { out.append(.wrongType(path, shown: value, wanted: format)) }
        }
        return out
    }

    private func memberErrors(_ members: JSONObject, _ path: String) -> [FieldError] {
        var out: [FieldError] = []
        func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
        for key in rules.required where members[key] == nil { out.append(.required(place(key))) }
        if members.count > rules.memberCounts.upperBound {
            out.append(.tooMany(path, members.count, rules.memberCounts.upperBound))
        }
        if members.count < rules.memberCounts.lowerBound {
            out.append(.invalid(path, .int(Int64(members.count)), "\(path) in body should have at least \(rules.memberCounts.lowerBound) properties"))
        }
        for (key, value) in members {
            if let schema = properties[key] ?? additional { out += schema.errors(value, path: place(key)) }
        }
        return out
    }

    private func elementErrors(_ elements: [JSONValue], _ path: String) -> [FieldError] {
        var out: [FieldError] = []
        if elements.count > rules.itemCounts.upperBound { out.append(.tooMany(path, elements.count, rules.itemCounts.upperBound)) }
        if elements.count < rules.itemCounts.lowerBound {
            out.append(.invalid(path, .int(Int64(elements.count)), "\(path) in body should have at least \(rules.itemCounts.lowerBound) items"))
        }
        if let items { for (index, element) in elements.enumerated() { out += items.errors(element, path: "\(path)[\(index)]") } }
        var seen: Set<PathElement> = []
        for (index, value) in elements.enumerated() {
            guard let element = KeyedElements.element(value, self), !seen.insert(element).inserted else { continue }
            if case .key(let keys) = element { out.append(.duplicate("\(path)[\(index)]", keys)) } else { out.append(.duplicate("\(path)[\(index)]", value)) }
        }
        return out
    }

    private func combinedErrors(_ value: JSONValue, _ path: String) -> [FieldError] {
        var out: [FieldError] = []
        // A server names no field for these.
        func bad(_ text: String) { out.append(FieldError(field: "<nil>", reason: .invalid, message: "Invalid value: \"\": \"\(path)\" must \(text)")) }
        func valid(_ schemas: [Schema]) -> Int { schemas.count { $0.errors(value, path: path).isEmpty } }
        if valid(rules.allOf) < rules.allOf.count {
            out += rules.allOf.flatMap { $0.errors(value, path: path) }
            bad("validate all the schemas (allOf)")
        }
        if !rules.anyOf.isEmpty, valid(rules.anyOf) == 0 { bad("validate at least one schema (anyOf)") }
        if !rules.oneOf.isEmpty {
            let count = valid(rules.oneOf)
            if count != 1 {
                bad("validate one and only one schema (oneOf). Found \(count == 0 ? "none" : String(count)) valid\(count == 0 ? "" : " alternatives")")
            }
        }
        if valid(rules.not) > 0 { bad("not validate the schema (not)") }
        return out
    }

    private static func text(_ number: Double) -> String { Int64(exactly: number).map { String($0) } ?? String(number) }
}

extension FieldError {
    static func wrongType(_ field: String, shown: JSONValue, wanted: String) -> FieldError {
        FieldError(field: field, reason: .typeInvalid, message: "Invalid value: \(shown.text()): \(field) in body must be of type \(wanted): \(shown.text())")
    }
}

/// The string formats that an API server checks (apiextensions' supported formats, as far as resources of ours use them).
enum Formats {
    static let integers: [String: ClosedRange<Int64>] = ["int32": Int64(Int32.min)...Int64(Int32.max), "int64": Int64.min...Int64.max]

    static func accepts(_ text: String, _ format: String) -> Bool {
        switch format {
        case "date-time": text.contains(/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/)
        case "uuid": text.contains(/^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$/)
        case "uri": text.contains(/^[A-Za-z][A-Za-z0-9+.-]*:/) || text.hasPrefix("/")
        default: true  // Unknown formats are ignored, as the API server does.
        }
    }
}
