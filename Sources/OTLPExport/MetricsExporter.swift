// Sends metrics and logs to an OTLP receiver, over HTTP or gRPC: the shell around ExportQueue.
// The agent's loop hands requests in from its own thread; `run` sends them from a task.
// It never blocks who hands in, never sends two requests at once, and never logs by itself.

import Glibc
import HTTPClient
import OTLPMessages
import Synchronization

/// Guarantees: every point that is handed in is counted as exported or, with its reason, as dropped, or still waits. Memory is bounded by the policy.
/// Not guaranteed: a request whose answer got lost is sent again, so a receiver may see it twice.
public final class MetricsExporter: Sendable {
    private struct State {
        var queue: ExportQueue
        var destination: ExportDestination
        var deadline: ContinuousClock.Instant?
    }

    private let client: HTTPClient
    private let state: Mutex<State>
    private let began = ContinuousClock.now
    private let wakeup = Wakeup()
    private let closing = Wakeup()
    private let report: @Sendable (ExportEvent) -> Void
    private let unixSeconds: @Sendable () -> Int64

    /// - Parameters:
    ///   - unixSeconds: the wall clock, for receivers that name the date of the next try.
    ///   - report: called from `run` when the receiver's state changes.
    public init(
        client: HTTPClient, destination: ExportDestination, policy: ExportPolicy = ExportPolicy(),
        unixSeconds: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }, report: @escaping @Sendable (ExportEvent) -> Void
    ) {
        self.client = client
        self.report = report
        self.unixSeconds = unixSeconds
        state = Mutex(State(queue: ExportQueue(policy: policy), destination: destination))
    }

    /// Points of metrics by what became of them.
    public var counts: ExportCounts { state.withLock { $0.queue.counts } }

    /// Log records by what became of them.
    public var logCounts: ExportCounts { state.withLock { $0.queue.logCounts } }

    /// Batches that wait for the receiver.
    public var waitingCount: Int { state.withLock { $0.queue.waitingCount } }

    /// The newest window of metrics that the receiver has answered in whole: what was counted until then has arrived, or was refused for ever.
    public var answeredWindow: Int? { state.withLock { $0.queue.answeredWindow } }

    /// Later tries, also of what waits already, go to this destination; the next one is made at once.
    public func update(_ destination: ExportDestination, policy: ExportPolicy? = nil) {
        state.withLock {
            $0.destination = destination
            if let policy { $0.queue.update(policy) }
            $0.queue.forgetFailures()
        }
        wakeup.signal()
    }

    /// Encodes and compresses the requests of one window on the caller's thread and hands them over.
    /// - Parameter window: its number, which is above those before; `answeredWindow` tells when the receiver has it.
    public func enqueue(_ requests: [MetricsRequest], window: Int) {
        let batches = requests.filter { $0.pointCount > 0 }.map { packed(ExportBatch(body: $0.bytes(), contentEncoding: nil, points: $0.pointCount)) }
        if batches.isEmpty { return }
        state.withLock { $0.queue.enqueue(batches, window: window) }
        wakeup.signal()
    }

    /// A request that belongs to no window.
    public func enqueue(_ request: MetricsRequest) {
        if request.pointCount > 0 { enqueue(ExportBatch(body: request.bytes(), contentEncoding: nil, points: request.pointCount)) }
    }

    /// The same for log records.
    public func enqueue(_ request: LogsRequest) {
        if request.recordCount > 0 { enqueue(ExportBatch(signal: .logs, body: request.bytes(), contentEncoding: nil, points: request.recordCount)) }
    }

    private func enqueue(_ plain: ExportBatch) {
        let batch = packed(plain)
        state.withLock { $0.queue.enqueue(batch) }
        wakeup.signal()
    }

    private func packed(_ plain: ExportBatch) -> ExportBatch {
        var batch = plain
        // Without memory for zlib the body leaves as it is.
        if state.withLock({ $0.destination.compression }) == .gzip, let compressed = try? Gzip.compress(batch.body) {
            batch.body = compressed
            batch.contentEncoding = "gzip"
        }
        return batch
    }

    /// Lets `run` return when all that waits has left, or when the time is over; a request that is still under way then is cut off.
    public func close(within time: Duration) {
        state.withLock {
            $0.deadline = ContinuousClock.now + time
            $0.queue.close(deadline: now + time)
        }
        wakeup.signal()
        closing.signal()
    }

    /// Sends until `close`, or until the task is cancelled. To be called once.
    public func run() async {
        while !Task.isCancelled {
            switch state.withLock({ $0.queue.next(now: now) }) {
            case .finished: return
            case .wait(nil): await wakeup.wait()
            case .wait(let pause?): await wakeup.wait(for: pause)
            case .send(let batch, let timeout):
                let outcome = await send(batch, timeout: timeout)
                let event = state.withLock { $0.queue.finish(outcome, now: now, random: Double.random(in: 0..<1)) }
                if let event { report(event) }
            }
        }
    }

    private var now: Duration { ContinuousClock.now - began }

    /// One try, ended early when the deadline of `close` comes first.
    private func send(_ batch: ExportBatch, timeout: Duration) async -> ExportOutcome {
        await withTaskGroup(of: ExportOutcome.self) { group in
            group.addTask { await self.post(batch, timeout: timeout) }
            group.addTask { await self.deadlineOfClose() }
            let first = await group.next()
            group.cancelAll()
            return first ?? Self.cutOff
        }
    }

    private static let cutOff = ExportOutcome.retry(ExportFailure(reason: "shutdown", message: "The time for the last export is over."), after: nil)

    private func deadlineOfClose() async -> ExportOutcome {
        while !Task.isCancelled {
            if let deadline = state.withLock({ $0.deadline }) {
                try? await Task.sleep(until: deadline, clock: .continuous)
                break
            }
            await closing.wait()
        }
        return Self.cutOff
    }

    private func post(_ batch: ExportBatch, timeout: Duration) async -> ExportOutcome {
        let destination = state.withLock { $0.destination }
        do {
            return destination.outcome(of: batch, try await client.send(destination.request(batch, timeout: timeout)), unixSeconds: unixSeconds())
        } catch let error as HTTPError {
            return ExportOutcome(error, transport: destination.transport)
        } catch {
            return Self.cutOff
        }
    }
}
