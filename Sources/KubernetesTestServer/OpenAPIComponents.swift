// The schemas of an OpenAPI v3 document: custom kinds as their definitions give them, built-in ones from the tables of types.
// OpenAPIDocuments adds one kind after the other.
// It never invents fields: what has no description in the tables has none here.

import JSON
import Kubernetes

struct OpenAPIComponents {
    private(set) var schemas = JSONObject()

    mutating func add(_ kind: ServedKind) {
        addShared(kind.type)
        let name = OpenAPINames.name(kind)
        var schema = kind.isCustom ? custom(kind) : object(kind.schema, kind.type)
        if !kind.isCustom { schema["properties"] = withTypeMeta(schema["properties"]) }
        schema["x-kubernetes-group-version-kind"] = [DiscoveryDocuments.groupVersionKind(kind.type)]
        schemas[name] = schema
        schemas["\(name)List"] = list(kind, of: name)
    }

    /// What every group version refers to.
    private mutating func addShared(_ type: ResourceType) {
        guard schemas[OpenAPINames.patch] == nil else { return }
        if let metadata = BuiltInSchemas.shared.schemas["meta.ObjectMeta"] { _ = reference(metadata, typeName: "meta.ObjectMeta", type) }
        schemas[OpenAPINames.listMeta] = [
            "type": "object", "description": "ListMeta describes metadata that lists have.",
            "properties": [
                "continue": ["type": "string"], "remainingItemCount": ["type": "integer", "format": "int64"], "resourceVersion": ["type": "string"],
                "selfLink": ["type": "string"],
            ],
        ]
        schemas[OpenAPINames.patch] = ["type": "object", "description": "Patch is the body of a PATCH request."]
        for (name, description) in [
            (OpenAPINames.status, "Status is the answer of a call that returns no other object."),
            (OpenAPINames.deleteOptions, "DeleteOptions may be given when an object is deleted."), (OpenAPINames.scale, "Scale is a number of replicas."),
        ] {
            schemas[name] = ["type": "object", "description": .string(description), "x-kubernetes-preserve-unknown-fields": true]
        }
    }

    private func custom(_ kind: ServedKind) -> JSONValue {
        var schema = kind.openAPI ?? ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
        schema["properties"] = withTypeMeta(schema["properties"])
        return schema
    }

    /// The root's own fields, which a server describes in the same words for every kind.
    private func withTypeMeta(_ properties: JSONValue?) -> JSONValue {
        var out: JSONValue = [
            "apiVersion": ["type": "string", "description": "APIVersion is the group and version of this representation of an object."],
            "kind": ["type": "string", "description": "Kind is the name of the resource that this object represents."],
            "metadata": ["description": "Standard object's metadata.", "allOf": [OpenAPINames.reference(OpenAPINames.objectMeta)]],
        ]
        for (key, value) in properties?.object ?? [:] where out[key] == nil { out[key] = value }
        return out
    }

    private func list(_ kind: ServedKind, of name: String) -> JSONValue {
        [
            "type": "object", "description": .string("\(kind.listKind) is a list of \(kind.type.kind)"), "required": ["items"],
            "properties": [
                "apiVersion": ["type": "string"], "kind": ["type": "string"],
                "metadata": ["allOf": [OpenAPINames.reference(OpenAPINames.listMeta)]],
                "items": ["type": "array", "description": .string("List of \(kind.type.plural)."), "items": OpenAPINames.reference(name)],
            ],
            "x-kubernetes-group-version-kind": [["group": .string(kind.type.group), "version": .string(kind.type.version), "kind": .string(kind.listKind)]],
        ]
    }

    /// A built-in schema in place, or a reference when it is a named type.
    private mutating func value(_ schema: Schema, _ kind: ResourceType) -> JSONValue {
        guard let typeName = schema.typeName, schema.kind == .object else { return object(schema, kind) }
        return reference(schema, typeName: typeName, kind)
    }

    private mutating func reference(_ schema: Schema, typeName: String, _ kind: ResourceType) -> JSONValue {
        let name = OpenAPINames.name(typeName: typeName, of: kind)
        if schemas[name] == nil {
            schemas[name] = ["type": "object"]
            schemas[name] = object(schema, kind)
        }
        return OpenAPINames.reference(name)
    }

    private mutating func object(_ schema: Schema, _ kind: ResourceType) -> JSONValue {
        if schema.isIntOrString { return ["oneOf": [["type": "integer"], ["type": "string"]], "format": "int-or-string"] }
        // Never empty: kubectl explain takes an empty schema for a missing one.
        var out: JSONValue = schema.kind == .any ? ["x-kubernetes-preserve-unknown-fields": true] : ["type": .string(schema.kind.rawValue)]
        if !schema.description.isEmpty { out["description"] = .string(schema.description) }
        if let format = schema.rules.format { out["format"] = .string(format) }
        if !schema.properties.isEmpty {
            var properties = JSONObject()
            for name in schema.properties.keys.sorted() { properties[name] = schema.properties[name].map { member($0, kind) } }
            out["properties"] = .object(properties)
        }
        if let additional = schema.additional { out["additionalProperties"] = value(additional, kind) }
        if let items = schema.items { out["items"] = value(items, kind) }
        addMerging(schema, to: &out)
        return out
    }

    /// A property. What belongs to the field and not to its type stands beside the reference, so the reference goes into
    /// allOf (OpenAPI 3.0.0, Reference Object).
    private mutating func member(_ schema: Schema, _ kind: ResourceType) -> JSONValue {
        var out = value(schema, kind)
        if out["$ref"] != nil, schema.retainsKeys {
            out = ["allOf": [out]]
            addMerging(schema, to: &out)
        }
        return out
    }

    private func addMerging(_ schema: Schema, to out: inout JSONValue) {
        switch schema.listType {
        case .atomic: if schema.kind == .array { out["x-kubernetes-list-type"] = "atomic" }
        case .set: out["x-kubernetes-list-type"] = "set"
        case .map(let keys):
            out["x-kubernetes-list-type"] = "map"
            out["x-kubernetes-list-map-keys"] = .array(keys.map { .string($0) })
        }
        if schema.isAtomicMap { out["x-kubernetes-map-type"] = "atomic" }
        let strategies = [schema.mergesList ? "merge" : nil, schema.retainsKeys ? "retainKeys" : nil].compactMap { $0 }
        if !strategies.isEmpty { out["x-kubernetes-patch-strategy"] = .string(strategies.joined(separator: ",")) }
        out["x-kubernetes-patch-merge-key"] = schema.mergeKey.map { .string($0) }
    }
}
