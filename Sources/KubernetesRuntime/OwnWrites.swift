// Remembers what was written for each key until the stores have seen it (docs/controllers.md rule 30).
// A controller asks it before each reconcile, so that decisions are not made on a state before its own writes.
// It never holds a key back for ever: after a bound it reads the objects live, counts that and lets the key go.

import CoreMetrics
import JSON
import Kubernetes
import Synchronization

/// The writes that stores have not caught up with, by key. Thread rules: any task may call; one key is used by one task at a time.
public final class OwnWrites<Key: Hashable & Sendable>: Sendable {
    private struct Pending {
        var since: MonotonicTime
        /// The newest version written of each object.
        var versions: [ObjectReference: String]
    }

    /// How often a held key is looked at again.
    public static var pause: Duration { .milliseconds(50) }

    private let informers: [ResourceType: Informer]
    private let api: any KubernetesAPI
    private let time: any TimeSource
    private let bound: Duration
    private let pending = Mutex<[Key: Pending]>([:])
    private let liveReads: Counter

    /// - Parameters:
    ///   - informers: Of the kinds that reconciles read from stores; writes of other kinds need no waiting.
    ///   - bound: How long a key is held back at most.
    public init(
        informers: [Informer], api: any KubernetesAPI, time: any TimeSource = SystemTime(), bound: Duration = .seconds(10), name: String,
        metrics: RuntimeMetrics = RuntimeMetrics()
    ) {
        self.informers = Dictionary(informers.map { ($0.type, $0) }, uniquingKeysWith: { first, _ in first })
        self.api = api
        self.time = time
        self.bound = bound
        liveReads = metrics.counter("controller_staleness_live_reads", ("controller", name))
    }

    /// Notes the answer to a write that was made for a key.
    public func record(_ answer: JSONValue, type: ResourceType, for key: Key) {
        guard let informer = informers[type] else { return }
        let reference = ObjectReference(type, answer.metadata.objectName)
        let version = answer.metadata.resourceVersion
        if Self.hasSeen(version, reference, informer.store) { return }
        pending.withLock { pending in
            pending[key, default: Pending(since: time.now, versions: [:])].versions[reference] = version
        }
    }

    /// How long to put the key off; nil when the stores have seen all its writes. Fits `Controller`'s `hold`.
    public func hold(_ key: Key) async throws -> Duration? {
        guard let waiting = pending.withLock({ $0[key] }) else { return nil }
        let unseen = waiting.versions.filter { reference, version in
            informers[reference.type].map { !Self.hasSeen(version, reference, $0.store) } ?? false
        }
        if unseen.isEmpty {
            forget(key)
            return nil
        }
        if time.now - waiting.since < bound { return Self.pause }
        for reference in unseen.keys {
            liveReads.increment()
            if let live = try await api.getIfFound(reference.type, reference.name) { informers[reference.type]?.observe(live) }
        }
        forget(key)
        return nil
    }

    public func forget(_ key: Key) { pending.withLock { $0[key] = nil } }

    /// Deletes are covered too: the store's version moves past them.
    private static func hasSeen(_ version: String, _ reference: ObjectReference, _ store: ObjectStore) -> Bool {
        if ResourceVersion.isAtLeast(store.syncedVersion, version) { return true }
        return store.get(reference.name).map { ResourceVersion.isAtLeast($0.metadata.resourceVersion, version) } ?? false
    }
}
