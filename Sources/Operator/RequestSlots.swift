// A number of requests that may run at once, given out in the order in which they were asked for.
// All probes of the operator share one, so that a probe with many silent nodes cannot keep the others waiting for long.
// It never lends a slot to a cancelled task.

import Synchronization

/// Call `give` once after each `take` that returned. Who waits is bounded by the callers: each round of a probe asks for as many slots as there are at most.
final class RequestSlots: Sendable {
    private struct State {
        var free: Int
        var nextID: UInt64 = 0
        /// In order; `cancelled` ones are gone from here.
        var waiting: [(id: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) {
        precondition(count > 0, "without a slot nothing runs")
        state = Mutex(State(free: count))
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// - Throws: `CancellationError`.
    func take() async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in wait(id, continuation) }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    private func wait(_ id: UInt64, _ continuation: CheckedContinuation<Void, any Error>) {
        let outcome: Result<Void, any Error>? = state.withLock { state in
            // The flag is set before the handler runs, so one of the two sees the other.
            if Task.isCancelled { return .failure(CancellationError()) }
            if state.free > 0 {
                state.free -= 1
                return .success(())
            }
            state.waiting.append((id, continuation))
            return nil
        }
        if let outcome { continuation.resume(with: outcome) }
    }

    func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume()
    }
}
