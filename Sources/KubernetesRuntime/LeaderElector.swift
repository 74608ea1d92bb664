// Holds the Lease for this process and opens the write gate while it does.
// The executable runs it beside the controllers; workers that write wait for `waitUntilLeading`.
// It never gives leadership back silently: when the lease is lost the gate closes at once and `run` throws.

import CoreMetrics
import JSON
import Kubernetes
import Logging
import Synchronization

/// The lease went to somebody else or could not be renewed in time: the process must end.
public struct LeadershipLost: RetryClassified, Hashable, CustomStringConvertible {
    public let lease: ObjectName
    public init(lease: ObjectName) { self.lease = lease }
    public var retryClass: RetryClass { .fatal }
    public var description: String { "lost the lease \(lease); ending, so that a fresh process starts with a fresh view" }
}

/// One candidate for a Lease. Run it once.
public final class LeaderElector: Sendable {
    private struct State {
        var machine: ElectionMachine
        var isStopping = false
        var hasEnded = false
    }

    private let api: any KubernetesAPI
    private let configuration: ElectionConfiguration
    private let gate: WriteGate
    private let time: any TimeSource
    private let logger: Logger
    private let state: Mutex<State>
    private let changed = Signal()
    private let leader: Gauge
    private let renewals, failures: Counter

    /// - Parameters:
    ///   - api: Not gated: the lease itself must be writable.
    ///   - gate: Open while the lease is held for at least its request timeout more.
    public init(
        api: any KubernetesAPI, configuration: ElectionConfiguration, gate: WriteGate, time: any TimeSource = SystemTime(), logger: Logger,
        metrics: RuntimeMetrics = RuntimeMetrics(), seed: UInt64 = .random(in: .min ... .max)
    ) {
        self.api = api
        self.configuration = configuration
        self.gate = gate
        self.time = time
        self.logger = logger
        state = Mutex(State(machine: ElectionMachine(configuration, seed: seed)))
        leader = metrics.gauge("leader", ("lease", "\(configuration.lease)"))
        renewals = metrics.counter("leader_election_renewals", ("result", "success"))
        failures = metrics.counter("leader_election_renewals", ("result", "error"))
    }

    public var isLeading: Bool { state.withLock { $0.machine.isLeading } }

    /// Who held the lease when it was last seen; `""` for nobody.
    public var holder: String { state.withLock { $0.machine.holder } }

    /// False when this process believes to lead though its lease has run out: renewals hang. For the liveness probe.
    public var isHealthy: Bool { state.withLock { state in state.machine.heldUntil.map { time.now < $0 } ?? true } }

    /// Returns once this process leads. - Throws: `CancellationError`; `LeadershipLost` when the election ended without a win.
    public func waitUntilLeading() async throws {
        while true {
            let seen = changed.generation
            let (isLeading, hasEnded) = state.withLock { ($0.machine.isLeading, $0.hasEnded) }
            if isLeading { return }
            if hasEnded { throw LeadershipLost(lease: configuration.lease) }
            try Task.checkCancellation()
            await changed.wait(after: seen)
        }
    }

    /// Competes and renews until `stop` (then the lease is released) or cancellation (then it runs out by itself).
    /// - Throws: `LeadershipLost`, `CancellationError`.
    public func run() async throws {
        defer { end() }
        var input = ElectionMachine.Input.begin
        while !state.withLock({ $0.isStopping }) {
            try Task.checkCancellation()
            switch step(input) {
            case .read: input = await perform { try await .read(self.api.getIfFound(.leases, self.configuration.lease)) }
            case .create(let lease):
                let sentAt = time.now
                input = await perform { try await .written(self.api.create(.leases, lease), sentAt: sentAt) }
            case .replace(let lease):
                let sentAt = time.now
                input = await perform { try await .written(self.api.replace(.leases, lease), sentAt: sentAt) }
            case .sleep(let pause):
                await sleep(pause)
                input = .slept
            case .lost: throw LeadershipLost(lease: configuration.lease)
            }
        }
        try await release()
    }

    /// Ends `run` after what is under way and gives the lease back. Call it when nothing writes any more.
    public func stop() {
        state.withLock { $0.isStopping = true }
        changed.notify()
    }

    private func step(_ input: ElectionMachine.Input) -> ElectionMachine.Action {
        let (action, heldUntil, change) = state.withLock { state in
            let wasLeading = state.machine.isLeading
            let action = state.machine.on(input, now: time.now, wallClock: time.wallClock)
            let change: Bool? = wasLeading == state.machine.isLeading ? nil : !wasLeading
            return (action, state.machine.heldUntil, change)
        }
        if case .written = input { renewals.increment() }
        if let heldUntil { gate.open(until: heldUntil) } else { gate.close() }
        if let change {
            leader.record(change ? 1 : 0)
            logger.notice(
                change ? "Acquired the lease" : "Lost the lease", metadata: ["lease": "\(configuration.lease)", "identity": "\(configuration.identity)"])
            changed.notify()
        }
        return action
    }

    private func perform(_ request: @escaping @Sendable () async throws -> ElectionMachine.Input) async -> ElectionMachine.Input {
        do {
            return try await withDeadline(configuration.requestTimeout, "lease request", time: time, request)
        } catch let error as KubernetesError where error.code == .conflict || error.code == .alreadyExists {
            return .conflicted
        } catch {
            failures.increment()
            logger.warning("Lease request failed", metadata: ["lease": "\(configuration.lease)", "error": "\(error)"])
            return .failed
        }
    }

    private func sleep(_ pause: Duration) async {
        let until = time.now + pause
        while time.now < until, !Task.isCancelled {
            let seen = changed.generation
            if state.withLock({ $0.isStopping }) { return }
            await changed.wait(after: seen, until: until, time: time)
        }
    }

    private func release() async throws {
        gate.close()
        leader.record(0)
        guard let lease = state.withLock({ $0.machine.release(wallClock: time.wallClock) }) else { return }
        _ = await perform { try await .written(self.api.replace(.leases, lease), sentAt: self.time.now) }
        logger.notice("Released the lease", metadata: ["lease": "\(configuration.lease)"])
    }

    private func end() {
        gate.close()
        leader.record(0)
        state.withLock { $0.hasEnded = true }
        changed.notify()
    }
}
