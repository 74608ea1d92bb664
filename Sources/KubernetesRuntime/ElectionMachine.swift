// Leader election on a Lease as a state machine (docs/controllers.md rule 32; the semantics are client-go's).
// LeaderElector performs its actions; tests run several against one simulated lease.
// It never trusts another machine's clock: a lease is stale when it has not changed for its duration on our own clock.
//
// It is not fencing. A process that was stopped after a check may still write; writes must be idempotent. It tolerates clocks that are
// wrong, not clocks that run at different speeds.

import JSON
import Kubernetes

public struct ElectionConfiguration: Hashable, Sendable {
    public var lease: ObjectName
    /// Of this process, unique among the candidates: pod name and uid.
    public var identity: String
    /// How long others wait before they take over.
    public var leaseDuration: Duration
    /// After so long without a successful renewal the leader gives up.
    public var renewDeadline: Duration
    public var retryPeriod: Duration
    /// Of one request for the lease.
    public var requestTimeout: Duration

    public init(
        lease: ObjectName, identity: String, leaseDuration: Duration = .seconds(15), renewDeadline: Duration = .seconds(10),
        retryPeriod: Duration = .seconds(2), requestTimeout: Duration = .seconds(4)
    ) {
        precondition(leaseDuration > renewDeadline && renewDeadline > retryPeriod, "a lease outlasts its renew deadline, which outlasts the retry period")
        self.lease = lease
        self.identity = identity
        self.leaseDuration = leaseDuration
        self.renewDeadline = renewDeadline
        self.retryPeriod = retryPeriod
        self.requestTimeout = requestTimeout
    }
}

/// One candidate. Every request's answer is fed back with the time at which the request was sent.
public struct ElectionMachine: Sendable {
    public enum Input: Sendable {
        case begin
        case slept
        /// The lease, nil when there is none.
        case read(JSONValue?)
        /// Our create or replace was stored; its answer, and when it was sent.
        case written(JSONValue, sentAt: MonotonicTime)
        /// 409: somebody else was faster.
        case conflicted
        /// Any other failure.
        case failed
    }

    public enum Action: Hashable, Sendable {
        case read
        case create(JSONValue)
        case replace(JSONValue)
        case sleep(Duration)
        /// Leadership is over: close the gate and end.
        case lost
    }

    private struct Observation: Sendable {
        var lease: JSONValue
        var record: LeaseRecord
        /// When we first saw it like this.
        var at: MonotonicTime
    }

    private static let jitter = 1.2

    private let configuration: ElectionConfiguration
    private var random: SplitMix64
    private var observed: Observation?
    /// When the last successful renewal was sent; nil while we do not lead.
    private var renewedAt: MonotonicTime?
    /// False after a conflict, until the lease has been read again.
    private var isObservationCurrent = false

    public init(_ configuration: ElectionConfiguration, seed: UInt64) {
        self.configuration = configuration
        random = SplitMix64(seed: seed)
    }

    public var isLeading: Bool { renewedAt != nil }

    /// Until when nobody else can hold the lease; nil when we do not.
    public var heldUntil: MonotonicTime? { renewedAt.map { $0 + configuration.leaseDuration } }

    /// Who held the lease when it was last read; `""` for nobody.
    public var holder: String { observed?.record.holder ?? "" }

    public mutating func on(_ input: Input, now: MonotonicTime, wallClock: Timestamp) -> Action {
        if let renewedAt, now - renewedAt >= configuration.renewDeadline, !isSuccess(input) { return lose() }
        switch input {
        case .begin: return .read
        case .slept:
            // The leader renews what it wrote last; a reader is needed only when somebody interfered.
            if renewedAt != nil, isObservationCurrent, let observed { return .replace(renewal(of: observed, wallClock)) }
            return .read
        case .read(nil): return .create(claim(previous: nil, transitions: 0, wallClock))
        case .read(let lease?): return read(lease, now, wallClock)
        case .written(let lease, let sentAt):
            observed = Observation(lease: lease, record: LeaseRecord(decoding: lease), at: now)
            isObservationCurrent = true
            renewedAt = sentAt
            // An answer that took longer than the lease lasts is worth nothing.
            return now - sentAt >= configuration.renewDeadline ? lose() : .sleep(configuration.retryPeriod)
        case .conflicted, .failed:
            isObservationCurrent = false
            return .sleep(pause())
        }
    }

    /// The lease given back: holder empty, so that others need not wait. Nil when there is nothing to give back.
    public mutating func release(wallClock: Timestamp) -> JSONValue? {
        guard renewedAt != nil, let observed else { return nil }
        renewedAt = nil
        var record = observed.record
        record.holder = ""
        record.durationSeconds = 1
        record.renewTime = wallClock
        return record.object(name: configuration.lease, previous: observed.lease)
    }

    private func isSuccess(_ input: Input) -> Bool { if case .written = input { true } else { false } }

    private mutating func lose() -> Action {
        renewedAt = nil
        return .lost
    }

    private mutating func read(_ lease: JSONValue, _ now: MonotonicTime, _ wallClock: Timestamp) -> Action {
        let record = LeaseRecord(decoding: lease)
        if let observed, observed.record == record, observed.lease.metadata.uid == lease.metadata.uid {
            self.observed?.lease = lease
        } else {
            observed = Observation(lease: lease, record: record, at: now)
        }
        isObservationCurrent = true
        guard let observed else { return .sleep(pause()) }
        if record.holder == configuration.identity {
            return .replace(renewal(of: observed, wallClock))
        }
        if renewedAt != nil { return lose() }
        let isFree = record.holder.isEmpty || now - observed.at >= max(.seconds(record.durationSeconds), .seconds(1))
        guard isFree else { return .sleep(pause()) }
        return .replace(claim(previous: lease, transitions: record.transitions + 1, wallClock))
    }

    private func claim(previous: JSONValue?, transitions: Int, _ wallClock: Timestamp) -> JSONValue {
        LeaseRecord(
            holder: configuration.identity, durationSeconds: Int(configuration.leaseDuration.components.seconds), acquireTime: wallClock,
            renewTime: wallClock, transitions: transitions
        ).object(name: configuration.lease, previous: previous)
    }

    private func renewal(of observed: Observation, _ wallClock: Timestamp) -> JSONValue {
        var record = observed.record
        record.durationSeconds = Int(configuration.leaseDuration.components.seconds)
        record.renewTime = wallClock
        return record.object(name: configuration.lease, previous: observed.lease)
    }

    /// Candidates spread out; the leader keeps its pace, since each missed renewal brings the deadline closer.
    private mutating func pause() -> Duration {
        renewedAt == nil ? configuration.retryPeriod * (1 + Self.jitter * random.fraction()) : configuration.retryPeriod
    }
}
