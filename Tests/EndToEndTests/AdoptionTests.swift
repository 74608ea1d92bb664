// Objects of another operator are taken over where they are: no pod restarts, nothing is deleted, and what is removed later goes.
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never looks at how Sonde renders: the objects before are written by hand.

import JSON
import Kubernetes
import KubernetesRuntime
import Operator
import SondeAPI
import Testing

@Suite(.timeLimit(.minutes(5))) struct AdoptionTests {
    /// A resource with the other operator's finalizer and its objects. - Returns: The live resource.
    private static func prepare(_ world: World) async throws -> JSONValue {
        try await world.apply(Example.collector())
        try await world.merge(.openTelemetryCollectors, "gateway", ["metadata": ["finalizers": [.string(EarlierObjects.finalizer)]]])
        let owner = try await world.get(.openTelemetryCollectors, "gateway")
        try await EarlierObjects(world: world, owner: owner).create()
        return owner
    }

    private static let types: [ResourceType] = [.deployments, .services, .configMaps, .serviceAccounts, .podDisruptionBudgets]

    private static func objects(_ world: World) async throws -> [String: JSONValue] {
        var found: [String: JSONValue] = [:]
        for type in types {
            for item in try await world.api.listAll(type, namespace: world.namespace).items where item.metadata.name.hasPrefix("gateway") {
                found["\(type.kind) \(item.metadata.name)"] = try await world.api.get(type, item.metadata.objectName)
            }
        }
        return found
    }

    /// The object without what the cluster's own controllers write: status, and the annotation that counts revisions.
    private static func whatOperatorsWrite(_ object: JSONValue) -> JSONValue {
        let members = ["uid", "labels", "ownerReferences", "finalizers"].map { object.at("metadata", $0) ?? .null }
        let annotations = object.metadata.annotations.filter { !$0.key.hasPrefix("deployment.kubernetes.io/") }.sorted { $0.key < $1.key }
        let texts = annotations.map { JSONValue.string("\($0.key)=\($0.value)") }
        return .array(members + texts + [object["spec"] ?? .null, object["data"] ?? .null])
    }

    private static func managers(_ object: JSONValue?) -> Set<String> {
        Set((object?.at("metadata", "managedFields")?.array ?? []).map { "\($0["manager"]?.string ?? "")/\($0["operation"]?.string ?? "")" })
    }

    @Test func objectsAreAdoptedInPlace() async throws {
        try await World.with { world in
            let owner = try await Self.prepare(world)
            let before = try await Self.objects(world)
            #expect(before.count == 10)
            let api = InterceptingAPI(world.api)
            try await world.withOperator(world.environment(api)) { _ in
                try await world.written("gateway")
                let after = try await Self.objects(world)
                #expect(Set(after.keys) == Set(before.keys), "the ConfigMap has the same name: its hash is the same")
                for (name, old) in before {
                    let new = try #require(after[name])
                    #expect(new.metadata.uid == old.metadata.uid, "\(name) is the same object")
                    #expect(new.metadata.labels[Inventory.ownerLabel] == owner.metadata.uid, "\(name) is in the inventory")
                    #expect(new.metadata.controller?.uid == owner.metadata.uid, "\(name)")
                    // The generation of a Deployment also counts changes of annotations, which the cluster's own controllers make.
                    #expect(new["spec"] == old["spec"] || !name.hasPrefix("Deployment"), "\(name)")
                }
                let deployment = "Deployment gateway-collector"
                #expect(after[deployment]?.at("spec", "template") == before[deployment]?.at("spec", "template"), "no pod restarts")
                #expect(after["Service gateway-collector"]?.at("spec", "clusterIP") == before["Service gateway-collector"]?.at("spec", "clusterIP"))
                #expect(api.writes.allSatisfy { !$0.text.hasPrefix("DELETE") }, "\(api.writes.map(\.text))")
                #expect(!Self.managers(after["Service gateway-collector"]).contains("manager/Update"))
                #expect(Self.managers(after["Service gateway-collector"]).contains("sonde-operator/Apply"))
                let resource = try await world.get(.openTelemetryCollectors, "gateway")
                #expect(resource["spec"] == owner["spec"] && resource.metadata.finalizers.allSatisfy { $0 == EarlierObjects.finalizer })
            }
        }
    }

    @Test func whatIsNoLongerAskedForGoesAlsoWhenTheOtherOperatorWroteIt() async throws {
        try await World.with { world in
            _ = try await Self.prepare(world)
            try await world.merge(.deployments, "gateway-collector", ["metadata": ["annotations": ["example.com/note": "mine"]]])
            try await world.withOperator { _ in
                try await world.written("gateway")
                let adopted = try await Self.objects(world)
                #expect(adopted["Service gateway-collector"]?.metadata.annotations["argocd.argoproj.io/tracking-id"] == nil, "a tool's mark goes at once")
                let pods = ["spec", "template", "metadata", "annotations"]
                #expect(adopted["Deployment gateway-collector"]?.at(pods)?["argocd.argoproj.io/tracking-id"] == "x", "on pods it may stay: they would restart")

                try await world.apply(Example.collector().replacing("labels: {team: payments}", with: "labels: {}"))
                try await world.eventually("the label is gone") {
                    let objects = try await Self.objects(world)
                    return objects.allSatisfy { name, object in
                        object.metadata.labels["team"] == nil || name == "ConfigMap gateway-collector-00000001"
                            || name == "ConfigMap gateway-collector-00000002"
                    }
                }
                try await world.eventually("it is gone from the pods too, and with it what was left on them") {
                    let deployment = try await world.get(.deployments, "gateway-collector")
                    let metadata = deployment.at("spec", "template", "metadata")
                    return metadata?["labels"]?["team"] == nil && metadata?["annotations"]?["argocd.argoproj.io/tracking-id"] == nil
                }
                let deployment = try await world.get(.deployments, "gateway-collector")
                #expect(deployment.metadata.annotations["example.com/note"] == "mine", "what a person wrote stays")
                #expect(!Self.managers(deployment).contains("manager/Update"))
            }
        }
    }

    @Test func onlyAnAdoptionTakesFieldsOfOthers() async throws {
        try await World.with { world in
            _ = try await Self.prepare(world)
            try await world.withOperator { _ in try await world.written("gateway") }
            // Many programs write under this name: it is what their framework gives them.
            try await world.api.patch(
                .services, world.name("gateway-collector"), .merge(["metadata": ["annotations": ["example.com/theirs": "a"]]]), fieldManager: "manager")
            try await world.withOperator { _ in
                try await world.apply(Example.collector().replacing("team: payments", with: "team: shop"))
                try await world.eventually("the change is there") {
                    try await world.get(.services, "gateway-collector").metadata.labels["team"] == "shop"
                }
                let service = try await world.get(.services, "gateway-collector")
                #expect(service.metadata.annotations["example.com/theirs"] == "a" && Self.managers(service).contains("manager/Update"))
            }
        }
    }

    @Test func aNumberOfPodsThatAnAutoscalerChoseIsAdopted() async throws {
        try await World.with { world in
            try await world.apply(Example.collector())
            let owner = try await world.get(.openTelemetryCollectors, "gateway")
            try await EarlierObjects(world: world, owner: owner).create(replicas: 7)
            try await world.api.create(.horizontalPodAutoscalers, ScaleTests.autoscaler(.deployments, world))
            try await world.withOperator { _ in
                try await world.written("gateway")
                try await world.eventually("it is adopted") {
                    try await world.get(.deployments, "gateway-collector").metadata.labels[Inventory.ownerLabel] == owner.metadata.uid
                }
                #expect(try await world.get(.deployments, "gateway-collector").at("spec", "replicas") == 7)
            }
        }
    }

    @Test func earlierConfigurationsOfTheOtherOperatorCountAsVersions() async throws {
        try await World.with { world in
            _ = try await Self.prepare(world)
            try await world.withOperator { _ in
                try await world.written("gateway")
                // Ages have whole seconds.
                try await Task.sleep(for: .milliseconds(1050))
                try await world.apply(Example.collector(interval: "1s", more: "configVersions: 1"))
                try await world.eventually("the newest earlier one is kept, the others are gone") {
                    let names = try await Self.objects(world).keys.filter { $0.hasPrefix("ConfigMap") }
                    return names.count == 2
                }
            }
        }
    }

    @Test func adoptionIsNotTakenBackByARestart() async throws {
        try await World.with { world in
            _ = try await Self.prepare(world)
            try await world.withOperator { _ in try await world.written("gateway") }
            let before = try await Self.objects(world)
            let api = InterceptingAPI(world.api)
            try await world.withOperator(world.environment(api)) { _ in
                try await world.written("gateway")
                try await world.eventually("every object was looked at") { api.writes.count >= 7 }
            }
            let after = try await Self.objects(world)
            for (name, old) in before { #expect(after[name]?.metadata.resourceVersion == old.metadata.resourceVersion, "\(name) is not changed") }
        }
    }

    @Test func adoptedResourceCanBeDeleted() async throws {
        try await World.with { world in
            let owner = try await Self.prepare(world)
            try await world.withOperator { _ in
                try await world.written("gateway")
                try await world.api.delete(.openTelemetryCollectors, world.name("gateway"))
                try await world.eventually("the resource is gone") { try await world.find(.openTelemetryCollectors, "gateway") == nil }
                guard world.server != nil || world.hasControllers else { return print("adoptedResourceCanBeDeleted: this cluster collects no garbage") }
                try await world.eventually("its objects are gone") { try await world.children(of: owner).isEmpty }
            }
        }
    }

    @Test(arguments: ["unmanaged", "paused", "invalid"]) func resourceThatIsNotWorkedOnCanBeDeleted(_ state: String) async throws {
        try await World.with { world in
            _ = try await Self.prepare(world)
            switch state {
            case "unmanaged": try await world.merge(.openTelemetryCollectors, "gateway", ["spec": ["managementState": "unmanaged"]])
            case "paused": try await world.merge(.openTelemetryCollectors, "gateway", ["metadata": ["annotations": ["sonde.dev/paused": "true"]]])
            default: try await world.apply(Example.collector().replacing("receivers: [otlp]", with: "receivers: [otlpp]"))
            }
            let before = try await Self.objects(world)
            try await world.withOperator { _ in
                try await world.eventually("its state is told") {
                    let ready = try await world.conditions(.openTelemetryCollectors, "gateway")["Ready"]
                    return ready?.reason == (state == "invalid" ? "InvalidConfig" : "Paused")
                }
                let after = try await Self.objects(world)
                for (name, old) in before { #expect(after[name].map(Self.whatOperatorsWrite) == Self.whatOperatorsWrite(old), "\(name) is left alone") }
                try await world.api.delete(.openTelemetryCollectors, world.name("gateway"))
                try await world.eventually("the resource is gone") { try await world.find(.openTelemetryCollectors, "gateway") == nil }
            }
        }
    }

    @Test func adoptionSurvivesAnEndAfterEachWrite() async throws {
        try await World.with { world in
            guard world.server != nil else {
                return print("adoptionSurvivesAnEndAfterEachWrite: takes long on a real cluster; the same requests are made there once")
            }
            var reached = true
            var number = 0
            while reached {
                number += 1
                let write = number
                let name = "\(world.namespace)-\(number)"
                try await world.api.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
                let inner = World(api: world.api, namespace: name, server: world.server, hasControllers: false, nodeCount: 0)
                _ = try await Self.prepare(inner)
                let before = try await inner.get(.deployments, "gateway-collector")
                reached = try await inner.runUntilCrash(afterWrite: number) { try await inner.written("gateway") }
                let api = InterceptingAPI(inner.api)
                try await inner.withOperator(inner.environment(api)) { _ in
                    try await inner.written("gateway")
                    try await inner.eventually("no field is the other operator's any more (write \(write))") {
                        try await Self.objects(inner).allSatisfy { name, object in
                            name.hasPrefix("Deployment") || name.hasPrefix("ConfigMap gateway-collector-0") || !Self.managers(object).contains("manager/Update")
                        }
                    }
                }
                let after = try await inner.get(.deployments, "gateway-collector")
                #expect(after.metadata.uid == before.metadata.uid && after.at("spec", "template") == before.at("spec", "template"), "write \(number)")
                // Every write looks at every object that is there.
                try await world.api.delete(.namespaces, ObjectName(namespace: nil, name: name))
            }
            #expect(number > 10, "the writes of an adoption were met one by one")
        }
    }
}
