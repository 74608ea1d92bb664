// The clock of the runtime: monotonic time to wait by, wall-clock time to write into objects.
// Everything in this module that waits takes a TimeSource; executables pass SystemTime, tests ManualTime.
// It never mixes the two: deadlines are monotonic, timestamps are wall clock.

import Glibc
import Kubernetes

/// A point on a monotonic clock whose origin means nothing.
public struct MonotonicTime: Hashable, Comparable, Sendable {
    public let sinceOrigin: Duration
    public init(sinceOrigin: Duration) { self.sinceOrigin = sinceOrigin }
    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.sinceOrigin < right.sinceOrigin }
    public static func + (left: MonotonicTime, right: Duration) -> MonotonicTime { MonotonicTime(sinceOrigin: left.sinceOrigin + right) }
    public static func - (left: MonotonicTime, right: MonotonicTime) -> Duration { left.sinceOrigin - right.sinceOrigin }
}

/// Where time comes from. Thread rules: any task may ask.
public protocol TimeSource: Sendable {
    /// Goes on while the machine sleeps, never goes back.
    var now: MonotonicTime { get }
    /// For timestamps in objects; may jump.
    var wallClock: Timestamp { get }
    /// Returns at the deadline, at once when it has passed. - Throws: `CancellationError` when the task is cancelled.
    func sleep(until deadline: MonotonicTime) async throws
}

extension TimeSource {
    public func sleep(for duration: Duration) async throws { try await sleep(until: now + duration) }
}

/// The machine's clocks.
public struct SystemTime: TimeSource {
    private let clock = ContinuousClock()
    private let origin = ContinuousClock.now

    public init() {}

    public var now: MonotonicTime { MonotonicTime(sinceOrigin: origin.duration(to: clock.now)) }

    public var wallClock: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(secondsSinceEpoch: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }

    public func sleep(until deadline: MonotonicTime) async throws {
        try await clock.sleep(until: origin.advanced(by: deadline.sinceOrigin), tolerance: nil)
    }
}

/// A wait that took too long.
public struct DeadlineExceeded: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was waited for: `reconcile of default/a`.
    public let operation: String
    public let limit: Duration
    public init(operation: String, limit: Duration) {
        self.operation = operation
        self.limit = limit
    }
    public var description: String { "\(operation) took longer than \(limit)" }
}

/// Runs `body` and cancels it when the limit has passed; returns only after `body` has ended.
/// - Throws: `DeadlineExceeded`, or what `body` throws.
public func withDeadline<Value: Sendable>(
    _ limit: Duration, _ operation: String, time: any TimeSource, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await time.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw DeadlineExceeded(operation: operation, limit: limit) }
        return value
    }
}
