// An API server in the process that behaves like a kube-apiserver for what Sonde uses, on state in memory.
// Tests talk to it directly as a KubernetesAPI or over HTTP on loopback; kubernetes-test-server is the same as a process.
// It never persists anything, runs no pods, and is no place for secrets.

import JSON
public import Kubernetes
import Synchronization

/// A Kubernetes API server in memory.
///
/// Thread rules: every method may be called from any task. Requests are handled one at a time, each as a whole.
/// Webhooks for admission and conversion are asked when they are registered by URL.
/// Not guaranteed: admission of real clusters (quotas, Pod Security), matchConditions of webhooks, APIs of kinds that are not listed in BuiltInKinds.
public final class TestAPIServer: KubernetesAPI {
    public struct Options: Sendable {
        /// Changes kept for watches and pages; what needs older ones is answered with 410.
        public var historyMax: Int
        /// Between the bookmarks of a watch that takes them.
        public var bookmarkInterval: Duration
        /// Of watches that name no timeoutSeconds.
        public var watchTimeout: Duration
        /// A watch from a version that is too old: true answers 410, false sends an ERROR event, as servers with a watch cache do.
        public var expiredWatchIsStatus: Bool
        /// The token that HTTP requests must carry; nil lets everyone in.
        public var bearerToken: String?
        /// The clock of timestamps; nil is the wall clock.
        public var now: (@Sendable () -> Timestamp)?

        public init(
            historyMax: Int = 10_000, bookmarkInterval: Duration = .seconds(60), watchTimeout: Duration = .seconds(1800), expiredWatchIsStatus: Bool = false,
            bearerToken: String? = nil, now: (@Sendable () -> Timestamp)? = nil
        ) {
            self.historyMax = historyMax
            self.bookmarkInterval = bookmarkInterval
            self.watchTimeout = watchTimeout
            self.expiredWatchIsStatus = expiredWatchIsStatus
            self.bearerToken = bearerToken
            self.now = now
        }
    }

    /// The faults to come; empty at the start.
    public let faults = FaultPlan()
    let options: Options
    let storage: ServerStorage
    let http = Mutex(HTTPState())
    let webhooks = WebhookCaller()
    private let requests = Mutex<[String: Int]>([:])

    /// A server with the namespaces of a new cluster: default, kube-system, kube-public, kube-node-lease.
    public init(_ options: Options = Options()) {
        self.options = options
        storage = ServerStorage(ServerState(historyMax: options.historyMax, random: SystemRandomNumberGenerator()))
        let now = now()
        storage.withState { state in
            guard let kind = state.kinds["", "v1", "namespaces"] else { return }
            for name in ["default", "kube-node-lease", "kube-public", "kube-system"] { state.seedNamespace(name, kind, now) }
        }
    }

    public func send(_ request: KubernetesRequest) async throws -> JSONValue {
        let (parsed, effects) = try parse(request, agent: "sonde")
        try await delay(effects)
        var answer = try await self.answer(request, parsed, effects)
        if request.dropsManagedFields { answer.body = answer.body.withoutManagedFields }
        return answer.body
    }

    public func watch(_ request: KubernetesRequest) async throws -> WatchStream {
        let (parsed, effects) = try parse(request, agent: "sonde")
        try await delay(effects)
        guard let parsed else { throw KubernetesError.noSuchPath }
        let session = try openWatch(parsed, effects)
        return WatchStream { try await session.next()?.withoutManagedFields }
    }

    /// Requests so far by verb (`list`, `patch`, …), whether they succeeded or not.
    public var requestCounts: [String: Int] { requests.withLock { $0 } }

    /// Requests that changed something so far.
    public var writeCount: Int { storage.withState { $0.writes } }

    /// The newest resource version.
    public var resourceVersion: String { String(storage.withState { $0.revision }) }

    /// Watches that are open now.
    public var openWatches: Int { storage.withState { $0.bells.count } }

    /// Forgets the history: watches and pages that start before now get 410.
    public func expireHistory() { storage.withState { $0.compact() } }

    func now() -> Timestamp { options.now?() ?? SystemClock.now() }

    /// The request taken apart (nil for paths that name no resource), and the faults that it meets.
    func parse(_ request: KubernetesRequest, agent: String) throws(KubernetesError) -> (APIRequest?, [Fault.Effect]) {
        guard let path = ResourcePath(request.path), let kind = storage.withState({ $0.kinds[path.group, path.version, path.plural] }) else {
            return (nil, faults.effects(verb: request.method.rawValue.lowercased(), path: request.path))
        }
        let parsed = APIRequest(
            method: request.method, kind: kind, path: path,
            query: Dictionary(request.query.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }),
            body: request.body ?? .null, contentType: request.contentType ?? "application/json", accept: request.accept ?? "application/json", agent: agent)
        requests.withLock { $0[parsed.verb, default: 0] += 1 }
        return (parsed, faults.effects(verb: parsed.verb, path: request.path))
    }

    func delay(_ effects: [Fault.Effect]) async throws {
        for case .delay(let time) in effects { try await Task.sleep(for: time) }
    }

    /// Does what the request says, apart from watches. A write that concerns webhooks is tried until all of them have been asked about the object as it is.
    func handle(_ request: KubernetesRequest, _ parsed: APIRequest?, _ effects: [Fault.Effect]) async throws(KubernetesError) -> Answer {
        for case .error(let error) in effects { throw error }
        var parsed = parsed
        for _ in 0..<Self.webhookCallsMax {
            switch try attempt(request, parsed) {
            case .done(let answer):
                for case .errorAfterwards(let error) in effects { throw error }
                return answer
            case .needs(let call): parsed?.verdicts[call] = await webhooks.verdict(on: call)
            }
        }
        throw KubernetesError(
            .internalError, status: 500, reason: "InternalError", message: "webhooks were asked \(Self.webhookCallsMax) times about one write")
    }

    private static let webhookCallsMax = 100

    private enum Attempt: Sendable {
        case done(Answer)
        case needs(WebhookCall)
    }

    private func attempt(_ request: KubernetesRequest, _ parsed: APIRequest?) throws(KubernetesError) -> Attempt {
        let now = now()
        return try storage.withState { state throws(KubernetesError) in
            guard let parsed else {
                guard let body = Discovery.answer(request, state.kinds) else { throw KubernetesError.noSuchPath }
                return .done(Answer(status: request.method == .post ? 201 : 200, body: body))
            }
            state.neededCall = nil
            do throws(KubernetesError) {
                return .done(try state.answer(parsed, now: now))
            } catch {
                guard let call = state.neededCall else { throw error }
                return .needs(call)
            }
        }
    }

    func openWatch(_ request: APIRequest, _ effects: [Fault.Effect]) throws(KubernetesError) -> FaultyWatch {
        for case .error(let error) in effects { throw error }
        if options.expiredWatchIsStatus, let wanted = request.query["resourceVersion"].flatMap({ Int($0) }), wanted > 0 {
            let oldest = storage.withState { $0.compactedRevision }
            if wanted < oldest { throw .gone("too old resource version: \(wanted) (\(oldest))") }
        }
        let timeout = request.query["timeoutSeconds"].flatMap { Int($0) }.map { Duration.seconds($0) } ?? options.watchTimeout
        let timing = WatchSession.Timing(bookmarkInterval: options.bookmarkInterval, timeout: timeout)
        guard let client = request.kind.conversion, let stored = storedKind(of: request.kind) else {
            return FaultyWatch(try WatchSession(request, server: storage, timing: timing), effects)
        }
        var inner = request
        inner.kind = stored
        return FaultyWatch(try WatchSession(inner, server: storage, timing: timing), effects) { [self] event in
            try await event.converted { try await shown($0, as: request.kind, client) }
        }
    }
}

extension KubernetesError {
    static let noSuchPath = KubernetesError(.notFound, status: 404, reason: "NotFound", message: "the server could not find the requested resource")
}

extension ServerState {
    func checkScope(_ request: APIRequest) throws(KubernetesError) {
        if request.path.namespace != nil, !request.kind.type.isNamespaced { throw .noSuchPath }
        if request.kind.type.isNamespaced, request.path.name != nil, request.path.namespace == nil { throw .noSuchPath }
    }

    mutating func answer(_ request: APIRequest, now: Timestamp) throws(KubernetesError) -> Answer {
        try checkScope(request)
        if let subresource = request.path.subresource,
            !["status", "scale", "finalize"].contains(subresource) || (subresource == "status" && !request.kind.hasStatus)
        {
            throw .unknownSubresource(request.kind, subresource)
        }
        switch (request.method, request.path.name) {
        case (.get, nil): return try list(request)
        case (.get, _): return try get(request)
        case (.post, _): return try create(request, now: now)
        case (.put, nil), (.patch, nil): throw .methodNotAllowed(request)
        case (.put, _): return try replace(request, now: now)
        case (.patch, _): return try patch(request, now: now)
        case (.delete, nil): return try deleteCollection(request, now: now)
        case (.delete, _): return try delete(request, now: now)
        }
    }

    mutating func seedNamespace(_ name: String, _ kind: ServedKind, _ now: Timestamp) {
        let object: JSONValue = [
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": ["name": .string(name), "uid": .string(newUID()), "creationTimestamp": .string(now.rfc3339)],
        ]
        _ = store(BuiltInDefaults.apply(to: object, kind: kind.type, live: nil), kind, ObjectName(namespace: nil, name: name))
    }
}

extension JSONValue {
    /// Without `metadata.managedFields`, in this object and in the items of a list.
    var withoutManagedFields: JSONValue {
        var out = self
        if out.at("metadata", "managedFields") != nil { out.set(["metadata", "managedFields"], to: nil) }
        if case .array(let items)? = out["items"] { out["items"] = .array(items.map(\.withoutManagedFields)) }
        return out
    }
}

extension WatchEvent {
    var withoutManagedFields: WatchEvent {
        switch self {
        case .added(let object): .added(object.withoutManagedFields)
        case .modified(let object): .modified(object.withoutManagedFields)
        case .deleted(let object): .deleted(object.withoutManagedFields)
        default: self
        }
    }
}
