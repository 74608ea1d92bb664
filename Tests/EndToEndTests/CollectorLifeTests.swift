// A collector from its first apply to its end: objects, readiness, change, modes, pause, deletion.
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never looks at single fields of pods: RenderingTests does.

import JSON
import Kubernetes
import KubernetesRuntime
import Operator
import SondeAPI
import Testing

@Suite(.timeLimit(.minutes(5))) struct CollectorLifeTests {
    static let deploymentChildren: Set<String> = [
        "Deployment gateway-collector", "ServiceAccount gateway-collector", "Service gateway-collector", "Service gateway-collector-headless",
        "Service gateway-collector-monitoring", "Service gateway-collector-extension", "PodDisruptionBudget gateway-collector",
        "NetworkPolicy gateway-collector-networkpolicy",
    ]

    @Test func appliedCollectorGetsItsObjectsAndBecomesReadyWithItsPods() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector(more: "replicas: 2"))
                try await world.written("gateway")
                let resource = try await world.get(.openTelemetryCollectors, "gateway")
                let children = try await world.children(of: resource)
                #expect(children.subtracting(Self.deploymentChildren).count == 1, "one ConfigMap with the configuration's hash: \(children.sorted())")
                #expect(Self.deploymentChildren.isSubset(of: children), "\(children.sorted())")
                #expect(resource.at("status", "observedGeneration")?.int == resource.metadata.generation)
                if !world.hasControllers { #expect(try await world.conditions(.openTelemetryCollectors, "gateway").isTrue("Reconciling")) }

                try await world.makeAvailable(.deployments, "gateway-collector")
                guard world.canBecomeReady() else { return }
                let ready = try await world.condition("Ready", .true, .reconciled, of: .openTelemetryCollectors, "gateway")
                #expect(ready.observedGeneration == resource.metadata.generation)
                let status = try await world.get(.openTelemetryCollectors, "gateway")["status"]
                #expect(status?["scale"]?["statusReplicas"] == "2/2")
                #expect(status?["scale"]?["replicas"] == 2)
                #expect(status?["scale"]?["selector"]?.string?.contains("app.kubernetes.io/instance=\(world.namespace).gateway") == true)
                #expect(status?["image"] == "localhost/busybox:1")
                #expect(status?["version"] == "1")
                #expect(try await world.conditions(.openTelemetryCollectors, "gateway")["Reconciling"] == nil)
            }
        }
    }

    @Test func everyChildIsOwnedAndLabelledAndCarriesNoTrackingOfATool() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                let resource = try await world.apply(Example.collector())
                try await world.written("gateway")
                for type in World.childTypes {
                    for object in try await world.api.listAll(type, namespace: world.namespace).items where object.metadata.labels[Inventory.ownerLabel] != nil
                    {
                        let owner = try #require(object.metadata.controller, "\(type.kind) \(object.metadata.name)")
                        #expect(owner.uid == resource.metadata.uid && owner.blockOwnerDeletion)
                        #expect(object.metadata.labels["team"] == "payments")
                        #expect(!object.metadata.annotations.keys.contains { $0.hasPrefix("argocd") })
                    }
                }
            }
        }
    }

    @Test func theUsersResourceIsNotWrittenTo() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                let before = try await world.apply(Example.collector())
                try await world.written("gateway")
                let after = try await world.get(.openTelemetryCollectors, "gateway")
                #expect(after["spec"] == before["spec"])
                #expect(after.metadata.generation == before.metadata.generation)
                #expect(after.metadata.finalizers == [] && after.metadata.annotations == before.metadata.annotations)
            }
        }
    }

    @Test func changedConfigurationMakesANewConfigMapAndRollsThePods() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                var hashes: [String] = []
                for interval in ["1s", "2s", "3s", "4s"] {
                    try await world.apply(Example.collector(interval: interval, more: "configVersions: 2"))
                    try await world.eventually("the Deployment mounts the ConfigMap for \(interval)") {
                        let deployment = try await world.find(.deployments, "gateway-collector")
                        let volumes = deployment?.at("spec", "template", "spec", "volumes")?.array ?? []
                        guard let mounted = volumes.compactMap({ $0.at("configMap", "name")?.string }).first, !hashes.contains(mounted) else { return false }
                        hashes.append(mounted)
                        return true
                    }
                    let text = try await world.get(.configMaps, hashes[hashes.count - 1]).at("data", "collector.yaml")?.string
                    #expect(text?.contains("timeout: \(interval)") == true)
                    // Versions are kept by age, which has whole seconds.
                    try await Task.sleep(for: .milliseconds(1050))
                }
                try await world.eventually("the current and two earlier ConfigMaps are left") {
                    let names = try await world.children(of: world.get(.openTelemetryCollectors, "gateway")).filter { $0.hasPrefix("ConfigMap") }
                    return names == Set(hashes.suffix(3).map { "ConfigMap \($0)" })
                }
            }
        }
    }

    @Test func changedModePrunesWhatTheOldOneLeft() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.eventually("the Deployment is there") { try await world.find(.deployments, "gateway-collector") != nil }
                try await world.apply(Example.collector(mode: "daemonset"))
                try await world.eventually("a DaemonSet is in its place") {
                    let children = try await world.children(of: world.get(.openTelemetryCollectors, "gateway"))
                    return children.contains("DaemonSet gateway-collector") && !children.contains("Deployment gateway-collector")
                        && !children.contains("PodDisruptionBudget gateway-collector")
                }
                try await world.makeAvailable(.daemonSets, "gateway-collector", pods: 4)
                guard world.canBecomeReady() else { return }
                try await world.condition("Ready", .true, .reconciled, of: .openTelemetryCollectors, "gateway")
            }
        }
    }

    @Test(arguments: ["managementState: unmanaged", ""]) func pausedCollectorIsLeftAlone(_ field: String) async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.eventually("the Deployment is there") { try await world.find(.deployments, "gateway-collector") != nil }
                if field.isEmpty {
                    try await world.merge(.openTelemetryCollectors, "gateway", ["metadata": ["annotations": ["sonde.dev/paused": "true"]]])
                } else {
                    try await world.apply(Example.collector(more: field))
                }
                try await world.condition("Ready", .true, .paused, of: .openTelemetryCollectors, "gateway")
                try await world.api.delete(.deployments, world.name("gateway-collector"))
                try await world.merge(.openTelemetryCollectors, "gateway", ["metadata": ["labels": ["touched": "yes"]]])
                try await world.apply(Example.probe(more: "endpoint: http://elsewhere:4318"))
                try await world.condition("DestinationResolved", .true, .resolved, of: .ebpfProbes, "nodes")
                #expect(try await world.find(.deployments, "gateway-collector") == nil)
            }
        }
    }

    @Test func deletedCollectorTakesItsObjectsWithIt() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                let resource = try await world.apply(Example.collector())
                try await world.eventually("the Deployment is there") { try await world.find(.deployments, "gateway-collector") != nil }
                try await world.api.delete(.openTelemetryCollectors, world.name("gateway"))
                try await world.eventually("the resource is gone") { try await world.find(.openTelemetryCollectors, "gateway") == nil }
                guard world.server != nil || world.hasControllers else {
                    return print("deletedCollectorTakesItsObjectsWithIt: this cluster collects no garbage")
                }
                try await world.eventually("its objects are gone") { try await world.children(of: resource).isEmpty }
            }
        }
    }

    @Test func finalizerOfAnEarlierOperatorHoldsNoDeletion() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                // The spec is invalid too: deletion must not depend on it.
                try await world.apply(Example.collector().replacing("exporters: [otlphttp]", with: "exporters: [nowhere]"))
                let finalizers: JSONValue = ["example.com/other", "opentelemetrycollector.opentelemetry.io/finalizer"]
                try await world.merge(.openTelemetryCollectors, "gateway", ["metadata": ["finalizers": finalizers]])
                try await world.api.delete(.openTelemetryCollectors, world.name("gateway"))
                try await world.eventually("only the other finalizer is left") {
                    try await world.find(.openTelemetryCollectors, "gateway")?.metadata.finalizers == ["example.com/other"]
                }
                try await world.merge(.openTelemetryCollectors, "gateway", ["metadata": ["finalizers": nil]])
                try await world.eventually("the resource is gone") { try await world.find(.openTelemetryCollectors, "gateway") == nil }
            }
        }
    }
}
