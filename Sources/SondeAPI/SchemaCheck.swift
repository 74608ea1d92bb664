// Checks a document against a schema and names everything that does not fit, each with its path and what to write.
// The agent's file, `sonde validate` and the controllers use it; an API server does the same from the generated CRD.
// It never stops at the first problem and never evaluates CEL: rules over several fields are checked where the fields are read.

import JSON

extension Schema {
    /// Everything in `value` that does not fit, in document order. Unknown fields are warnings: a newer writer may know them.
    ///
    /// - Parameter path: The place of `value`, as in `kubectl explain`; empty for a whole document.
    public func findings(for value: JSONValue, at path: String) -> [Finding] {
        switch shape {
        case .boolean: value.bool == nil ? [wrongType(value, path, "true or false")] : []
        case .string(let rule, let maxLength): checkText(value, path, rule, maxLength)
        case .choice(let allowed): checkChoice(value, path, allowed)
        case .integer(let range): checkInteger(value, path, range)
        case .number(let range): checkNumber(value, path, range)
        case .quantity: checkQuantity(value, path)
        case .countOrPercentage: checkCountOrPercentage(value, path)
        case .object(let fields): checkObject(value, path, fields, isOpen: false)
        case .openObject(let fields): checkObject(value, path, fields, isOpen: true)
        case .map(let values, let maxProperties): checkMap(value, path, values, maxProperties)
        case .list(let items, let maxItems, let kind): checkList(value, path, items, maxItems, kind)
        case .openList(let maxItems): checkList(value, path, Schema(.openObject([]), ""), maxItems, .atomic)
        case .timestamp: value.string == nil ? [wrongType(value, path, "a time such as 2026-01-02T15:04:05Z")] : []
        case .anything: []
        }
    }

    private func wrongType(_ value: JSONValue, _ path: String, _ wanted: String) -> Finding {
        Finding(.error, rule: "wrong-type", path: path, message: "must be \(wanted), is \(value.kindInWords)", remedy: example(wanted))
    }

    private func example(_ wanted: String) -> String {
        guard let defaultValue, defaultValue.object == nil else { return "write \(wanted)" }
        return "write \(wanted), for example \(defaultValue.plainText)"
    }

    private func checkText(_ value: JSONValue, _ path: String, _ rule: TextRule, _ maxLength: Int) -> [Finding] {
        guard let text = value.string else { return [wrongType(value, path, "a string")] }
        if text.unicodeScalars.count > maxLength {
            return [
                Finding(
                    .error, rule: "too-long", path: path, message: "must have at most \(maxLength) characters, has \(text.unicodeScalars.count)",
                    remedy: "shorten it")
            ]
        }
        if rule.accepts(text) { return [] }
        return [Finding(.error, rule: "bad-format", path: path, message: "\"\(text)\" must be \(rule.meaning)", remedy: "write for example \(rule.example)")]
    }

    private func checkChoice(_ value: JSONValue, _ path: String, _ allowed: [String]) -> [Finding] {
        if let text = value.string, allowed.contains(text) { return [] }
        let given = value.string.map { "\"\($0)\"" } ?? value.kindInWords
        return [
            Finding(
                .error, rule: "unknown-value", path: path, message: "\(given) is none of its values", remedy: "write one of: \(allowed.joined(separator: ", "))"
            )
        ]
    }

    private func checkInteger(_ value: JSONValue, _ path: String, _ range: ClosedRange<Int>) -> [Finding] {
        guard let number = value.int else { return [wrongType(value, path, "a whole number from \(range.lowerBound) to \(range.upperBound)")] }
        return range.contains(number) ? [] : [outOfRange("\(number)", path, "\(range.lowerBound) to \(range.upperBound)")]
    }

    private func checkNumber(_ value: JSONValue, _ path: String, _ range: ClosedRange<Double>) -> [Finding] {
        guard let number = value.double else { return [wrongType(value, path, "a number from \(range.lowerBound) to \(range.upperBound)")] }
        return range.contains(number) ? [] : [outOfRange("\(number)", path, "\(range.lowerBound) to \(range.upperBound)")]
    }

    private func outOfRange(_ given: String, _ path: String, _ range: String) -> Finding {
        Finding(.error, rule: "out-of-range", path: path, message: "must be from \(range), is \(given)", remedy: "write a number from \(range)")
    }

    private func checkQuantity(_ value: JSONValue, _ path: String) -> [Finding] {
        if ByteQuantity.bytes(value) != nil { return [] }
        return [Finding(.error, rule: "bad-quantity", path: path, message: "\(value.plainText) is no quantity of bytes", remedy: "write for example 96Mi")]
    }

    private func checkCountOrPercentage(_ value: JSONValue, _ path: String) -> [Finding] {
        if let count = value.int, count >= 0 { return [] }
        if let text = value.string, text.hasSuffix("%"), let percentage = Int(text.dropLast()), percentage >= 0 { return [] }
        return [
            Finding(
                .error, rule: "bad-format", path: path, message: "\(value.plainText) is no number of pods and no percentage",
                remedy: "write for example 1 or 25%")
        ]
    }

    private func checkObject(_ value: JSONValue, _ path: String, _ fields: [Field], isOpen: Bool) -> [Finding] {
        guard let members = value.object else { return [wrongType(value, path, "a mapping")] }
        var findings: [Finding] = []
        for field in fields {
            let place = Self.join(path, field.name)
            if let member = members[field.name], !member.isNull {
                findings += field.schema.findings(for: member, at: place)
            } else if field.isRequired, field.schema.defaultValue == nil {
                findings.append(Finding(.error, rule: "missing-field", path: place, message: "is required", remedy: "add it: \(field.schema.firstSentence)"))
            }
        }
        if isOpen { return findings }
        for key in members.keys where !fields.contains(where: { $0.name == key }) {
            findings.append(unknownField(key, path, fields.map(\.name)))
        }
        return findings
    }

    private func unknownField(_ key: String, _ path: String, _ known: [String]) -> Finding {
        let remedy = Spelling.nearest(to: key, in: known).map { "did you mean \($0)?" } ?? "remove it; known here: \(known.joined(separator: ", "))"
        return Finding(.warning, rule: "unknown-field", path: Self.join(path, key), message: "is no field of this version and is ignored", remedy: remedy)
    }

    private func checkMap(_ value: JSONValue, _ path: String, _ values: Schema, _ maxProperties: Int) -> [Finding] {
        guard let members = value.object else { return [wrongType(value, path, "a mapping")] }
        var findings = members.flatMap { values.findings(for: $1, at: Self.join(path, $0)) }
        if members.count > maxProperties { findings.append(tooMany(path, members.count, maxProperties)) }
        return findings
    }

    private func checkList(_ value: JSONValue, _ path: String, _ items: Schema, _ maxItems: Int, _ kind: ListKind) -> [Finding] {
        guard let elements = value.array else { return [wrongType(value, path, "a list")] }
        if elements.count > maxItems { return [tooMany(path, elements.count, maxItems)] }
        var findings = elements.enumerated().flatMap { items.findings(for: $1, at: "\(path)[\($0)]") }
        var seen: Set<JSONValue> = []
        for (index, element) in elements.enumerated() {
            guard let identity = kind.identity(of: element), !seen.insert(identity).inserted else { continue }
            findings.append(Finding(.error, rule: "duplicate-entry", path: "\(path)[\(index)]", message: "is there twice", remedy: "remove one"))
        }
        return findings
    }

    private func tooMany(_ path: String, _ count: Int, _ max: Int) -> Finding {
        Finding(.error, rule: "too-many", path: path, message: "must have at most \(max) entries, has \(count)", remedy: "remove some")
    }

    private var firstSentence: String {
        String(description.prefix { $0 != "." })
    }

    static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

extension Schema.ListKind {
    /// What must be unique among a list's entries; nil when entries may repeat.
    fileprivate func identity(of element: JSONValue) -> JSONValue? {
        switch self {
        case .atomic: nil
        case .set: element
        case .map(let keys): .array(keys.map { element[$0] ?? .null })
        }
    }
}

extension JSONValue {
    /// What a user calls this kind of value.
    public var kindInWords: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .int, .uint, .double: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "a mapping"
        }
    }

    /// A scalar as a user would write it; lists in brackets. For messages.
    public var plainText: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .uint(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): value
        case .array(let values): "[\(values.map(\.plainText).joined(separator: ", "))]"
        case .object: "a mapping"
        }
    }
}
