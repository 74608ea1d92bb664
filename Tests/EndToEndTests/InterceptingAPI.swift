// An API that counts writes and fails on request, around the in-process server and a real one alike.
// Tests hand it to the operator and look at what it saw.
// It never changes a request or an answer.

import JSON
import Kubernetes
import Synchronization
import Testing

final class InterceptingAPI: KubernetesAPI {
    /// What to do with a write, by its number from 1.
    enum Failure: Sendable {
        /// The server never sees it.
        case before(KubernetesError)
        /// The server does it, and the answer is lost.
        case after(KubernetesError)
    }

    struct Write: Sendable {
        let text: String
        let time: ContinuousClock.Instant
    }

    private struct State {
        var writes: [Write] = []
        var brokenKinds: Set<String> = []
        var requests: [KubernetesRequest] = []
    }

    private let api: any KubernetesAPI
    private let failure: @Sendable (KubernetesRequest, Int) -> Failure?
    private let state = Mutex(State())

    init(_ api: any KubernetesAPI, failure: @escaping @Sendable (KubernetesRequest, Int) -> Failure? = { _, _ in nil }) {
        self.api = api
        self.failure = failure
    }

    /// Requests that could have changed something, without those for leases and events.
    var writes: [Write] { state.withLock { $0.writes } }

    /// Everything that was sent.
    var requests: [KubernetesRequest] { state.withLock { $0.requests } }

    /// Lists and watches of a kind fail from now on, those under way too.
    func breakWatches(of type: ResourceType) { state.withLock { _ = $0.brokenKinds.insert(type.plural) } }

    func mendWatches(of type: ResourceType) { state.withLock { _ = $0.brokenKinds.remove(type.plural) } }

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        if isBroken(request) { throw Self.networkError }
        state.withLock { $0.requests.append(request) }
        guard request.method != .get, !request.path.contains("/leases"), !request.path.contains("/events") else { return try await api.send(request) }
        let number = state.withLock { state in
            state.writes.append(Write(text: "\(request.method.rawValue) \(request.path)", time: .now))
            return state.writes.count
        }
        switch failure(request, number) {
        case .before(let error): throw error
        case .after(let error):
            _ = try await api.send(request)
            throw error
        case nil: return try await api.send(request)
        }
    }

    func watch(_ request: KubernetesRequest) async throws -> WatchStream {
        if isBroken(request) { throw Self.networkError }
        let stream = try await api.watch(request)
        return WatchStream {
            try await withThrowingTaskGroup(of: WatchEvent?.self) { group in
                group.addTask {
                    var iterator = stream.makeAsyncIterator()
                    return try await iterator.next()
                }
                group.addTask {
                    while !self.isBroken(request) { try await Task.sleep(for: .milliseconds(5)) }
                    throw Self.networkError
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        }
    }

    private static let networkError = KubernetesError(.network, message: "the connection was cut by the test")

    private func isBroken(_ request: KubernetesRequest) -> Bool {
        guard request.method == .get else { return false }
        return state.withLock { $0.brokenKinds.contains { request.path.hasSuffix("/\($0)") } }
    }
}
