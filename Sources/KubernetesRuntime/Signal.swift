// A condition to wait on: whoever notifies wakes everybody who waits.
// Queues, informers and the supervisor wait for a change of their own state with it.
// It never loses a wake-up: waiters name the generation that they have seen.

import Synchronization

/// Read `generation`, look at your state, then wait for a later generation.
final class Signal: Sendable {
    private struct State {
        var generation: UInt64 = 0
        var nextID: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    var generation: UInt64 { state.withLock { $0.generation } }

    func notify() {
        let woken = state.withLock { state in
            state.generation += 1
            let woken = Array(state.waiters.values)
            state.waiters = [:]
            return woken
        }
        for waiter in woken { waiter.resume() }
    }

    /// Returns when somebody has notified since `generation` was read, or when the task is cancelled.
    func wait(after generation: UInt64) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    // The flag is set before the handler runs, so one of the two sees the other.
                    if Task.isCancelled || state.generation != generation { return false }
                    state.waiters[id] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    /// As `wait(after:)`, and also at the deadline.
    func wait(after generation: UInt64, until deadline: MonotonicTime?, time: any TimeSource) async {
        guard let deadline else { return await wait(after: generation) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(after: generation) }
            group.addTask { try? await time.sleep(until: deadline) }  // Only cancellation ends it early, and that is the wish.
            await group.next()
            group.cancelAll()
        }
    }
}
