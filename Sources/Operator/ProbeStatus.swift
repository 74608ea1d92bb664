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
    var isPaused = false
    var refusal: String?
    /// Set when an older probe takes the same nodes.
    var overlap: ProbeOverlap?
}

extension ProbeObservation {
    /// The whole status: conditions, destination, nodes and signals.
    func status(now: Timestamp) -> JSONValue {
        let state = WorkloadState(daemonSet, type: .daemonSets, refusal: refusal)
        var status: JSONValue = ["observedGeneration": JSONValue(object.metadata.generation), "conditions": conditions(state, now: now), "nodes": nodes(state)]
        // Agents that run keep the address that they have.
        if case .resolved(let url)? = destination { status["destination"] = .string(url) } else { status["destination"] = object.at("status", "destination") }
        if let probe { status["signals"] = signals(probe, state) }
        return status
    }

    private func nodes(_ state: WorkloadState) -> JSONValue {
        [
            "desired": JSONValue(state.desired), "ready": JSONValue(state.ready), "degraded": JSONValue(missingSignals.isEmpty ? 0 : state.ready),
            "summary": .string("\(state.ready)/\(state.desired)"),
        ]
    }

    private func signals(_ probe: EBPFProbe, _ state: WorkloadState) -> JSONValue {
        .array(
            probe.spec.signals.families.filter(\.enabled).map { name, _ in
                guard ProbeSignals.available.contains(name) else {
                    return [
                        "name": .string(name), "active": 0, "degraded": 0, "unsupported": JSONValue(state.desired),
                        "reason": "not available in this version; the other signals are taken",
                    ]
                }
                return ["name": .string(name), "active": JSONValue(state.ready), "degraded": 0, "unsupported": 0]
            })
    }

    private var missingSignals: [String] {
        (probe?.spec.signals.families ?? []).filter { $0.enabled && !ProbeSignals.available.contains($0.name) }.map(\.name)
    }

    private func conditions(_ state: WorkloadState, now: Timestamp) -> JSONValue {
        var conditions = StatusConditions(of: object, now: now)
        conditions.setReady(verdict: verdict ?? destinationVerdict, workload: state, isPaused: isPaused)
        switch destination {
        case .resolved(let url)?: conditions.set(ConditionType.destinationResolved, .true, .resolved, "data goes to \(url)")
        case .unresolved(let reason, let message)?: conditions.set(ConditionType.destinationResolved, .false, reason, message)
        case nil: break  // Paused or invalid: what was said last stays.
        }
        let (reason, message) = degradation
        conditions.set(ConditionType.degraded, reason, message: message)
        return conditions.jsonValue
    }

    private var destinationVerdict: Verdict? {
        guard case .unresolved(let reason, let message)? = destination else { return nil }
        let running = daemonSet == nil ? "no agent runs until then" : "agents that run keep their last destination"
        return Verdict(reason, "\(message); \(running)", isStalled: true)
    }

    private var degradation: (ConditionReason, String?) {
        if let overlap { return (.overlap, overlap.message) }
        guard !missingSignals.isEmpty else { return (.signalNotAvailable, nil) }
        return (
            .signalNotAvailable,
            "not available in this version: " + missingSignals.map { "signals.\($0)" }.joined(separator: ", ") + "; switch them off to clear this"
        )
    }
}
