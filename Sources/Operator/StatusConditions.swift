// The conditions of a resource while its status is put together: Ready with kstatus' Reconciling and Stalled, and those that say more.
// Both status functions fill one and write it into the status.
// It never moves a lastTransitionTime without a change of status, and never counts anything that changes by itself.

import JSON
import Kubernetes
import SondeAPI

struct StatusConditions {
    private var conditions: Conditions
    private let generation: Int
    private let now: Timestamp

    /// Starts from the conditions that the resource has.
    init(of resource: JSONValue, now: Timestamp) {
        conditions = Conditions(decoding: resource.at("status", "conditions"))
        generation = resource.metadata.generation
        self.now = now
        // Written by others, or by an older version under a name that is no longer used.
        for condition in conditions.all where !ConditionType.all.contains(condition.type) { conditions.remove(condition.type) }
    }

    var jsonValue: JSONValue { conditions.jsonValue }

    func has(_ type: String) -> Bool { conditions.isTrue(type) }

    func reason(_ type: String) -> String? { conditions[type]?.reason }

    mutating func set(_ type: String, _ status: Condition.Status, _ reason: ConditionReason, _ message: String) {
        conditions.set(Condition(type, status, reason: reason.rawValue, message: message, observedGeneration: generation), now: now)
    }

    /// True with a message, or not there.
    mutating func set(_ type: String, _ reason: ConditionReason, message: String?) {
        if let message { set(type, .true, reason, message) } else { conditions.remove(type) }
    }

    mutating func remove(_ type: String) { conditions.remove(type) }

    /// ConfigHealthy=False for what the validation found, notes aside; not there when it found nothing, since existing tests of resources count conditions.
    mutating func setConfigHealthy(_ findings: [Finding]) {
        if !findings.errors.isEmpty {
            set(ConditionType.configHealthy, .false, .invalidConfig, FindingsText.text(findings))
        } else if !findings.warnings.isEmpty {
            set(ConditionType.configHealthy, .false, .configWarnings, FindingsText.text(findings))
        } else {
            conditions.remove(ConditionType.configHealthy)
        }
    }

    /// Ready, Reconciling and Stalled for what a resource is up to.
    mutating func setReady(verdict: Verdict?, workload: WorkloadState, isPaused: Bool) {
        if isPaused {
            setReady(.true, .paused, "objects stay as they are until this resource is managed again", reconciling: false, stalled: false)
        } else if let verdict {
            setReady(.false, verdict.reason, verdict.message, reconciling: !verdict.isStalled, stalled: verdict.isStalled)
        } else {
            setReady(workload)
        }
    }

    private mutating func setReady(_ workload: WorkloadState) {
        switch workload.phase {
        case .available:
            setReady(
                .true, .reconciled, "all objects are written and \(workload.desired) of \(workload.desired) pods are available", reconciling: false,
                stalled: false)
        case .rollingOut(let message): setReady(.false, .rollingOut, message, reconciling: true, stalled: false)
        case .refused(let reason, let message): setReady(.false, reason, message, reconciling: true, stalled: false)
        case .noNodes(let message): setReady(.false, .noMatchingNodes, message, reconciling: false, stalled: true)
        case .stuck(let message): setReady(.false, .crashLooping, message, reconciling: false, stalled: true)
        }
    }

    private mutating func setReady(_ status: Condition.Status, _ reason: ConditionReason, _ message: String, reconciling: Bool, stalled: Bool) {
        set(ConditionType.ready, status, reason, message)
        set(ConditionType.reconciling, reason, message: reconciling ? message : nil)
        set(ConditionType.stalled, reason, message: stalled ? message : nil)
    }
}
