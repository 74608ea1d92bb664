// Deletes: preconditions, finalizers, what happens to dependents, namespaces with their content, whole collections.
// TestAPIServer dispatches to it.
// It never removes an object that has finalizers; it marks it.

import JSON
import Kubernetes

extension ServerState {
    mutating func delete(_ request: APIRequest, now: Timestamp) throws(KubernetesError) -> Answer {
        let name = try request.objectName()
        guard request.path.subresource == nil else { throw .methodNotAllowed(request) }
        guard let live = object(request.kind, name) else { throw .notFound(request.kind, name.name) }
        try checkPreconditions(request, live)
        if request.isDryRun { return Answer(body: request.kind.shown(live)) }
        let remaining = delete(request.kind, name, policy: try propagation(request), now: now)
        collectGarbage(now: now)
        if let remaining { return Answer(body: request.kind.shown(remaining)) }
        let details: JSONValue = [
            "name": .string(name.name), "group": .string(request.kind.type.group), "kind": .string(request.kind.type.plural), "uid": .string(live.metadata.uid),
        ]
        return Answer(body: ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": details])
    }

    mutating func deleteCollection(_ request: APIRequest, now: Timestamp) throws(KubernetesError) -> Answer {
        let filter = try ObjectFilter(request)
        let policy = try propagation(request)
        let matching = all(request.kind.storageKey, namespace: request.namespace).filter { filter.matches(request.kind.shown($0.object)) }
        if !request.isDryRun {
            for (name, _) in matching { _ = delete(request.kind, name, policy: policy, now: now) }
            collectGarbage(now: now)
        }
        let metadata: JSONValue = ["resourceVersion": .string(String(revision))]
        return Answer(body: Representation.full.list(matching.map { request.kind.shown($0.object) }, metadata: metadata, request.kind))
    }

    private func checkPreconditions(_ request: APIRequest, _ live: JSONValue) throws(KubernetesError) {
        let wanted = request.body["preconditions"]
        let metadata = live.metadata
        if let uid = wanted?["uid"]?.string, uid != metadata.uid {
            throw .conflict(request.kind, metadata.name, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(metadata.uid)")
        }
        if let version = wanted?["resourceVersion"]?.string, version != metadata.resourceVersion {
            throw .conflict(
                request.kind, metadata.name,
                "Precondition failed: ResourceVersion in precondition: \(version), ResourceVersion in object meta: \(metadata.resourceVersion)")
        }
    }

    private func propagation(_ request: APIRequest) throws(KubernetesError) -> PropagationPolicy {
        if request.body["orphanDependents"] == true { return .orphan }
        guard let given = request.body["propagationPolicy"]?.string ?? request.query["propagationPolicy"] else { return .background }
        guard let policy = PropagationPolicy(rawValue: given) else {
            throw KubernetesError(
                .invalid, status: 422, reason: "Invalid",
                message:
                    "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"\(given)\": "
                    + "supported values: \"Foreground\", \"Background\", \"Orphan\""
            )
        }
        return policy
    }

    /// Deletes or marks one object; returns it when it still stands.
    mutating func delete(_ kind: ServedKind, _ name: ObjectName, policy: PropagationPolicy, now: Timestamp) -> JSONValue? {
        guard var object = object(kind, name) else { return nil }
        if policy == .orphan { orphanDependents(of: object) }
        var finalizers = object.metadata.finalizers
        if policy == .foreground, !finalizers.contains("foregroundDeletion"), !dependents(of: object).isEmpty { finalizers.append("foregroundDeletion") }
        let isHeld = !finalizers.isEmpty || isHeldNamespace(object, kind)
        guard isHeld else {
            finishDelete(kind, name)
            return nil
        }
        if object.metadata.isBeingDeleted && finalizers == object.metadata.finalizers { return object }
        object.fill(["metadata", "deletionTimestamp"], .string(now.rfc3339))
        object.fill(["metadata", "deletionGracePeriodSeconds"], 0)
        if !finalizers.isEmpty { object.set(["metadata", "finalizers"], to: .array(finalizers.map { .string($0) })) }
        if kind.type == .namespaces { object.set(["status", "phase"], to: "Terminating") }
        if let generation = object.at("metadata", "generation")?.int { object.set(["metadata", "generation"], to: .int(Int64(generation + 1))) }
        return store(object, kind, name)
    }

    /// A namespace stands until its content is gone: `spec.finalizers` is its own list.
    func isHeldNamespace(_ object: JSONValue, _ kind: ServedKind) -> Bool {
        kind.type == .namespaces && object.at("spec", "finalizers")?.array?.isEmpty == false
    }

    /// Removes an object for good, and what goes with it.
    mutating func finishDelete(_ kind: ServedKind, _ name: ObjectName) {
        guard let last = remove(kind, name) else { return }
        if kind.type == .customResourceDefinitions { unregister(last) }
    }
}
