// Requests in a version that is not the stored one, where the definition names a webhook for conversion.
// TestAPIServer passes every request through it; without such a webhook nothing happens here.
// It never applies: server-side apply in another version would need the owners of fields in both.

import JSON
import Kubernetes

extension TestAPIServer {
    /// Answers a request, converted on the way in and out when its version is not the stored one.
    func answer(_ request: KubernetesRequest, _ parsed: APIRequest?, _ effects: [Fault.Effect]) async throws(KubernetesError) -> Answer {
        guard let parsed, let client = parsed.kind.conversion, let stored = storedKind(of: parsed.kind) else {
            return try await handle(request, parsed, effects)
        }
        var inner = parsed
        inner.kind = stored
        switch parsed.method {
        case .get, .delete: break
        case .post, .put: inner.body = try await webhooks.converted([parsed.body], to: stored.type.apiVersion, client)[0]
        case .patch: inner = try await replacing(parsed, stored, client)
        }
        var answer = try await handle(request, inner, effects)
        answer.body = try await shown(answer.body, as: parsed.kind, client)
        return answer
    }

    func storedKind(of kind: ServedKind) -> ServedKind? {
        guard let version = kind.storageVersion, version != kind.type.version else { return nil }
        return storage.withState { $0.kinds[kind.type.group, version, kind.type.plural] }
    }

    /// An object, or the items of a list, in a version; what is shown without its content stays as it is.
    func shown(_ body: JSONValue, as kind: ServedKind, _ client: JSONValue) async throws(KubernetesError) -> JSONValue {
        let version = kind.type.apiVersion
        if body.kind == kind.type.kind { return try await webhooks.converted([body], to: version, client)[0] }
        guard body.kind == kind.listKind, let items = body["items"]?.array else { return body }
        var out = body
        out["apiVersion"] = .string(version)
        out["items"] = .array(try await webhooks.converted(items, to: version, client))
        return out
    }

    /// A patch is applied to the object as its version shows it, and written as a replace of that state.
    private func replacing(_ request: APIRequest, _ stored: ServedKind, _ client: JSONValue) async throws(KubernetesError) -> APIRequest {
        let name = try request.objectName()
        guard let live = storage.withState({ $0.object(stored, name) }) else { throw .notFound(request.kind, name.name) }
        let seen = try await webhooks.converted([stored.shown(live)], to: request.kind.type.apiVersion, client)[0]
        let patched: JSONValue
        switch request.contentType {
        case Patch.mergeContentType: patched = MergePatch.apply(request.body, to: seen)
        case Patch.jsonContentType:
            do {
                patched = try JSONPatch(decoding: request.body).apply(to: seen)
            } catch {
                throw .badRequest(error.message)
            }
        default: throw .badRequest("\(request.contentType) is not done here in another version than the stored one; use \(stored.type.apiVersion)")
        }
        var out = request
        out.kind = stored
        out.method = .put
        out.contentType = "application/json"
        out.body = try await webhooks.converted([patched], to: stored.type.apiVersion, client)[0]
        return out
    }
}

extension WatchEvent {
    /// The event with its object in another form.
    func converted(_ convert: (JSONValue) async throws -> JSONValue) async throws -> WatchEvent {
        switch self {
        case .added(let object): .added(try await convert(object))
        case .modified(let object): .modified(try await convert(object))
        case .deleted(let object): .deleted(try await convert(object))
        default: self
        }
    }
}
