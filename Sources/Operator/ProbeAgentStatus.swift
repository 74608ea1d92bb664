// The part of an EBPFProbe's status that comes from its agents: nodes, signals, kernels, cost, and the conditions about them.
// ProbeStatus puts it into the whole.
// It never forgets what was said because this process has not asked yet: before the first round the fields stay as they are.

import JSON
import Kubernetes
import SondeAPI

extension ProbeObservation {
    /// A reason's length in the status; the schema allows 1,024.
    private static let reasonBytesMax = 900

    // MARK: Fields

    func nodes(_ state: WorkloadState) -> JSONValue {
        let before = object.at("status", "nodes")
        func count(_ field: String, _ value: Int?) -> JSONValue { JSONValue(value ?? before?[field]?.int ?? 0) }
        return [
            "desired": JSONValue(state.desired), "ready": JSONValue(state.ready), "degraded": count("degraded", agents?.degraded),
            "unsupported": count("unsupported", agents?.unsupported), "silent": count("silent", agents?.silent),
            "summary": .string("\(state.ready)/\(state.desired)"),
        ]
    }

    /// Signals, kernels, overhead and unsupportedNodes; those that have nothing to say are not there.
    func agentFields(_ state: WorkloadState) -> [(String, JSONValue)] {
        var fields: [(String, JSONValue)] = []
        if let probe { fields.append(("signals", .array(enabled(probe).map { signal($0, state) }))) }
        guard let agents else {
            let kept = ["kernels", "overhead", "unsupportedNodes"] + (probe == nil ? ["signals"] : [])
            return fields + kept.compactMap { field in object.at("status", field).map { (field, $0) } }
        }
        let kernels = agents.kernels.sorted.prefix(AgentSurvey.listMax).map { ["version": .string($0.text), "nodes": JSONValue($0.nodes)] as JSONValue }
        if !kernels.isEmpty { fields.append(("kernels", .array(kernels))) }
        if let overhead = agents.overhead { fields.append(("overhead", overhead.jsonValue)) }
        let nodes = agents.unsupportedNodes.sorted { $0.key < $1.key }.map { ["name": .string($0), "reason": .string($1)] as JSONValue }
        if !nodes.isEmpty { fields.append(("unsupportedNodes", .array(nodes))) }
        return fields
    }

    private func enabled(_ probe: EBPFProbe) -> [String] { probe.spec.signals.families.filter(\.enabled).map(\.name) }

    private var missingSignals: [String] { (probe.map(enabled) ?? []).filter { !ProbeSignals.available.contains($0) } }

    private func signal(_ name: String, _ state: WorkloadState) -> JSONValue {
        guard ProbeSignals.available.contains(name) else {
            return [
                "name": .string(name), "active": 0, "degraded": 0, "unsupported": JSONValue(state.desired),
                "reason": "not available in this version; the other signals are taken",
            ]
        }
        if agents == nil, let before = object.at("status", "signals")?.array?.first(where: { $0["name"]?.string == name }) { return before }
        let counts = agents?.signals[name] ?? AgentSurvey.Signal()
        var signal: JSONValue = [
            "name": .string(name), "active": JSONValue(counts.active), "degraded": JSONValue(counts.degraded), "unsupported": JSONValue(counts.unsupported),
        ]
        if !counts.reasons.isEmpty { signal["reason"] = .string(counts.reasons.summary(maxBytes: Self.reasonBytesMax)) }
        return signal
    }

    // MARK: Conditions

    /// Degraded, OverBudget and DataLoss.
    func setAgentConditions(_ conditions: inout StatusConditions) {
        setDegraded(&conditions)
        guard let agents else { return }
        let budget = budgetText(agents)
        conditions.set(ConditionType.overBudget, agents.over.isEmpty ? .budgetSaving : .budgetExceeded, message: budget)
        let loss = lossText(agents)
        // A loss that a process before this one saw is told until it must be over.
        if loss == nil, !agents.isLossKnown, conditions.has(ConditionType.dataLoss) { return }
        conditions.set(ConditionType.dataLoss, agents.refused.isEmpty ? .eventsLost : .receiverRefuses, message: loss)
    }

    private static let agentReasons = Set([ConditionReason.signalsMissing, .agentsSilent, .receiverAway].map(\.rawValue))

    private func setDegraded(_ conditions: inout StatusConditions) {
        var causes: [(reason: ConditionReason, message: String)] = []
        if let overlap { causes.append((.overlap, overlap.message)) }
        if let agents {
            causes += agentCauses(agents)
        } else if causes.isEmpty, Self.agentReasons.contains(conditions.reason(ConditionType.degraded) ?? "") {
            return
        }
        if !missingSignals.isEmpty {
            let list = missingSignals.map { "signals.\($0)" }.joined(separator: ", ")
            causes.append((.signalNotAvailable, "not available in this version: \(list); switch them off to clear this"))
        }
        // One condition has one reason: the first. The message has all.
        let message = causes.isEmpty ? nil : causes.map(\.message).joined(separator: "\n")
        conditions.set(ConditionType.degraded, causes.first?.reason ?? .signalsMissing, message: message)
    }

    private func agentCauses(_ agents: AgentSurvey) -> [(ConditionReason, String)] {
        var causes: [(ConditionReason, String)] = []
        let parts = (probe.map(enabled) ?? []).compactMap { name in agents.signals[name].flatMap { Self.missing(name, $0) } }
        if !parts.isEmpty { causes.append((.signalsMissing, parts.joined(separator: "\n"))) }
        if agents.silent > 0 {
            causes.append(
                (
                    .agentsSilent,
                    "\(agents.silent) of \(agents.asked) agents do not answer the operator, and nothing is known of their nodes: "
                        + "\(agents.silence.summary()); let the operator's pod reach TCP port \(AgentStatus.portDefault) of the agents' pods"
                ))
        }
        if !agents.away.isEmpty {
            causes.append((.receiverAway, "agents cannot reach the receiver, and data wait in their memory: \(agents.away.summary())"))
        }
        return causes
    }

    private static func missing(_ name: String, _ counts: AgentSurvey.Signal) -> String? {
        guard counts.degraded + counts.unsupported > 0, ProbeSignals.available.contains(name) else { return nil }
        let what = [("missing", counts.unsupported), ("there in part", counts.degraded)].filter { $0.1 > 0 }.map { "\($0.0) on \(Tally.nodes($0.1))" }
        return "\(name) is \(what.joined(separator: " and ")): \(counts.reasons.summary())"
    }

    private func budgetText(_ agents: AgentSurvey) -> String? {
        let over = agents.over.counts.count + agents.over.rest
        if over == 0, agents.steps.isEmpty { return nil }
        let budget = probe.map { " of \($0.spec.budget.cpuMillicores)m" } ?? ""
        var parts: [String] = []
        if over > 0 {
            let names = agents.over.counts.keys.sorted().prefix(3).joined(separator: ", ")
            parts.append("above the CPU budget\(budget) on \(Tally.nodes(over)) (\(names)\(over > 3 ? ", …" : "")), with nothing left to take back")
        }
        if !agents.steps.isEmpty { parts.append("to hold the CPU budget\(budget): \(agents.steps.summary(texts: 9))") }
        return parts.joined(separator: "; ") + "; raise budget.cpuMillicores or switch signals off"
    }

    private func lossText(_ agents: AgentSurvey) -> String? {
        var parts: [String] = []
        if !agents.refused.isEmpty { parts.append("the receiver refuses data, which are lost: \(agents.refused.summary())") }
        if !agents.losses.isEmpty {
            parts.append("events were lost within the last 10 minutes, by class: \(agents.losses.summary(texts: 16)); ebpf.agent.events has the reasons")
        }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}
