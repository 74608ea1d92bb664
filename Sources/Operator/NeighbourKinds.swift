// Which kinds of other products the cluster serves at the moment: ServiceMonitor, PodMonitor, HTTPRoute, Route.
// The operator asks for each every few seconds; scopes start and stop their watches with it, and the reconciler leaves out what is not served.
// It never ends the operator: a cluster that does not answer is asked again, and what was known last stands.

import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Synchronization

final class NeighbourKinds: Sendable {
    private struct State {
        var served: Set<ResourceType> = []
        var wasAsked = false
        var reasons: [ResourceType: String] = [:]
        var nextListener = 0
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    let types: [ResourceType]
    private let api: any KubernetesAPI
    private let namespace: String?
    private let pause: Duration
    private let time: any TimeSource
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - namespace: In which the operator may list the kinds; nil means everywhere.
    ///   - pause: Between two rounds of questions.
    init(types: [ResourceType], api: any KubernetesAPI, namespace: String?, pause: Duration, time: any TimeSource, logger: Logger) {
        self.types = types
        self.api = api
        self.namespace = namespace
        self.pause = pause
        self.time = time
        self.logger = logger
    }

    func isServed(_ type: ResourceType) -> Bool { state.withLock { $0.served.contains(type) } }

    /// Asks until cancelled. A custom resource definition is not watched: that would need a right in the whole cluster.
    /// - Throws: `CancellationError`.
    func run() async throws {
        while true {
            var isNews = false
            for type in types where try await ask(type) { isNews = true }
            let isFirst = state.withLock { state in
                defer { state.wasAsked = true }
                return !state.wasAsked
            }
            if isNews || isFirst { announce() }
            try await time.sleep(for: pause * Double.random(in: 0.9...1.1))
        }
    }

    /// Returns when the first answers are there, so that no resource is called degraded for want of a question.
    func waitUntilAsked() async throws {
        for await _ in changes() {
            if state.withLock({ $0.wasAsked }) { return }
        }
        try Task.checkCancellation()
    }

    /// Returns when the kind is served, or no longer is. - Throws: `CancellationError`.
    func wait(for type: ResourceType, served: Bool) async throws {
        for await _ in changes() {
            if isServed(type) == served { return }
        }
        try Task.checkCancellation()
    }

    /// One element at once, and one after each change.
    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) } }
        continuation.yield()
        return stream
    }

    private func announce() {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
    }

    /// - Returns: Whether the answer is another one than before.
    private func ask(_ type: ResourceType) async throws -> Bool {
        do {
            _ = try await api.list(type, namespace: namespace, limit: 1)
            return note(type, isServed: true, reason: "served")
        } catch let error as KubernetesError where error.code == .notFound {
            return note(type, isServed: false, reason: "not installed")
        } catch let error as KubernetesError where error.code == .forbidden {
            return note(type, isServed: false, reason: "the service account may not list it")
        } catch is KubernetesError {
            return false
        }
    }

    private func note(_ type: ResourceType, isServed: Bool, reason: String) -> Bool {
        let (isNews, isNewReason) = state.withLock { state in
            let isNewReason = state.reasons.updateValue(reason, forKey: type) != reason
            let isNews = state.served.contains(type) != isServed
            if isServed { state.served.insert(type) } else { state.served.remove(type) }
            return (isNews, isNewReason)
        }
        if isNewReason { logger.info("Asked for a kind of another product", metadata: ["kind": "\(type.plural).\(type.group)", "answer": "\(reason)"]) }
        return isNews
    }
}
