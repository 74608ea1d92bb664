// An API behind which the process ends after a certain write: from then on nothing gets through, answers included.
// Tests let an operator run into it and start another one on what is there.
// It never loses a write before the certain one.

import JSON
import Kubernetes
import Operator
import Synchronization

final class CrashingAPI: KubernetesAPI {
    private let api: any KubernetesAPI
    private let last: Int
    private let count = Mutex(0)

    /// - Parameter last: The write after which nothing gets through; the server does it, and nobody hears of it.
    init(_ api: any KubernetesAPI, afterWrite last: Int) {
        self.api = api
        self.last = last
    }

    var hasCrashed: Bool { count.withLock { $0 >= last } }

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        let isWrite = request.method != .get && !request.path.contains("/events") && !request.path.contains("/leases")
        let (isAllowed, isLast) = count.withLock { count in
            if count >= last { return (false, false) }
            if isWrite { count += 1 }
            return (true, isWrite && count == last)
        }
        guard isAllowed else { throw Self.gone }
        let answer = try await api.send(request)
        if isLast { throw Self.gone }
        return answer
    }

    func watch(_ request: KubernetesRequest) async throws -> WatchStream {
        if hasCrashed { throw Self.gone }
        return try await api.watch(request)
    }

    private static let gone = KubernetesError(.network, message: "the process has ended")
}

extension World {
    /// Runs an operator until its write of this number, or until `goal` returns.
    /// - Returns: Whether the write was reached.
    func runUntilCrash(afterWrite number: Int, on api: (any KubernetesAPI)? = nil, goal: @escaping @Sendable () async throws -> Void) async throws -> Bool {
        let crashing = CrashingAPI(api ?? self.api, afterWrite: number)
        let sonde = SondeOperator(environment(crashing))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await sonde.run() }
            group.addTask { try? await goal() }
            group.addTask {
                while !crashing.hasCrashed { try await Task.sleep(for: .milliseconds(2)) }
            }
            // Whichever comes first: the goal, or the end.
            _ = try await group.next()
            group.cancelAll()
            while let _ = try? await group.next() {}
            return crashing.hasCrashed
        }
    }
}
