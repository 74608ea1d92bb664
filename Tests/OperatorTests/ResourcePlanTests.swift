// Plans from what is rendered and what is there, without a server: what is applied, held, kept and deleted.

import JSON
import Kubernetes
import KubernetesRuntime
import Rendering
import Testing

@testable import Operator

@Suite struct ResourcePlanTests {
    static let labels: JSONValue = ["app": "a"]

    static func name(_ name: String) -> ObjectName { ObjectName(namespace: "n", name: name) }

    static func manifest(_ type: ResourceType, _ name: String = "a-collector", spec: JSONValue? = nil) -> Manifest {
        var object: JSONValue = ["apiVersion": .string(type.apiVersion), "kind": .string(type.kind), "metadata": ["name": .string(name), "namespace": "n"]]
        if let spec { object["spec"] = spec }
        return Manifest(type: type, name: Self.name(name), object: object)
    }

    static func workload(_ type: ResourceType, selector: JSONValue = labels) -> Manifest {
        manifest(type, spec: ["selector": ["matchLabels": selector], "template": ["metadata": ["labels": selector]]])
    }

    static func child(_ manifest: Manifest, status: JSONValue? = nil, created: String? = nil) -> ChildObject {
        var object = manifest.object
        if let status { object["status"] = status }
        if let created { object.set(["metadata", "creationTimestamp"], to: .string(created)) }
        return ChildObject(manifest.type, object)
    }

    static let pods: JSONValue = ["replicas": 2, "availableReplicas": 2]

    @Test func leftoversAreDeletedAndEarlierConfigurationsKeptByAge() {
        let versions = (1...5).map { Self.child(Self.manifest(.configMaps, "c\($0)"), created: "2026-01-0\($0)T00:00:00Z") }
        let budget = Self.child(Self.manifest(.podDisruptionBudgets))
        let plan = ResourcePlanner.plan([Self.manifest(.configMaps, "c5")], inventory: versions + [budget], keptVersions: 2)
        #expect(plan.applies.map(\.name.name) == ["c5"])
        #expect(plan.kept == [ObjectReference(.configMaps, Self.name("c4")): .earlierVersion, ObjectReference(.configMaps, Self.name("c3")): .earlierVersion])
        #expect(Set(plan.prunes.map(\.name.name)) == ["c1", "c2", "a-collector"])
        #expect(plan.waiting == nil)
    }

    @Test func whatIsBeingDeletedIsNotDeletedAgain() {
        var object = Self.manifest(.services).object
        object.set(["metadata", "deletionTimestamp"], to: "2026-01-01T00:00:00Z")
        #expect(ResourcePlanner.plan([], inventory: [ChildObject(.services, object)], keptVersions: 0).prunes.isEmpty)
    }

    @Test(arguments: [
        (ResourceType.deployments, ResourceType.daemonSets), (.daemonSets, .deployments), (.statefulSets, .deployments), (.deployments, .statefulSets),
        (.statefulSets, .daemonSets), (.daemonSets, .statefulSets),
    ]) func theOldWorkloadGoesWhenTheNewOneIsAvailable(old: ResourceType, new: ResourceType) {
        let running: JSONValue = old == .daemonSets ? ["currentNumberScheduled": 2] : Self.pods
        let before = Self.child(Self.workload(old), status: running)
        let service = Self.manifest(.services, spec: ["internalTrafficPolicy": new == .daemonSets ? "Local" : "Cluster"])
        let desired = [service, Self.workload(new)]
        let budget = Self.child(Self.manifest(.podDisruptionBudgets))
        for half in [[], [Self.child(Self.workload(new))]] {
            let plan = ResourcePlanner.plan(desired, inventory: [before, budget] + half, keptVersions: 0)
            #expect(plan.prunes.isEmpty && plan.kept[before.reference] == .untilReplaced)
            #expect(plan.waiting?.contains("\(old.kind) n/a-collector stays until") == true)
            #expect(plan.applies[0].object.at("spec", "internalTrafficPolicy") == "Cluster", "the nodes without a new pod are served by others")
        }
        let available: JSONValue =
            new == .daemonSets
            ? ["observedGeneration": 1, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1]
            : ["observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1]
        let plan = ResourcePlanner.plan(desired, inventory: [before, budget, Self.child(Self.workload(new), status: available)], keptVersions: 0)
        #expect(Set(plan.prunes) == [before.reference, budget.reference] && plan.waiting == nil)
        #expect(plan.applies[0] == service)
    }

    @Test func aWorkloadWithoutPodsIsNotWaitedFor() {
        let before = Self.child(Self.workload(.deployments), status: ["replicas": 0])
        #expect(ResourcePlanner.plan([Self.workload(.daemonSets)], inventory: [before], keptVersions: 0).prunes == [before.reference])
    }

    @Test func withoutASuccessorNothingIsWaitedFor() {
        let before = Self.child(Self.workload(.deployments), status: Self.pods)
        let plan = ResourcePlanner.plan([Self.manifest(.configMaps, "c")], inventory: [before], keptVersions: 0)
        #expect(plan.prunes == [before.reference] && plan.waiting == nil)
    }

    @Test func servicesAndBudgetsFollowAChangedSelector() {
        let live = Self.child(Self.workload(.deployments, selector: ["app": "old"]))
        let desired = [Self.manifest(.services), Self.workload(.deployments), Self.manifest(.podDisruptionBudgets)]
        let plan = ResourcePlanner.plan(desired, inventory: [live], keptVersions: 0)
        #expect(plan.applies.map(\.type) == [.deployments] && plan.held.map(\.type) == [.services, .podDisruptionBudgets])
        #expect(plan.prunes.isEmpty && plan.waiting?.contains("selector") == true)
        let settled = ResourcePlanner.plan(desired, inventory: [Self.child(Self.workload(.deployments))], keptVersions: 0)
        #expect(settled.applies.count == 3 && settled.held.isEmpty)
    }

    // MARK: Immutable fields

    static func statefulSet(_ claims: [(name: String, size: String)], selector: JSONValue = labels, replicas: Int = 2) -> JSONValue {
        let templates = claims.map { claim -> JSONValue in
            ["metadata": ["name": .string(claim.name)], "spec": ["resources": ["requests": ["storage": .string(claim.size)]]]]
        }
        var object = workload(.statefulSets, selector: selector).object
        object.set(["spec", "replicas"], to: JSONValue(replicas))
        object.set(["spec", "volumeClaimTemplates"], to: .array(templates))
        return object
    }

    @Test func growingClaimsAreNamedForEachPod() {
        let old = Self.statefulSet([("data", "1Gi"), ("log", "1Gi")]), new = Self.statefulSet([("data", "2048Mi"), ("log", "1024Mi")])
        guard case .release(let growing) = ImmutableChange.way(from: old, to: new, type: .statefulSets) else {
            Issue.record("the pods are kept")
            return
        }
        #expect(growing == [ClaimGrowth(name: "data", storage: "2048Mi", pods: 2)], "the other is the same size in other words")
        #expect(growing[0].claimNames(of: "s") == ["data-s-0", "data-s-1"])
        let smaller = ImmutableChange.way(from: new, to: old, type: .statefulSets)
        #expect(smaller == .release(growing: []), "a claim never shrinks; new pods get the smaller one")
    }

    @Test func claimsGrowOnlyWhereTheyAreSmaller() {
        let growth = ClaimGrowth(name: "data", storage: "2Gi", pods: 1)
        func claim(_ size: JSONValue) -> JSONValue { ["spec": ["resources": ["requests": ["storage": size]]]] }
        #expect(VolumeClaims.patch(claim("1Gi"), growth) == claim("2Gi"))
        #expect(VolumeClaims.patch(claim("2048Mi"), growth) == nil && VolumeClaims.patch(claim("3Gi"), growth) == nil)
    }

    @Test func aNewClaimTemplateIsRefusedWithTheWayOut() {
        let way = ImmutableChange.way(from: Self.statefulSet([]), to: Self.statefulSet([("data", "1Gi")]), type: .statefulSets)
        guard case .refused(let remedy) = way else {
            Issue.record("running pods cannot get a volume")
            return
        }
        #expect(remedy.contains("data") && remedy.contains("kubectl delete statefulset a-collector -n n"))
        #expect(ImmutableChange.way(from: Self.statefulSet([("data", "1Gi")]), to: Self.statefulSet([]), type: .statefulSets) == .release(growing: []))
    }

    @Test func podsGetBothSelectorsLabelsBeforeTheWorkloadIsReleased() throws {
        let old = Self.workload(.deployments, selector: ["app": "old"]).object, new = Self.workload(.deployments, selector: ["name": "new"]).object
        guard case .bridge(let bridge) = ImmutableChange.way(from: old, to: new, type: .deployments) else {
            Issue.record("the pods do not match the new selector yet")
            return
        }
        #expect(bridge.at("spec", "selector") == old.at("spec", "selector"))
        #expect(bridge.at("spec", "template", "metadata", "labels") == ["app": "old", "name": "new"])
        var live = bridge
        #expect(ImmutableChange.way(from: live, to: new, type: .deployments) == .bridge(bridge), "some pods may lack the labels")
        live["status"] = ["observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1]
        #expect(ImmutableChange.way(from: live, to: new, type: .deployments) == .release(growing: []))
    }

    @Test func selectorsThatContradictEachOtherHaveNoWay() {
        let way = ImmutableChange.way(
            from: Self.workload(.daemonSets, selector: ["app": "old"]).object, to: Self.workload(.daemonSets, selector: ["app": "new"]).object,
            type: .daemonSets)
        guard case .refused(let remedy) = way else {
            Issue.record("no pod has two values of one label")
            return
        }
        #expect(remedy.contains("kubectl delete daemonsets a-collector -n n"))
    }

    @Test func onlyWorkloadsAreMadeAnew() {
        guard case .refused = ImmutableChange.way(from: Self.manifest(.services).object, to: Self.manifest(.services).object, type: .services) else {
            Issue.record("a Service is not")
            return
        }
    }

    // MARK: Two versions of a file

    @Test func versionsOfAFileAreComparedByTheSamePlanner() throws {
        var changed = Self.workload(.deployments).object
        changed.set(["spec", "replicas"], to: 3)
        var rolled = changed
        rolled.set(["spec", "template", "spec"], to: ["containers": [["name": "a"]]])
        func actions(_ old: [Manifest], _ new: [Manifest]) -> [String] {
            PlanComparison.changes(from: old, to: new, keptVersions: 1).map {
                "\($0.action) \($0.reference.type.kind) \($0.restartedPods.map(String.init) ?? "all")"
            }
        }
        func with(_ object: JSONValue, _ type: ResourceType = .deployments) -> Manifest { Manifest(type: type, name: Self.name("a-collector"), object: object) }
        #expect(actions([], [Self.workload(.deployments)]) == ["create Deployment 0"])
        #expect(actions([Self.workload(.deployments)], [with(changed)]) == ["change Deployment 0"])
        #expect(actions([with(changed)], [with(rolled)]) == ["change Deployment 3"])
        #expect(actions([with(changed, .daemonSets)], [with(rolled, .daemonSets)]) == ["change DaemonSet all"])
        #expect(actions([with(rolled)], [with(rolled)]) == ["unchanged Deployment 0"])
        #expect(actions([Self.manifest(.configMaps, "old")], [Self.manifest(.configMaps, "new")]) == ["create ConfigMap 0", "keep ConfigMap 0"])
        #expect(actions([Self.workload(.deployments)], [Self.workload(.daemonSets)]) == ["create DaemonSet 0", "delete Deployment 0"])
        let old = with(Self.statefulSet([("data", "1Gi")]), .statefulSets), new = with(Self.statefulSet([("data", "2Gi")]), .statefulSets)
        #expect(actions([old], [new]) == ["replace StatefulSet 0"])
    }
}
