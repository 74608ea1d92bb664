// What a workload's status means, row by row.
// The integration suite shows that the controllers act on it.
// It never needs a server.

import JSON
import Kubernetes
import SondeAPI
import Testing

@testable import Operator

@Suite struct WorkloadStateTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let reason: String
        let type: ResourceType
        let object: JSONValue?
        let phase: String
        let ready: String
        var testDescription: String { reason }
    }

    private static func deployment(_ status: JSONValue, replicas: Int = 3) -> JSONValue {
        ["metadata": ["name": "a", "namespace": "n", "generation": 2], "spec": ["replicas": JSONValue(replicas)], "status": status]
    }

    private static func daemonSet(_ status: JSONValue) -> JSONValue {
        ["metadata": ["name": "a", "namespace": "n", "generation": 2], "spec": [:], "status": status]
    }

    private static func statefulSet(_ status: JSONValue, strategy: JSONValue = ["type": "RollingUpdate"]) -> JSONValue {
        [
            "metadata": ["name": "a", "namespace": "n", "generation": 2], "spec": ["replicas": 3, "updateStrategy": strategy],
            "status": status,
        ]
    }

    static let rows: [Row] = [
        Row(
            reason: "a StatefulSet replaces its pods", type: .statefulSets,
            object: statefulSet(["observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3]),
            phase: "rollingOut", ready: "3/3"),
        Row(
            reason: "pods below the partition stay as they are", type: .statefulSets,
            object: statefulSet(
                ["observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3],
                strategy: ["type": "RollingUpdate", "rollingUpdate": ["partition": 2]]),
            phase: "available", ready: "3/3"),
        Row(
            reason: "OnDelete waits for nobody", type: .statefulSets,
            object: statefulSet(["observedGeneration": 2, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3], strategy: ["type": "OnDelete"]),
            phase: "available", ready: "3/3"),
        Row(
            reason: "a pod of a StatefulSet is not available", type: .statefulSets,
            object: statefulSet(["observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 2, "availableReplicas": 2]),
            phase: "rollingOut", ready: "2/3"),
        Row(
            reason: "a StatefulSet shrinks", type: .statefulSets,
            object: statefulSet(["observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "readyReplicas": 4, "availableReplicas": 4]),
            phase: "rollingOut", ready: "4/4"),
        Row(
            reason: "a StatefulSet's change was not seen yet", type: .statefulSets,
            object: statefulSet(["observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3]),
            phase: "rollingOut", ready: "3/3"),
        Row(
            reason: "all pods of a StatefulSet run", type: .statefulSets,
            object: statefulSet(["observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3]),
            phase: "available", ready: "3/3"),
        Row(reason: "not there yet", type: .deployments, object: nil, phase: "rollingOut", ready: "0/0"),
        Row(reason: "no status at all", type: .deployments, object: deployment([:]), phase: "rollingOut", ready: "0/0"),
        Row(
            reason: "an older generation was seen", type: .deployments,
            object: deployment(["observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3]), phase: "rollingOut",
            ready: "3/3"),
        Row(
            reason: "pods of the old version", type: .deployments,
            object: deployment(["observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3]), phase: "rollingOut",
            ready: "3/3"),
        Row(
            reason: "one old pod more", type: .deployments,
            object: deployment(["observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "readyReplicas": 4, "availableReplicas": 4]), phase: "rollingOut",
            ready: "4/4"),
        Row(
            reason: "not all available", type: .deployments,
            object: deployment(["observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 2, "availableReplicas": 2]), phase: "rollingOut",
            ready: "2/3"),
        Row(
            reason: "all available", type: .deployments,
            object: deployment(["observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3]), phase: "available",
            ready: "3/3"),
        Row(reason: "scaled to nothing", type: .deployments, object: deployment(["observedGeneration": 2], replicas: 0), phase: "available", ready: "0/0"),
        Row(
            reason: "the deadline of progress has passed", type: .deployments,
            object: deployment([
                "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3,
                "conditions": [["type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"]],
            ]), phase: "stuck", ready: "0/3"),
        Row(
            reason: "pods are refused by a quota", type: .deployments,
            object: deployment([
                "observedGeneration": 2,
                "conditions": [["type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "pods \"a\" is forbidden: exceeded quota"]],
            ]), phase: "refused PodsRefused", ready: "0/0"),
        Row(
            reason: "pods are refused by Pod Security", type: .deployments,
            object: deployment([
                "observedGeneration": 2,
                "conditions": [
                    [
                        "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                        "message": "pods \"a\" is forbidden: violates PodSecurity \"baseline:latest\"",
                    ]
                ],
            ]), phase: "refused PodSecurity", ready: "0/0"),
        Row(
            reason: "no node is selected", type: .daemonSets, object: daemonSet(["observedGeneration": 2, "desiredNumberScheduled": 0]), phase: "noNodes",
            ready: "0/0"),
        Row(
            reason: "agents are replaced", type: .daemonSets,
            object: daemonSet(["observedGeneration": 2, "desiredNumberScheduled": 4, "updatedNumberScheduled": 1, "numberReady": 4, "numberAvailable": 4]),
            phase: "rollingOut",
            ready: "4/4"),
        Row(
            reason: "one agent does not run", type: .daemonSets,
            object: daemonSet(["observedGeneration": 2, "desiredNumberScheduled": 4, "updatedNumberScheduled": 4, "numberReady": 3, "numberAvailable": 3]),
            phase: "rollingOut",
            ready: "3/4"),
        Row(
            reason: "all agents run", type: .daemonSets,
            object: daemonSet(["observedGeneration": 2, "desiredNumberScheduled": 4, "updatedNumberScheduled": 4, "numberReady": 4, "numberAvailable": 4]),
            phase: "available",
            ready: "4/4"),
    ]

    @Test(arguments: rows) func statusTellsThePhase(_ row: Row) {
        let state = WorkloadState(row.object, type: row.type)
        let phase =
            switch state.phase {
            case .available: "available"
            case .rollingOut: "rollingOut"
            case .refused(let reason, _): "refused \(reason.rawValue)"
            case .noNodes: "noNodes"
            case .stuck: "stuck"
            }
        #expect(phase == row.phase, "\(row.reason)")
        #expect("\(state.ready)/\(state.replicas)" == row.ready, "\(row.reason)")
    }

    @Test func refusalOfAWorkloadThatIsAvailableIsOld() {
        let object = Self.daemonSet(["observedGeneration": 2, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberReady": 1, "numberAvailable": 1])
        #expect(WorkloadState(object, type: .daemonSets, refusal: "exceeded quota").phase == .available)
    }

    @Test func newestRefusalOfThisWorkloadCounts() {
        func event(_ uid: String, _ reason: String, _ time: String, _ note: String) -> JSONValue {
            ["reason": .string(reason), "eventTime": .string(time), "note": .string(note), "regarding": ["uid": .string(uid)]]
        }
        let workload: JSONValue = ["metadata": ["uid": "u"]]
        let events = [
            event("u", "FailedCreate", "2026-01-01T00:00:01.000000Z", "older"), event("u", "FailedCreate", "2026-01-01T00:00:02.000000Z", "newer"),
            event("u", "SuccessfulCreate", "2026-01-01T00:00:03.000000Z", "no failure"), event("v", "FailedCreate", "2026-01-01T00:00:04.000000Z", "another"),
        ]
        #expect(PodRefusal.newest(in: events, about: workload) == "newer")
        #expect(PodRefusal.newest(in: [], about: workload) == nil)
    }

    @Test(arguments: [
        ("localhost/busybox:1", "1"), ("registry:5000/img", ""), ("registry:5000/img:v2", "v2"), ("img@sha256:00", ""), ("img:1.0@sha256:00", "1.0"),
        ("img", ""),
    ])
    func tagIsReadFromTheImage(_ image: String, _ tag: String) {
        #expect(ImageReference.tag(of: image) == tag)
    }
}
