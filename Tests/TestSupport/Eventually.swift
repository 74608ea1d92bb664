// Waiting for what happens elsewhere: in another task, in a server, in a child.
// Tests that cannot move a clock use it.
// It never hides a failure: the caller checks what comes back.

/// Polls until a condition holds; false when it does not within the time, which is long enough for a machine that is busy with other things.
public func eventually(within limit: Duration = .seconds(30), _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}
