// The verbs of the Kubernetes API: each builds one request, sends it and reads the answer.
// Controllers, the runtime and the command line call these instead of building requests by hand.
// It never retries and never caches; `listAll` alone sends more than one request.

import JSON

/// One page, or all pages, of a list.
public struct ObjectList: Hashable, Sendable {
    /// Items as the server gave them; for built-in kinds they carry no `kind` and `apiVersion`.
    public var items: [JSONValue]
    /// From which a watch goes on.
    public var resourceVersion: String
    /// Nil on the last page.
    public var continueToken: String?

    public init(items: [JSONValue], resourceVersion: String, continueToken: String? = nil) {
        self.items = items
        self.resourceVersion = resourceVersion
        self.continueToken = continueToken
    }

    /// - Throws: `KubernetesError` (`.undecodable`) when the answer is no list.
    public init(decoding answer: JSONValue, type: ResourceType) throws(KubernetesError) {
        // Go writes an empty list as null in some kinds.
        guard answer["metadata"]?.object != nil, let items = answer["items"] == .null ? [] : answer["items"]?.array else {
            throw KubernetesError(.undecodable, message: "the list of \(type.plural) is no list: it has no metadata or no items")
        }
        let token = answer.at("metadata", "continue")?.string ?? ""
        self.init(items: items, resourceVersion: answer.metadata.resourceVersion, continueToken: token.isEmpty ? nil : token)
    }
}

extension KubernetesAPI {
    /// - Throws: `KubernetesError`, `.notFound` when there is no such object.
    public func get(_ type: ResourceType, _ name: ObjectName, subresource: String? = nil, content: ObjectContent = .full) async throws -> JSONValue {
        try await send(.get(type, name, subresource: subresource, content: content))
    }

    /// The object, or nil when there is none.
    public func getIfFound(_ type: ResourceType, _ name: ObjectName, content: ObjectContent = .full) async throws -> JSONValue? {
        do {
            return try await get(type, name, content: content)
        } catch let error as KubernetesError where error.code == .notFound {
            return nil
        }
    }

    /// One page of a list; see `KubernetesRequest.list` for the parameters.
    public func list(
        _ type: ResourceType, namespace: String? = nil, labelSelector: LabelSelector? = nil, fieldSelector: FieldSelector? = nil,
        limit: Int? = nil, continueToken: String? = nil, resourceVersion: String? = nil, content: ObjectContent = .full
    ) async throws -> ObjectList {
        let request = KubernetesRequest.list(
            type, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector, limit: limit, continueToken: continueToken,
            resourceVersion: resourceVersion, content: content)
        return try ObjectList(decoding: try await send(request), type: type)
    }

    /// All pages of a list. When the list expires between pages it is read again once, in one piece.
    public func listAll(
        _ type: ResourceType, namespace: String? = nil, labelSelector: LabelSelector? = nil, fieldSelector: FieldSelector? = nil,
        pageSize: Int = 500, resourceVersion: String? = nil, content: ObjectContent = .full
    ) async throws -> ObjectList {
        var all = try await list(
            type, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector, limit: pageSize, resourceVersion: resourceVersion,
            content: content)
        while let token = all.continueToken {
            do {
                let page = try await list(
                    type, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector, limit: pageSize, continueToken: token,
                    content: content)
                all.items += page.items
                all.resourceVersion = page.resourceVersion
                all.continueToken = page.continueToken
            } catch let error as KubernetesError where error.code == .gone {
                return try await list(type, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector, content: content)
            }
        }
        return all
    }

    /// Opens a watch; see `KubernetesRequest.watch` for the parameters.
    public func watch(
        _ type: ResourceType, namespace: String? = nil, labelSelector: LabelSelector? = nil, fieldSelector: FieldSelector? = nil,
        resourceVersion: String? = nil, timeoutSeconds: Int? = nil, allowBookmarks: Bool = true, content: ObjectContent = .full
    ) async throws -> WatchStream {
        try await watch(
            .watch(
                type, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector, resourceVersion: resourceVersion,
                timeoutSeconds: timeoutSeconds, allowBookmarks: allowBookmarks, content: content))
    }

    /// - Returns: The object as the server stored it.
    /// - Throws: `KubernetesError`, `.alreadyExists` when the name is taken.
    @discardableResult
    public func create(_ type: ResourceType, _ object: JSONValue, fieldManager: String? = nil, dryRun: Bool = false) async throws -> JSONValue {
        try await send(.create(type, object, fieldManager: fieldManager, dryRun: dryRun))
    }

    /// Server-side apply. - Returns: The whole object after the merge.
    @discardableResult
    public func apply(
        _ type: ResourceType, _ object: JSONValue, fieldManager: String, force: Bool, subresource: String? = nil, dryRun: Bool = false
    ) async throws -> JSONValue {
        try await send(.apply(type, object, fieldManager: fieldManager, force: force, subresource: subresource, dryRun: dryRun))
    }

    @discardableResult
    public func patch(
        _ type: ResourceType, _ name: ObjectName, _ patch: Patch, fieldManager: String? = nil, subresource: String? = nil, dryRun: Bool = false
    ) async throws -> JSONValue {
        try await send(.patch(type, name, patch, fieldManager: fieldManager, subresource: subresource, dryRun: dryRun))
    }

    @discardableResult
    public func replace(
        _ type: ResourceType, _ object: JSONValue, fieldManager: String? = nil, subresource: String? = nil, dryRun: Bool = false
    ) async throws -> JSONValue {
        try await send(.replace(type, object, fieldManager: fieldManager, subresource: subresource, dryRun: dryRun))
    }

    /// - Returns: The object while finalizers hold it, otherwise a Status.
    /// - Throws: `KubernetesError`, `.notFound` when there is no such object, `.conflict` when a precondition fails.
    @discardableResult
    public func delete(
        _ type: ResourceType, _ name: ObjectName, preconditions: Preconditions = Preconditions(), propagationPolicy: PropagationPolicy? = .background,
        dryRun: Bool = false
    ) async throws -> JSONValue {
        try await send(.delete(type, name, preconditions: preconditions, propagationPolicy: propagationPolicy, dryRun: dryRun))
    }
}
