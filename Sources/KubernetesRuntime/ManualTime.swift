// A clock that stands still until it is told to move.
// Tests of every target that waits use it: they see who sleeps and move time past them.
// It never moves by itself and never wakes anybody early.

import Kubernetes
import Synchronization

/// A TimeSource driven by hand. Monotonic and wall-clock time move together.
public final class ManualTime: TimeSource {
    private struct Sleeper {
        let deadline: MonotonicTime
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = MonotonicTime(sinceOrigin: .zero)
        var wallClock: Timestamp
        var sleepers: [UInt64: Sleeper] = [:]
        var nextID: UInt64 = 0
    }

    private let state: Mutex<State>
    private let changed = Signal()

    /// - Parameter wallClock: Where the wall clock starts.
    public init(wallClock: Timestamp = Timestamp(secondsSinceEpoch: 1_767_225_600)) { state = Mutex(State(wallClock: wallClock)) }

    public var now: MonotonicTime { state.withLock { $0.now } }
    public var wallClock: Timestamp { state.withLock { $0.wallClock } }

    /// How many tasks sleep now.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// When the next sleeper is due; nil when nobody sleeps.
    public var nextDeadline: MonotonicTime? { state.withLock { $0.sleepers.values.map(\.deadline).min() } }

    public func sleep(until deadline: MonotonicTime) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                register(Sleeper(deadline: deadline, continuation: continuation), id)
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
            changed.notify()
        }
    }

    private func register(_ sleeper: Sleeper, _ id: UInt64) {
        enum Outcome { case cancelled, due, sleeping }
        let outcome: Outcome = state.withLock { state in
            // The flag is set before the handler runs, so one of the two sees the other.
            if Task.isCancelled { return .cancelled }
            if sleeper.deadline <= state.now { return .due }
            state.sleepers[id] = sleeper
            return .sleeping
        }
        switch outcome {
        case .cancelled: sleeper.continuation.resume(throwing: CancellationError())
        case .due: sleeper.continuation.resume()
        case .sleeping: changed.notify()
        }
    }

    /// Moves both clocks and wakes who is due, earliest first.
    public func advance(by duration: Duration) {
        precondition(duration >= .zero, "time does not go back")
        let due: [Sleeper] = state.withLock { state in
            state.now = state.now + duration
            state.wallClock = state.wallClock.advanced(by: duration)
            let now = state.now
            let due = state.sleepers.filter { $0.value.deadline <= now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.map(\.value)
        }
        for sleeper in due { sleeper.continuation.resume() }
        if !due.isEmpty { changed.notify() }
    }

    /// Moves time to the next sleeper's deadline; false when nobody sleeps.
    @discardableResult
    public func advanceToNextDeadline() -> Bool {
        guard let deadline = nextDeadline else { return false }
        advance(by: max(.zero, deadline - now))
        return true
    }

    /// Returns once at least `count` tasks sleep, or when the calling task is cancelled.
    public func waitForSleepers(_ count: Int = 1) async {
        while !Task.isCancelled {
            let seen = changed.generation
            if sleeperCount >= count { return }
            await changed.wait(after: seen)
        }
    }
}
