// Asks the agents of each probe for their status, round by round, and keeps what they said added up.
// OperatorScope runs `look` as a controller of its own on the leader; ProbeReconciler reads `survey`.
// It never waits for one node: silence is an answer, and a round ends in bounded time whatever the nodes do.

import CoreMetrics
import JSON
import Kubernetes
import KubernetesRuntime
import SondeAPI
import Synchronization

/// One for each scope; the slots are shared by all.
final class AgentWatcher: Sendable {
    /// Requests at once, over all probes.
    static let requestsMax = 32
    static let requestDeadline: Duration = .seconds(3)
    /// After so long a round starts no further request; those left are the first of the next one.
    static let roundMax: Duration = .seconds(45)
    /// Rounds of so many probes run at the same time.
    static let workers = 4
    /// Of a round with everything it may have to wait for.
    static let deadline: Duration = .seconds(120)
    /// Pods change in bursts.
    static let changePause: Duration = .seconds(2)

    private struct Watched {
        let uid: String
        var agents: ProbeAgents
    }

    private let source: any AgentStatusSource
    private let probes, daemonSets, pods: ObjectStore
    private let slots: RequestSlots
    private let gate: WriteGate
    private let time: any TimeSource
    private let answered, failed, deferred: Counter
    private let leftOut: Gauge
    /// Called when a probe's status has something new to say.
    private let hasNews: @Sendable (ObjectName) -> Void
    /// No more than there are probes in the store.
    private let watched = Mutex<[ObjectName: Watched]>([:])

    init(
        environment: OperatorEnvironment, probes: ObjectStore, daemonSets: ObjectStore, pods: ObjectStore, slots: RequestSlots,
        hasNews: @escaping @Sendable (ObjectName) -> Void
    ) {
        source = environment.agents
        (self.probes, self.daemonSets, self.pods) = (probes, daemonSets, pods)
        self.slots = slots
        gate = environment.gate
        time = environment.time
        self.hasNews = hasNews
        let metrics = environment.metrics
        answered = metrics.counter("agent_status_requests", ("result", "answered"))
        failed = metrics.counter("agent_status_requests", ("result", "failed"))
        deferred = metrics.counter("agent_status_requests", ("result", "deferred"))
        leftOut = metrics.gauge("agents_left_out")
    }

    /// What the agents of a probe said; nil before the first round has ended.
    func survey(of probe: JSONValue) -> AgentSurvey? {
        let watched = watched.withLock { $0[probe.metadata.objectName] }
        return watched?.uid == probe.metadata.uid ? watched?.agents.survey : nil
    }

    /// One round: asks every agent of the probe that is due. - Returns: When the next one is.
    func look(_ name: ObjectName) async throws -> ReconcileResult {
        guard let probe = probes.get(name), !probe.metadata.isBeingDeleted else {
            watched.withLock { $0[name] = nil }
            return .done
        }
        // Followers ask nobody, and an empty store before its first list would look like nodes without agents.
        guard gate.isOpen, pods.hasSynced else { return .after(.seconds(5)) }
        let running = Self.daemonSet(of: probe, in: daemonSets).map { AgentPods.agents(of: $0, in: pods) } ?? []
        try await ask(begin(probe, running), name)
        let (isNew, pause, left) = conclude(name)
        leftOut.record(left)
        if isNew { hasNews(name) }
        return .after(pause * Double.random(in: 0.9...1.1))
    }

    static func daemonSet(of probe: JSONValue, in store: ObjectStore) -> JSONValue? {
        store.byIndex(.inventory, probe.metadata.uid).first { $0.metadata.controller?.uid == probe.metadata.uid }
    }

    private func begin(_ probe: JSONValue, _ running: [RunningAgent]) -> [RunningAgent] {
        let (name, uid) = (probe.metadata.objectName, probe.metadata.uid)
        return watched.withLock { watched in
            var known =
                watched[name].flatMap { $0.uid == uid ? $0 : nil }
                ?? Watched(uid: uid, agents: ProbeAgents(shown: Overhead(status: probe.at("status", "overhead"))))
            known.agents.keep(running)
            watched[name] = known
            return known.agents.due(now: time.now)
        }
    }

    private func conclude(_ name: ObjectName) -> (isNew: Bool, pause: Duration, leftOut: Int) {
        watched.withLock { watched in
            guard let isNew = watched[name]?.agents.conclude(now: time.now), let agents = watched[name]?.agents else { return (false, ProbeAgents.interval, 0) }
            return (isNew, agents.pause(now: time.now), agents.leftOut)
        }
    }

    private func ask(_ due: [RunningAgent], _ name: ObjectName) async throws {
        let end = time.now + Self.roundMax
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (started, agent) in due.enumerated() {
                if started >= Self.requestsMax { try await group.next() }
                if time.now >= end {
                    deferred.increment(by: due.count - started)
                    break
                }
                group.addTask { try await self.ask(agent, name) }
            }
            try await group.waitForAll()
        }
    }

    private func ask(_ agent: RunningAgent, _ name: ObjectName) async throws {
        try await slots.take()
        defer { slots.give() }
        do {
            let status = try await withDeadline(Self.requestDeadline, "status", time: time) { [source] in try await source.status(at: agent.address) }
            answered.increment()
            record(name) { $0.answered(agent, status, now: time.now) }
        } catch {
            try Task.checkCancellation()
            failed.increment()
            record(name) { $0.failed(agent, Self.reason(error), now: time.now) }
        }
    }

    private func record(_ name: ObjectName, _ body: (inout ProbeAgents) -> Void) {
        watched.withLock { watched in
            guard var known = watched.removeValue(forKey: name) else { return }
            body(&known.agents)
            watched[name] = known
        }
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? AgentSilence { return error.reason }
        return error is DeadlineExceeded ? "no answer within 3 s" : "\(error)"
    }
}
