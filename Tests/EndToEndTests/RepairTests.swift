// What others do to our objects, and what a lost watch or a failing server does to us (docs/controllers.md rules 2, 6, 7, 27).
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never waits for a resync: everything here must be noticed by itself.

import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Operator
import SondeAPI
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct RepairTests {
    @Test func driftIsRepaired() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.eventually("the Services are there") { try await world.find(.services, "gateway-collector-monitoring") != nil }
                try await world.eventually("the Deployment is there") { try await world.find(.deployments, "gateway-collector") != nil }
                try await world.merge(.deployments, "gateway-collector", ["spec": ["replicas": 7]])
                try await world.merge(.services, "gateway-collector", ["metadata": ["labels": ["app.kubernetes.io/part-of": "nothing"]]])
                try await world.merge(.serviceAccounts, "gateway-collector", ["metadata": ["ownerReferences": nil, "labels": [Inventory.ownerLabel: nil]]])
                try await world.eventually("all three are as they were") {
                    let replicas = try await world.find(.deployments, "gateway-collector")?.at("spec", "replicas")
                    let label = try await world.find(.services, "gateway-collector")?.metadata.labels["app.kubernetes.io/part-of"]
                    let owner = try await world.find(.serviceAccounts, "gateway-collector")?.metadata.controller
                    return replicas == 1 && label == "opentelemetry" && owner?.name == "gateway"
                }
            }
        }
    }

    @Test func whatOthersAddIsLeftThere() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.eventually("the Deployment is there") { try await world.find(.deployments, "gateway-collector") != nil }
                try await world.merge(.deployments, "gateway-collector", ["metadata": ["annotations": ["example.com/note": "mine"]]])
                try await world.apply(Example.collector(more: "replicas: 3"))
                try await world.eventually("the Deployment has three replicas") {
                    try await world.get(.deployments, "gateway-collector").at("spec", "replicas") == 3
                }
                #expect(try await world.get(.deployments, "gateway-collector").metadata.annotations["example.com/note"] == "mine")
            }
        }
    }

    @Test func childDeletedDuringGapIsRecreated() async throws {
        try await World.with { world in
            let api = InterceptingAPI(world.api)
            try await world.withOperator(world.environment(api)) { _ in
                try await world.apply(Example.collector())
                try await world.written("gateway")
                let old = try await world.get(.services, "gateway-collector-headless")
                api.breakWatches(of: .services)
                try await world.api.delete(.services, world.name("gateway-collector-headless"))
                #expect(try await world.find(.services, "gateway-collector-headless") == nil)
                api.mendWatches(of: .services)
                try await world.eventually("the Service is there again") {
                    guard let new = try await world.find(.services, "gateway-collector-headless") else { return false }
                    return new.metadata.uid != old.metadata.uid
                }
            }
        }
    }

    @Test func expiredHistoryAndBrokenListsAreSurvived() async throws {
        try await World.with { world in
            guard let server = world.server else {
                return print("expiredHistoryAndBrokenListsAreSurvived: only the in-process server expires its history on request")
            }
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.eventually("the Deployment is there") { try await world.find(.deployments, "gateway-collector") != nil }
                server.faults.add(Fault(.expireAfterEvents(0), verb: "watch", count: 8))
                server.faults.add(Fault(.error(KubernetesError(.internalError, status: 500, message: "etcd is away")), verb: "list", count: 2))
                server.faults.add(Fault.tooManyRequests(retryAfterSeconds: 0, verb: "watch", count: 2))
                server.expireHistory()
                try await world.api.delete(.deployments, world.name("gateway-collector"))
                try await world.apply(Example.collector("second"))
                try await world.eventually("both Deployments are there") {
                    let first = try await world.find(.deployments, "gateway-collector"), second = try await world.find(.deployments, "second-collector")
                    return first != nil && second != nil
                }
            }
        }
    }

    @Test func failuresAtEveryWriteLeadToTheSameState() async throws {
        try await World.with { world in
            // Before: the server never saw the write. After: it did it, and the operator does not know.
            let kinds: [KubernetesError.Code] = [.conflict, .tooManyRequests, .internalError, .network, .serviceUnavailable]
            let count = Mutex(0)
            let api = InterceptingAPI(world.api) { _, number in
                guard number % 2 == 1,
                    count.withLock({
                        $0 += 1; return $0
                    }) <= 24
                else { return nil }
                let code = kinds[number / 2 % kinds.count]
                let error = KubernetesError(
                    code, status: code.httpStatus, message: "made by the test", retryAfter: code == .tooManyRequests ? .milliseconds(20) : nil)
                return number % 4 == 1 ? .before(error) : .after(error)
            }
            try await world.withOperator(world.environment(api)) { _ in
                try await world.apply(Example.collector())
                try await world.apply(Example.probe())
                try await world.written("gateway")
                try await world.condition("DestinationResolved", .true, .resolved, of: .ebpfProbes, "nodes")
                try await world.eventually("all objects are there") {
                    let children = try await world.children(of: world.get(.openTelemetryCollectors, "gateway"))
                    let agents = try await world.children(of: world.get(.ebpfProbes, "nodes"))
                    return CollectorLifeTests.deploymentChildren.isSubset(of: children) && agents.contains("DaemonSet nodes-agent")
                }
            }
            #expect(count.withLock { $0 } > 5, "failures were met")
        }
    }

    @Test func pruningLooksAgainWhoOwnsAnObject() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                let resource = try await world.apply(Example.collector())
                try await world.eventually("the Deployment is there") { try await world.find(.deployments, "gateway-collector") != nil }
                // Carries our label but belongs to somebody else: a careless copy of one of our objects.
                let other: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "other-owner", "namespace": .string(world.namespace)]]
                let owner = try await world.api.create(.configMaps, other)
                let reference = OwnerReference(controller: owner, type: .configMaps)
                var copy = other
                copy["metadata"] = [
                    "name": "copied", "namespace": .string(world.namespace), "labels": [Inventory.ownerLabel: .string(resource.metadata.uid)],
                    "ownerReferences": [reference.jsonValue],
                ]
                try await world.api.create(.services, Self.service(named: "copied", like: copy))
                var leftover = copy
                leftover["metadata"] = [
                    "name": "leftover", "namespace": .string(world.namespace), "labels": [Inventory.ownerLabel: .string(resource.metadata.uid)],
                ]
                try await world.api.create(.services, Self.service(named: "leftover", like: leftover))
                try await world.apply(Example.collector(more: "replicas: 2"))
                try await world.eventually("what nobody else owns is pruned") { try await world.find(.services, "leftover") == nil }
                #expect(try await world.find(.services, "copied") != nil)
            }
        }
    }

    private static func service(named name: String, like object: JSONValue) -> JSONValue {
        ["apiVersion": "v1", "kind": "Service", "metadata": object["metadata"] ?? [:], "spec": ["ports": [["port": 80]]]]
    }
}
