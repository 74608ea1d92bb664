// What a cluster's garbage collector and namespace controller do: dependents without owners go, terminating namespaces are emptied.
// Every write ends with it, so that what follows from the write has happened when the next request comes.
// It never deletes a dependent whose owner's kind it does not serve.

import JSON
import Kubernetes

extension ServerState {
    /// Repeats until nothing is left to do: a deletion may orphan further objects. Costs nothing when no write could have left anything.
    mutating func collectGarbage(now: Timestamp) {
        while mayHoldGarbage {
            mayHoldGarbage = false
            for (kind, name) in withoutOwners() where object(kind, name)?.metadata.isBeingDeleted == false {
                _ = delete(kind, name, policy: .background, now: now)
            }
            finishForegroundDeletions(now: now)
            emptyNamespaces(now: now)
        }
    }

    /// Objects that name owners none of which exists.
    private func withoutOwners() -> [(ServedKind, ObjectName)] {
        kinds.stored.flatMap { kind in
            (objects[kind.storageKey] ?? [:]).filter { name, object in
                guard object.at("metadata", "ownerReferences") != nil else { return false }
                let owners = object.metadata.ownerReferences
                return !owners.isEmpty && owners.allSatisfy { isAbsent($0, for: name) }
            }.map { (kind, $0.key) }
        }
    }

    /// An owner is looked for in the dependent's namespace, or cluster-wide for cluster-scoped kinds; one in another namespace counts as absent.
    private func isAbsent(_ owner: OwnerReference, for dependent: ObjectName) -> Bool {
        guard let kind = kinds.kind(apiVersion: owner.apiVersion, kind: owner.kind) else { return false }
        if kind.type.isNamespaced, dependent.namespace == nil { return false }
        let name = ObjectName(namespace: kind.type.isNamespaced ? dependent.namespace : nil, name: owner.name)
        return objects[kind.storageKey]?[name]?.metadata.uid != owner.uid
    }

    /// Every object that names this one as an owner.
    func dependents(of owner: JSONValue) -> [(kind: ServedKind, name: ObjectName, object: JSONValue)] {
        let uid = owner.metadata.uid
        return kinds.stored.flatMap { kind in
            (objects[kind.storageKey] ?? [:]).filter { _, object in
                object.at("metadata", "ownerReferences") != nil && object.metadata.ownerReferences.contains { $0.uid == uid }
            }.map { (kind, $0.key, $0.value) }
        }
    }

    mutating func orphanDependents(of owner: JSONValue) {
        let uid = owner.metadata.uid
        for (kind, name, object) in dependents(of: owner) {
            var changed = object
            let rest = object.at("metadata", "ownerReferences")?.array?.filter { $0["uid"]?.string != uid } ?? []
            changed.set(["metadata", "ownerReferences"], to: rest.isEmpty ? nil : .array(rest))
            _ = store(changed, kind, name)
        }
    }

    /// Owners that wait for their dependents: these are deleted, then the finalizer goes.
    private mutating func finishForegroundDeletions(now: Timestamp) {
        for kind in kinds.stored {
            for (name, owner) in objects[kind.storageKey] ?? [:] where owner.metadata.isBeingDeleted && owner.metadata.finalizers.contains("foregroundDeletion")
            {
                let blocking = dependents(of: owner)
                for dependent in blocking where !dependent.object.metadata.isBeingDeleted {
                    _ = delete(dependent.kind, dependent.name, policy: .foreground, now: now)
                }
                guard dependents(of: owner).isEmpty else { continue }
                release(kind, name, "foregroundDeletion")
            }
        }
    }

    private mutating func release(_ kind: ServedKind, _ name: ObjectName, _ finalizer: String) {
        guard var object = object(kind, name) else { return }
        let rest = object.metadata.finalizers.filter { $0 != finalizer }
        if rest.isEmpty, !isHeldNamespace(object, kind) { return finishDelete(kind, name) }
        object.set(["metadata", "finalizers"], to: rest.isEmpty ? nil : .array(rest.map { .string($0) }))
        _ = store(object, kind, name)
    }

    /// Deletes what is in terminating namespaces, then the namespaces.
    private mutating func emptyNamespaces(now: Timestamp) {
        guard let namespaces = kinds["", "v1", "namespaces"] else { return }
        for (name, namespace) in objects["namespaces"] ?? [:] where namespace.metadata.isBeingDeleted {
            var isEmpty = true
            for kind in kinds.stored where kind.type.isNamespaced {
                for (child, object) in all(kind.storageKey, namespace: name.name) {
                    if !object.metadata.isBeingDeleted {
                        _ = delete(kind, child, policy: .background, now: now)
                    }
                    if self.object(kind, child) != nil { isEmpty = false }
                }
            }
            guard isEmpty, namespace.metadata.finalizers.isEmpty else { continue }
            finishDelete(namespaces, name)
        }
    }
}
