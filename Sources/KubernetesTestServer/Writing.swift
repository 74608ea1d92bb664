// Create and replace, and the part that every write shares: admission, system fields, ownership, storing.
// TestAPIServer dispatches to it; patches and applies compute an object and come here.
// It never stores an object that changed nothing.

import JSON
import Kubernetes

/// One write under way.
struct Write {
    let request: APIRequest
    let now: Timestamp
    let live: JSONValue?
    /// How ownership is recorded; applies have computed theirs already.
    var ownership: Ownership

    enum Ownership {
        case update
        case applied(ManagedFields)
    }

    var entry: ManagedFields.Entry { Write.entry(request, operation: "Update", now: now) }

    static func entry(_ request: APIRequest, operation: String, now: Timestamp) -> ManagedFields.Entry {
        ManagedFields.Entry(
            manager: request.fieldManager, operation: operation, apiVersion: request.kind.type.apiVersion, subresource: request.path.subresource ?? "",
            time: now.rfc3339, fields: FieldSet())
    }
}

extension ServerState {
    mutating func create(_ request: APIRequest, now: Timestamp) throws(KubernetesError) -> Answer {
        guard request.path.name == nil else { throw .methodNotAllowed(request) }
        try checkTypeMeta(request)
        var object = request.body
        try prepareMetadata(&object, request)
        let name = ObjectName(namespace: request.namespace, name: object.metadata.name)
        if !object.metadata.resourceVersion.isEmpty { throw .badRequest("resourceVersion should not be set on objects to be created") }
        if !name.name.isEmpty, self.object(request.kind, name) != nil { throw .alreadyExists(request.kind, name.name) }
        return try finishCreate(object, name, Write(request: request, now: now, live: nil, ownership: .update))
    }

    /// Stores a new object, for create and for an apply of one that does not exist.
    mutating func finishCreate(_ proposed: JSONValue, _ name: ObjectName, _ write: Write) throws(KubernetesError) -> Answer {
        let kind = write.request.kind
        try checkNamespace(name.namespace, kind, name.name)
        var object = proposed
        for key in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] { object.set(["metadata", key], to: nil) }
        if kind.hasStatus { object["status"] = nil }
        var admission = Admission(write.request, live: nil)
        object.set(["metadata", "managedFields"], to: nil)
        object = try admission.admit(object)
        object = try reviewed(object, live: nil, write.request, &admission)
        // Allocated addresses are nobody's: a real server records ownership before it allocates.
        let owners = owned(object, write).at("metadata", "managedFields")
        if kind.type.kind == "Service" { allocateClusterIP(&object) }
        object.set(["metadata", "uid"], to: .string(newUID()))
        object.set(["metadata", "creationTimestamp"], to: .string(write.now.rfc3339))
        object.set(["metadata", "generation"], to: Admission.generation(object, live: nil, kind: kind).map { .int(Int64($0)) })
        object.set(["metadata", "managedFields"], to: owners)
        var answer = Answer(status: 201, body: object, warnings: admission.warnings)
        if !write.request.isDryRun {
            if kind.type == .customResourceDefinitions { object = try registering(object, now: write.now) }
            answer.body = kind.shown(store(kind.stored(object), kind, name))
            collectGarbage(now: write.now)
        }
        return answer
    }

    mutating func replace(_ request: APIRequest, now: Timestamp) throws(KubernetesError) -> Answer {
        let name = try request.objectName()
        guard let stored = object(request.kind, name) else { throw .notFound(request.kind, name.name) }
        let live = request.kind.shown(stored)
        if request.path.subresource == "scale" {
            let scaled = try ScaleView.applying(request.body, to: live, request.kind)
            let answer = try update(
                scaled, Write(request: request, now: now, live: live, ownership: .update), givenVersion: request.body.metadata.resourceVersion)
            return Answer(body: try ScaleView.scale(of: answer.body, request.kind))
        }
        try checkTypeMeta(request)
        if request.body.metadata.name != name.name {
            throw .badRequest("the name of the object (\(request.body.metadata.name)) does not match the name on the URL (\(name.name))")
        }
        return try update(request.body, Write(request: request, now: now, live: live, ownership: .update), givenVersion: request.body.metadata.resourceVersion)
    }

    /// Stores a changed object: the common end of replace, patch and apply.
    mutating func update(_ proposed: JSONValue, _ write: Write, givenVersion: String) throws(KubernetesError) -> Answer {
        guard let live = write.live else { return try finishCreate(proposed, try write.request.objectName(), write) }
        let kind = write.request.kind
        let name = try write.request.objectName()
        if !givenVersion.isEmpty, givenVersion != live.metadata.resourceVersion {
            throw .conflict(kind, name.name, "the object has been modified; please apply your changes to the latest version and try again")
        }
        let uid = proposed.metadata.uid
        if !uid.isEmpty, uid != live.metadata.uid {
            throw .conflict(kind, name.name, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(live.metadata.uid)")
        }
        var object = restricted(proposed, live, write)
        var admission = Admission(write.request, live: live)
        object = try admission.admit(object)
        object = try reviewed(object, live: live, write.request, &admission)
        object.set(["metadata", "generation"], to: generation(object, live, write).map { .int(Int64($0)) })
        object = owned(object, write)
        var answer = Answer(body: object, warnings: admission.warnings)
        if Self.isUnchanged(object, live) {
            answer.body = live
            return answer
        }
        if write.request.isDryRun { return answer }
        if kind.type == .customResourceDefinitions { object = try registering(object, now: write.now) }
        answer.body = kind.shown(store(kind.stored(object), kind, name))
        if object.metadata.isBeingDeleted, object.metadata.finalizers.isEmpty, !isHeldNamespace(object, kind) { finishDelete(kind, name) }
        collectGarbage(now: write.now)
        return answer
    }

    /// What this request may change: its subresource's part, and never what the server sets.
    private func restricted(_ proposed: JSONValue, _ live: JSONValue, _ write: Write) -> JSONValue {
        let kind = write.request.kind
        var object: JSONValue
        if write.request.path.subresource == "status" {
            object = live
            object["status"] = proposed["status"]
        } else {
            object = proposed
            if kind.hasStatus { object["status"] = live["status"] }
        }
        for key in [
            "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion", "generateName", "namespace", "name",
        ] { object.set(["metadata", key], to: live.at("metadata", key)) }
        if !Self.givesManagers(proposed) { object.set(["metadata", "managedFields"], to: live.at("metadata", "managedFields")) }
        object["apiVersion"] = .string(kind.type.apiVersion)
        object["kind"] = .string(kind.type.kind)
        return object
    }

    /// Managed fields may be rewritten by a write that is no apply (apimachinery, managedfields.FieldManager.Update); an empty list changes nothing.
    private static func givesManagers(_ object: JSONValue) -> Bool { object.at("metadata", "managedFields")?.array?.isEmpty == false }

    private func generation(_ object: JSONValue, _ live: JSONValue, _ write: Write) -> Int? {
        write.request.path.subresource == "status" ? live.at("metadata", "generation")?.int : Admission.generation(object, live: live, kind: write.request.kind)
    }

    private func owned(_ object: JSONValue, _ write: Write) -> JSONValue {
        switch write.ownership {
        case .applied(let managed): return managed.written(into: object)
        case .update:
            var managed = ManagedFields(write.live == nil ? [:] : object)
            managed.update(from: write.live, to: object, schema: write.request.kind.schema, writer: write.entry)
            return managed.written(into: object)
        }
    }

    /// True when nothing but times of managed fields differs.
    private static func isUnchanged(_ object: JSONValue, _ live: JSONValue) -> Bool {
        func timeless(_ object: JSONValue) -> JSONValue {
            var out = object
            out.changeEach(["metadata", "managedFields"]) { $0["time"] = nil }
            return out
        }
        return timeless(object) == timeless(live)
    }
}

extension KubernetesError {
    static func methodNotAllowed(_ request: APIRequest) -> KubernetesError {
        KubernetesError(
            .methodNotAllowed, status: 405, reason: "MethodNotAllowed", message: "the server does not allow this method on the requested resource")
    }
}
