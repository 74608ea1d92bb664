// The status of an EBPFProbe, from what was observed.
// ProbeReconciler computes it at the end of each reconcile and hands it to the status writer.
// It never reads a store, a clock or a server.

import JSON
import Kubernetes
import SondeAPI

/// Where a probe's data goes, or why that is not known.
enum ResolvedDestination: Hashable, Sendable {
    case resolved(String)
    case unresolved(ConditionReason, String)
}

/// Everything that a probe's status is made from.
struct ProbeObservation: Sendable {
    var object: JSONValue
    /// Nil when the spec is wrong.
    var probe: EBPFProbe?
    var destination: ResolvedDestination?
    var daemonSet: JSONValue?
    var verdict: Verdict?
    /// What the validation found; nil where it did not look.
    var findings: [Finding]?
    var isPaused = false
    var refusal: String?
    /// Set when an older probe takes the same nodes.
    var overlap: ProbeOverlap?
    /// What the agents said; nil before the first round of questions has ended.
    var agents: AgentSurvey?
}

extension ProbeObservation {
    /// The whole status: conditions, destination, and what the agents said.
    func status(now: Timestamp) -> JSONValue {
        let state = WorkloadState(daemonSet, type: .daemonSets, refusal: refusal)
        var status: JSONValue = ["observedGeneration": JSONValue(object.metadata.generation), "conditions": conditions(state, now: now), "nodes": nodes(state)]
        // Agents that run keep the address that they have.
        if case .resolved(let url)? = destination { status["destination"] = .string(url) } else { status["destination"] = object.at("status", "destination") }
        for (field, value) in agentFields(state) { status[field] = value }
        return status
    }

    private func conditions(_ state: WorkloadState, now: Timestamp) -> JSONValue {
        var conditions = StatusConditions(of: object, now: now)
        conditions.setReady(verdict: verdict ?? destinationVerdict, workload: state, isPaused: isPaused)
        switch destination {
        case .resolved(let url)?: conditions.set(ConditionType.destinationResolved, .true, .resolved, "data goes to \(url)")
        case .unresolved(let reason, let message)?: conditions.set(ConditionType.destinationResolved, .false, reason, message)
        case nil: break  // Paused or invalid: what was said last stays.
        }
        if let findings { conditions.setConfigHealthy(findings) }
        setAgentConditions(&conditions)
        return conditions.jsonValue
    }

    private var destinationVerdict: Verdict? {
        guard case .unresolved(let reason, let message)? = destination else { return nil }
        let running = daemonSet == nil ? "no agent runs until then" : "agents that run keep their last destination"
        return Verdict(reason, "\(message); \(running)", isStalled: true)
    }
}
