// A small API server in memory for the runtime's tests: names, versions, watches, apply, deletes with preconditions, and faults.
// The runtime's tests drive informers, appliers and whole controllers against it.
// It never claims to be complete: server-side apply is a merge, and one resource version counts for all kinds.

import JSON
import Kubernetes
import KubernetesRuntime
import Synchronization

final class FakeCluster: KubernetesAPI {
    struct State {
        var objects: [String: JSONValue] = [:]
        var version = 10
        var nextUID = 1
        /// Every event, by the path of its collection, with its version.
        var log: [(version: Int, collection: String, event: WatchEvent)] = []
        /// Watches from before this version get 410.
        var compactedTo = 0
        var isSilent = false
        var writes: [KubernetesRequest] = []
        var requests: [KubernetesRequest] = []
        var calls = 0
        /// Throws at this call, before or after it took effect.
        var failAtCall: (call: Int, afterEffect: Bool)?
        var scripted: [@Sendable (KubernetesRequest) -> KubernetesError?] = []
        var watchesOpened = 0
        var closeGeneration = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }

    let state = Mutex(State())

    // MARK: What tests do

    func with<Value>(_ body: (inout State) -> Value) -> Value {
        let (value, waiters) = state.withLock { state in
            let value = body(&state)
            let waiters = Array(state.waiters.values)
            state.waiters = [:]
            return (value, waiters)
        }
        for waiter in waiters { waiter.resume() }
        return value
    }

    var writeCount: Int { state.withLock { $0.writes.count } }
    var watchesOpened: Int { state.withLock { $0.watchesOpened } }

    @discardableResult
    func put(_ type: ResourceType, _ object: JSONValue) -> JSONValue { with { Self.store(type, object, &$0) } }

    func remove(_ type: ResourceType, _ name: ObjectName) { with { Self.remove(type.path(namespace: name.namespace, name: name.name), &$0) } }

    func object(_ type: ResourceType, _ name: ObjectName) -> JSONValue? {
        state.withLock { $0.objects[type.path(namespace: name.namespace, name: name.name)] }
    }

    /// Ends all open watches and forgets the events until now.
    func cutWatches(compact: Bool) {
        with { state in
            state.closeGeneration += 1
            if compact {
                state.version += 1
                state.compactedTo = state.version
            }
        }
    }

    /// Runs on each request, first script first, until it returns nil; its error is the answer.
    func script(_ body: @escaping @Sendable (KubernetesRequest) -> KubernetesError?) { with { $0.scripted.append(body) } }

    // MARK: KubernetesAPI

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        try Task.checkCancellation()
        return try with { state -> Result<JSONValue, KubernetesError> in
            state.calls += 1
            state.requests.append(request)
            let failure = state.failAtCall.flatMap { $0.call == state.calls ? $0 : nil }
            if failure?.afterEffect == false { return .failure(KubernetesError(.network, message: "cut before the request")) }
            for script in state.scripted {
                if let error = script(request) { return .failure(error) }
            }
            if request.method != .get { state.writes.append(request) }
            let answer = Result { () throws(KubernetesError) in try Self.answer(request, &state) }
            return failure == nil ? answer : .failure(KubernetesError(.network, message: "cut before the answer"))
        }.get()
    }

    func watch(_ request: KubernetesRequest) async throws -> WatchStream {
        let from = Int(request.query.first { $0.name == "resourceVersion" }?.value ?? "") ?? 0
        let generation = try with { state -> Result<Int, KubernetesError> in
            state.requests.append(request)
            for script in state.scripted {
                if let error = script(request) { return .failure(error) }
            }
            if from < state.compactedTo { return .failure(KubernetesError(.gone, status: 410, reason: "Expired", message: "too old")) }
            state.watchesOpened += 1
            return .success(state.closeGeneration)
        }.get()
        let cursor = Mutex(from)
        return WatchStream { [self] in try await next(request.path, cursor, generation) }
    }

    private func next(_ collection: String, _ cursor: borrowing Mutex<Int>, _ generation: Int) async throws -> WatchEvent? {
        while true {
            try Task.checkCancellation()
            enum Step { case event(WatchEvent), closed, wait }
            let step: Step = state.withLock { state in
                if state.closeGeneration != generation { return .closed }
                let from = cursor.withLock { $0 }
                guard !state.isSilent, let entry = state.log.first(where: { $0.version > from && $0.collection.hasSuffix(Self.plural(collection)) }) else {
                    return .wait
                }
                cursor.withLock { $0 = entry.version }
                return .event(entry.event)
            }
            switch step {
            case .event(let event): return event
            case .closed: return nil
            case .wait: await change()
            }
        }
    }

    private func change() async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isCancelled { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    // MARK: Semantics

    private static func plural(_ collection: String) -> String { "/" + (collection.split(separator: "/").last.map(String.init) ?? "") }

    private static func answer(_ request: KubernetesRequest, _ state: inout State) throws(KubernetesError) -> JSONValue {
        let current = state.objects[request.path.replacing("/status", with: "")]
        switch request.method {
        case .get:
            if let current { return current }
            guard !isObjectPath(request.path) else { throw KubernetesError(.notFound, status: 404, reason: "NotFound", message: "no \(request.path)") }
            return list(request, state)
        case .post:
            let body = request.body ?? [:]
            let path = request.path + "/" + body.metadata.name
            guard state.objects[path] == nil else { throw KubernetesError(.alreadyExists, status: 409, reason: "AlreadyExists", message: path) }
            return store(path, body, &state)
        case .put:
            let body = request.body ?? [:]
            guard let current else { throw KubernetesError(.notFound, status: 404, message: request.path) }
            let version = body.metadata.resourceVersion
            guard version.isEmpty || version == current.metadata.resourceVersion else {
                throw KubernetesError(.conflict, status: 409, reason: "Conflict", message: "changed")
            }
            return store(request.path, body, &state)
        case .patch: return try patch(request, current, &state)
        case .delete:
            guard let current else { throw KubernetesError(.notFound, status: 404, reason: "NotFound", message: request.path) }
            let preconditions = request.body?["preconditions"]
            for (wanted, live) in [
                (preconditions?["uid"]?.string, current.metadata.uid), (preconditions?["resourceVersion"]?.string, current.metadata.resourceVersion),
            ] {
                if let wanted, wanted != live { throw KubernetesError(.conflict, status: 409, reason: "Conflict", message: "precondition failed") }
            }
            remove(request.path, &state)
            return ["kind": "Status", "status": "Success"]
        }
    }

    private static func patch(_ request: KubernetesRequest, _ current: JSONValue?, _ state: inout State) throws(KubernetesError) -> JSONValue {
        var body = request.body ?? [:]
        let isStatus = request.path.hasSuffix("/status")
        guard current != nil || (!isStatus && request.contentType == Patch.applyContentType) else {
            throw KubernetesError(.notFound, status: 404, message: request.path)
        }
        if let uid = body.at("metadata", "uid")?.string, uid != current?.metadata.uid { throw KubernetesError(.conflict, status: 409, message: "another uid") }
        if let owners = body.at("metadata", "ownerReferences")?.array, let live = current?.metadata.controller,
            owners.contains(where: { $0["uid"]?.string != live.uid })
        {
            let cause = KubernetesError.Cause(
                reason: "FieldValueInvalid", message: "Only one reference can have Controller set to true", field: "metadata.ownerReferences")
            throw KubernetesError(.invalid, status: 422, reason: "Invalid", message: "two controllers", causes: [cause])
        }
        if let live = current?.at("spec", "immutable"), let wanted = body.at("spec", "immutable"), live != wanted {
            let cause = KubernetesError.Cause(reason: "FieldValueInvalid", message: "field is immutable", field: "spec.immutable")
            throw KubernetesError(.invalid, status: 422, reason: "Invalid", message: "immutable", causes: [cause])
        }
        if isStatus {
            var object = current ?? [:]
            object["status"] = body["status"]
            body = object
        } else {
            body = MergePatch.apply(body, to: current ?? [:])
        }
        return store(request.path.replacing("/status", with: ""), body, &state)
    }

    private static func isObjectPath(_ path: String) -> Bool {
        let parts = path.split(separator: "/").map(String.init)
        guard let namespaces = parts.firstIndex(of: "namespaces") else { return parts.count > (parts.first == "api" ? 3 : 4) }
        return parts.count > namespaces + 3
    }

    private static func list(_ request: KubernetesRequest, _ state: State) -> JSONValue {
        let limit = request.query.first { $0.name == "limit" }.flatMap { Int($0.value) } ?? .max
        let start = request.query.first { $0.name == "continue" }.flatMap { Int($0.value) } ?? 0
        let selector = request.query.first { $0.name == "labelSelector" }.flatMap { try? LabelSelector(parsing: $0.value) } ?? LabelSelector()
        let parts = request.path.split(separator: "/")
        let namespace = parts.firstIndex(of: "namespaces").flatMap { $0 + 2 < parts.count ? String(parts[$0 + 1]) : nil }
        let items = state.objects.filter { path, object in
            path.split(separator: "/").dropLast().last == parts.last && (namespace == nil || object.metadata.namespace == namespace) && selector.matches(object)
        }.sorted { $0.key < $1.key }.map(\.value)
        let page = items.dropFirst(start).prefix(limit)
        var metadata: JSONValue = ["resourceVersion": .string(String(state.version))]
        if start + page.count < items.count { metadata["continue"] = .string(String(start + page.count)) }
        return ["metadata": metadata, "items": .array(Array(page))]
    }

    private static func store(_ type: ResourceType, _ object: JSONValue, _ state: inout State) -> JSONValue {
        store(type.path(namespace: object.metadata.namespace, name: object.metadata.name), object, &state)
    }

    @discardableResult
    private static func store(_ path: String, _ object: JSONValue, _ state: inout State) -> JSONValue {
        let old = state.objects[path]
        var stored = object
        stored.set(["metadata", "uid"], to: .string(old?.metadata.uid ?? "uid-\(state.nextUID)"))
        stored.set(["metadata", "resourceVersion"], to: .string(old?.metadata.resourceVersion ?? ""))
        if stored == old { return stored }  // An unchanged object keeps its version.
        if old == nil { state.nextUID += 1 }
        let isSpecChange = old == nil || old?["spec"] != stored["spec"]
        stored.set(["metadata", "generation"], to: JSONValue((old?.metadata.generation ?? 0) + (isSpecChange ? 1 : 0)))
        state.version += 1
        stored.set(["metadata", "resourceVersion"], to: .string(String(state.version)))
        state.objects[path] = stored
        state.log.append((state.version, collection(path), old == nil ? .added(stored) : .modified(stored)))
        return stored
    }

    private static func remove(_ path: String, _ state: inout State) {
        guard var object = state.objects.removeValue(forKey: path) else { return }
        state.version += 1
        object.set(["metadata", "resourceVersion"], to: .string(String(state.version)))
        state.log.append((state.version, collection(path), .deleted(object)))
    }

    private static func collection(_ path: String) -> String { String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.endIndex)) }
}
