// Reads the schema of a custom resource definition (`openAPIV3Schema`) into the server's form and refuses what a real server refuses.
// CustomResourceDefinitions calls it when a definition is registered or changed.
// It never accepts a schema that is not structural, or a rule that does not compile.

import JSON
import Kubernetes

struct SchemaReader {
    /// Everything wrong with the schema so far.
    private(set) var errors: [FieldError] = []

    mutating func schema(_ node: JSONValue, path: String, isRoot: Bool = false) -> Schema {
        let type = node["type"]?.string
        let isIntOrString = node["x-kubernetes-int-or-string"] == true
        let preserves = node["x-kubernetes-preserve-unknown-fields"] == true
        if type == nil, !isIntOrString, !preserves { errors.append(.required("\(path).type", "must not be empty for specified object fields")) }
        if node["$ref"] != nil { errors.append(.forbidden("\(path).$ref", "$ref is not supported")) }
        guard let kind = type.map({ Schema.Kind(rawValue: $0) }) ?? .any, kind != .any || type == nil else {
            errors.append(.notSupported("\(path).type", node["type"] ?? nil, ["array", "boolean", "integer", "number", "object", "string"]))
            return .any
        }
        var out = Schema(kind)
        out.isIntOrString = isIntOrString
        out.preservesUnknownFields = preserves
        out.isEmbeddedResource = node["x-kubernetes-embedded-resource"] == true
        out.isNullable = node["nullable"] == true
        out.defaultValue = node["default"]
        out.description = node["description"]?.string ?? ""
        out.isAtomicMap = node["x-kubernetes-map-type"] == "atomic"
        for (key, child) in node["properties"]?.object ?? [:] {
            if isRoot, ["apiVersion", "kind"].contains(key) {
                out.properties[key] = Schema(.string)
            } else if isRoot, key == "metadata" {
                out.properties[key] = BuiltInSchemas.shared.schemas["meta.ObjectMeta"]
            } else {
                out.properties[key] = schema(child, path: "\(path).properties[\(key)]")
            }
        }
        additional(node, &out, path)
        list(node, &out, path)
        out.rules = valueRules(node, path)
        if let value = out.defaultValue { checkDefault(value, out, path) }
        celRules(node, &out, path)
        if isRoot, out.properties["metadata"] == nil { out.properties["metadata"] = BuiltInSchemas.shared.schemas["meta.ObjectMeta"] }
        return out
    }

    private mutating func additional(_ node: JSONValue, _ out: inout Schema, _ path: String) {
        switch node["additionalProperties"] {
        case nil: return
        case .bool(let isAllowed)?:
            if isAllowed { out.preservesUnknownFields = true } else { errors.append(.forbidden("\(path).additionalProperties", "must not be used as false")) }
        case let value?:
            if !out.properties.isEmpty { errors.append(.forbidden("\(path).additionalProperties", "additionalProperties and properties are mutual exclusive")) }
            out.additional = schema(value, path: "\(path).additionalProperties")
        }
    }

    private mutating func list(_ node: JSONValue, _ out: inout Schema, _ path: String) {
        guard out.kind == .array else { return }
        guard let items = node["items"] else {
            errors.append(.required("\(path).items", "must be specified"))
            return
        }
        let element = schema(items, path: "\(path).items")
        out.items = element
        switch node["x-kubernetes-list-type"]?.string {
        case nil, "atomic": break
        case "set": out.listType = .set
        case "map":
            let keys = node["x-kubernetes-list-map-keys"]?.array?.compactMap(\.string) ?? []
            if keys.isEmpty { errors.append(.required("\(path).x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map")) }
            for (index, key) in keys.enumerated() {
                let place = "\(path).items.properties[\(key)]"
                guard let property = element.properties[key] else {
                    errors.append(.invalid("\(path).x-kubernetes-list-map-keys[\(index)]", .string(key), "entries must all be names of item properties"))
                    continue
                }
                if property.defaultValue == nil, !element.rules.required.contains(key) {
                    errors.append(
                        .required("\(place).default", "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"))
                }
            }
            out.listType = .map(keys)
        case let other?: errors.append(.notSupported("\(path).x-kubernetes-list-type", .string(other), ["atomic", "map", "set"]))
        }
    }

    private mutating func valueRules(_ node: JSONValue, _ path: String) -> ValueRules {
        var rules = ValueRules()
        rules.required = node["required"]?.array?.compactMap(\.string) ?? []
        rules.allowed = node["enum"]?.array
        rules.format = node["format"]?.string
        rules.pattern = node["pattern"]?.string
        if let pattern = rules.pattern, RegularExpression(pattern) == nil {
            errors.append(.invalid("\(path).pattern", .string(pattern), "must be a valid regular expression"))
        }
        rules.minimum = node["minimum"]?.double.map { ($0, node["exclusiveMinimum"] == true) }
        rules.maximum = node["maximum"]?.double.map { ($0, node["exclusiveMaximum"] == true) }
        if let range = rules.format.flatMap({ Formats.integers[$0] }), node["type"] == "integer" {
            if rules.minimum == nil { rules.minimum = (Double(range.lowerBound), false) }
            if rules.maximum == nil { rules.maximum = (Double(range.upperBound), false) }
        }
        rules.multipleOf = node["multipleOf"]?.double
        rules.lengths = range(node, "minLength", "maxLength", path)
        rules.itemCounts = range(node, "minItems", "maxItems", path)
        rules.memberCounts = range(node, "minProperties", "maxProperties", path)
        rules.allOf = junctors(node, "allOf")
        rules.anyOf = junctors(node, "anyOf")
        rules.oneOf = junctors(node, "oneOf")
        rules.not = node["not"].map { [Self.loose($0)] } ?? []
        return rules
    }

    private mutating func range(_ node: JSONValue, _ low: String, _ high: String, _ path: String) -> ClosedRange<Int> {
        let (lower, upper) = (node[low]?.int ?? 0, node[high]?.int ?? Int.max)
        guard lower <= upper else {
            errors.append(.invalid("\(path).\(low)", .int(Int64(lower)), "must be less than or equal to \(high)"))
            return 0...Int.max
        }
        return max(0, lower)...upper
    }

    private func junctors(_ node: JSONValue, _ key: String) -> [Schema] { (node[key]?.array ?? []).map(Self.loose) }

    /// A node below allOf, anyOf, oneOf or not: value validations alone, types only where int-or-string repeats them.
    private static func loose(_ node: JSONValue) -> Schema {
        var reader = SchemaReader()
        var out = reader.schema(node, path: "")
        if node["type"] == nil { out.kind = .any }
        if out.kind == .any, !out.properties.isEmpty || !out.rules.required.isEmpty { out.preservesUnknownFields = true }
        return out
    }

    private mutating func checkDefault(_ value: JSONValue, _ schema: Schema, _ path: String) {
        var dropped: [String] = []
        let pruned = schema.pruned(value, path: "\(path).default", dropped: &dropped, isRoot: false)
        errors += dropped.map { .invalid("\(path).default", value, "must not have unknown fields: \($0)") }
        errors += schema.errors(schema.defaulted(pruned), path: "\(path).default")
    }

    private mutating func celRules(_ node: JSONValue, _ out: inout Schema, _ path: String) {
        for (index, rule) in (node["x-kubernetes-validations"]?.array ?? []).enumerated() {
            do {
                out.celRules.append(try CELRule(rule, schema: out))
            } catch {
                let position = error.position.map { "\($0):" } ?? ""
                errors.append(
                    .invalid(
                        "\(path).x-kubernetes-validations[\(index)].rule", rule["rule"] ?? nil,
                        "compilation failed: ERROR: <input>:\(position) \(error.message)"))
            }
        }
    }
}
