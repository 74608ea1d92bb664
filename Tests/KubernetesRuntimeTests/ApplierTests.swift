// Applying, pruning and status: when requests are sent and when they are refused (docs/controllers.md rules 22 to 25, 27, 29).

import JSON
import Kubernetes
import KubernetesRuntime
import Testing

@Suite struct ApplierTests {
    let cluster = FakeCluster()
    let store = ObjectStore(type: .configMaps)
    let gate = WriteGate.withoutElection(time: ManualTime())

    func applier(recreatable: Set<ResourceType> = []) -> Applier {
        Applier(api: cluster, gate: gate, stores: [.configMaps: store], recreatable: recreatable, logger: quiet)
    }

    /// What a watch would have brought by now.
    func sync() {
        let (objects, version) = cluster.with { state in (state.objects.filter { $0.key.contains("/configmaps/") }.map(\.value), state.version) }
        _ = store.replace(objects, resourceVersion: String(version))
    }

    @Test func secondApplyOfTheSameIsSkippedWhateverTheStoreHasSeen() async throws {
        sync()
        let applier = applier()
        guard case .applied = try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner") else {
            Issue.record("the first apply is sent")
            return
        }
        #expect(try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner") == .unchanged, "the store has not seen the create")
        sync()
        #expect(try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner") == .unchanged)
        #expect(cluster.writeCount == 1)
    }

    @Test func appliesCarryOurManagerAndForce() async throws {
        try await applier().apply(manifest("a"), type: .configMaps, ownerUID: "owner")
        let query = cluster.with { $0.writes[0].query.map { "\($0.name)=\($0.value)" } }
        #expect(query == ["fieldManager=sonde-operator", "force=true"])
    }

    @Test func driftDeleteAndNewDesireAreApplied() async throws {
        let applier = applier()
        sync()
        try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner")
        var drifted = cluster.object(.configMaps, named("a")) ?? [:]
        drifted["data"] = ["k": "by hand"]
        cluster.put(.configMaps, drifted)
        sync()
        guard case .applied(let repaired) = try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner") else {
            Issue.record("drift is repaired")
            return
        }
        #expect(repaired.at("data", "k") == "v")
        cluster.remove(.configMaps, named("a"))
        sync()
        guard case .applied = try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner") else {
            Issue.record("a deleted child is made again")
            return
        }
        sync()
        guard case .applied = try await applier.apply(manifest("a", data: ["k": "w"]), type: .configMaps, ownerUID: "owner") else {
            Issue.record("a new desire is applied")
            return
        }
    }

    @Test func statusOfAChildMayMoveWithoutAnApply() async throws {
        let applier = applier()
        sync()
        try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner")
        for ready in 1...5 {
            var live = cluster.object(.configMaps, named("a")) ?? [:]
            live["status"] = ["readyReplicas": JSONValue(ready)]
            cluster.put(.configMaps, live)
            sync()
            #expect(try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner") == .unchanged)
        }
        #expect(cluster.writeCount == 1)
    }

    @Test func kindWithoutAStoreIsReadLiveAndNotWrittenAgain() async throws {
        let applier = Applier(api: cluster, gate: gate, logger: quiet)
        try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner")
        for _ in 0..<10 { #expect(try await applier.apply(manifest("a"), type: .configMaps, ownerUID: "owner") == .unchanged) }
        #expect(cluster.writeCount == 1)
    }

    @Test func adoptionIsRefused() async throws {
        cluster.put(.configMaps, manifest("a", ownerUID: "somebody"))
        sync()
        let known = await #expect(throws: ApplyError.self) { try await applier().apply(manifest("a"), type: .configMaps, ownerUID: "owner") }
        #expect(known?.code == .controlledByOther)
        #expect(cluster.writeCount == 0)
        let unseen = ObjectStore(type: .configMaps)
        _ = unseen.replace([], resourceVersion: "1")
        let blind = Applier(api: cluster, gate: gate, stores: [.configMaps: unseen], logger: quiet)
        let refused = await #expect(throws: ApplyError.self) { try await blind.apply(manifest("a"), type: .configMaps, ownerUID: "owner") }
        #expect(refused?.code == .controlledByOther, "the server refuses a second controller when the store has not seen the first")
        #expect(cluster.object(.configMaps, named("a"))?.metadata.controller?.uid == "somebody")
        #expect(refused.map { RetryClass($0) } == .retryAfter(.seconds(60)))
    }

    @Test func whatHasNoOwnerIsOursOnlyByTheResourcesLabels() async throws {
        var desired = manifest("a")
        let labels = ["app.kubernetes.io/managed-by": "opentelemetry-operator", "app.kubernetes.io/instance": "n.a"]
        for (key, value) in labels { desired.set(["metadata", "labels", key], to: .string(value)) }
        var bare = manifest("a")
        bare.set(["metadata", "ownerReferences"], to: nil)
        for foreign: JSONValue in [[:], ["app.kubernetes.io/instance": "n.a"], ["app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "n.a"]] {
            bare.set(["metadata", "labels"], to: foreign)
            cluster.put(.configMaps, bare)
            let refused = await #expect(throws: ApplyError.self) { try await applier().apply(desired, type: .configMaps, ownerUID: "owner") }
            #expect(refused?.code == .controlledByOther && refused?.message.contains("has no owner") == true)
        }
        #expect(cluster.writeCount == 0)
        bare.set(["metadata", "labels"], to: .object(JSONObject(labels.map { ($0.key, .string($0.value)) })))
        cluster.put(.configMaps, bare)
        try await applier().apply(desired, type: .configMaps, ownerUID: "owner")
        #expect(cluster.writeCount == 1)
    }

    @Test func objectThatIsBeingDeletedIsLeftToItsEnd() async throws {
        var object = manifest("a")
        object.set(["metadata", "deletionTimestamp"], to: "2026-01-01T00:00:00Z")
        cluster.put(.configMaps, object)
        sync()
        #expect(try await applier().apply(manifest("a"), type: .configMaps, ownerUID: "owner") == .terminating)
        #expect(cluster.writeCount == 0)
    }

    @Test func immutableFieldIsTerminalUnlessTheKindMayBeRecreated() async throws {
        func desired(_ value: String) -> JSONValue {
            var object = manifest("a")
            object["spec"] = ["immutable": .string(value)]
            return object
        }
        let strict = applier()
        try await strict.apply(desired("x"), type: .configMaps, ownerUID: "owner")
        let uid = cluster.object(.configMaps, named("a"))?.metadata.uid
        let error = await #expect(throws: ApplyError.self) { try await strict.apply(desired("y"), type: .configMaps, ownerUID: "owner") }
        #expect(error?.code == .immutableField && error?.message.contains("spec.immutable") == true)
        #expect(error.map { RetryClass($0) } == .terminal)
        try await applier(recreatable: [.configMaps]).apply(desired("y"), type: .configMaps, ownerUID: "owner")
        let live = cluster.object(.configMaps, named("a"))
        #expect(live?.at("spec", "immutable") == "y" && live?.metadata.uid != uid)
    }

    @Test func otherErrorsPassThrough() async throws {
        cluster.script { $0.method == .patch ? KubernetesError(.invalid, status: 422, message: "spec.x: unknown") : nil }
        let error = await #expect(throws: KubernetesError.self) { try await applier().apply(manifest("a"), type: .configMaps, ownerUID: "owner") }
        #expect(error?.code == .invalid)
    }

    @Test func closedGateLetsNothingThrough() async throws {
        gate.close()
        await #expect(throws: WriteGateClosed.self) { try await applier().apply(manifest("a"), type: .configMaps, ownerUID: "owner") }
        #expect(cluster.writeCount == 0)
    }

    // MARK: Inventory

    @Test func leftoversArePrunedAfterEveryApplySucceeded() async throws {
        let applier = applier()
        let old = [ChildObject(.configMaps, manifest("a")), ChildObject(.configMaps, manifest("old"))]
        cluster.put(.configMaps, manifest("foreign", ownerUID: "somebody"))
        cluster.put(.configMaps, configMap("unlabelled"))
        sync()
        _ = try await applier.converge(old, ownerUID: "owner", namespace: "n", prunableKinds: [.configMaps])
        sync()
        let result = try await applier.converge(
            [old[0], ChildObject(.configMaps, manifest("new"))], ownerUID: "owner", namespace: "n", prunableKinds: [.configMaps])
        #expect(result.pruned == [old[1].reference] && result.unchanged == 1 && result.applied.count == 1)
        let names = cluster.with { Set($0.objects.values.map(\.metadata.name)) }
        #expect(names == ["a", "new", "foreign", "unlabelled"])
    }

    @Test func deletesCarryUidAndVersionOfTheLiveObject() async throws {
        let live = cluster.put(.configMaps, manifest("old"))
        sync()
        try await applier().prune(ownerUID: "owner", kinds: [.configMaps], keeping: [])
        let body = cluster.with { $0.writes[0].body }
        #expect(body?["preconditions"] == ["uid": .string(live.metadata.uid), "resourceVersion": .string(live.metadata.resourceVersion)])
    }

    @Test func oneFailedApplyKeepsEverythingAndTheOthersAreApplied() async throws {
        cluster.put(.configMaps, manifest("old"))
        sync()
        cluster.script { $0.method == .patch && $0.path.hasSuffix("/bad") ? KubernetesError(.internalError, status: 500, message: "no") : nil }
        await #expect(throws: KubernetesError.self) {
            try await applier().converge(
                [ChildObject(.configMaps, manifest("bad")), ChildObject(.configMaps, manifest("good"))], ownerUID: "owner", namespace: "n",
                prunableKinds: [.configMaps])
        }
        #expect(cluster.object(.configMaps, named("old")) != nil && cluster.object(.configMaps, named("good")) != nil)
    }

    @Test func ownershipIsCheckedAgainOnTheLiveObject() async throws {
        cluster.put(.configMaps, manifest("moved"))
        sync()
        // Since the store last looked, another resource has taken the object over.
        cluster.put(.configMaps, manifest("moved", ownerUID: "somebody"))
        #expect(try await applier().prune(ownerUID: "owner", kinds: [.configMaps], keeping: []).isEmpty)
        #expect(cluster.object(.configMaps, named("moved")) != nil)
    }

    @Test func objectThatChangesUnderTheDeleteIsAConflict() async throws {
        cluster.put(.configMaps, manifest("old"))
        sync()
        let meddled = Applier(api: MeddlingAPI(cluster: cluster), gate: gate, stores: [.configMaps: store], logger: quiet)
        let error = await #expect(throws: KubernetesError.self) { try await meddled.prune(ownerUID: "owner", kinds: [.configMaps], keeping: []) }
        #expect(error?.code == .conflict && error.map { RetryClass($0) } == .retry)
        #expect(cluster.object(.configMaps, named("old"))?.at("data", "k") == "changed")
    }

    @Test func kindsThatHoldDataAreNeverPruned() async throws {
        let error = await #expect(throws: ApplyError.self) { try await applier().prune(ownerUID: "owner", kinds: [.configMaps, .secrets], keeping: []) }
        #expect(error?.code == .notPrunable && cluster.writeCount == 0)
    }

    @Test func kindWithoutAStoreIsListedByLabel() async throws {
        cluster.put(.configMaps, manifest("old"))
        cluster.put(.configMaps, manifest("foreign", ownerUID: "somebody"))
        let applier = Applier(api: cluster, gate: gate, logger: quiet)
        #expect(try await applier.prune(ownerUID: "owner", kinds: [.configMaps], keeping: [], namespace: "n").count == 1)
        #expect(cluster.object(.configMaps, named("foreign")) != nil)
    }
}

/// Changes the object just before a delete reaches the server.
struct MeddlingAPI: KubernetesAPI {
    let cluster: FakeCluster
    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        if request.method == .delete { cluster.put(.configMaps, manifest("old", data: ["k": "changed"])) }
        return try await cluster.send(request)
    }
    func watch(_ request: KubernetesRequest) async throws -> WatchStream { try await cluster.watch(request) }
}

@Suite struct StatusWriterTests {
    let cluster = FakeCluster()
    let type = ResourceType(group: "sonde.dev", version: "v1alpha1", kind: "EBPFProbe", plural: "ebpfprobes")

    func writer() -> StatusWriter { StatusWriter(api: cluster, gate: .withoutElection(time: ManualTime())) }

    @Test func statusIsWrittenOnlyWhenDifferent() async throws {
        let probe = cluster.put(type, ["metadata": ["name": "p", "namespace": "n"], "spec": ["a": 1]])
        let writer = writer()
        guard case .written(let answer) = try await writer.write(["ready": 1], of: probe, type: type) else {
            Issue.record("the first status is written")
            return
        }
        #expect(answer["status"] == ["ready": 1] && answer["spec"] == ["a": 1])
        #expect(try await writer.write(["ready": 1], of: probe, type: type) == .unchanged, "the store lags, our own answer counts")
        #expect(try await writer.write(["ready": 1], of: answer, type: type) == .unchanged)
        #expect(try await self.writer().write(["ready": 1], of: answer, type: type) == .unchanged, "a fresh process compares with the resource")
        #expect(cluster.writeCount == 1)
        guard case .written = try await writer.write(["ready": 2], of: probe, type: type) else {
            Issue.record("a new status is written")
            return
        }
        let request = cluster.with { $0.writes[1] }
        #expect(request.path.hasSuffix("/ebpfprobes/p/status") && request.body?.metadata.uid == probe.metadata.uid && request.body?["spec"] == nil)
        #expect(request.query.map { "\($0.name)=\($0.value)" } == ["fieldManager=sonde-operator-status", "force=true"])
    }

    @Test func wipedStatusIsRepaired() async throws {
        let probe = cluster.put(type, ["metadata": ["name": "p", "namespace": "n"]])
        let writer = writer()
        try await writer.write(["ready": 1], of: probe, type: type)
        let wiped = cluster.put(type, ["metadata": ["name": "p", "namespace": "n"]])
        guard case .written = try await writer.write(["ready": 1], of: wiped, type: type) else {
            Issue.record("the status is back")
            return
        }
    }

    @Test func recreatedResourceIsNotTouched() async throws {
        let old = cluster.put(type, ["metadata": ["name": "p", "namespace": "n"]])
        cluster.remove(type, named("p"))
        #expect(try await writer().write(["ready": 1], of: old, type: type) == .gone, "no such name")
        cluster.put(type, ["metadata": ["name": "p", "namespace": "n"]])
        #expect(try await writer().write(["ready": 1], of: old, type: type) == .gone, "another uid")
        #expect(cluster.object(type, named("p"))?["status"] == nil)
    }

    @Test func otherErrorsAreThrown() async throws {
        let probe = cluster.put(type, ["metadata": ["name": "p", "namespace": "n"]])
        cluster.script { $0.method == .patch ? KubernetesError(.serviceUnavailable, status: 503, message: "no") : nil }
        await #expect(throws: KubernetesError.self) { try await writer().write(["ready": 1], of: probe, type: type) }
    }
}
