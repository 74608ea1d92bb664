// All agents of one probe as the operator knows them: who is to be asked next, and what each answered last.
// AgentWatcher feeds it with pods, answers and silence; `survey` adds it up for the status.
// It never asks anybody itself, and it goes by the node's name from the API server, never by the one in an answer.

import KubernetesRuntime
import SondeAPI

struct ProbeAgents: Sendable {
    /// An agent is asked again after so long, give or take; one whose pod changed at once.
    static let interval: Duration = .seconds(30)
    /// Those due so soon are asked along with the others.
    static let slack: Duration = .seconds(5)
    /// More nodes than a cluster can have (5,000). Further ones are not asked, and counted.
    static let agentsMax = 10_000
    /// Questions in a row without an answer, after which a node counts as silent: one may fall into a restart.
    static let missesMax = 2
    /// A loss is told for so long.
    static let lossWindow: Duration = .seconds(600)
    /// A receiver that is away for so long is told; every agent starts with nothing sent.
    static let awayMin: Duration = .seconds(60)

    struct Agent: Sendable {
        var running: RunningAgent
        var askedAt: MonotonicTime?
        var misses = 0
        var silence = ""
        var record: AgentRecord?
        /// Its last answer no longer counts.
        var isSilent: Bool { misses >= ProbeAgents.missesMax }
        /// When events of a class were last seen to be lost. It outlives the pod.
        var lostAt: [String: MonotonicTime] = [:]
        /// What a pod lost before it was first looked at counts only if this process has seen it start.
        var wasReplaced = false
        var awaySince: MonotonicTime?
    }

    /// By node.
    private(set) var agents: [String: Agent] = [:]
    /// Nodes beyond the limit.
    private(set) var leftOut = 0
    private(set) var survey: AgentSurvey?
    private var overhead: SteadyOverhead
    private var since: MonotonicTime?

    /// - Parameter shown: The overhead that the status has.
    init(shown: Overhead? = nil) { overhead = SteadyOverhead(shown: shown) }

    /// Takes in which agents run now.
    mutating func keep(_ running: [RunningAgent]) {
        let kept = running.sorted { $0.node < $1.node }.prefix(Self.agentsMax)
        leftOut = running.count - kept.count
        var next: [String: Agent] = [:]
        next.reserveCapacity(kept.count)
        for agent in kept {
            guard var known = agents[agent.node] else {
                next[agent.node] = Agent(running: agent)
                continue
            }
            if known.running.podUID != agent.podUID {
                known = Agent(running: agent, lostAt: known.lostAt, wasReplaced: true)
            } else if known.running != agent {
                known.running = agent
                known.askedAt = nil
            }
            next[agent.node] = known
        }
        agents = next
    }

    /// Who is to be asked now, those who wait longest first.
    func due(now: MonotonicTime) -> [RunningAgent] {
        let due = agents.values.filter { agent in agent.askedAt.map { now - $0 >= Self.interval - Self.slack } ?? true }
        let origin = MonotonicTime(sinceOrigin: .zero)
        return due.sorted { (($0.askedAt ?? origin), $0.running.node) < (($1.askedAt ?? origin), $1.running.node) }.map(\.running)
    }

    /// How long until the next one is due.
    func pause(now: MonotonicTime) -> Duration {
        guard let oldest = agents.values.compactMap(\.askedAt).min() else { return Self.interval }
        return min(max(Self.interval - (now - oldest), .seconds(2)), Self.interval)
    }

    mutating func answered(_ running: RunningAgent, _ status: AgentStatus, now: MonotonicTime) {
        change(running, now) { agent in
            let record = AgentRecord(status)
            if agent.record != nil || agent.wasReplaced {
                let before = agent.record?.losses ?? [:]
                // A count that fell is that of an agent that started anew.
                for (name, count) in record.losses where before[name] != count { agent.lostAt[name] = now }
            }
            agent.lostAt = agent.lostAt.filter { now - $0.value < Self.lossWindow }
            agent.awaySince = record.export == .waiting ? agent.awaySince ?? now : nil
            agent.record = record
            agent.misses = 0
        }
    }

    mutating func failed(_ running: RunningAgent, _ reason: String, now: MonotonicTime) {
        change(running, now) { agent in
            agent.misses += 1
            agent.silence = UntrustedText.clean(reason, maxBytes: 160)
        }
    }

    /// Answers of a pod that has been replaced meanwhile say nothing.
    private mutating func change(_ running: RunningAgent, _ now: MonotonicTime, _ body: (inout Agent) -> Void) {
        guard var agent = agents[running.node], agent.running.podUID == running.podUID else { return }
        agent.askedAt = now
        body(&agent)
        agents[running.node] = agent
    }

    /// Adds everything up. - Returns: Whether there is something new to say.
    mutating func conclude(now: MonotonicTime) -> Bool {
        since = since ?? now
        var next = AgentSurvey(agents.values, now: now)
        // An agent that has just started has not measured yet: its zeros are no cost.
        let records = agents.values.compactMap { $0.isSilent ? nil : $0.record }.filter { $0.kernelMillicores + $0.agentMillicores > 0 }
        overhead.take(Overhead(kernelMillicores: records.map(\.kernelMillicores), agentMillicores: records.map(\.agentMillicores)), now: now)
        next.overhead = overhead.shown
        next.steady(by: survey)
        next.isLossKnown = since.map { now - $0 >= Self.lossWindow } ?? false
        defer { survey = next }
        return next != survey
    }
}
