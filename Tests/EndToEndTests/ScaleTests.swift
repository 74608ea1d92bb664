// Who decides how many pods there are: the resource, its own autoscaler, or an autoscaler that somebody aimed at the workload.
// Runs in process, and unchanged on the cluster that KUBECONFIG names; nothing here waits for an autoscaler to act, the tests act for it.
// It never looks at pods.

import JSON
import Kubernetes
import KubernetesRuntime
import Operator
import SondeAPI
import Testing

@Suite(.timeLimit(.minutes(5))) struct ScaleTests {
    private static func replicas(_ type: ResourceType, _ world: World) async throws -> Int? {
        try await world.find(type, "gateway-collector")?.at("spec", "replicas")?.int
    }

    @Test(arguments: ["deployment", "statefulset"]) func itsOwnAutoscalerScalesThroughTheResource(_ mode: String) async throws {
        let type: ResourceType = mode == "deployment" ? .deployments : .statefulSets
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector(mode: mode, more: "autoscaler: {maxReplicas: 6}"))
                try await world.written("gateway")
                let autoscaler = try await world.get(.horizontalPodAutoscalers, "gateway-collector")
                #expect(autoscaler.at("spec", "scaleTargetRef", "kind") == "OpenTelemetryCollector")
                #expect(autoscaler.at("spec", "minReplicas") == 1 && autoscaler.at("spec", "maxReplicas") == 6)
                try await world.merge(.openTelemetryCollectors, "gateway", ["spec": ["replicas": 4]], subresource: "scale")
                try await world.eventually("the workload follows") { try await Self.replicas(type, world) == 4 }
                try await world.written("gateway")
                let minimum = try await world.get(.horizontalPodAutoscalers, "gateway-collector").at("spec", "minReplicas")
                #expect(minimum == 1, "what the autoscaler wrote is no new minimum")
            }
        }
    }

    @Test(arguments: ["deployment", "statefulset"]) func anAutoscalerOfOthersIsNotFoughtWith(_ mode: String) async throws {
        let type: ResourceType = mode == "deployment" ? .deployments : .statefulSets
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector(mode: mode, more: "replicas: 2"))
                try await world.eventually("the workload is there") { try await Self.replicas(type, world) == 2 }
                try await world.api.create(.horizontalPodAutoscalers, Self.autoscaler(type, world))
                try await world.eventually("the number is given away") {
                    let live = try await world.get(type, "gateway-collector")
                    return !Self.owners(of: live).contains("sonde-operator")
                }
                #expect(try await Self.replicas(type, world) == 2, "and nothing else happens to it")
                try await world.merge(type, "gateway-collector", ["spec": ["replicas": 5]], subresource: "scale")
                // A change of everything else reaches the workload and leaves the number alone.
                try await world.merge(.openTelemetryCollectors, "gateway", ["metadata": ["labels": ["touched": "yes"]]])
                try await world.eventually("the label is there") { try await world.get(type, "gateway-collector").metadata.labels["touched"] == "yes" }
                #expect(try await Self.replicas(type, world) == 5)
                try await world.api.delete(.horizontalPodAutoscalers, world.name("keda"))
                try await world.eventually("the resource decides again") { try await Self.replicas(type, world) == 2 }
            }
        }
    }

    /// Somebody else's, aimed at the workload.
    static func autoscaler(_ type: ResourceType, _ world: World) -> JSONValue {
        [
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "keda", "namespace": .string(world.namespace)],
            "spec": [
                "scaleTargetRef": ["apiVersion": "apps/v1", "kind": .string(type.kind), "name": "gateway-collector"], "minReplicas": 1, "maxReplicas": 9,
            ],
        ]
    }

    @Test(arguments: ["deployment", "statefulset"]) func aWorkloadThatIsMadeAnewHasTheAutoscalersNumber(_ mode: String) async throws {
        let type: ResourceType = mode == "deployment" ? .deployments : .statefulSets
        try await World.with { world in
            try await world.api.create(.horizontalPodAutoscalers, Self.autoscaler(type, world))
            try await world.api.patch(
                .horizontalPodAutoscalers, world.name("keda"), .merge(["status": ["currentReplicas": 6, "desiredReplicas": 6]]), subresource: "status")
            try await world.withOperator { _ in
                try await world.apply(Example.collector(mode: mode, more: "replicas: 2"))
                try await world.eventually("the workload is there") { try await Self.replicas(type, world) != nil }
                #expect(try await Self.replicas(type, world) == 6)
                try await world.eventually("and the number is given away") {
                    try await !Self.owners(of: world.get(type, "gateway-collector")).contains("sonde-operator")
                }
                #expect(try await Self.replicas(type, world) == 6)
            }
        }
    }

    @Test func anAutoscalerOfOthersMayScaleThePodsThatRouteTraces() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.sampling("sonde.dev/trace-routing: managed"))
                try await world.eventually("both tiers are there") {
                    let routing = try await world.find(.deployments, "gateway-collector-routing"), sampling = try await Self.replicas(.deployments, world)
                    return routing?.at("spec", "replicas") == 2 && sampling == 2
                }
                var autoscaler = Self.autoscaler(.deployments, world)
                autoscaler.set(["spec", "scaleTargetRef", "name"], to: "gateway-collector-routing")
                try await world.api.create(.horizontalPodAutoscalers, autoscaler)
                try await world.eventually("the number is given away") {
                    try await !Self.owners(of: world.get(.deployments, "gateway-collector-routing")).contains("sonde-operator")
                }
                try await world.merge(.deployments, "gateway-collector-routing", ["spec": ["replicas": 5]], subresource: "scale")
                try await world.merge(.openTelemetryCollectors, "gateway", ["spec": ["replicas": 8]])
                try await world.eventually("the other tier follows the resource") { try await Self.replicas(.deployments, world) == 8 }
                #expect(try await world.get(.deployments, "gateway-collector-routing").at("spec", "replicas") == 5)
            }
        }
    }

    private static func owners(of live: JSONValue) -> [String] {
        (live.at("metadata", "managedFields")?.array ?? []).filter { $0.at("fieldsV1", "f:spec", "f:replicas") != nil }.compactMap { $0["manager"]?.string }
    }

    @Test func switchedOffAutoscalerGoes() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector(more: "autoscaler: {maxReplicas: 6}"))
                try await world.eventually("the autoscaler is there") { try await world.find(.horizontalPodAutoscalers, "gateway-collector") != nil }
                try await world.apply(Example.collector())
                try await world.eventually("it is gone") { try await world.find(.horizontalPodAutoscalers, "gateway-collector") == nil }
            }
        }
    }

    @Test func scaleOfASidecarIsNothing() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector(mode: "sidecar"))
                let ready = try await world.condition("Ready", .true, .reconciled, of: .openTelemetryCollectors, "gateway")
                let resource = try await world.get(.openTelemetryCollectors, "gateway")
                #expect(ready.observedGeneration == resource.metadata.generation)
                #expect(resource.at("status", "scale", "replicas") == 0 && resource.at("status", "scale", "selector") == "")
                let kinds = Set(try await world.children(of: resource).compactMap { $0.split(separator: " ").first.map(String.init) })
                #expect(kinds == ["ConfigMap", "ServiceAccount"])
            }
        }
    }
}
