// Faults on request: which answers the server spoils, how, and how often.
// Tests hand one to a running server; requests in process and over HTTP meet the same faults.
// It never spoils anything by chance: what matches is counted, so a run can be repeated.

import Kubernetes
import Synchronization

/// One fault.
public struct Fault: Sendable {
    public enum Effect: Sendable {
        /// Answers with this error instead of doing anything.
        case error(KubernetesError)
        /// Does everything, then answers with this error: the client cannot know that it happened.
        case errorAfterwards(KubernetesError)
        /// Waits before it does anything.
        case delay(Duration)
        /// Ends a watch after so many events as a broken connection does.
        case cutAfterEvents(Int)
        /// Breaks the connection after so many bytes of the body (HTTP only).
        case cutAfterBytes(Int)
        /// Sends the body in pieces of so many bytes (HTTP only).
        case splitBytes(Int)
        /// Opens the watch and never sends anything.
        case silence
        /// A watch delivers an ERROR event with status 410 after so many events, and ends.
        case expireAfterEvents(Int)
    }

    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; nil matches every verb.
    public var verb: String?
    /// A part of the path; nil matches every path.
    public var pathContains: String?
    public var effect: Effect
    /// How many requests pass before the first that is spoiled.
    public var skipping: Int
    /// How many requests are spoiled; nil means all.
    public var count: Int?

    public init(_ effect: Effect, verb: String? = nil, pathContains: String? = nil, skipping: Int = 0, count: Int? = 1) {
        self.effect = effect
        self.verb = verb
        self.pathContains = pathContains
        self.skipping = skipping
        self.count = count
    }

    /// 403 as RBAC answers it, for all requests of a verb on a path.
    public static func forbidden(verb: String?, pathContains: String) -> Fault {
        let error = KubernetesError(
            .forbidden, status: 403, reason: "Forbidden", message: "User \"test\" cannot \(verb ?? "use") resource at \"\(pathContains)\"")
        return Fault(.error(error), verb: verb, pathContains: pathContains, count: nil)
    }

    /// 429 with Retry-After.
    public static func tooManyRequests(retryAfterSeconds: Int, verb: String? = nil, pathContains: String? = nil, count: Int? = 1) -> Fault {
        let error = KubernetesError(
            .tooManyRequests, status: 429, reason: "TooManyRequests", message: "too many requests, please try again later",
            retryAfter: .seconds(retryAfterSeconds))
        return Fault(.error(error), verb: verb, pathContains: pathContains, count: count)
    }
}

/// The faults of one server. Settable while it runs, from any task.
public final class FaultPlan: Sendable {
    private struct State {
        var faults: [Fault] = []
        var spoiled = 0
    }

    private let state = Mutex(State())

    init() {}

    /// Adds a fault behind those that are set.
    public func add(_ fault: Fault) { state.withLock { $0.faults.append(fault) } }

    public func removeAll() { state.withLock { $0.faults = [] } }

    /// Requests that met a fault so far.
    public var spoiledRequests: Int { state.withLock { $0.spoiled } }

    /// The effects for one request; each match uses up one of the fault's counts.
    func effects(verb: String, path: String) -> [Fault.Effect] {
        state.withLock { state in
            var out: [Fault.Effect] = []
            for index in state.faults.indices {
                let fault = state.faults[index]
                guard fault.verb == nil || fault.verb == verb, fault.pathContains.map({ path.contains($0) }) ?? true else { continue }
                if fault.skipping > 0 {
                    state.faults[index].skipping -= 1
                    continue
                }
                if fault.count == 0 { continue }
                if let count = fault.count { state.faults[index].count = count - 1 }
                out.append(fault.effect)
            }
            if !out.isEmpty { state.spoiled += 1 }
            state.faults.removeAll { $0.count == 0 }
            return out
        }
    }
}
