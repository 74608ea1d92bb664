// What belongs to a resource, found by label, and how leftovers are deleted (docs/controllers.md rule 27).
// Controllers call `converge` with everything they rendered; it applies first and prunes after.
// It never deletes after a failed apply, never deletes what it has not looked at live, and never deletes kinds that hold data.

import CoreMetrics
import JSON
import Kubernetes
import Logging

public enum Inventory {
    /// Its value is the uid of the resource that the object belongs to; rendering sets it on every object.
    public static let ownerLabel = "sonde.dev/owner-uid"
    /// Kinds that may hold data that nobody can make again.
    public static let neverPruned: Set<String> = ["Secret", "PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition"]
}

/// One rendered object of a resource.
public struct ChildObject: Hashable, Sendable {
    public let type: ResourceType
    public let object: JSONValue
    public init(_ type: ResourceType, _ object: JSONValue) {
        self.type = type
        self.object = object
    }
    public var reference: ObjectReference { ObjectReference(type, object.metadata.objectName) }
}

/// What `converge` did.
public struct ConvergeResult: Hashable, Sendable {
    /// Objects that were written, as the server answered.
    public var applied: [ObjectReference: JSONValue] = [:]
    public var unchanged = 0
    public var pruned: [ObjectReference] = []
    /// Objects of ours that are being deleted and must be made again afterwards.
    public var terminating: [ObjectReference] = []
}

extension Applier {
    /// Applies all children; when every one of them succeeded, deletes what the inventory has beyond them.
    /// One child's error does not keep the others from being applied.
    /// - Parameters:
    ///   - namespace: Where to look for leftovers; nil looks everywhere.
    ///   - prunableKinds: The only kinds in which something may be deleted.
    /// - Throws: The first child's error, after the others were tried and without pruning.
    public func converge(_ children: [ChildObject], ownerUID: String, namespace: String?, prunableKinds: [ResourceType]) async throws -> ConvergeResult {
        var result = ConvergeResult()
        var firstError: (any Error)?
        for child in children {
            do {
                switch try await apply(child.object, type: child.type, ownerUID: ownerUID) {
                case .applied(let answer): result.applied[child.reference] = answer
                case .unchanged: result.unchanged += 1
                case .terminating: result.terminating.append(child.reference)
                }
            } catch let error where error is CancellationError || error is WriteGateClosed {
                throw error  // Nothing further can be written.
            } catch {
                if firstError == nil { firstError = error }
            }
        }
        if let firstError { throw firstError }
        result.pruned = try await prune(ownerUID: ownerUID, kinds: prunableKinds, keeping: Set(children.map(\.reference)), namespace: namespace)
        return result
    }

    /// Deletes the objects of an owner's inventory that are not among `keeping`. Call it only after every apply succeeded.
    /// Each object is read live, its owner checked again, and deleted with its uid and resource version as preconditions.
    /// - Returns: What was deleted.
    /// - Throws: `ApplyError` (`.notPrunable`) before anything is deleted when a kind holds data;
    ///   `KubernetesError` (`.conflict` when the object changed meanwhile).
    @discardableResult
    public func prune(ownerUID: String, kinds: [ResourceType], keeping: Set<ObjectReference>, namespace: String? = nil) async throws -> [ObjectReference] {
        precondition(!ownerUID.isEmpty, "pruning needs an owner")
        if let kind = kinds.first(where: { Inventory.neverPruned.contains($0.kind) }) {
            throw ApplyError.notPrunable(ObjectReference(kind, ObjectName(namespace: namespace, name: "*")))
        }
        var deleted: [ObjectReference] = []
        for kind in kinds {
            for candidate in try await inventory(ownerUID: ownerUID, kind: kind, namespace: namespace) {
                let reference = ObjectReference(kind, candidate.metadata.objectName)
                if !keeping.contains(reference), try await delete(reference, ownerUID: ownerUID) { deleted.append(reference) }
            }
        }
        return deleted
    }

    /// The objects of some kinds that carry the owner's label.
    /// - Parameter content: How much of an object is read where the kind is not watched.
    public func inventory(ownerUID: String, kinds: [ResourceType], namespace: String?, content: ObjectContent = .metadataOnly) async throws -> [ChildObject] {
        var all: [ChildObject] = []
        for kind in kinds {
            all += try await inventory(ownerUID: ownerUID, kind: kind, namespace: namespace, content: content).map { ChildObject(kind, $0) }
        }
        return all
    }

    /// Deletes objects of an owner's inventory, each after a look at the live object. Call it only after every apply succeeded.
    /// - Returns: What was deleted.
    /// - Throws: As the other `prune`.
    @discardableResult
    public func prune(_ references: [ObjectReference], ownerUID: String) async throws -> [ObjectReference] {
        precondition(!ownerUID.isEmpty, "pruning needs an owner")
        if let reference = references.first(where: { Inventory.neverPruned.contains($0.type.kind) }) { throw ApplyError.notPrunable(reference) }
        var deleted: [ObjectReference] = []
        for reference in references where try await delete(reference, ownerUID: ownerUID) { deleted.append(reference) }
        return deleted
    }

    /// Deletes a workload alone: its pods go on running, and a workload of the same name whose selector matches adopts them.
    /// - Parameter live: As it was just read; another one of its name is not deleted.
    /// - Throws: `KubernetesError` (`.conflict` when it changed meanwhile).
    public func releasePods(of reference: ObjectReference, live: JSONValue) async throws {
        let preconditions = Preconditions(uid: live.metadata.uid, resourceVersion: live.metadata.resourceVersion)
        do {
            try await api.delete(reference.type, reference.name, preconditions: preconditions, propagationPolicy: .orphan)
        } catch let error as KubernetesError where error.code == .notFound {}
        forget(reference)
        metrics.released.increment()
        logger.notice("Deleted a workload without its pods, to make it anew", metadata: ["object": "\(reference)"])
    }

    /// The objects of one kind that carry the owner's label: from the store when the kind is watched, otherwise from the server.
    private func inventory(ownerUID: String, kind: ResourceType, namespace: String?, content: ObjectContent = .metadataOnly) async throws -> [JSONValue] {
        if let store = stores[kind], store.hasSynced {
            return store.byIndex(.inventory, ownerUID).filter { namespace == nil || $0.metadata.namespace == namespace }
        }
        let selector = LabelSelector(matching: [Inventory.ownerLabel: ownerUID])
        return try await api.listAll(kind, namespace: namespace, labelSelector: selector, content: content).items
    }

    private func delete(_ reference: ObjectReference, ownerUID: String) async throws -> Bool {
        guard let live = try await api.getIfFound(reference.type, reference.name, content: .metadataOnly) else { return false }
        let metadata = live.metadata
        if metadata.isBeingDeleted { return false }
        guard metadata.labels[Inventory.ownerLabel] == ownerUID, metadata.controller == nil || metadata.controller?.uid == ownerUID else {
            metrics.pruneRefused.increment()
            logger.warning("Left an object alone that no longer belongs to its inventory", metadata: ["object": "\(reference)"])
            return false
        }
        do {
            let preconditions = Preconditions(uid: metadata.uid, resourceVersion: metadata.resourceVersion)
            try await api.delete(reference.type, reference.name, preconditions: preconditions)
        } catch let error as KubernetesError where error.code == .notFound {
            return false
        }
        forget(reference)
        metrics.pruned.increment()
        logger.info("Deleted an object that is no longer wanted", metadata: ["object": "\(reference)"])
        return true
    }
}
