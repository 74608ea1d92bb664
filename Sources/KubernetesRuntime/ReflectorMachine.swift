// List and watch as a state machine (docs/controllers.md rules 6 to 10): which request comes next, and from which version.
// The informer performs its actions and feeds back what happened; tests drive it without a server.
// It never does I/O and never drops an event: what it does not deliver it answers with a new list.
//
// Streaming lists (rule 11) are left out: a server that ignores the parameter never ends the initial events, and plain lists work everywhere.

import JSON
import Kubernetes

/// One kind's list and watch. Every watch starts from a list's version, so all events come in order and each moves the resume point.
public struct ReflectorMachine: Sendable {
    /// What the very first list may read.
    public enum FirstList: Sendable {
        /// The newest state: never older than what a process before this one saw.
        case consistent
        /// Any cached state: cheap, for kinds where the past does no harm.
        case cached
    }

    public struct ListStep: Hashable, Sendable {
        /// Not older than this; nil reads the newest state.
        public let resourceVersion: String?
        public let continueToken: String?
        /// Nil asks for everything in one answer.
        public let limit: Int?
        public init(resourceVersion: String?, continueToken: String?, limit: Int?) {
            self.resourceVersion = resourceVersion
            self.continueToken = continueToken
            self.limit = limit
        }
    }

    public struct WatchStep: Hashable, Sendable {
        public let resourceVersion: String
        /// After which the server ends the stream.
        public let timeoutSeconds: Int
        /// After which the stream is dead, whatever the connection says.
        public let deadline: Duration
    }

    public enum Input: Sendable {
        case start
        case listed(ObjectList)
        case replaced
        case received(WatchEvent)
        /// The server closed the stream.
        case ended
        /// The request or the stream broke.
        case failed(KubernetesError)
        case waited
    }

    public enum Action: Hashable, Sendable {
        case list(ListStep)
        /// The whole state; answer with `.replaced`.
        case replace([JSONValue], resourceVersion: String)
        case watch(WatchStep)
        /// Apply to the store and go on reading.
        case deliver(WatchEvent)
        /// Count and log, and go on reading.
        case report(String)
        /// Leave the stream, log, wait, then answer with `.waited`.
        case wait(Duration, KubernetesError)
    }

    private enum State: Sendable {
        case idle
        case listing(ListStep, items: [JSONValue])
        case replacing
        case watching(since: MonotonicTime, events: Int, isFirst: Bool)
        case waitingToList
        case waitingToWatch
    }

    public static let pageSize = 500
    /// A watch that ends sooner and without an event is a failure.
    private static let shortWatch = Duration.seconds(1)
    private static let healthyAfter = Duration.seconds(120)
    private static let silenceAllowance = Duration.seconds(5)

    private let firstList: FirstList
    private var random: SplitMix64
    private var state = State.idle
    /// Everything up to this version has been delivered.
    public private(set) var lastVersion: String?
    /// The server no longer, or not yet, knows `lastVersion`.
    private var isVersionUnavailable = false
    private var failures = 0
    private var failedAt: MonotonicTime?

    public init(firstList: FirstList = .consistent, seed: UInt64) {
        self.firstList = firstList
        random = SplitMix64(seed: seed)
    }

    /// The next thing to do. One switch over state and input: this is the whole protocol.
    public mutating func on(_ input: Input, now: MonotonicTime) -> Action {
        switch (state, input) {
        case (.listing(let step, let items), .listed(let list)): return listed(list, after: items, step, now)
        case (.listing(let step, _), .failed(let error)): return listFailed(error, step, now)
        case (.replacing, .replaced): return watch(isFirst: true, now)
        case (.watching(let since, let events, let isFirst), .received(let event)): return received(event, since, events, isFirst, now)
        case (.watching(let since, 0, _), .ended) where now - since < Self.shortWatch:
            let error = KubernetesError(.network, message: "very short watch: the server closed the stream within a second and without an event")
            return wait(error, .waitingToWatch, now)
        case (.watching, .ended): return watch(isFirst: false, now)
        case (.watching(let since, let events, let isFirst), .failed(let error)):
            return error.code == .gone ? expired(error, since, events, isFirst, now) : watchFailed(error, now)
        case (.waitingToWatch, .waited): return watch(isFirst: false, now)
        case (_, .start), (.waitingToList, .waited): return list()
        default: return wait(KubernetesError(.unknown, message: "the reflector was told something that its state does not allow"), .waitingToList, now)
        }
    }

    // MARK: Listing

    private mutating func list(limit: Int? = pageSize) -> Action {
        let version: String? = lastVersion.map { isVersionUnavailable ? nil : $0 } ?? (firstList == .cached && !isVersionUnavailable ? "0" : nil)
        let step = ListStep(resourceVersion: version, continueToken: nil, limit: limit)
        state = .listing(step, items: [])
        return .list(step)
    }

    private mutating func listed(_ list: ObjectList, after items: [JSONValue], _ step: ListStep, _ now: MonotonicTime) -> Action {
        let all = items.isEmpty ? list.items : items + list.items
        if let token = list.continueToken {
            let next = ListStep(resourceVersion: step.resourceVersion, continueToken: token, limit: step.limit)
            state = .listing(next, items: all)
            return .list(next)
        }
        guard !list.resourceVersion.isEmpty else {
            return wait(KubernetesError(.undecodable, message: "the list carries no resourceVersion to watch from"), .waitingToList, now)
        }
        lastVersion = list.resourceVersion
        isVersionUnavailable = false
        state = .replacing
        return .replace(all, resourceVersion: list.resourceVersion)
    }

    private mutating func listFailed(_ error: KubernetesError, _ step: ListStep, _ now: MonotonicTime) -> Action {
        if error.code == .gone, step.continueToken != nil { return list(limit: nil) }
        if error.code == .gone || error.isTooLargeResourceVersion, step.resourceVersion != nil {
            isVersionUnavailable = true
            return list()
        }
        return wait(error, .waitingToList, now)
    }

    // MARK: Watching

    private mutating func watch(isFirst: Bool, _ now: MonotonicTime) -> Action {
        guard let lastVersion else { return list() }
        let timeoutSeconds = Int.random(in: 300...600, using: &random)
        state = .watching(since: now, events: 0, isFirst: isFirst)
        return .watch(WatchStep(resourceVersion: lastVersion, timeoutSeconds: timeoutSeconds, deadline: .seconds(timeoutSeconds) + Self.silenceAllowance))
    }

    private mutating func received(_ event: WatchEvent, _ since: MonotonicTime, _ events: Int, _ isFirst: Bool, _ now: MonotonicTime) -> Action {
        state = .watching(since: since, events: events + 1, isFirst: isFirst)
        switch event {
        case .added(let object), .modified(let object), .deleted(let object):
            lastVersion = object.metadata.resourceVersion
            return .deliver(event)
        case .bookmark(let resourceVersion, _):
            lastVersion = resourceVersion
            return .deliver(event)
        case .undecodable(let text): return .report(text)
        case .failed(let error) where error.code == .gone: return expired(error, since, events, isFirst, now)
        case .failed(let error): return wait(error, .waitingToList, now)
        }
    }

    /// The version is too old: list again, at once unless a list just made says the same.
    private mutating func expired(_ error: KubernetesError, _ since: MonotonicTime, _ events: Int, _ isFirst: Bool, _ now: MonotonicTime) -> Action {
        if isFirst, events == 0, now - since < Self.shortWatch { return wait(error, .waitingToList, now) }
        return list()
    }

    private mutating func watchFailed(_ error: KubernetesError, _ now: MonotonicTime) -> Action {
        switch error.code {
        case .network, .tooManyRequests, .internalError, .serviceUnavailable, .timeout: wait(error, .waitingToWatch, now)
        default: wait(error, .waitingToList, now)
        }
    }

    private mutating func wait(_ error: KubernetesError, _ next: State, _ now: MonotonicTime) -> Action {
        if let failedAt, now - failedAt > Self.healthyAfter { failures = 0 }
        failures += 1
        failedAt = now
        state = next
        let delay = ExponentialBackoff.reflector.delay(afterFailures: failures, random: &random)
        return .wait(max(delay, error.retryAfter ?? .zero), error)
    }
}
