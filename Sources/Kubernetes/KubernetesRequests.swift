// The requests of the Kubernetes API as values: one function a verb, with the query and body that the API documents.
// The verbs of KubernetesAPI and everything that needs a request of its own build them here.
// It never sends anything.

import JSON

/// How much of each object an answer carries.
public enum ObjectContent: Hashable, Sendable {
    case full
    /// `metadata`, `kind` and `apiVersion` only (meta.k8s.io/v1 PartialObjectMetadata).
    case metadataOnly

    fileprivate func accept(_ kind: String) -> String? {
        switch self {
        case .full: nil
        // The plain form last: a server without the projection answers with whole objects instead of 406.
        case .metadataOnly: "application/json;as=\(kind);g=meta.k8s.io;v=v1,application/json"
        }
    }
}

/// A patch document with its content type.
public enum Patch: Hashable, Sendable {
    /// RFC 7386.
    case merge(JSONValue)
    /// RFC 6902.
    case json(JSONPatch)

    public static let mergeContentType = "application/merge-patch+json"
    public static let jsonContentType = "application/json-patch+json"
    /// Server-side apply; JSON is YAML.
    public static let applyContentType = "application/apply-patch+yaml"
}

/// What must still be true of the live object for a delete to happen; otherwise the server answers 409.
public struct Preconditions: Hashable, Sendable {
    public var uid: String?
    public var resourceVersion: String?
    public init(uid: String? = nil, resourceVersion: String? = nil) {
        self.uid = uid
        self.resourceVersion = resourceVersion
    }
}

/// What happens to the objects that the deleted one owns.
public enum PropagationPolicy: String, Sendable { case background = "Background", foreground = "Foreground", orphan = "Orphan" }

extension KubernetesRequest {
    public static func get(_ type: ResourceType, _ name: ObjectName, subresource: String? = nil, content: ObjectContent = .full) -> KubernetesRequest {
        KubernetesRequest(.get, path(type, name, subresource), accept: content.accept("PartialObjectMetadata"))
    }

    /// One page of a list; its items carry no `managedFields`.
    /// - Parameters:
    ///   - namespace: Nil lists all namespaces.
    ///   - limit: Items at most; the answer then may carry a token for the next page.
    ///   - continueToken: The token of the page before; it fixes the version, so `resourceVersion` is left out.
    ///   - resourceVersion: Nil reads the newest state; otherwise a state not older than this one, `"0"` any cached one.
    ///     (Said with `resourceVersionMatch`, since a limit would otherwise turn the version into an exact one.)
    public static func list(
        _ type: ResourceType, namespace: String? = nil, labelSelector: LabelSelector? = nil, fieldSelector: FieldSelector? = nil,
        limit: Int? = nil, continueToken: String? = nil, resourceVersion: String? = nil, content: ObjectContent = .full
    ) -> KubernetesRequest {
        var query = selectors(labelSelector, fieldSelector)
        if let limit { query.append(QueryItem("limit", String(limit))) }
        if let continueToken {
            query.append(QueryItem("continue", continueToken))
        } else if let resourceVersion, !resourceVersion.isEmpty {
            query.append(QueryItem("resourceVersion", resourceVersion))
            query.append(QueryItem("resourceVersionMatch", "NotOlderThan"))
        }
        var request = KubernetesRequest(.get, type.path(namespace: namespace), query: query, accept: content.accept("PartialObjectMetadataList"))
        request.dropsManagedFields = true
        return request
    }

    /// A watch from a resource version on.
    /// - Parameters:
    ///   - resourceVersion: Events after this version; nil starts with an ADDED for each object in any order.
    ///   - timeoutSeconds: After which the server ends the stream.
    public static func watch(
        _ type: ResourceType, namespace: String? = nil, labelSelector: LabelSelector? = nil, fieldSelector: FieldSelector? = nil,
        resourceVersion: String? = nil, timeoutSeconds: Int? = nil, allowBookmarks: Bool = true, content: ObjectContent = .full
    ) -> KubernetesRequest {
        var query = [QueryItem("watch", "true")] + selectors(labelSelector, fieldSelector)
        if let resourceVersion, !resourceVersion.isEmpty { query.append(QueryItem("resourceVersion", resourceVersion)) }
        if let timeoutSeconds { query.append(QueryItem("timeoutSeconds", String(timeoutSeconds))) }
        if allowBookmarks { query.append(QueryItem("allowWatchBookmarks", "true")) }
        return KubernetesRequest(.get, type.path(namespace: namespace), query: query, accept: content.accept("PartialObjectMetadata"))
    }

    /// Creates the object in the namespace that it names.
    public static func create(_ type: ResourceType, _ object: JSONValue, fieldManager: String? = nil, dryRun: Bool = false) -> KubernetesRequest {
        KubernetesRequest(.post, type.path(namespace: object.metadata.namespace), query: writeQuery(fieldManager, dryRun), body: object)
    }

    /// Server-side apply: creates the object or merges the given fields into it as `fieldManager`'s.
    /// - Parameters:
    ///   - object: Names itself, with `apiVersion` and `kind`; holds just the fields that the manager has an opinion on.
    ///   - force: True takes fields over from other managers; false answers 409 when they disagree.
    public static func apply(
        _ type: ResourceType, _ object: JSONValue, fieldManager: String, force: Bool, subresource: String? = nil, dryRun: Bool = false
    ) -> KubernetesRequest {
        var query = writeQuery(fieldManager, dryRun)
        if force { query.append(QueryItem("force", "true")) }
        return KubernetesRequest(.patch, path(type, object.metadata.objectName, subresource), query: query, body: object, contentType: Patch.applyContentType)
    }

    public static func patch(
        _ type: ResourceType, _ name: ObjectName, _ patch: Patch, fieldManager: String? = nil, subresource: String? = nil, dryRun: Bool = false
    ) -> KubernetesRequest {
        let (body, contentType) =
            switch patch {
            case .merge(let document): (document, Patch.mergeContentType)
            case .json(let operations): (operations.jsonValue, Patch.jsonContentType)
            }
        return KubernetesRequest(.patch, path(type, name, subresource), query: writeQuery(fieldManager, dryRun), body: body, contentType: contentType)
    }

    /// Replaces the whole object; with `metadata.resourceVersion` in it only when that is still the live one.
    public static func replace(
        _ type: ResourceType, _ object: JSONValue, fieldManager: String? = nil, subresource: String? = nil, dryRun: Bool = false
    ) -> KubernetesRequest {
        KubernetesRequest(.put, path(type, object.metadata.objectName, subresource), query: writeQuery(fieldManager, dryRun), body: object)
    }

    public static func delete(
        _ type: ResourceType, _ name: ObjectName, preconditions: Preconditions = Preconditions(), propagationPolicy: PropagationPolicy? = .background,
        dryRun: Bool = false
    ) -> KubernetesRequest {
        var options: JSONValue = ["kind": "DeleteOptions", "apiVersion": "v1"]
        if let propagationPolicy { options["propagationPolicy"] = .string(propagationPolicy.rawValue) }
        if let uid = preconditions.uid { options.set(["preconditions", "uid"], to: .string(uid)) }
        if let resourceVersion = preconditions.resourceVersion { options.set(["preconditions", "resourceVersion"], to: .string(resourceVersion)) }
        return KubernetesRequest(.delete, path(type, name, nil), query: writeQuery(nil, dryRun), body: options)
    }

    private static func path(_ type: ResourceType, _ name: ObjectName, _ subresource: String?) -> String {
        type.path(namespace: name.namespace, name: name.name, subresource: subresource)
    }

    private static func selectors(_ labels: LabelSelector?, _ fields: FieldSelector?) -> [QueryItem] {
        var query: [QueryItem] = []
        if let labels, !labels.requirements.isEmpty { query.append(QueryItem("labelSelector", labels.text)) }
        if let fields, !fields.requirements.isEmpty { query.append(QueryItem("fieldSelector", fields.text)) }
        return query
    }

    private static func writeQuery(_ fieldManager: String?, _ dryRun: Bool) -> [QueryItem] {
        var query: [QueryItem] = []
        if let fieldManager { query.append(QueryItem("fieldManager", fieldManager)) }
        if dryRun { query.append(QueryItem("dryRun", "All")) }
        return query
    }
}
