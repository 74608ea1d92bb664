// The paths of an OpenAPI v3 document: what can be asked of a kind, with the query parameters and content types of each operation.
// OpenAPIDocuments lists them; kubectl looks kinds up by path and learns from PATCH whether fieldValidation and dryRun are supported.
// It never lists verbs that discovery does not list.

import JSON
import Kubernetes

enum OpenAPIPaths {
    /// The path items of a kind, collection first.
    static func items(_ kind: ServedKind) -> [(path: String, item: JSONValue)] {
        let base = kind.type.group.isEmpty ? "/api/\(kind.type.version)" : "/apis/\(kind.type.apiVersion)"
        let collection = kind.type.isNamespaced ? "\(base)/namespaces/{namespace}/\(kind.type.plural)" : "\(base)/\(kind.type.plural)"
        let name = OpenAPINames.name(kind)
        var out: [(path: String, item: JSONValue)] = []
        if kind.type.isNamespaced { out.append(("\(base)/\(kind.type.plural)", ["get": operation("list", kind, answer: "\(name)List", listParameters)])) }
        out.append((collection, located(kind, hasName: false, collectionItem(kind, name))))
        out.append(("\(collection)/{name}", located(kind, hasName: true, objectItem(kind, name))))
        for subresource in kind.subresources {
            let schema = subresource.name == "scale" ? OpenAPINames.scale : name
            var item = objectItem(kind, schema, type: subresource.kind)
            item["delete"] = nil
            out.append(("\(collection)/{name}/\(subresource.name)", located(kind, hasName: true, item)))
        }
        return out
    }

    private static let writeParameters = [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")]
    private static let listParameters =
        [
            parameter("allowWatchBookmarks", "boolean"), parameter("continue"), parameter("fieldSelector"), parameter("labelSelector"),
            parameter("limit", "integer"),
        ]
        + [parameter("resourceVersion"), parameter("resourceVersionMatch"), parameter("timeoutSeconds", "integer"), parameter("watch", "boolean")]
    private static let deleteParameters =
        [parameter("dryRun"), parameter("gracePeriodSeconds", "integer"), parameter("orphanDependents", "boolean"), parameter("propagationPolicy")]
    private static let patchTypes = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]

    private static func collectionItem(_ kind: ServedKind, _ name: String) -> JSONValue {
        var out: JSONValue = [
            "get": operation("list", kind, answer: "\(name)List", listParameters),
            "post": operation("post", kind, answer: name, writeParameters, body: (name, ["application/json", "application/yaml"])),
        ]
        if kind.type != .namespaces {
            out["delete"] = operation("deletecollection", kind, answer: OpenAPINames.status, deleteParameters + listParameters)
        }
        return out
    }

    private static func objectItem(_ kind: ServedKind, _ name: String, type: ResourceType? = nil) -> JSONValue {
        // Custom kinds have no strategic merge patch.
        let patches = patchTypes + (kind.isCustom ? [] : ["application/strategic-merge-patch+json"])
        return [
            "get": operation("get", kind, type: type, answer: name, [parameter("resourceVersion")]),
            "put": operation("put", kind, type: type, answer: name, writeParameters, body: (name, ["application/json", "application/yaml"])),
            "patch": operation(
                "patch", kind, type: type, answer: name, writeParameters + [parameter("force", "boolean")], body: (OpenAPINames.patch, patches)),
            "delete": operation(
                "delete", kind, answer: OpenAPINames.status, deleteParameters, body: (OpenAPINames.deleteOptions, ["application/json"])),
        ]
    }

    private static func operation(
        _ action: String, _ kind: ServedKind, type: ResourceType? = nil, answer: String, _ parameters: [JSONValue],
        body: (schema: String, contentTypes: [String])? = nil
    ) -> JSONValue {
        var out: JSONValue = ["description": .string("\(action) \(kind.type.kind)"), "parameters": .array(parameters)]
        if let body {
            let content = body.contentTypes.map { ($0, ["schema": OpenAPINames.reference(body.schema)] as JSONValue) }
            out["requestBody"] = ["content": .object(JSONObject(content)), "required": .bool(action != "delete")]
        }
        out["responses"] = ["200": ["description": "OK", "content": ["application/json": ["schema": OpenAPINames.reference(answer)]]]]
        out["x-kubernetes-action"] = .string(action)
        out["x-kubernetes-group-version-kind"] = DiscoveryDocuments.groupVersionKind(type ?? kind.type)
        return out
    }

    private static func located(_ kind: ServedKind, hasName: Bool, _ item: JSONValue) -> JSONValue {
        var out = item
        var parameters: [JSONValue] = []
        if hasName { parameters.append(pathParameter("name")) }
        if kind.type.isNamespaced { parameters.append(pathParameter("namespace")) }
        if !parameters.isEmpty { out["parameters"] = .array(parameters) }
        return out
    }

    private static func pathParameter(_ name: String) -> JSONValue {
        ["name": .string(name), "in": "path", "required": true, "schema": ["type": "string", "uniqueItems": true]]
    }

    private static func parameter(_ name: String, _ type: String = "string") -> JSONValue {
        ["name": .string(name), "in": "query", "schema": ["type": .string(type), "uniqueItems": true]]
    }
}
