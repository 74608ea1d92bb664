// What all agents of a probe said, added up: counts by signal and kernel, reasons, cost, saving, losses, export.
// ProbeAgents makes one after each round; ProbeStatus writes it into the status.
// It never holds an answer: its size does not grow with the number of nodes beyond short, bounded lists.

import KubernetesRuntime
import SondeAPI

struct AgentSurvey: Hashable, Sendable {
    /// Nodes of one family of signals.
    struct Signal: Hashable, Sendable {
        var active = 0
        var degraded = 0
        var unsupported = 0
        var reasons = Tally()
    }

    /// Nodes, or kernels, that a list names at most; counts stand beside it.
    static let listMax = 20

    /// Agents that were asked, whatever came of it.
    var asked = 0
    var answering = 0
    var silent = 0
    var silence = Tally()
    /// By family.
    var signals: [String: Signal] = [:]
    var degraded = 0
    var unsupported = 0
    /// Node and reason of the first few on which nothing can be taken, by name.
    var unsupportedNodes: [String: String] = [:]
    /// By release, the most frequent first.
    var kernels = Tally()
    var overhead: Overhead?
    /// Agents above their budget with nothing left to take back.
    var over = Tally()
    var steps = Tally()
    var savingNodes = 0
    /// Nodes by class of what they lost lately.
    var losses = Tally()
    /// False as long as nobody has looked for the time that a loss is told.
    var isLossKnown = false
    var refused = Tally()
    var away = Tally()

    init() {}

    init(_ agents: some Collection<ProbeAgents.Agent>, now: MonotonicTime) {
        for agent in agents.sorted(by: { $0.running.node < $1.running.node }) where agent.askedAt != nil {
            asked += 1
            for (name, time) in agent.lostAt.sorted(by: { $0.key < $1.key }) where now - time < ProbeAgents.lossWindow { losses.add(name) }
            if agent.isSilent {
                silent += 1
                silence.add(agent.silence)
            } else if let record = agent.record {
                add(record, node: agent.running.node)
                if record.export == .waiting, let since = agent.awaySince, now - since >= ProbeAgents.awayMin { away.add(Self.said(record.exportMessage)) }
            }
        }
        for name in signals.keys { signals[name]?.reasons.trim() }
        for tally in [\AgentSurvey.silence, \.kernels, \.over, \.steps, \.losses, \.refused, \.away] { self[keyPath: tally].trim() }
    }

    private mutating func add(_ record: AgentRecord, node: String) {
        answering += 1
        kernels.add(record.kernel.isEmpty ? "unknown" : record.kernel)
        for signal in record.signals { add(signal) }
        switch record.state {
        case .active: break
        case .degraded: degraded += 1
        case .unsupported:
            unsupported += 1
            if unsupportedNodes.count < Self.listMax { unsupportedNodes[node] = record.signals.first?.reasons.first ?? "no signal is taken" }
        }
        if record.isOverBudget { over.add(node) }
        if !record.steps.isEmpty { savingNodes += 1 }
        for step in Set(record.steps).sorted() { steps.add(step) }
        if record.export == .refused { refused.add(Self.said(record.exportMessage)) }
    }

    private mutating func add(_ signal: AgentRecord.Signal) {
        switch signal.state {
        case .active: signals[signal.name, default: Signal()].active += 1
        case .degraded: signals[signal.name, default: Signal()].degraded += 1
        case .unsupported: signals[signal.name, default: Signal()].unsupported += 1
        }
        for reason in Set(signal.reasons).sorted() { signals[signal.name]?.reasons.add(reason) }
    }

    private static func said(_ message: String) -> String { message.isEmpty ? "no reason is given" : message }

    /// Keeps what was told before where it differs by little.
    mutating func steady(by shown: AgentSurvey?) {
        guard let shown else { return }
        steps = steps.steadied(by: shown.steps)
        losses = losses.steadied(by: shown.losses)
        refused = refused.steadied(by: shown.refused)
        away = away.steadied(by: shown.away)
    }
}
