// Everything that the server remembers: objects, the bounded history of their changes, and who waits for the next one.
// TestAPIServer keeps one behind its mutex; all verbs read and write through it.
// It never awaits anything, and never forgets to count what the bound of the history threw away.

import JSON
import Kubernetes

/// One change of one object.
struct Change: Sendable {
    let revision: Int
    let storageKey: String
    let name: ObjectName
    /// The object before; nil when it was created.
    let old: JSONValue?
    /// The object after, or as it last was, with this revision as its version.
    let new: JSONValue
    let isDeletion: Bool
}

struct ServerState: Sendable {
    /// Changes kept for watches and pages; older ones are gone (410).
    var historyMax: Int
    var kinds = KindRegistry()
    private(set) var revision = 1
    private(set) var objects: [String: [ObjectName: JSONValue]] = [:]
    private(set) var history: [Change] = []
    /// The newest revision whose changes were thrown away.
    private(set) var compactedRevision = 0
    /// Changes thrown away by the bound.
    private(set) var compactedChanges = 0
    /// Requests that changed something.
    private(set) var writes = 0
    /// The webhook that the write at hand must ask first.
    var neededCall: WebhookCall?
    var bells: [Int: Bell] = [:]
    private var nextBell = 0
    var nextClusterIP = 1
    /// Something was written that may leave dependents without owners, or a deletion that can end now.
    var mayHoldGarbage = false
    var random: any RandomNumberGenerator & Sendable

    init(historyMax: Int, random: any RandomNumberGenerator & Sendable) {
        self.historyMax = historyMax
        self.random = random
    }

    func object(_ kind: ServedKind, _ name: ObjectName) -> JSONValue? { objects[kind.storageKey]?[name] }

    /// The objects of a kind in the order of their names, as etcd lists them.
    func all(_ storageKey: String, namespace: String?) -> [(name: ObjectName, object: JSONValue)] {
        (objects[storageKey] ?? [:]).lazy.filter { namespace == nil || $0.key.namespace == namespace }
            .map { ($0.key, $0.value) }.sorted { ($0.0.namespace ?? "", $0.0.name) < ($1.0.namespace ?? "", $1.0.name) }
    }

    /// The objects as they were at a revision that the history still reaches.
    func all(_ storageKey: String, namespace: String?, at revision: Int) -> [(name: ObjectName, object: JSONValue)] {
        var past = objects[storageKey] ?? [:]
        for change in history.reversed() where change.revision > revision && change.storageKey == storageKey {
            past[change.name] = change.old
        }
        return past.lazy.filter { namespace == nil || $0.key.namespace == namespace }
            .map { ($0.key, $0.value) }.sorted { ($0.0.namespace ?? "", $0.0.name) < ($1.0.namespace ?? "", $1.0.name) }
    }

    /// Stores an object under a new version and returns it.
    mutating func store(_ object: JSONValue, _ kind: ServedKind, _ name: ObjectName) -> JSONValue {
        revision += 1
        writes += 1
        var stored = object
        stored.set(["metadata", "resourceVersion"], to: .string(String(revision)))
        if stored.at("metadata", "ownerReferences") != nil || stored.at("metadata", "deletionTimestamp") != nil { mayHoldGarbage = true }
        let old = objects[kind.storageKey, default: [:]].updateValue(stored, forKey: name)
        record(Change(revision: revision, storageKey: kind.storageKey, name: name, old: old, new: stored, isDeletion: false))
        return stored
    }

    /// Removes an object and returns it as it last was.
    @discardableResult
    mutating func remove(_ kind: ServedKind, _ name: ObjectName) -> JSONValue? {
        guard let old = objects[kind.storageKey]?.removeValue(forKey: name) else { return nil }
        revision += 1
        writes += 1
        mayHoldGarbage = true
        var last = old
        last.set(["metadata", "resourceVersion"], to: .string(String(revision)))
        record(Change(revision: revision, storageKey: kind.storageKey, name: name, old: old, new: last, isDeletion: true))
        return last
    }

    /// Moves the counter without a change, as other kinds' writes in a real cluster do.
    mutating func skipRevisions(_ count: Int) { revision += count }

    private mutating func record(_ change: Change) {
        history.append(change)
        // Half is dropped at once, so that a full history does not shift its array at every change.
        if history.count > historyMax { compact(keeping: historyMax / 2) }
        for bell in bells.values { bell.ring() }
    }

    /// Throws the older changes away: watches and pages that need them get 410.
    mutating func compact(keeping count: Int = 0) {
        let dropped = max(0, history.count - count)
        compactedChanges += dropped
        compactedRevision = count == 0 ? revision : history.prefix(dropped).last?.revision ?? compactedRevision
        history.removeFirst(dropped)
        for bell in bells.values { bell.ring() }
    }

    /// The first change of a kind after a revision. The history is ordered, so the search starts there.
    func nextChange(_ storageKey: String, after revision: Int) -> Change? {
        var (low, high) = (0, history.count)
        while low < high {
            let middle = (low + high) / 2
            if history[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return history[low...].first { $0.storageKey == storageKey }
    }

    mutating func addBell(_ bell: Bell) -> Int {
        nextBell += 1
        bells[nextBell] = bell
        return nextBell
    }

    mutating func randomIndex(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
}
