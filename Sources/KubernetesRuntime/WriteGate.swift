// The one place that decides whether this process may write to the cluster now.
// The elector opens and closes it; every writer sends through a GatedAPI.
// It never fences: a request that is already on its way cannot be called back, so writes must also be idempotent.

import JSON
import Kubernetes
import Synchronization

/// Open while this process holds the lease for at least one more request timeout.
public final class WriteGate: Sendable {
    private enum State { case closed, open, openUntil(MonotonicTime) }

    /// A write takes no longer than this, and starts only when the lease lasts so much longer.
    public let requestTimeout: Duration
    private let time: any TimeSource
    private let state: Mutex<State>

    /// A closed gate, for an elector to open.
    public init(time: any TimeSource = SystemTime(), requestTimeout: Duration = .seconds(5)) {
        self.time = time
        self.requestTimeout = requestTimeout
        state = Mutex(.closed)
    }

    /// A gate without an elector, for processes that run alone: open until it is closed.
    public static func withoutElection(time: any TimeSource = SystemTime(), requestTimeout: Duration = .seconds(30)) -> WriteGate {
        let gate = WriteGate(time: time, requestTimeout: requestTimeout)
        gate.state.withLock { $0 = .open }
        return gate
    }

    public var isOpen: Bool {
        state.withLock { state in
            switch state {
            case .closed: false
            case .open: true
            case .openUntil(let end): time.now + requestTimeout <= end
            }
        }
    }

    /// - Throws: `WriteGateClosed`.
    public func check() throws {
        if !isOpen { throw WriteGateClosed() }
    }

    /// Opens the gate for as long as the lease is sure to be ours; later calls move the end.
    public func open(until end: MonotonicTime) { state.withLock { $0 = .openUntil(end) } }

    public func close() { state.withLock { $0 = .closed } }

    fileprivate var deadlineClock: any TimeSource { time }
}

/// A write was not sent because this process does not hold the lease. Tried again: the lease may be won, or the elector ends the process.
public struct WriteGateClosed: RetryClassified, Hashable, CustomStringConvertible {
    public init() {}
    public var retryClass: RetryClass { .retry }
    public var description: String { "not written: this replica does not hold the lease" }
}

/// An API whose writes pass a gate. Reads and watches go through freely, so that followers keep their stores warm.
public struct GatedAPI: KubernetesAPI {
    private let api: any KubernetesAPI
    private let gate: WriteGate

    public init(_ api: any KubernetesAPI, gate: WriteGate) {
        self.api = api
        self.gate = gate
    }

    /// - Throws: Also `WriteGateClosed`, and `DeadlineExceeded` when a write outlasts the gate's request timeout.
    public func send(_ request: KubernetesRequest) async throws -> JSONValue {
        guard request.method != .get else { return try await api.send(request) }
        try gate.check()
        return try await withDeadline(gate.requestTimeout, "\(request.method.rawValue) \(request.path)", time: gate.deadlineClock) { [api] in
            try await api.send(request)
        }
    }

    public func watch(_ request: KubernetesRequest) async throws -> WatchStream { try await api.watch(request) }
}
