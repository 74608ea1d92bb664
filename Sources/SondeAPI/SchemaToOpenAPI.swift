// Writes a schema as the structural OpenAPI v3 schema of a custom resource definition.
// CustomResourceDefinitions uses it for spec and status of both resources.
// It never leaves a list without a list type or one of our strings without a length: an API server needs both to bound the cost of rules.

import JSON

extension Schema {
    /// The `openAPIV3Schema` of this value.
    public var openAPI: JSONValue {
        var schema: JSONValue = [:]
        if !description.isEmpty { schema["description"] = .string(description) }
        addShape(to: &schema)
        schema["default"] = defaultValue
        if !rules.isEmpty {
            schema["x-kubernetes-validations"] = .array(rules.map { ["rule": .string($0.expression), "message": .string($0.message)] })
        }
        return schema
    }

    private func addShape(to schema: inout JSONValue) {
        switch shape {
        case .boolean: schema["type"] = "boolean"
        case .string(let rule, let maxLength):
            schema["type"] = "string"
            schema["maxLength"] = JSONValue(maxLength)
            schema["pattern"] = rule.pattern.map { .string($0) }
        case .choice(let values):
            schema["type"] = "string"
            schema["enum"] = .array(values.map { .string($0) })
        case .integer(let range): addInteger(range, to: &schema)
        case .number(let range):
            schema["type"] = "number"
            schema["minimum"] = .double(range.lowerBound)
            schema["maximum"] = .double(range.upperBound)
        case .quantity:
            schema["anyOf"] = [["type": "integer"], ["type": "string"]]
            schema["pattern"] = "^[0-9]+([.][0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"
            schema["x-kubernetes-int-or-string"] = true
            schema["maxLength"] = 32
        case .countOrPercentage:
            schema["anyOf"] = [["type": "integer"], ["type": "string"]]
            schema["pattern"] = "^[0-9]+%$"
            schema["x-kubernetes-int-or-string"] = true
            schema["maxLength"] = 32
        case .timestamp:
            schema["type"] = "string"
            schema["format"] = "date-time"
            schema["maxLength"] = 64
        case .object(let fields): addObject(fields, to: &schema)
        case .openObject(let fields):
            addObject(fields, to: &schema)
            schema["x-kubernetes-preserve-unknown-fields"] = true
        case .map(let values, let maxProperties):
            schema["type"] = "object"
            schema["additionalProperties"] = values.openAPI
            schema["maxProperties"] = JSONValue(maxProperties)
        case .list(let items, let maxItems, let kind): addList(items, maxItems, kind, to: &schema)
        case .openList(let maxItems): addList(Schema(.openObject([]), ""), maxItems, .atomic, to: &schema)
        case .anything: schema["x-kubernetes-preserve-unknown-fields"] = true
        }
    }

    private func addInteger(_ range: ClosedRange<Int>, to schema: inout JSONValue) {
        schema["type"] = "integer"
        schema["format"] = range.upperBound <= Int(Int32.max) ? "int32" : "int64"
        schema["minimum"] = JSONValue(range.lowerBound)
        if range.upperBound != Int.max { schema["maximum"] = JSONValue(range.upperBound) }
    }

    private func addObject(_ fields: [Field], to schema: inout JSONValue) {
        schema["type"] = "object"
        if fields.isEmpty { return }
        let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema["required"] = .array(required) }
        schema["properties"] = .object(JSONObject(fields.map { ($0.name, $0.schema.openAPI) }))
    }

    private func addList(_ items: Schema, _ maxItems: Int, _ kind: ListKind, to schema: inout JSONValue) {
        schema["type"] = "array"
        schema["items"] = items.openAPI
        schema["maxItems"] = JSONValue(maxItems)
        switch kind {
        case .atomic: schema["x-kubernetes-list-type"] = "atomic"
        case .set: schema["x-kubernetes-list-type"] = "set"
        case .map(let keys):
            schema["x-kubernetes-list-type"] = "map"
            schema["x-kubernetes-list-map-keys"] = .array(keys.map { .string($0) })
        }
    }
}
