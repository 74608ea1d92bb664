// How far a Deployment, StatefulSet or DaemonSet has come, read from its own status.
// The status of both resources is computed from it.
// It never counts pods itself: the workload's controller has done that.

import JSON
import Kubernetes
import SondeAPI

/// What a workload's status says about its pods, by the rules of `kubectl rollout status`.
struct WorkloadState: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// Every wanted pod runs the newest template and is available.
        case available
        /// Pods are being started or replaced.
        case rollingOut(String)
        /// The API server refuses pods.
        case refused(ConditionReason, String)
        /// No node is selected.
        case noNodes(String)
        /// No more progress by itself.
        case stuck(String)
    }

    var phase: Phase
    /// Pods that there should be: replicas, or nodes.
    var desired = 0
    /// Pods that there are.
    var replicas = 0
    var ready = 0

    /// Of a collector in mode sidecar: there is nothing to wait for.
    static let ofSidecars = WorkloadState(phase: .available)

    /// - Parameters:
    ///   - workload: The live object; nil when it is not there yet.
    ///   - refusal: The newest event in which the server refused a pod of it, see `PodRefusal`.
    init(_ workload: JSONValue?, type: ResourceType, refusal: String? = nil) {
        guard let workload else {
            self.init(phase: .rollingOut("the \(type.kind) is not there yet"))
            return
        }
        let status = workload["status"] ?? [:]
        switch type {
        case .daemonSets: self = Self.daemonSet(status, workload)
        case .statefulSets: self = Self.statefulSet(status, workload)
        default: self = Self.deployment(status, workload)
        }
        if let refusal = refusal ?? Self.replicaFailure(status), phase != .available {
            phase = PodRefusal.phase(refusal, namespace: workload.metadata.namespace ?? "")
        }
    }

    private init(phase: Phase, desired: Int = 0, replicas: Int = 0, ready: Int = 0) {
        self.phase = phase
        self.desired = desired
        self.replicas = replicas
        self.ready = ready
    }

    private static func deployment(_ status: JSONValue, _ object: JSONValue) -> WorkloadState {
        let desired = object.at("spec", "replicas")?.int ?? 1
        let replicas = count(status, "replicas"), updated = count(status, "updatedReplicas"), available = count(status, "availableReplicas")
        let conditions = Conditions(decoding: status["conditions"])
        let phase: Phase
        if !isObserved(status, object) {
            phase = .rollingOut("the Deployment's newest version has not been taken up yet")
        } else if let progress = conditions["Progressing"], progress.reason == "ProgressDeadlineExceeded" {
            phase = .stuck("\(available) of \(desired) pods are available and there is no progress: \(progress.message)")
        } else if updated < desired {
            phase = .rollingOut("\(updated) of \(desired) pods run the newest version")
        } else if replicas > updated {
            phase = .rollingOut("\(replicas - updated) pods of an older version are still there")
        } else if available < desired {
            phase = .rollingOut("\(available) of \(desired) pods are available")
        } else {
            phase = .available
        }
        return WorkloadState(phase: phase, desired: desired, replicas: replicas, ready: count(status, "readyReplicas"))
    }

    /// Partitions and OnDelete keep pods of an older version on purpose.
    private static func statefulSet(_ status: JSONValue, _ object: JSONValue) -> WorkloadState {
        let desired = object.at("spec", "replicas")?.int ?? 1
        let strategy = object.at("spec", "updateStrategy")
        let isRolling = strategy?["type"]?.string != "OnDelete"
        let partition = isRolling ? strategy?.at("rollingUpdate", "partition")?.int ?? 0 : desired
        let replicas = count(status, "replicas"), updated = count(status, "updatedReplicas"), available = count(status, "availableReplicas")
        let phase: Phase
        if !isObserved(status, object) {
            phase = .rollingOut("the StatefulSet's newest version has not been taken up yet")
        } else if updated < desired - partition {
            phase = .rollingOut("\(updated) of \(desired - partition) pods run the newest version")
        } else if available < desired {
            phase = .rollingOut("\(available) of \(desired) pods are available")
        } else if replicas > desired {
            phase = .rollingOut("\(replicas - desired) pods more than wanted are still there")
        } else {
            phase = .available
        }
        return WorkloadState(phase: phase, desired: desired, replicas: replicas, ready: count(status, "readyReplicas"))
    }

    private static func daemonSet(_ status: JSONValue, _ object: JSONValue) -> WorkloadState {
        let desired = count(status, "desiredNumberScheduled")
        let updated = count(status, "updatedNumberScheduled"), available = count(status, "numberAvailable")
        let phase: Phase
        if !isObserved(status, object) {
            phase = .rollingOut("the DaemonSet's newest version has not been taken up yet")
        } else if desired == 0 {
            phase = .noNodes("no node matches nodeSelector and affinity; compare them with the labels of the nodes")
        } else if updated < desired {
            phase = .rollingOut("\(updated) of \(desired) nodes run the newest version")
        } else if available < desired {
            phase = .rollingOut("pods are available on \(available) of \(desired) nodes")
        } else {
            phase = .available
        }
        return WorkloadState(phase: phase, desired: desired, replicas: desired, ready: count(status, "numberReady"))
    }

    /// A Deployment says itself when its pods are refused; of a DaemonSet only events tell.
    private static func replicaFailure(_ status: JSONValue) -> String? {
        guard let failure = Conditions(decoding: status["conditions"])["ReplicaFailure"], failure.status == .true else { return nil }
        return failure.message
    }

    private static func isObserved(_ status: JSONValue, _ object: JSONValue) -> Bool {
        count(status, "observedGeneration") >= max(1, object.metadata.generation)
    }

    private static func count(_ status: JSONValue, _ field: String) -> Int { status[field]?.int ?? 0 }
}
