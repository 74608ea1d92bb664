// Plans for a resource that begins or ends to have a second tier of pods: what is applied first, what waits, what stays.
// Objects are the least that a plan looks at.
// It never runs a server: WithoutGapTests does.

import JSON
import Kubernetes
import KubernetesRuntime
import Rendering
import Testing

@testable import Operator

@Suite struct TierSwitchTests {
    private typealias Plans = ResourcePlanTests

    private static func workload(_ name: String, tier: String?) -> Manifest {
        var labels: JSONValue = ["app": .string(name)]
        let selector = labels
        if let tier { labels["sonde.dev/trace-tier"] = .string(tier) }
        return Plans.manifest(.deployments, name, spec: ["selector": ["matchLabels": selector], "template": ["metadata": ["labels": labels]]])
    }

    private static let available: JSONValue = [
        "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
    ]
    private static let service = Plans.manifest(.services), config = Plans.manifest(.configMaps, "new")
    private static let routing = workload("a-collector-routing", tier: "routing")
    private static let two = [config, service, workload("a-collector", tier: "sampling"), routing]
    private static let one = [config, service, workload("a-collector", tier: nil)]
    private static let leftover = Plans.child(Plans.manifest(.ingresses, "old"))

    @Test func theFirstTierIsNotTouchedBeforeTheSecondIsAvailable() {
        let before = [Plans.child(Self.service), Plans.child(Self.one[2], status: Self.available), Self.leftover]
        for half in [[], [Plans.child(Self.routing)]] {
            let plan = ResourcePlanner.plan(Self.two, inventory: before + half, keptVersions: 0)
            #expect(plan.applies.map(\.name.name) == ["new", "a-collector-routing"])
            #expect(plan.held.map(\.type) == [.services, .deployments] && plan.prunes.isEmpty)
            #expect(plan.waiting?.contains("a-collector-routing is available (0 of its pods are ready)") == true)
        }
        let plan = ResourcePlanner.plan(Self.two, inventory: before + [Plans.child(Self.routing, status: Self.available)], keptVersions: 0)
        #expect(plan.applies == Self.two && plan.held.isEmpty && plan.waiting == nil && plan.prunes == [Self.leftover.reference])
    }

    @Test func aNewResourceAndALaterRolloutWaitForNothing() {
        #expect(ResourcePlanner.plan(Self.two, inventory: [], keptVersions: 0).applies == Self.two)
        let rolling = [Plans.child(Self.service), Plans.child(Self.two[2]), Plans.child(Self.routing)]
        #expect(ResourcePlanner.plan(Self.two, inventory: rolling, keptVersions: 0).applies == Self.two)
    }

    @Test func theSecondTierStaysUntilTheFirstTakesDataIn() {
        let routing = Plans.child(Self.routing, status: Self.available)
        for live in [Plans.child(Self.two[2], status: Self.available), Plans.child(Self.one[2])] {
            let plan = ResourcePlanner.plan(Self.one, inventory: [Plans.child(Self.service), live, routing], keptVersions: 0)
            #expect(plan.applies.map(\.type) == [.configMaps, .deployments] && plan.held == [Self.service])
            #expect(plan.prunes.isEmpty && plan.kept[routing.reference] == .untilReplaced && plan.waiting != nil)
        }
        let live = Plans.child(Self.one[2], status: Self.available)
        let plan = ResourcePlanner.plan(Self.one, inventory: [Plans.child(Self.service), live, routing], keptVersions: 0)
        #expect(plan.applies == Self.one && plan.prunes == [routing.reference] && plan.waiting == nil)
    }

    @Test func eachTierKeepsItsEarlierConfigurations() {
        let versions = ["one", "two"].flatMap { tier in
            (1...3).map { number in
                var object = Plans.manifest(.configMaps, "\(tier)-\(number)").object
                object.set(["metadata", "labels"], to: ["app.kubernetes.io/component": .string(tier)])
                object.set(["metadata", "creationTimestamp"], to: .string("2026-01-0\(number)T00:00:00Z"))
                return ChildObject(.configMaps, object)
            }
        }
        let plan = ResourcePlanner.plan([], inventory: versions, keptVersions: 1)
        #expect(Set(plan.kept.keys.map(\.name.name)) == ["one-3", "two-3"])
    }
}
