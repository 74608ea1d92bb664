// A queue of keys for workers: a key is worked on by one worker at a time, and once more when it was added meanwhile.
// Informers and timers add, a controller's workers take.
// It never holds objects: what a key means is read when it is worked on.

import CoreMetrics
import Synchronization

/// The shared queue of one controller. Thread rules: any task may call any method.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var keys: WorkQueueState<Key>
        var isShutDown = false
    }

    public let name: String
    private let state: Mutex<State>
    private let changed = Signal()
    private let time: any TimeSource
    private let depthGauge: Gauge
    private let droppedGauge: Gauge
    private let adds: Counter
    private let retries: Counter
    private let waits: Recorder

    /// - Parameters:
    ///   - name: Of the controller, as label of the metrics.
    ///   - backoff: Of one key's failures.
    public init(
        name: String, time: any TimeSource = SystemTime(), seed: UInt64 = .random(in: .min ... .max), backoff: ExponentialBackoff = .item,
        metrics: RuntimeMetrics = RuntimeMetrics()
    ) {
        self.name = name
        self.time = time
        state = Mutex(State(keys: WorkQueueState(seed: seed, backoff: backoff)))
        depthGauge = metrics.gauge("workqueue_depth", ("controller", name))
        droppedGauge = metrics.gauge("workqueue_dropped_keys", ("controller", name))
        adds = metrics.counter("workqueue_adds", ("controller", name))
        retries = metrics.counter("workqueue_retries", ("controller", name))
        waits = metrics.seconds("workqueue_wait", ("controller", name))
    }

    /// Adds a key, to be worked on now or after a delay. After shutdown it does nothing.
    public func add(_ key: Key, after delay: Duration = .zero, priority: WorkPriority = .normal) {
        adds.increment()
        change { $0.add(key, priority: priority, readyAt: $1 + delay, now: $1) }
    }

    /// Adds a key after a failure: with exponential backoff, jitter and the rate of the whole queue; not before `least`.
    public func addAfterFailure(_ key: Key, atLeast least: Duration = .zero) {
        retries.increment()
        change { $0.addAfterFailure(key, atLeast: least, now: $1) }
    }

    /// The key succeeded: its backoff starts anew.
    public func forget(_ key: Key) { state.withLock { $0.keys.forget(key) } }

    /// Failures of this key in a row.
    public func failureCount(_ key: Key) -> Int { state.withLock { $0.keys.failureCount(key) } }

    /// Keys that wait or are ready.
    public var depth: Int { state.withLock { $0.keys.depth } }

    /// Keys that are being worked on.
    public var runningCount: Int { state.withLock { $0.keys.runningCount } }

    /// The next key, as soon as one is ready; the caller must end it with `done`. Nil after shutdown or cancellation.
    public func next() async -> Key? {
        while !Task.isCancelled {
            let seen = changed.generation
            let step: WorkQueueState<Key>.Next? = state.withLock { $0.isShutDown ? nil : $0.keys.next(now: time.now) }
            switch step {
            case nil: return nil
            case .run(let key, let waited):
                waits.record(waited.inSeconds)
                depthGauge.record(depth)
                return key
            case .idle(let until): await changed.wait(after: seen, until: until, time: time)
            }
        }
        return nil
    }

    /// The key that `next` gave is no longer worked on.
    public func done(_ key: Key) { change { $0.done(key, now: $1) } }

    /// Gives out no more keys; those that run may end.
    public func shutDown() {
        state.withLock { $0.isShutDown = true }
        changed.notify()
    }

    private func change(_ body: (inout WorkQueueState<Key>, MonotonicTime) -> Void) {
        let (depth, dropped) = state.withLock { state in
            body(&state.keys, time.now)
            return (state.keys.depth, state.keys.droppedTotal)
        }
        depthGauge.record(depth)
        droppedGauge.record(dropped)
        changed.notify()
    }
}
