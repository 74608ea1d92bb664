// The objects of one kind as last seen, with indexes, and what changed between two states.
// The informer writes it; controllers read it instead of asking the server.
// It never talks to a server and never says that an object is gone without having been told so by a list or a delete event.

import JSON
import Kubernetes
import Synchronization

/// A change of the store. Events tell why a key is looked at; what to do follows from the store alone.
public enum StoreEvent: Hashable, Sendable {
    case added(JSONValue)
    case updated(old: JSONValue, new: JSONValue)
    /// The object as it was last seen; it may have changed between then and its end.
    case deleted(JSONValue)

    /// The newest form of the object.
    public var object: JSONValue {
        switch self {
        case .added(let object), .deleted(let object), .updated(_, let object): object
        }
    }

    /// False for an update that changed neither the spec (generation), nor deletion, labels, annotations, nor the owners:
    /// a status write. Watches of our own resources filter with it.
    public var isSpecOrMetadataChange: Bool {
        guard case .updated(let old, let new) = self else { return true }
        let (before, after) = (old.metadata, new.metadata)
        return before.generation != after.generation || before.isBeingDeleted != after.isBeingDeleted || before.labels != after.labels
            || before.annotations != after.annotations || before.ownerReferences != after.ownerReferences || before.finalizers != after.finalizers
    }
}

/// The name of an index of a store.
public struct IndexName: Hashable, Sendable {
    public let text: String
    public init(_ text: String) { self.text = text }
    /// By the uid of every owner.
    public static let ownerUID = IndexName("ownerUID")
    /// By namespace; cluster-scoped objects are under `""`.
    public static let namespace = IndexName("namespace")
    /// By the value of the inventory label (`Inventory.ownerLabel`).
    public static let inventory = IndexName("inventory")
}

/// The objects of one kind. Thread rules: all methods may be called from any task; each is atomic.
public final class ObjectStore: Sendable {
    public typealias Indexer = @Sendable (JSONValue) -> [String]

    private struct State {
        var objects: [ObjectName: JSONValue] = [:]
        var indexes: [IndexName: [String: Set<ObjectName>]] = [:]
        var hasSynced = false
        var syncedVersion = ""
        var droppedTotal = 0
    }

    public let type: ResourceType
    /// More objects than this are not kept; each one left out is counted.
    public let objectsMax: Int
    private let indexers: [IndexName: Indexer]
    private let state = Mutex(State())

    /// - Parameter indexers: In addition to those of `IndexName`.
    public init(type: ResourceType, indexers: [IndexName: Indexer] = [:], objectsMax: Int = 200_000) {
        self.type = type
        self.objectsMax = objectsMax
        let standard: [IndexName: Indexer] = [
            .ownerUID: { $0.metadata.ownerReferences.map(\.uid) },
            .namespace: { [$0.metadata.namespace ?? ""] },
            .inventory: { $0.metadata.labels[Inventory.ownerLabel].map { [$0] } ?? [] },
        ]
        self.indexers = standard.merging(indexers) { $1 }
    }

    public func get(_ name: ObjectName) -> JSONValue? { state.withLock { $0.objects[name] } }

    /// All objects, in the order of their names.
    public func list(namespace: String? = nil) -> [JSONValue] {
        guard let namespace else { return state.withLock { Self.sorted($0.objects.keys, $0) } }
        return byIndex(.namespace, namespace)
    }

    /// The objects that an index has under a value, in the order of their names.
    public func byIndex(_ index: IndexName, _ value: String) -> [JSONValue] {
        precondition(indexers[index] != nil, "the store of \(type.plural) has no index '\(index.text)'")
        return state.withLock { Self.sorted($0.indexes[index]?[value] ?? [], $0) }
    }

    public func owned(byUID uid: String) -> [JSONValue] { byIndex(.ownerUID, uid) }

    public var count: Int { state.withLock { $0.objects.count } }

    /// True once a whole list has been taken in.
    public var hasSynced: Bool { state.withLock { $0.hasSynced } }

    /// Everything up to this version is in the store; `""` before the first list.
    public var syncedVersion: String { state.withLock { $0.syncedVersion } }

    /// Objects left out because the store was full.
    public var droppedTotal: Int { state.withLock { $0.droppedTotal } }

    private static func sorted(_ names: some Sequence<ObjectName>, _ state: State) -> [JSONValue] {
        names.sorted { ($0.namespace ?? "", $0.name) < ($1.namespace ?? "", $1.name) }.compactMap { state.objects[$0] }
    }

    // MARK: Changing

    /// Takes in a whole list. - Returns: What changed; objects that are missing from the list are deleted with their last known form.
    public func replace(_ items: [JSONValue], resourceVersion: String) -> [StoreEvent] {
        state.withLock { state in
            var events: [StoreEvent] = []
            var listed: Set<ObjectName> = []
            for item in items where !item.metadata.name.isEmpty {
                listed.insert(item.metadata.objectName)
                events += put(item, &state)
            }
            let missing = state.objects.keys.filter { !listed.contains($0) }
            for name in missing { events += remove(name, &state).map { [.deleted($0)] } ?? [] }
            state.hasSynced = true
            state.syncedVersion = resourceVersion
            return events
        }
    }

    /// Empties the store when nobody keeps it up to date any more; it has then not synced. No events: whoever resets knows what it means.
    func reset() {
        state.withLock { state in
            let droppedTotal = state.droppedTotal
            state = State()
            state.droppedTotal = droppedTotal
        }
    }

    /// Takes in one watch event. Events known to be older than what the store holds change nothing.
    public func apply(_ event: WatchEvent) -> [StoreEvent] {
        state.withLock { state in
            switch event {
            case .added(let object), .modified(let object):
                state.syncedVersion = object.metadata.resourceVersion
                return isOutdated(object, state) ? [] : put(object, &state)
            case .deleted(let object):
                state.syncedVersion = object.metadata.resourceVersion
                guard !isOutdated(object, state) else { return [] }
                return remove(object.metadata.objectName, &state).map { [.deleted($0)] } ?? []
            case .bookmark(let resourceVersion, _):
                state.syncedVersion = resourceVersion
                return []
            case .failed, .undecodable: return []
            }
        }
    }

    /// Takes in an object read directly, unless the watch has already gone past it. - Returns: What changed.
    public func observe(_ live: JSONValue) -> [StoreEvent] {
        state.withLock { state in
            // A delete that the watch has already delivered must not be undone.
            guard ResourceVersion.compare(live.metadata.resourceVersion, to: state.syncedVersion) == .newer, !isOutdated(live, state) else { return [] }
            return put(live, &state)
        }
    }

    private func isOutdated(_ object: JSONValue, _ state: State) -> Bool {
        guard let held = state.objects[object.metadata.objectName] else { return false }
        return ResourceVersion.compare(object.metadata.resourceVersion, to: held.metadata.resourceVersion) == .older
    }

    private func put(_ object: JSONValue, _ state: inout State) -> [StoreEvent] {
        let metadata = object.metadata
        let name = metadata.objectName
        guard let old = state.objects[name] else {
            guard state.objects.count < objectsMax else {
                state.droppedTotal += 1
                return []
            }
            insert(object, name, &state)
            return [.added(object)]
        }
        if old.metadata.resourceVersion == metadata.resourceVersion { return [] }
        unindex(old, name, &state)
        insert(object, name, &state)
        // Another uid under the same name is another object: the old one was deleted while nobody looked.
        return old.metadata.uid == metadata.uid ? [.updated(old: old, new: object)] : [.deleted(old), .added(object)]
    }

    private func insert(_ object: JSONValue, _ name: ObjectName, _ state: inout State) {
        state.objects[name] = object
        for (index, indexer) in indexers {
            for value in indexer(object) { state.indexes[index, default: [:]][value, default: []].insert(name) }
        }
    }

    private func remove(_ name: ObjectName, _ state: inout State) -> JSONValue? {
        guard let old = state.objects.removeValue(forKey: name) else { return nil }
        unindex(old, name, &state)
        return old
    }

    private func unindex(_ object: JSONValue, _ name: ObjectName, _ state: inout State) {
        for (index, indexer) in indexers {
            for value in indexer(object) {
                state.indexes[index]?[value]?.remove(name)
                if state.indexes[index]?[value]?.isEmpty == true { state.indexes[index]?[value] = nil }
            }
        }
    }
}
