// Sends events about our resources without making anybody wait.
// Controllers call `record` on transitions; the executable runs the recorder beside them.
// It never fails a reconcile: an event that cannot be sent is counted and dropped, since the condition says the same.

import CoreMetrics
import DequeModule
import JSON
import Kubernetes
import Logging
import Synchronization

/// A bounded queue of events and the task that sends them. Thread rules: any task may record.
public final class EventRecorder: Sendable {
    private struct Pending {
        let note: EventNote
        let subject: EventSubject
    }

    private struct State {
        var pending = Deque<Pending>()
        var correlator: EventCorrelator
        var isStopping = false
        var isSending = false
    }

    public static let pendingMax = 1000

    private let api: any KubernetesAPI
    private let time: any TimeSource
    private let logger: Logger
    private let state: Mutex<State>
    private let changed = Signal()
    private let sent, dropped, failed: Counter

    /// - Parameters:
    ///   - reportingController: `sonde.dev/operator`.
    ///   - reportingInstance: The pod's name.
    public init(
        api: any KubernetesAPI, gate: WriteGate, reportingController: String, reportingInstance: String, time: any TimeSource = SystemTime(), logger: Logger,
        metrics: RuntimeMetrics = RuntimeMetrics(), seed: UInt64 = .random(in: .min ... .max)
    ) {
        self.api = GatedAPI(api, gate: gate)
        self.time = time
        self.logger = logger
        let correlator = EventCorrelator(reportingController: reportingController, reportingInstance: reportingInstance, seed: seed)
        state = Mutex(State(correlator: correlator))
        sent = metrics.counter("events", ("result", "sent"))
        dropped = metrics.counter("events", ("result", "dropped"))
        failed = metrics.counter("events", ("result", "failed"))
    }

    /// Puts an event into the queue and returns at once; when the queue is full the event is dropped.
    public func record(_ note: EventNote, about subject: EventSubject) {
        let isFull = state.withLock { state in
            guard state.pending.count < Self.pendingMax else { return true }
            state.pending.append(Pending(note: note, subject: subject))
            return false
        }
        if isFull { dropped.increment() } else { changed.notify() }
    }

    /// Sends events until `stop` (what is queued then is still sent) or cancellation.
    public func run() async throws {
        while true {
            try Task.checkCancellation()
            let seen = changed.generation
            let (next, isStopping) = state.withLock { state in
                let next = state.pending.popFirst()
                state.isSending = next != nil
                return (next, state.isStopping)
            }
            if let next {
                await send(next)
            } else if isStopping {
                return
            } else {
                await changed.wait(after: seen)
            }
        }
    }

    /// Whether everything that was recorded is sent or dropped.
    public var isIdle: Bool { state.withLock { $0.pending.isEmpty && !$0.isSending } }

    public func stop() {
        state.withLock { $0.isStopping = true }
        changed.notify()
    }

    private func send(_ event: Pending) async {
        let action = state.withLock { $0.correlator.on(event.note, about: event.subject, now: time.now, wallClock: time.wallClock) }
        do {
            switch action {
            case .drop: return dropped.increment()
            case .create(let object): try await api.create(.events, object)
            case .patch(let name, let series): try await api.patch(.events, name, .merge(series))
            }
            sent.increment()
        } catch {
            state.withLock { $0.correlator.forget(event.note, about: event.subject) }
            failed.increment()
            logger.debug("Event was not recorded", metadata: ["reason": "\(event.note.reason)", "object": "\(event.subject.reference)", "error": "\(error)"])
        }
    }
}
