// Others who want the same resource or the same names, and resources that are wrong.
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never lets one bad resource keep a good one from being served.

import JSON
import Kubernetes
import KubernetesRuntime
import Operator
import SondeAPI
import Testing

@Suite(.timeLimit(.minutes(5))) struct ConflictTests {
    @Test func objectsOfAnotherControllerAreNotAdopted() async throws {
        try await World.with { world in
            let owner = try await world.api.create(
                .configMaps, ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "owner", "namespace": .string(world.namespace)]])
            let taken: JSONValue = [
                "apiVersion": "v1", "kind": "Service",
                "metadata": [
                    "name": "gateway-collector", "namespace": .string(world.namespace),
                    "ownerReferences": [OwnerReference(controller: owner, type: .configMaps).jsonValue],
                ], "spec": ["ports": [["port": 80]]],
            ]
            try await world.api.create(.services, taken)
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                let condition = try await world.condition("Ready", .false, .conflictingOperator, of: .openTelemetryCollectors, "gateway")
                #expect(condition.message.contains("Service") && condition.message.contains("gateway-collector"))
                #expect(try await world.conditions(.openTelemetryCollectors, "gateway").isTrue("Stalled"))
                let live = try await world.get(.services, "gateway-collector")
                #expect(live.metadata.controller?.name == "owner")
                #expect(live.at("spec", "ports")?[0]?["port"] == 80)
                #expect(try await world.find(.deployments, "gateway-collector") != nil, "the other objects are applied")
            }
        }
    }

    @Test func anObjectWithoutAnOwnerIsNotTakenOver() async throws {
        try await World.with { world in
            let theirs: JSONValue = [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "gateway-collector", "namespace": .string(world.namespace)],
                "spec": ["ports": [["port": 80]]],
            ]
            try await world.api.create(.services, theirs)
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                let condition = try await world.condition("Ready", .false, .conflictingOperator, of: .openTelemetryCollectors, "gateway")
                #expect(condition.message.contains("Service") && condition.message.contains("has no owner"))
                #expect(try await world.get(.services, "gateway-collector").at("spec", "ports")?[0]?["port"] == 80)
            }
        }
    }

    @Test func anObjectOnItsWayOutIsWaitedForAndMadeAnew() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.written("gateway")
                let old = try await world.get(.services, "gateway-collector")
                try await world.merge(.services, "gateway-collector", ["metadata": ["finalizers": ["example.com/slow"]]])
                try await world.api.delete(.services, world.name("gateway-collector"))
                try await world.eventually("the condition says what is waited for") {
                    let ready = try await world.conditions(.openTelemetryCollectors, "gateway")["Ready"]
                    return ready?.reason == "RollingOut" && ready?.message.contains("is being deleted") == true
                }
                #expect(try await !world.conditions(.openTelemetryCollectors, "gateway").isTrue("Stalled"))
                try await world.merge(.services, "gateway-collector", ["metadata": ["finalizers": []]])
                try await world.eventually("it is made anew") {
                    guard let live = try await world.find(.services, "gateway-collector") else { return false }
                    return live.metadata.uid != old.metadata.uid
                }
                try await world.written("gateway")
            }
        }
    }

    @Test func anotherOperatorAtWorkIsAConditionNotAFight() async throws {
        try await World.with { world in
            try await world.apply(Example.collector())
            try await world.api.patch(
                .openTelemetryCollectors, world.name("gateway"), .merge(["status": ["version": "0.158.0"]]), fieldManager: "opentelemetry-operator",
                subresource: "status")
            let api = InterceptingAPI(world.api)
            try await world.withOperator(world.environment(api)) { _ in
                let condition = try await world.condition("Ready", .false, .conflictingOperator, of: .openTelemetryCollectors, "gateway")
                #expect(condition.message.contains("opentelemetry-operator"))
                let resource = try await world.get(.openTelemetryCollectors, "gateway")
                #expect(try await world.children(of: resource).isEmpty)
                #expect(api.writes.allSatisfy { $0.text.hasSuffix("/status") }, "\(api.writes.map(\.text))")
            }
        }
    }

    @Test func brokenResourcesSayWhatIsWrongAndOthersGoOn() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector("broken").replacing("receivers: [otlp]", with: "receivers: [otlpp]"))
                try await world.apply(Example.collector("good"))
                let invalid = try await world.condition("Ready", .false, .invalidConfig, of: .openTelemetryCollectors, "broken")
                #expect(invalid.message.contains("otlpp") && invalid.message.contains("spec.config.service.pipelines"))
                #expect(try await world.conditions(.openTelemetryCollectors, "broken").isTrue("Stalled"))
                try await world.written("good")
                #expect(try await world.find(.deployments, "broken-collector") == nil)
            }
        }
    }

    @Test func brokenChangeLeavesWhatRanBefore() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.written("gateway")
                let before = try await world.get(.deployments, "gateway-collector")
                let changed = try await world.apply(Example.collector().replacing("exporters: [otlphttp]", with: "exporters: [nowhere]"))
                let condition = try await world.condition("Ready", .false, .invalidConfig, of: .openTelemetryCollectors, "gateway")
                #expect(condition.observedGeneration == changed.metadata.generation)
                #expect(try await world.get(.deployments, "gateway-collector")["spec"] == before["spec"])
            }
        }
    }

    @Test func targetAllocatorIsRefusedAndEverythingElseRuns() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                let config = "receivers:\n      prometheus: {config: {scrape_configs: [{job_name: a}]}}\n      otlp:"
                let allocator = "targetAllocator: {enabled: true}"
                try await world.apply(
                    Example.collector(mode: "statefulset", more: allocator).replacing("receivers:\n      otlp:", with: config))
                let condition = try await world.condition("Ready", .false, .unsupported, of: .openTelemetryCollectors, "gateway")
                #expect(condition.message.contains("spec.targetAllocator") && condition.message.contains("enabled: false"))
                #expect(try await world.find(.statefulSets, "gateway-collector") != nil)
            }
        }
    }

    @Test func changeOfAnImmutableFieldIsAConditionWithTheWayOut() async throws {
        try await World.with { world in
            // A Deployment of this name and resource with another selector, owned by nobody: the selector cannot change.
            let labels: JSONValue = ["app": "old"]
            let ours: JSONValue = [
                "app.kubernetes.io/managed-by": "opentelemetry-operator", "app.kubernetes.io/instance": .string("\(world.namespace).gateway"),
            ]
            let old: JSONValue = [
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": ["name": "gateway-collector", "namespace": .string(world.namespace), "labels": ours],
                "spec": [
                    "replicas": 0, "selector": ["matchLabels": labels],
                    "template": ["metadata": ["labels": labels], "spec": ["containers": [["name": "a", "image": "b"]]]],
                ],
            ]
            try await world.api.create(.deployments, old)
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                let condition = try await world.condition("Ready", .false, .immutableField, of: .openTelemetryCollectors, "gateway")
                #expect(condition.message.contains("spec.selector") && condition.message.contains("gateway-collector"))
            }
        }
    }
}

extension String {
    func replacing(_ old: String, with new: String) -> String { split(separator: old, omittingEmptySubsequences: false).joined(separator: new) }
}
