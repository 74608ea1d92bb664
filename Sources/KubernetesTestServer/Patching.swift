// Patches: merge, JSON, strategic merge and server-side apply, each computed on the live object and then written like a replace.
// TestAPIServer dispatches to it.
// It never creates an object, except by apply.

import JSON
import Kubernetes

extension ServerState {
    static let strategicContentType = "application/strategic-merge-patch+json"
    static let applyContentTypes = [Patch.applyContentType, "application/apply-patch+json"]

    mutating func patch(_ request: APIRequest, now: Timestamp) throws(KubernetesError) -> Answer {
        if Self.applyContentTypes.contains(request.contentType) { return try apply(request, now: now) }
        let name = try request.objectName()
        guard let stored = object(request.kind, name) else { throw .notFound(request.kind, name.name) }
        let live = request.kind.shown(stored)
        let isScale = request.path.subresource == "scale"
        let target = isScale ? try ScaleView.scale(of: live, request.kind) : live
        let patched = try result(request, target)
        var body = patched
        if isScale { body = try ScaleView.applying(patched, to: live, request.kind) }
        if body.metadata.name != name.name {
            throw .badRequest("the name of the object (\(body.metadata.name)) does not match the name on the URL (\(name.name))")
        }
        let version = patched.metadata.resourceVersion
        let write = Write(request: request, now: now, live: live, ownership: .update)
        let answer = try update(body, write, givenVersion: version == target.metadata.resourceVersion ? "" : version)
        return isScale ? Answer(body: try ScaleView.scale(of: answer.body, request.kind)) : answer
    }

    private func result(_ request: APIRequest, _ live: JSONValue) throws(KubernetesError) -> JSONValue {
        switch request.contentType {
        case Patch.mergeContentType:
            guard request.body.object != nil else { throw .badRequest("a merge patch must be an object, this is \(request.body.kindName)") }
            return MergePatch.apply(request.body, to: live)
        case Patch.jsonContentType:
            do {
                return try JSONPatch(decoding: request.body).apply(to: live)
            } catch {
                if case .malformed = error.code { throw .badRequest(error.message) }
                throw KubernetesError(
                    .invalid, status: 422, reason: "Invalid", message: "the server rejected our request due to an error in our request: \(error.message)")
            }
        case Self.strategicContentType where !request.kind.isCustom:
            return try StrategicMergePatch.apply(request.body, to: live, schema: request.kind.schema)
        default:
            let supported =
                [Patch.jsonContentType, Patch.mergeContentType, Patch.applyContentType] + (request.kind.isCustom ? [] : [Self.strategicContentType])
            throw KubernetesError(
                .unsupportedMediaType, status: 415, reason: "UnsupportedMediaType",
                message: "the body of the request was in an unknown format - accepted media types include: \(supported.joined(separator: ", "))")
        }
    }

    private mutating func apply(_ request: APIRequest, now: Timestamp) throws(KubernetesError) -> Answer {
        let name = try request.objectName()
        let kind = request.kind
        try checkTypeMeta(request)
        var configuration = request.body
        try prepareMetadata(&configuration, request)
        try checkApply(request, name)
        configuration = kind.isCustom ? configuration : kind.schema.canonicalApplied(configuration)
        let live = object(kind, name).map(kind.shown)
        guard live != nil || request.path.subresource == nil else { throw .notFound(kind, name.name) }
        if live == nil, !configuration.metadata.uid.isEmpty || !configuration.metadata.resourceVersion.isEmpty {
            throw .conflict(
                kind, name.name,
                "uid mismatch: the provided object specified uid \(configuration.metadata.uid), and no existing object was found")
        }
        // Each endpoint owns its own part: a status in an apply of the main resource is dropped, and the reverse.
        if request.path.subresource == "status" {
            configuration = Self.only(["status"], of: configuration)
        } else if kind.hasStatus {
            configuration["status"] = nil
        }
        var managed = ManagedFields(live ?? [:])
        var merged = try managed.apply(
            configuration, to: live ?? [:], schema: kind.schema, writer: Write.entry(request, operation: "Apply", now: now), isForced: request.isForced)
        merged["apiVersion"] = .string(kind.type.apiVersion)
        merged["kind"] = .string(kind.type.kind)
        let write = Write(request: request, now: now, live: live, ownership: .applied(managed))
        if live == nil { return try finishCreate(merged, name, write) }
        merged.set(["metadata", "uid"], to: request.body.at("metadata", "uid") ?? live?.at("metadata", "uid"))
        return try update(merged, write, givenVersion: request.body.metadata.resourceVersion)
    }

    private func checkApply(_ request: APIRequest, _ name: ObjectName) throws(KubernetesError) {
        guard request.body.metadata.name == name.name else {
            throw .badRequest("the name of the object (\(request.body.metadata.name)) does not match the name on the URL (\(name.name))")
        }
        guard request.query["fieldManager"]?.isEmpty == false else {
            throw KubernetesError(
                .invalid, status: 422, reason: "Invalid",
                message: "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
                causes: [.init(reason: "FieldValueRequired", message: "Required value: is required for apply patch", field: "fieldManager")])
        }
        guard request.body.at("metadata", "managedFields") == nil else { throw .badRequest("metadata.managedFields must be nil") }
    }

    private static func only(_ keys: [String], of object: JSONValue) -> JSONValue {
        var out: JSONValue = ["apiVersion": object["apiVersion"] ?? "", "kind": object["kind"] ?? ""]
        var metadata: JSONValue = [:]
        for key in ["name", "namespace"] { metadata[key] = object.at("metadata", key) }
        out["metadata"] = metadata
        for key in keys { out[key] = object[key] }
        return out
    }
}

extension Schema {
    /// An applied configuration with its nulls dropped and its quantities in canonical form, so that they equal the stored ones.
    func canonicalApplied(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(JSONObject(members.filter { !$0.1.isNull }.map { ($0.0, (member($0.0) ?? .any).canonicalApplied($0.1)) }))
        case .array(let elements): .array(elements.map { (items ?? .any).canonicalApplied($0) })
        default: canonical(value)
        }
    }
}
