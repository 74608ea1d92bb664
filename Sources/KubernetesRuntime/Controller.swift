// Workers that bring one kind's objects to their desired state, key by key.
// The operator makes one for each of its resources and hands it the reconcile function.
// It never lets one key's error stop another key, and never runs one key twice at once.

import CoreMetrics
import Kubernetes
import Logging

/// What a successful reconcile asks for.
public enum ReconcileResult: Hashable, Sendable {
    case done
    /// Look again after this time, though nothing may have changed. Not a retry.
    case after(Duration)
}

/// The id of the reconcile that the current task runs in; it ties log lines together.
public enum ReconcileID {
    @TaskLocal public static var current: String?

    /// Puts `reconcileID` into every log line of a logger made with it.
    public static let metadataProvider = Logger.MetadataProvider { current.map { ["reconcileID": "\($0)"] } ?? [:] }
}

/// Takes keys from a queue and reconciles them.
public final class Controller<Key: Hashable & Sendable & CustomStringConvertible>: Sendable {
    public typealias Reconcile = @Sendable (Key) async throws -> ReconcileResult

    public let name: String
    public let queue: WorkQueue<Key>
    private let workers: Int
    private let deadline: Duration
    private let time: any TimeSource
    private let logger: Logger
    private let metrics: ControllerMetrics
    /// How long a key must still be held back because the stores have not seen its own writes; see `OwnWrites`.
    private let hold: (@Sendable (Key) async throws -> Duration?)?
    private let reconcile: Reconcile

    /// - Parameters:
    ///   - workers: How many keys are worked on at once.
    ///   - deadline: Of one reconcile; after it the task is cancelled and the key is tried again.
    ///   - hold: Asked before each reconcile; a duration puts the key off for so long.
    public init(
        name: String, queue: WorkQueue<Key>, workers: Int = 2, deadline: Duration = .seconds(60), time: any TimeSource = SystemTime(), logger: Logger,
        metrics: RuntimeMetrics = RuntimeMetrics(), hold: (@Sendable (Key) async throws -> Duration?)? = nil, reconcile: @escaping Reconcile
    ) {
        precondition(workers > 0, "a controller needs a worker")
        self.name = name
        self.queue = queue
        self.workers = workers
        self.deadline = deadline
        self.time = time
        self.logger = logger
        self.metrics = ControllerMetrics(metrics, controller: name)
        self.hold = hold
        self.reconcile = reconcile
    }

    /// Works until the queue is shut down (running keys end first) or the task is cancelled (running keys are cancelled too).
    /// - Throws: The first error of class `.fatal`; all other errors stay with their key.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<workers { group.addTask { try await self.work() } }
            // The first error leaves the loop, which cancels the other workers.
            for try await _ in group {}
        }
    }

    /// Takes no more keys; `run` returns when the running ones have ended.
    public func stop() { queue.shutDown() }

    private func work() async throws {
        while let key = await queue.next() {
            defer { queue.done(key) }
            try await handle(key)
        }
    }

    private func handle(_ key: Key) async throws {
        let id = String(UInt64.random(in: .min ... .max), radix: 16)
        var logger = logger
        logger[metadataKey: "controller"] = "\(name)"
        logger[metadataKey: "object"] = "\(key)"
        logger[metadataKey: "reconcileID"] = "\(id)"
        metrics.active.increment()
        let started = time.now
        defer {
            metrics.active.decrement()
            metrics.duration.record((time.now - started).inSeconds)
        }
        do {
            if let delay = try await hold?(key) {
                metrics.held.increment()
                return queue.add(key, after: delay)
            }
            let result = try await ReconcileID.$current.withValue(id) {
                try await withDeadline(deadline, "reconcile of \(key)", time: time) { try await self.reconcile(key) }
            }
            succeeded(key, result)
        } catch {
            try failed(key, error, logger)
        }
    }

    private func succeeded(_ key: Key, _ result: ReconcileResult) {
        queue.forget(key)
        switch result {
        case .done: metrics.success.increment()
        case .after(let delay):
            metrics.requeue.increment()
            queue.add(key, after: delay)
        }
    }

    private func failed(_ key: Key, _ error: any Error, _ logger: Logger) throws {
        if Task.isCancelled { return }  // The controller stops; the key is looked at after the next start.
        switch RetryClass(error) {
        case .retry:
            metrics.error.increment()
            queue.addAfterFailure(key)
            logger.warning("Reconcile failed, trying again", metadata: ["error": "\(error)", "failures": "\(queue.failureCount(key))"])
        case .retryAfter(let delay):
            metrics.error.increment()
            queue.addAfterFailure(key, atLeast: delay)
            logger.warning("Reconcile failed, trying again later", metadata: ["error": "\(error)", "retryAfter": "\(delay)"])
        case .terminal:
            metrics.terminal.increment()
            queue.forget(key)
            logger.error("Reconcile failed until something changes", metadata: ["error": "\(error)"])
        case .fatal:
            metrics.terminal.increment()
            throw error
        }
    }
}

private struct ControllerMetrics: Sendable {
    let success, requeue, error, terminal, held: Counter
    let duration: Recorder
    let active: Meter

    init(_ metrics: RuntimeMetrics, controller: String) {
        func results(_ result: String) -> Counter { metrics.counter("controller_reconcile", ("controller", controller), ("result", result)) }
        success = results("success")
        requeue = results("requeue_after")
        error = results("error")
        terminal = results("terminal_error")
        held = metrics.counter("controller_staleness_holds", ("controller", controller))
        duration = metrics.seconds("controller_reconcile_duration", ("controller", controller))
        active = metrics.meter("controller_active_workers", ("controller", controller))
    }
}
