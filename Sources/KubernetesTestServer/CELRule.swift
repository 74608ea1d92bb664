// The rules of a schema node (`x-kubernetes-validations`): compiled when the definition is registered, evaluated at each write.
// SchemaReader makes them, Admission asks for their errors.
// It never evaluates a rule about the old value when there is none.

import JSON

struct CELRule: Sendable {
    let text: String
    let expression: CELExpression
    /// Nil: the rule itself is shown.
    let message: String?
    let messageExpression: CELExpression?
    let reason: FieldError.Reason
    let fieldPath: String
    let takesMissingOldSelf: Bool
    /// A transition rule: it holds between the old value and the new one.
    let isTransition: Bool

    /// Compiles one entry. - Throws: What does not compile, or names a field that the schema does not have.
    init(_ rule: JSONValue, schema: Schema) throws(CELError) {
        guard let text = rule["rule"]?.string, !text.isEmpty else { throw CELError("rule is required") }
        self.text = text
        expression = try CELParser.parse(text)
        message = rule["message"]?.string
        var messageExpression: CELExpression?
        if let source = rule["messageExpression"]?.string { messageExpression = try CELParser.parse(source) }
        self.messageExpression = messageExpression
        reason = rule["reason"]?.string.flatMap(FieldError.Reason.init) ?? .invalid
        fieldPath = rule["fieldPath"]?.string ?? ""
        takesMissingOldSelf = rule["optionalOldSelf"]?.bool ?? false
        if takesMissingOldSelf { throw CELError("optionalOldSelf is not supported by this server") }
        isTransition = Self.names(expression).contains("oldSelf")
        try Self.check(expression, schema: schema, bound: [])
    }

    func error(_ value: JSONValue, old: JSONValue?, path: String) -> FieldError? {
        if isTransition && old == nil { return nil }
        var variables = ["self": value]
        variables["oldSelf"] = old
        let evaluator = CELEvaluator(variables: variables)
        var said = message ?? "failed rule: \(text)"
        do throws(CELError) {
            if try evaluator.bool(expression) { return nil }
            if let messageExpression, let own = try? evaluator.value(messageExpression).string { said = own }
        } catch {
            return FieldError(
                field: path.isEmpty ? "<nil>" : path, reason: .invalid,
                message: "Invalid value: \"\(value.kindName)\": \(error.message) evaluating rule: \(message ?? text)")
        }
        return failure(said, value, path: path + fieldPath)
    }

    /// The error of a rule that is false. Servers do not show the values of objects and lists (1.33 and later).
    private func failure(_ said: String, _ value: JSONValue, path: String) -> FieldError {
        let place = path.isEmpty ? "<nil>" : String(path.drop { $0 == "." })
        let isOmitted = value.object != nil || value.array != nil
        switch reason {
        case .required: return .required(place, said)
        case .forbidden: return .forbidden(place, said)
        case .duplicate: return isOmitted ? FieldError(field: place, reason: .duplicate, message: "Duplicate value") : .duplicate(place, value)
        default: return isOmitted ? FieldError(field: place, reason: .invalid, message: "Invalid value: \(said)") : .invalid(place, value, said)
        }
    }

    private static func names(_ expression: CELExpression) -> Set<String> {
        switch expression {
        case .name(let name): [name]
        case .literal: []
        case .field(let inner, _), .has(let inner, _), .not(let inner), .negative(let inner): names(inner)
        case .index(let a, let b), .binary(_, let a, let b), .macro(_, let a, _, let b): names(a).union(names(b))
        case .conditional(let a, let b, let c): names(a).union(names(b)).union(names(c))
        case .list(let all), .call(_, let all): all.reduce(into: []) { $0.formUnion(names($1)) }
        }
    }

    /// Every name must be known and every selected field must be in the schema.
    private static func check(_ expression: CELExpression, schema: Schema, bound: Set<String>) throws(CELError) {
        switch expression {
        case .name(let name):
            guard name == "self" || name == "oldSelf" || bound.contains(name) else { throw CELError("undeclared reference to '\(name)'") }
        case .literal: break
        case .field(let inner, let name), .has(let inner, let name):
            try check(inner, schema: schema, bound: bound)
            guard let owner = resolved(inner, schema) else { return }
            if owner.kind == .object, owner.properties[CELEvaluator.fieldName(name)] == nil, owner.additional == nil {
                throw CELError("undefined field '\(name)'")
            }
        case .not(let inner), .negative(let inner): try check(inner, schema: schema, bound: bound)
        case .index(let a, let b), .binary(_, let a, let b):
            try check(a, schema: schema, bound: bound)
            try check(b, schema: schema, bound: bound)
        case .macro(_, let a, let variable, let b):
            try check(a, schema: schema, bound: bound)
            try check(b, schema: schema, bound: bound.union([variable]))
        case .conditional(let a, let b, let c): for part in [a, b, c] { try check(part, schema: schema, bound: bound) }
        case .list(let all), .call(_, let all): for part in all { try check(part, schema: schema, bound: bound) }
        }
    }

    /// The schema of a selection that starts at `self` or `oldSelf`; nil when it cannot be told.
    private static func resolved(_ expression: CELExpression, _ schema: Schema) -> Schema? {
        switch expression {
        case .name("self"), .name("oldSelf"): schema
        case .field(let inner, let name): resolved(inner, schema).flatMap { $0.properties[CELEvaluator.fieldName(name)] ?? $0.additional }
        case .index(let inner, _): resolved(inner, schema).flatMap { $0.items ?? $0.additional }
        default: nil
        }
    }
}

extension Schema {
    /// The failed rules of this node and of everything below it.
    func celErrors(_ value: JSONValue, old: JSONValue?, path: String) -> [FieldError] {
        var out = celRules.compactMap { $0.error(value, old: old, path: path) }
        switch value {
        case .object(let members):
            for (key, member) in members {
                guard let schema = properties[key] ?? additional else { continue }
                out += schema.celErrors(member, old: old?[key], path: path.isEmpty ? key : "\(path).\(key)")
            }
        case .array(let elements):
            guard let items else { break }
            let before = KeyedElements(old?.array ?? [], self)
            for (index, element) in elements.enumerated() {
                // Only elements with keys can be told to be the same as before.
                let match = KeyedElements.element(element, self).flatMap { before?.values[$0] }
                out += items.celErrors(element, old: match, path: "\(path)[\(index)]")
            }
        default: break
        }
        return out
    }
}
