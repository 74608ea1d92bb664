// Brings the objects that a resource owns to their desired form by server-side apply (docs/controllers.md rules 21, 22, 25, 29).
// Controllers hand it rendered manifests; it decides whether a request is needed at all.
// It never takes over an object that another controller manages, and never writes when nothing changed.

import CoreMetrics
import JSON
import Kubernetes
import Logging
import Synchronization

/// Applies manifests under one field manager. Thread rules: any task may call; two tasks never apply the same object at once, since a key runs once.
public final class Applier: Sendable {
    public enum Outcome: Hashable, Sendable {
        /// Sent; the object as the server answered.
        case applied(JSONValue)
        /// Not sent: the live object is as this applier left it.
        case unchanged
        /// Not sent: the live object is being deleted; its end will be seen by the watch.
        case terminating
    }

    /// What this applier knows about an object after its own last apply.
    private struct Memory {
        let uid: String
        let desiredHash: Int
        var resourceVersion: String
        /// Of the live object without status and versions: tells a status write from drift.
        let fingerprint: Int
        /// Of the manifest's pod template; nil for kinds without one.
        let templateHash: Int?
        /// Labels or annotations of pods still belong to the earlier operator; they go when the pods are replaced anyway.
        let hasPodLeftovers: Bool
    }

    public static let memoriesMax = 50_000

    public let fieldManager: String
    let api: any KubernetesAPI
    let logger: Logger
    let stores: [ResourceType: ObjectStore]
    let metrics: ApplierMetrics
    private let recreatable: Set<ResourceType>
    /// Of an object that is not ours yet.
    private let adoption: FieldTakeover
    /// Of an object that is ours: only what adoption left on its pods.
    private let settlement = FieldTakeover(managers: [])
    private let memories = Mutex<[ObjectReference: Memory]>([:])

    /// - Parameters:
    ///   - stores: Of the kinds that are watched; for other kinds the live object is read before each apply.
    ///   - recreatable: Kinds that are deleted and made anew when an immutable field must change.
    ///   - earlierManagers: Field managers of the operator that managed such objects before; their fields become ours when an object is adopted.
    public init(
        api: any KubernetesAPI, fieldManager: String = "sonde-operator", gate: WriteGate, stores: [ResourceType: ObjectStore] = [:],
        recreatable: Set<ResourceType> = [], earlierManagers: Set<String> = [], logger: Logger, metrics: RuntimeMetrics = RuntimeMetrics()
    ) {
        self.api = GatedAPI(api, gate: gate)
        self.fieldManager = fieldManager
        self.stores = stores
        self.recreatable = recreatable
        adoption = FieldTakeover(managers: earlierManagers)
        self.logger = logger
        self.metrics = ApplierMetrics(metrics)
    }

    /// Applies one manifest unless the live object already is what it asks for.
    /// - Parameters:
    ///   - manifest: Just the fields that we have an opinion on, with apiVersion, kind and name.
    ///   - ownerUID: Of the resource that it belongs to; a live object that another controller manages is left alone.
    /// - Throws: `ApplyError`, `KubernetesError`, `WriteGateClosed`.
    @discardableResult
    public func apply(_ manifest: JSONValue, type: ResourceType, ownerUID: String) async throws -> Outcome {
        let reference = ObjectReference(type, manifest.metadata.objectName)
        let live = try await liveObject(reference)
        if let live {
            if let refusal = ApplyError.refusal(of: live, for: manifest, reference, ownerUID: ownerUID) { throw refusal }
            if live.metadata.isBeingDeleted { return .terminating }
        }
        let hash = manifest.hashValue
        if isCurrent(reference, hash, live) {
            metrics.skipped.increment()
            return .unchanged
        }
        let answer = try await adopt(manifest, reference, live, ownerUID)
        metrics.sent.increment()
        remember(answer, reference, manifest)
        return .applied(answer)
    }

    /// Forgets what is known about an object, so that the next apply is sent.
    public func forget(_ reference: ObjectReference) { memories.withLock { $0[reference] = nil } }

    /// The store's object; read from the server when the store cannot have it: an object that is not ours yet lacks the inventory's label.
    private func liveObject(_ reference: ObjectReference) async throws -> JSONValue? {
        if let store = stores[reference.type], store.hasSynced {
            if let known = store.get(reference.name) { return known }
            if memories.withLock({ $0[reference] != nil }) { return nil }
        }
        return try await api.getIfFound(reference.type, reference.name)
    }

    private func isCurrent(_ reference: ObjectReference, _ hash: Int, _ live: JSONValue?) -> Bool {
        memories.withLock { memories in
            guard var memory = memories[reference], memory.desiredHash == hash else { return false }
            guard let live else {
                // Created by us, and the watch has not come so far yet; otherwise somebody deleted it.
                let synced = stores[reference.type]?.syncedVersion ?? ""
                return ResourceVersion.compare(memory.resourceVersion, to: synced) == .newer
            }
            guard live.metadata.uid == memory.uid else { return false }
            switch ResourceVersion.compare(live.metadata.resourceVersion, to: memory.resourceVersion) {
            case .same, .older: return true  // Older: the store lags behind our own answer.
            case .newer, nil:
                guard Self.fingerprint(live) == memory.fingerprint else { return false }
                memory.resourceVersion = live.metadata.resourceVersion
                memories[reference] = memory
                return true
            }
        }
    }

    private func remember(_ answer: JSONValue, _ reference: ObjectReference, _ manifest: JSONValue) {
        let metadata = answer.metadata
        let memory = Memory(
            uid: metadata.uid, desiredHash: manifest.hashValue, resourceVersion: metadata.resourceVersion, fingerprint: Self.fingerprint(answer),
            templateHash: manifest.at("spec", "template")?.hashValue,
            hasPodLeftovers: settlement.patch(answer, to: fieldManager, manifest: manifest, podLeftovers: .taken) != nil)
        let isFull = memories.withLock { memories in
            let isFull = memories[reference] == nil && memories.count >= Self.memoriesMax
            // Forgetting costs one apply an object that changes nothing.
            if isFull { memories.removeAll() }
            memories[reference] = memory
            return isFull
        }
        if isFull { metrics.forgotten.increment() }
    }

    /// Everything that a person or another program could have changed against us.
    private static func fingerprint(_ live: JSONValue) -> Int {
        var kept = live
        for key in ["status", "kind", "apiVersion"] { kept[key] = nil }  // Items of lists carry no kind.
        for key in ["resourceVersion", "managedFields"] { kept.set(["metadata", key], to: nil) }
        return kept.hashValue
    }

    // MARK: Sending

    /// Applies. An object that is not ours yet first loses the earlier operator's fields to us, so that what is no longer wanted goes at once; of one that
    /// is ours nothing is taken from others, whatever their names.
    private func adopt(_ manifest: JSONValue, _ reference: ObjectReference, _ live: JSONValue?, _ ownerUID: String) async throws -> JSONValue {
        if let live, live.metadata.labels[Inventory.ownerLabel] != ownerUID { try await take(adoption, live, reference, manifest, .left) }
        if let memory = memories.withLock({ $0[reference] }), memory.hasPodLeftovers, memory.templateHash != manifest.at("spec", "template")?.hashValue,
            let live = try await api.getIfFound(reference.type, reference.name)
        {
            try await take(settlement, live, reference, manifest, .taken)
        }
        return try await send(manifest, reference)
    }

    private func take(
        _ takeover: FieldTakeover, _ live: JSONValue, _ reference: ObjectReference, _ manifest: JSONValue, _ leftovers: FieldTakeover.PodLeftovers
    ) async throws {
        guard let patch = takeover.patch(live, to: fieldManager, manifest: manifest, podLeftovers: leftovers) else { return }
        try await api.patch(reference.type, reference.name, .json(patch), fieldManager: fieldManager)
        metrics.takenOver.increment()
        logger.info("Took over the fields of an earlier operator", metadata: ["object": "\(reference)"])
    }

    private func send(_ manifest: JSONValue, _ reference: ObjectReference) async throws -> JSONValue {
        do {
            return try await api.apply(reference.type, manifest, fieldManager: fieldManager, force: true)
        } catch let error as KubernetesError {
            let refused = ApplyError(classifying: error, reference)
            guard refused?.code == .immutableField, recreatable.contains(reference.type) else { throw refused ?? error }
            return try await recreate(manifest, reference)
        }
    }

    /// Deletes exactly the object that refused the change, then applies once more.
    private func recreate(_ manifest: JSONValue, _ reference: ObjectReference) async throws -> JSONValue {
        if let live = try await api.getIfFound(reference.type, reference.name, content: .metadataOnly) {
            let metadata = live.metadata
            try await api.delete(reference.type, reference.name, preconditions: Preconditions(uid: metadata.uid, resourceVersion: metadata.resourceVersion))
            metrics.recreated.increment()
            logger.notice("Recreated an object whose immutable field had to change", metadata: ["object": "\(reference)"])
        }
        return try await api.apply(reference.type, manifest, fieldManager: fieldManager, force: true)
    }
}

struct ApplierMetrics: Sendable {
    let sent, skipped, forgotten, recreated, takenOver, released, pruned, pruneRefused: Counter

    init(_ metrics: RuntimeMetrics) {
        sent = metrics.counter("applies", ("result", "sent"))
        skipped = metrics.counter("applies", ("result", "skipped"))
        forgotten = metrics.counter("applier_memory_resets")
        recreated = metrics.counter("applier_recreated_objects")
        takenOver = metrics.counter("applier_takeovers")
        released = metrics.counter("applier_released_workloads")
        pruned = metrics.counter("prunes", ("result", "deleted"))
        pruneRefused = metrics.counter("prunes", ("result", "refused"))
    }
}
