// The state machine of the export: what waits, when the next try is due, what is given up.
// MetricsExporter performs what it says. Times are durations since any fixed moment.
// It never does I/O, asks the time or draws a random number: all three are handed in.

/// Limits and times of the export.
public struct ExportPolicy: Hashable, Sendable {
    /// Batches that wait; one more drops the oldest.
    public var batchesMax = 64
    /// Bytes of all waiting batches; more drop the oldest.
    public var bytesMax = 8 << 20
    /// The first pause after a failure; each further failure doubles it, up to `pauseMax`. The actual pause is a random part of it, at least half.
    public var pauseMin: Duration = .seconds(1)
    public var pauseMax: Duration = .seconds(60)
    /// The longest pause that a receiver can ask for.
    public var retryAfterMax: Duration = .seconds(300)
    /// For one try, from connecting to the end of the answer.
    public var tryTimeout: Duration = .seconds(10)

    public init() {}
}

struct ExportQueue: Sendable {
    enum Action: Equatable {
        case send(ExportBatch, timeout: Duration)
        /// Ask again then, or when something changed; nil: only when something changed.
        case wait(Duration?)
        case finished
    }

    private enum Health {
        case unknown, working, waiting, refusing, rejecting
    }

    private(set) var policy: ExportPolicy
    /// Points of metrics.
    private(set) var counts = ExportCounts()
    private(set) var logCounts = ExportCounts()
    private var waiting: [ExportBatch] = []
    private var waitingBytes = 0
    private var inFlight: ExportBatch?
    private var failures = 0
    private var notBefore: Duration = .zero
    private var closingDeadline: Duration?
    private var health = Health.unknown
    /// Batches of each window that are not answered yet. A window of which one was dropped unanswered is not here.
    private var unanswered: [Int: Int] = [:]
    /// The newest window of metrics all of whose batches the receiver has answered: accepted, or refused for ever.
    private(set) var answeredWindow: Int?

    init(policy: ExportPolicy) { self.policy = policy }

    var waitingCount: Int { waiting.count }

    /// Takes a batch in; the oldest ones go when there is no room.
    mutating func enqueue(_ batch: ExportBatch) {
        book(batch) { $0.seen += UInt64(batch.points) }
        waiting.append(batch)
        waitingBytes += batch.body.count
        dropOldest()
    }

    /// Takes all batches of a window in, which are one export. Windows come in order.
    mutating func enqueue(_ batches: [ExportBatch], window: Int) {
        unanswered[window] = batches.count
        for var batch in batches {
            batch.window = window
            enqueue(batch)
        }
    }

    /// Puts other limits in force.
    mutating func update(_ policy: ExportPolicy) {
        self.policy = policy
        dropOldest()
    }

    private mutating func dropOldest() {
        while waiting.count > policy.batchesMax || waitingBytes > policy.bytesMax { dropUnanswered(takeFirst(), because: "queue_full") }
    }

    private mutating func book(_ batch: ExportBatch, _ change: (inout ExportCounts) -> Void) {
        if batch.signal == .metrics { change(&counts) } else { change(&logCounts) }
    }

    private mutating func drop(_ batch: ExportBatch, because reason: String) { book(batch) { $0.drop(batch.points, because: reason) } }

    private mutating func dropUnanswered(_ batch: ExportBatch, because reason: String) {
        drop(batch, because: reason)
        if let window = batch.window { unanswered[window] = nil }
    }

    private mutating func answer(_ batch: ExportBatch) {
        guard let window = batch.window, let left = unanswered[window] else { return }
        unanswered[window] = left > 1 ? left - 1 : nil
        if left == 1 { answeredWindow = max(answeredWindow ?? window, window) }
    }

    private mutating func takeFirst() -> ExportBatch {
        let first = waiting.removeFirst()
        waitingBytes -= first.body.count
        return first
    }

    /// What to do at a time. `send` must be followed by `finish` before the next call.
    mutating func next(now: Duration) -> Action {
        precondition(inFlight == nil, "the batch before is not finished")
        if let deadline = closingDeadline {
            if now >= deadline { giveUp() }
            if waiting.isEmpty { return .finished }
        }
        if waiting.isEmpty { return .wait(nil) }
        let left = closingDeadline.map { $0 - now }
        if now < notBefore { return .wait(min(notBefore - now, left ?? .seconds(Int64.max / 2))) }
        let batch = takeFirst()
        inFlight = batch
        return .send(batch, timeout: min(policy.tryTimeout, left ?? policy.tryTimeout))
    }

    /// What came of the batch that was sent.
    /// - Parameter random: from 0 up to 1.
    /// - Returns: an event when the receiver's state changed.
    mutating func finish(_ outcome: ExportOutcome, now: Duration, random: Double) -> ExportEvent? {
        guard let batch = inFlight else { return nil }
        inFlight = nil
        switch outcome {
        case .accepted(let rejected, let message): return accepted(batch, rejected: min(max(rejected, 0), batch.points), message)
        case .refused(let failure):
            failures = 0
            drop(batch, because: failure.reason)
            answer(batch)
            return change(to: .refusing, .refused(failure))
        case .retry(let failure, let after):
            waiting.insert(batch, at: 0)
            waitingBytes += batch.body.count
            dropOldest()
            notBefore = now + pause(after: after, random: random)
            failures += 1
            return change(to: .waiting, .waiting(failure))
        }
    }

    private mutating func accepted(_ batch: ExportBatch, rejected: Int, _ message: String) -> ExportEvent? {
        failures = 0
        book(batch) {
            $0.exported += UInt64(batch.points - rejected)
            $0.drop(rejected, because: "rejected")
        }
        answer(batch)
        return rejected > 0 ? change(to: .rejecting, .partlyRejected(points: rejected, message: message)) : change(to: .working, .working)
    }

    private mutating func change(to next: Health, _ event: ExportEvent) -> ExportEvent? {
        defer { health = next }
        return health == next ? nil : event
    }

    /// Full jitter over the upper half, so that agents that lost one receiver do not come back all at once.
    private func pause(after wish: Duration?, random: Double) -> Duration {
        // "At once" would be a loop without a pause for as long as the receiver says so.
        if let wish, wish > .zero { return min(wish, policy.retryAfterMax) }
        let full = min(policy.pauseMin * (1 << min(failures, 20)), policy.pauseMax)
        return full * (0.5 + random / 2)
    }

    /// What failed before says nothing about a new destination.
    mutating func forgetFailures() {
        notBefore = .zero
        failures = 0
    }

    /// Lets what waits leave until the deadline, beginning at once; then it is given up.
    mutating func close(deadline: Duration) {
        closingDeadline = deadline
        forgetFailures()
    }

    private mutating func giveUp() {
        while !waiting.isEmpty { dropUnanswered(takeFirst(), because: "shutdown") }
    }
}
