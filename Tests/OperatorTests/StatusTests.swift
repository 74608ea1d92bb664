// Conditions and statuses as functions: verdicts, pauses, other operators, overlaps.
// The integration suite shows the same on a server.
// It never needs a clock: times are given.

import JSON
import Kubernetes
import KubernetesRuntime
import SondeAPI
import Testing

@testable import Operator

@Suite struct StatusTests {
    private static let start = Timestamp(secondsSinceEpoch: 1_800_000_000)
    private static let later = Timestamp(secondsSinceEpoch: 1_800_000_060)

    private static func available() -> WorkloadState {
        WorkloadState(
            [
                "metadata": ["generation": 1],
                "status": ["observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1],
            ], type: .deployments)
    }

    private static func resource(_ conditions: JSONValue = []) -> JSONValue { ["metadata": ["generation": 4], "status": ["conditions": conditions]] }

    @Test func transitionTimeMovesOnlyWhenTheStatusFlips() {
        var conditions = StatusConditions(of: Self.resource(), now: Self.start)
        conditions.setReady(verdict: Verdict(.invalidConfig, "a", isStalled: true), workload: Self.available(), isPaused: false)
        var second = StatusConditions(of: Self.resource(conditions.jsonValue), now: Self.later)
        second.setReady(verdict: Verdict(.applyFailed, "b", isStalled: false), workload: Self.available(), isPaused: false)
        #expect(Conditions(decoding: second.jsonValue)["Ready"]?.lastTransitionTime == Self.start)
        #expect(Conditions(decoding: second.jsonValue)["Ready"]?.reason == "ApplyFailed")
        var third = StatusConditions(of: Self.resource(second.jsonValue), now: Self.later)
        third.setReady(verdict: nil, workload: Self.available(), isPaused: false)
        #expect(Conditions(decoding: third.jsonValue)["Ready"]?.lastTransitionTime == Self.later)
    }

    @Test func stalledAndReconcilingAreNeverBothThere() {
        var conditions = StatusConditions(of: Self.resource(), now: Self.start)
        let verdicts: [Verdict?] = [nil, Verdict(.invalidConfig, "a", isStalled: true), Verdict(.applyFailed, "b", isStalled: false)]
        for verdict in verdicts {
            for workload in [Self.available(), WorkloadState(nil, type: .deployments)] {
                conditions.setReady(verdict: verdict, workload: workload, isPaused: false)
                let all = Conditions(decoding: conditions.jsonValue)
                #expect(!(all.isTrue("Stalled") && all.isTrue("Reconciling")))
                #expect(all.isTrue("Ready") == (verdict == nil && workload.phase == .available))
                #expect(all.all.allSatisfy { $0.observedGeneration == 4 && !$0.message.isEmpty })
            }
        }
    }

    @Test func conditionsThatNobodyOfUsWritesAreDropped() {
        let conditions = StatusConditions(of: Self.resource([["type": "Upgraded", "status": "True", "reason": "X"]]), now: Self.start)
        #expect(conditions.jsonValue == [])
    }

    @Test func errorsBecomeVerdictsThatTellRetryFromStall() {
        let invalid = KubernetesError(.invalid, status: 422, reason: "Invalid", message: "spec.x: bad")
        let busy = KubernetesError(.serviceUnavailable, status: 503, message: "away")
        #expect(Verdict(invalid)?.isStalled == true)
        #expect(Verdict(busy)?.isStalled == false)
        #expect(Verdict(busy)?.reason == .applyFailed)
        #expect(Verdict(CancellationError()) == nil)
        #expect(Verdict(WriteGateClosed()) == nil)
    }

    @Test func findingsAreListedAndTheirNumberIsBounded() {
        let findings = (0..<50).map { Finding(.error, rule: "x", path: "spec.a[\($0)]", message: "is wrong", remedy: "do y") }
        let verdict = Verdict(errors: findings)
        #expect(verdict?.message.contains("spec.a[19]: is wrong; do y") == true)
        #expect(verdict?.message.hasSuffix("and 30 more") == true)
        #expect(verdict?.reason == .invalidConfig)
        #expect(Verdict(errors: []) == nil)
    }

    private static func managed(_ entries: [(manager: String, subresource: String?, time: Timestamp)]) -> JSONValue {
        let fields: [JSONValue] = entries.map { entry in
            var value: JSONValue = ["manager": .string(entry.manager), "time": .string(entry.time.rfc3339)]
            if let subresource = entry.subresource { value["subresource"] = .string(subresource) }
            return value
        }
        return ["metadata": ["managedFields": .array(fields)]]
    }

    @Test func onlyOtherProgramsThatWroteTheStatusLatelyAreOperators() {
        let live = Self.managed([
            ("sonde-operator-status", "status", Self.later), ("kubectl-patch", "status", Self.later), ("helm", nil, Self.later),
            ("manager", "status", Self.start),
        ])
        let write = ForeignStatusWrite.newest(in: live, own: "sonde-operator-status")
        #expect(write == ForeignStatusWrite(manager: "manager", time: Self.start))
        #expect(write?.remaining(now: Self.later) == .seconds(540))
        #expect(write?.remaining(now: Self.start.advanced(by: .seconds(601))) == nil)
        #expect(ForeignStatusWrite.newest(in: Self.managed([("sonde-operator-status", "status", Self.later)]), own: "sonde-operator-status") == nil)
    }

    private static func probe(_ name: String, age: Int, _ spec: JSONValue = [:]) throws -> EBPFProbe {
        var spec = spec
        spec["endpoint"] = "http://a:4318"
        let created = Self.start.advanced(by: .seconds(-age)).rfc3339
        return try EBPFProbe(object: [
            "apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe",
            "metadata": ["name": .string(name), "namespace": "n", "uid": .string("uid-\(name)"), "creationTimestamp": .string(created)], "spec": spec,
        ])
    }

    @Test func overlapIsSaidOnlyWhenItIsSure() throws {
        let all = try Self.probe("all", age: 100)
        let zone = try Self.probe("zone", age: 50, ["nodeSelector": ["zone": "a"]])
        let other = try Self.probe("other", age: 10, ["nodeSelector": ["disk": "ssd"]])
        let choosy = try Self.probe("choosy", age: 5, ["affinity": ["nodeAffinity": [:]]])
        let paused = try Self.probe("paused", age: 500, ["paused": true])
        let probes = [all, zone, other, choosy, paused]
        func find(_ probe: EBPFProbe, _ among: [EBPFProbe]) -> ProbeOverlap? { ProbeOverlap.find(for: probe, among: among) { $0.name.name == "all" ? 9 : 2 } }
        #expect(find(all, probes) == nil, "the oldest wins")
        #expect(find(zone, probes) == ProbeOverlap(older: all.name, nodes: 2))
        #expect(find(other, [zone, other]) == nil, "two labels may or may not meet")
        #expect(find(choosy, probes) == nil, "affinity is not understood here")
        #expect(find(try Self.probe("late", age: 1), [zone]) == ProbeOverlap(older: zone.name, nodes: 2), "it takes all nodes, so also those of the older")
        #expect(ProbeOverlap.find(for: zone, among: probes) { _ in 0 } == nil, "no common node")
    }

    @Test func exactlyOneFinalizerIsTakenOut() throws {
        let resource: JSONValue = ["metadata": ["finalizers": ["a/b", .string(ResourceAnnotations.earlierFinalizer), "c/d"]]]
        let patch = try #require(ResourceAnnotations.removal(of: ResourceAnnotations.earlierFinalizer, from: resource))
        #expect(try patch.apply(to: resource) == ["metadata": ["finalizers": ["a/b", "c/d"]]])
        let changed: JSONValue = ["metadata": ["finalizers": ["x/y", "a/b", .string(ResourceAnnotations.earlierFinalizer)]]]
        #expect(throws: PatchError.self) { try patch.apply(to: changed) }
        #expect(ResourceAnnotations.removal(of: "not/there", from: resource) == nil)
    }

    @Test func ownersBeforeAndAfterAChangeAreLookedAt() {
        func child(_ owner: String?) -> JSONValue {
            let reference = OwnerReference(apiVersion: "opentelemetry.io/v1beta1", kind: "OpenTelemetryCollector", name: owner ?? "", uid: "u").jsonValue
            return ["metadata": ["name": "c", "namespace": "n", "ownerReferences": owner == nil ? [] : [reference]]]
        }
        let gone = StoreEvent.updated(old: child("a"), new: child(nil))
        #expect(OperatorScope.owners(in: gone, of: .openTelemetryCollectors) == [ObjectName(namespace: "n", name: "a")])
        #expect(OperatorScope.owners(in: .deleted(child("b")), of: .openTelemetryCollectors) == [ObjectName(namespace: "n", name: "b")])
        #expect(OperatorScope.owners(in: .added(child("b")), of: .ebpfProbes) == [])
    }
}
