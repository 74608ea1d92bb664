// Watches: from a resource version on, every change of a kind in order, with bookmarks, until a time.
// TestAPIServer opens one session for each watch request, in process and over HTTP.
// It never reads ahead: the next event is looked for when it is asked for.

import JSON
import Kubernetes
import Synchronization

/// One open watch. One task pulls at a time.
final class WatchSession: Sendable {
    struct Timing: Sendable {
        var bookmarkInterval: Duration
        var timeout: Duration
    }

    private struct Position {
        var revision: Int
        /// What a watch without a version starts with.
        var initial: [WatchEvent]
        var nextBookmark: ContinuousClock.Instant
        var isDone = false
    }

    let kind: ServedKind
    private let server: ServerStorage
    private let request: APIRequest
    private let filter: ObjectFilter
    private let sendsBookmarks: Bool
    private let timing: Timing
    private let end: ContinuousClock.Instant
    private let bell = Bell()
    private let bellNumber: Int
    private let position: Mutex<Position>

    /// - Throws: 400 for bad selectors and versions. A version that is too old makes a session with one ERROR event, as the watch cache does.
    init(_ request: APIRequest, server: ServerStorage, timing: Timing) throws(KubernetesError) {
        filter = try ObjectFilter(request)
        self.request = request
        self.server = server
        self.timing = timing
        kind = request.kind
        sendsBookmarks = ["true", "1"].contains(request.query["allowWatchBookmarks"])
        let now = ContinuousClock.now
        end = now + timing.timeout
        let given = request.query["resourceVersion"] ?? ""
        guard let wanted = given.isEmpty ? 0 : Int(given) else {
            throw .badRequest("resourceVersion: Invalid value: \"\(given)\": strconv.ParseUint: invalid syntax")
        }
        let (filter, bell) = (filter, bell)
        let opened = server.withState { state in
            let start = Self.start(request, filter, wanted, state)
            return (number: state.addBell(bell), revision: start.revision, initial: start.events, isDone: start.isDone)
        }
        bellNumber = opened.number
        position = Mutex(Position(revision: opened.revision, initial: opened.initial, nextBookmark: now + timing.bookmarkInterval, isDone: opened.isDone))
    }

    deinit { server.withState { $0.bells[bellNumber] = nil } }

    private static func start(_ request: APIRequest, _ filter: ObjectFilter, _ wanted: Int, _ state: ServerState) -> (
        revision: Int, events: [WatchEvent], isDone: Bool
    ) {
        if wanted > 0 && request.query["sendInitialEvents"] != "true" {
            if wanted >= state.compactedRevision { return (wanted, [], false) }
            return (wanted, [.failed(.gone("too old resource version: \(wanted) (\(state.compactedRevision))"))], true)
        }
        if request.query["sendInitialEvents"] == "false" { return (state.revision, [], false) }
        var events = state.all(request.kind.storageKey, namespace: request.namespace).map { request.kind.shown($0.object) }.filter(filter.matches)
            .map(WatchEvent.added)
        if request.query["sendInitialEvents"] == "true" { events.append(.bookmark(resourceVersion: String(state.revision), isInitialEventsEnd: true)) }
        return (state.revision, events.reversed(), false)
    }

    /// The next event, waited for; nil at the watch's end. Throws when the task is cancelled.
    func next() async throws -> WatchEvent? {
        while true {
            try Task.checkCancellation()
            if let event = pending() { return event }
            let now = ContinuousClock.now
            if position.withLock({ $0.isDone }) { return nil }
            if now >= end { return lastEvent() }
            let due = position.withLock { $0.nextBookmark }
            if sendsBookmarks, now >= due { return bookmark(now) }
            await bell.wait(until: sendsBookmarks ? min(end, due) : end)
        }
    }

    /// An event that is there already.
    private func pending() -> WatchEvent? {
        server.withState { state in
            position.withLock { position in
                if let event = position.initial.popLast() { return event }
                if position.isDone { return nil }
                guard position.revision >= state.compactedRevision || position.revision >= state.revision else {
                    position.isDone = true
                    return .failed(.gone("The resourceVersion for the provided watch is too old."))
                }
                while let change = state.nextChange(kind.storageKey, after: position.revision) {
                    position.revision = change.revision
                    if let event = event(change) { return event }
                }
                // Nothing of this kind is left up to here: the next bookmark may say so.
                position.revision = max(position.revision, state.revision)
                return nil
            }
        }
    }

    /// What a change means for this watch: an object that stops matching is deleted for it, one that starts is added.
    private func event(_ change: Change) -> WatchEvent? {
        if let namespace = request.namespace, change.name.namespace != namespace { return nil }
        let new = kind.shown(change.new)
        let wasSeen = change.old.map { filter.matches(kind.shown($0)) } ?? false
        let isSeen = !change.isDeletion && filter.matches(new)
        switch (wasSeen, isSeen) {
        case (false, false): return nil
        case (false, true): return .added(new)
        case (true, true): return .modified(new)
        case (true, false):
            var last = kind.shown(change.old ?? change.new)
            last.set(["metadata", "resourceVersion"], to: .string(String(change.revision)))
            return .deleted(last)
        }
    }

    private func bookmark(_ now: ContinuousClock.Instant) -> WatchEvent {
        let revision = position.withLock { position in
            position.nextBookmark = now + timing.bookmarkInterval
            return position.revision
        }
        return .bookmark(resourceVersion: String(revision), isInitialEventsEnd: false)
    }

    /// At its end a watch that takes bookmarks gets one more.
    private func lastEvent() -> WatchEvent? {
        position.withLock { $0.isDone = true }
        return sendsBookmarks ? bookmark(ContinuousClock.now) : nil
    }
}

/// The state behind its lock, shared by the server and its watches.
final class ServerStorage: Sendable {
    private let state: Mutex<ServerState>

    init(_ state: consuming ServerState) { self.state = Mutex(state) }

    func withState<Result, Failure: Error>(_ body: (inout ServerState) throws(Failure) -> sending Result) throws(Failure) -> sending Result {
        try state.withLock(body)
    }
}
