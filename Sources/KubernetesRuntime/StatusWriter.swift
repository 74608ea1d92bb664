// Writes the status of our own resources, whole, and only when it says something new (docs/controllers.md rules 23 and 24).
// Controllers call it at the end of each reconcile.
// It never touches spec or metadata, and never writes to a resource that was deleted and made again under the same name.

import CoreMetrics
import JSON
import Kubernetes
import Synchronization

/// Server-side apply on `/status` under a field manager of its own.
public final class StatusWriter: Sendable {
    public enum Outcome: Hashable, Sendable {
        case written(JSONValue)
        case unchanged
        /// The resource, or this resource of that name, no longer exists.
        case gone
    }

    private struct Memory {
        let uid: String
        let status: JSONValue
        let resourceVersion: String
    }

    public static let memoriesMax = 20_000

    public let fieldManager: String
    private let api: any KubernetesAPI
    private let memories = Mutex<[ObjectReference: Memory]>([:])
    private let written, unchanged, gone: Counter

    public init(api: any KubernetesAPI, fieldManager: String = "sonde-operator-status", gate: WriteGate, metrics: RuntimeMetrics = RuntimeMetrics()) {
        self.api = GatedAPI(api, gate: gate)
        self.fieldManager = fieldManager
        written = metrics.counter("status_writes", ("result", "written"))
        unchanged = metrics.counter("status_writes", ("result", "unchanged"))
        gone = metrics.counter("status_writes", ("result", "gone"))
    }

    /// Writes `status` unless the resource already has it.
    /// - Parameters:
    ///   - status: All of it; fields that are left out are removed.
    ///   - resource: As the store has it; names the resource and its uid.
    /// - Throws: `KubernetesError`, `WriteGateClosed`.
    @discardableResult
    public func write(_ status: JSONValue, of resource: JSONValue, type: ResourceType) async throws -> Outcome {
        let metadata = resource.metadata
        let reference = ObjectReference(type, metadata.objectName)
        if isCurrent(status, resource, reference) {
            unchanged.increment()
            return .unchanged
        }
        guard let answer = try await send(status, resource, type, version: newestVersion(of: resource, reference)) else {
            memories.withLock { $0[reference] = nil }
            gone.increment()
            return .gone
        }
        written.increment()
        remember(Memory(uid: metadata.uid, status: status, resourceVersion: answer.metadata.resourceVersion), reference)
        return .written(answer)
    }

    /// The version makes the write fail when the name belongs to another object by now: a kube-apiserver refuses another uid only where no object has the
    /// name, because a custom resource's status update keeps the live metadata whatever the body says (seen with 1.36).
    /// - Returns: Nil when the resource is gone.
    private func send(_ status: JSONValue, _ resource: JSONValue, _ type: ResourceType, version: String) async throws -> JSONValue? {
        do {
            return try await apply(status, resource, type, version: version)
        } catch let error as KubernetesError where error.code == .notFound {
            return nil
        } catch let error as KubernetesError where error.code == .conflict {
            // Changed since it was read, or another one of that name.
            guard let live = try await api.getIfFound(type, resource.metadata.objectName, content: .metadataOnly), live.metadata.uid == resource.metadata.uid
            else { return nil }
            return try await apply(status, resource, type, version: live.metadata.resourceVersion)
        }
    }

    private func apply(_ status: JSONValue, _ resource: JSONValue, _ type: ResourceType, version: String) async throws -> JSONValue {
        var body = Self.body(status, resource.metadata, type)
        if !version.isEmpty { body.set(["metadata", "resourceVersion"], to: .string(version)) }
        return try await api.apply(type, body, fieldManager: fieldManager, force: true, subresource: "status")
    }

    /// Of what the store has and what we wrote ourselves.
    private func newestVersion(of resource: JSONValue, _ reference: ObjectReference) -> String {
        let seen = resource.metadata.resourceVersion
        guard let own = memories.withLock({ $0[reference] }), own.uid == resource.metadata.uid, ResourceVersion.isAtLeast(own.resourceVersion, seen) else {
            return seen
        }
        return own.resourceVersion
    }

    /// Forgets a resource that is gone.
    public func forget(_ reference: ObjectReference) { memories.withLock { $0[reference] = nil } }

    private static func body(_ status: JSONValue, _ metadata: ObjectMetadata, _ type: ResourceType) -> JSONValue {
        var identity: JSONValue = ["name": .string(metadata.name), "uid": .string(metadata.uid)]
        if let namespace = metadata.namespace { identity["namespace"] = .string(namespace) }
        return ["apiVersion": .string(type.apiVersion), "kind": .string(type.kind), "metadata": identity, "status": status]
    }

    private func isCurrent(_ status: JSONValue, _ resource: JSONValue, _ reference: ObjectReference) -> Bool {
        known(of: resource, reference) == status
    }

    /// The status that a resource has as far as is known: our own last answer while it is at least as new as the resource in the store; otherwise the
    /// resource's own status.
    public func known(of resource: JSONValue, _ reference: ObjectReference) -> JSONValue? {
        let memory = memories.withLock { $0[reference] }
        if let memory, memory.uid == resource.metadata.uid, ResourceVersion.isAtLeast(memory.resourceVersion, resource.metadata.resourceVersion) {
            return memory.status
        }
        return resource["status"]
    }

    private func remember(_ memory: Memory, _ reference: ObjectReference) {
        memories.withLock { memories in
            // Forgetting costs one comparison with an older store, at worst one write that changes nothing.
            if memories[reference] == nil, memories.count >= Self.memoriesMax { memories.removeAll() }
            memories[reference] = memory
        }
    }
}
