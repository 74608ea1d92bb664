// The bytes of request bodies that a server holds at a time, all connections together.
// Each ConnectionHandler takes what it reads and gives it back when the handler has answered.
// It never waits: what finds no room is refused and counted.

import Synchronization

final class BodyBudget: Sendable {
    private struct State {
        var heldBytes = 0
        var refused = 0
    }

    private let state = Mutex(State())
    private let maxBytes: Int
    private let report: @Sendable () -> Void

    /// - Parameter report: Called for each body that finds no room.
    init(maxBytes: Int, report: @escaping @Sendable () -> Void) {
        self.maxBytes = maxBytes
        self.report = report
    }

    var refused: Int { state.withLock { $0.refused } }

    /// Holds so many bytes more; false, and counted, when there is no room.
    func take(_ bytes: Int) -> Bool { admit(bytes, holds: true) }

    /// Whether a body of an announced length has room now. Nothing is held for it: a client that only announces takes no room from others.
    func hasRoom(for bytes: Int) -> Bool { admit(bytes, holds: false) }

    func give(_ bytes: Int) { state.withLock { $0.heldBytes -= bytes } }

    private func admit(_ bytes: Int, holds: Bool) -> Bool {
        let fits = state.withLock { state in
            guard bytes <= maxBytes - state.heldBytes else {
                state.refused += 1
                return false
            }
            if holds { state.heldBytes += bytes }
            return true
        }
        if !fits { report() }
        return fits
    }
}
