// The answer of a credential plugin, kept until it expires or the server refuses it.
// A client's requests ask it; however many wait, the plugin runs once.
// It never runs a plugin on Swift's cooperative pool, and a cancelled request stops waiting at once.

import Glibc
import Kubernetes
import Synchronization

final class ExecCredentials: Sendable {
    typealias Answer = Result<ExecCredential, ClientConfigurationError>

    private struct State {
        var cached: ExecCredential?
        var isRunning = false
        var waiters: [Int: CheckedContinuation<ExecCredential, any Error>] = [:]
        /// Those whose task was cancelled before they began to wait.
        var cancelled: Set<Int> = []
        var nextWaiter = 0
    }

    private enum Step { case finished(ExecCredential), wait, run, cancelled }

    private let plugin: ExecPlugin
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())

    init(_ plugin: ExecPlugin, now: @escaping @Sendable () -> Timestamp = ExecCredentials.wallClock) {
        self.plugin = plugin
        self.now = now
    }

    @Sendable static func wallClock() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(secondsSinceEpoch: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }

    /// The kept credential, or a new one.
    /// - Parameter refused: One that the server answered with 401; it is not given again.
    /// - Throws: `ClientConfigurationError`, or `CancellationError`.
    func credential(refused: ExecCredential? = nil) async throws -> ExecCredential {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        defer { state.withLock { _ = $0.cancelled.remove(waiter) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                switch step(waiter, refused, continuation) {
                case .finished(let credential): continuation.resume(returning: credential)
                case .cancelled: continuation.resume(throwing: CancellationError())
                case .wait: break
                case .run: start()
                }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                let continuation = state.waiters.removeValue(forKey: waiter)
                if continuation == nil { state.cancelled.insert(waiter) }
                return continuation
            }
            continuation?.resume(throwing: CancellationError())
        }
    }

    private func step(_ waiter: Int, _ refused: ExecCredential?, _ continuation: CheckedContinuation<ExecCredential, any Error>) -> Step {
        state.withLock { state in
            if state.cancelled.remove(waiter) != nil { return .cancelled }
            if let cached = state.cached, cached != refused, cached.expiration.map({ now() < $0 }) ?? true { return .finished(cached) }
            state.cached = nil
            state.waiters[waiter] = continuation
            if state.isRunning { return .wait }
            state.isRunning = true
            return .run
        }
    }

    private func start() {
        let code = BlockingThread.start { [self] in
            finish(Answer(catching: { () throws(ClientConfigurationError) in try plugin.run() }))
        }
        if code != 0 {
            finish(.failure(ClientConfigurationError(.plugin, "\(plugin.place): no thread could be started (errno \(code)). Check the limit on processes.")))
        }
    }

    private func finish(_ answer: Answer) {
        let waiters = state.withLock { state in
            state.isRunning = false
            state.cached = try? answer.get()
            let waiters = Array(state.waiters.values)
            state.waiters = [:]
            return waiters
        }
        for waiter in waiters { waiter.resume(with: answer.mapError { $0 as any Error }) }
    }
}
