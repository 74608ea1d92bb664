// The shape of a document as data: types, limits, defaults and descriptions of fields, written once.
// Custom resource definitions are generated from it, and resources and the agent's file are checked and defaulted by it.
// It never reads typed Swift structs: those read documents that it has checked and completed.

import JSON

/// The schema of one value.
public struct Schema: Sendable {
    public indirect enum Shape: Sendable {
        case boolean
        case string(TextRule, maxLength: Int)
        /// One of these strings.
        case choice([String])
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        /// A Kubernetes quantity: a string such as `96Mi`, or a plain integer.
        case quantity
        /// A number of pods, or a percentage such as `25%`.
        case countOrPercentage
        /// A time as RFC 3339 text.
        case timestamp
        /// Known fields only; others are reported and, by an API server, pruned.
        case object([Field])
        /// Any keys up to 253 bytes, values of one shape.
        case map(Schema, maxProperties: Int)
        case list(Schema, maxItems: Int, ListKind)
        /// An object whose content is not ours: every key and value is kept. The fields are those that we know about.
        case openObject([Field])
        /// A list of such objects.
        case openList(maxItems: Int)
        /// Any value at all.
        case anything
    }

    /// How server-side apply merges a list (`x-kubernetes-list-type`).
    public enum ListKind: Sendable, Hashable {
        case atomic
        case set
        case map(keys: [String])
    }

    /// One field of an object.
    public struct Field: Sendable {
        public let name: String
        public let isRequired: Bool
        public let schema: Schema
        public init(_ name: String, required isRequired: Bool = false, _ schema: Schema) {
            self.name = name
            self.isRequired = isRequired
            self.schema = schema
        }
    }

    /// A CEL rule (`x-kubernetes-validations`).
    public struct Rule: Sendable {
        public let expression: String
        public let message: String
        public init(_ expression: String, message: String) {
            self.expression = expression
            self.message = message
        }
    }

    public var shape: Shape
    /// What `kubectl explain` prints: meaning, unit, default, effect of a change, example.
    public var description: String
    public var defaultValue: JSONValue?
    public var rules: [Rule]

    public init(_ shape: Shape, _ description: String, default defaultValue: JSONValue? = nil, rules: [Rule] = []) {
        self.shape = shape
        self.description = description
        self.defaultValue = defaultValue
        self.rules = rules
    }

    /// The fields of an object schema, in order; empty for other shapes.
    public var fields: [Field] {
        switch shape {
        case .object(let fields), .openObject(let fields): fields
        default: []
        }
    }

    /// The field of an object schema with this name.
    public subscript(field: String) -> Schema? { fields.first { $0.name == field }?.schema }
}

extension Schema {
    /// The document with every missing or null value that has a default filled in, as an API server does it: parents first.
    public func completing(_ value: JSONValue) -> JSONValue {
        switch (shape, value) {
        case (.object(let fields), .object(var members)), (.openObject(let fields), .object(var members)):
            for field in fields {
                if let present = members[field.name], !present.isNull {
                    members[field.name] = field.schema.completing(present)
                } else if let defaultValue = field.schema.defaultValue {
                    members[field.name] = field.schema.completing(defaultValue)
                }
            }
            return .object(members)
        case (.list(let items, _, _), .array(let elements)):
            return .array(elements.map(items.completing))
        case (.map(let values, _), .object(let members)):
            return .object(JSONObject(members.map { ($0, values.completing($1)) }))
        default:
            return value
        }
    }
}
