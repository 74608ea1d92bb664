// Defaults and validation of built-in kinds, and strategic merge: what a real server adds and refuses.
// hack/test runs it.
// It never claims that the list is complete.

import JSON
import Kubernetes
import Testing

@testable import KubernetesTestServer

@Suite struct BuiltInKindTests {
    let server = TestAPIServer()

    @Test func everyLineOfTheTablesIsUnderstood() {
        for (name, schema) in BuiltInSchemas.shared.schemas {
            #expect(!schema.properties.isEmpty, "\(name) has no fields")
            for (key, field) in schema.properties {
                if case .map(let keys) = field.listType {
                    let known = Set(field.items?.properties.keys.map { $0 } ?? [])
                    #expect(keys.allSatisfy(known.contains), "\(name).\(key) has keys that its elements lack")
                }
                if let mergeKey = field.mergeKey { #expect(field.items?.properties[mergeKey] != nil, "\(name).\(key)") }
            }
        }
        for kind in BuiltInKinds.all { #expect(kind.schema.kind == .object, "\(kind.type.kind) has no type in the tables") }
    }

    @Test func deploymentIsDefaulted() async throws {
        let spec = try #require(try await server.create(.deployments, try deployment("a"))["spec"])
        #expect(spec["replicas"] == 1)
        #expect(spec["strategy"] == ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": "25%", "maxSurge": "25%"]])
        let pod = try #require(spec.at("template", "spec"))
        #expect(pod["dnsPolicy"] == "ClusterFirst")
        let container = try #require(pod["containers"]?[0])
        #expect(container["imagePullPolicy"] == "IfNotPresent")
        #expect(container["ports"] == [["containerPort": 80, "protocol": "TCP"]])
        #expect(container["terminationMessagePath"] == "/dev/termination-log")
    }

    @Test func autoscalerIsDefaulted() async throws {
        let target: JSONValue = ["apiVersion": "apps/v1", "kind": "Deployment", "name": "a"]
        func create(_ name: String, _ more: JSONObject) async throws -> JSONValue? {
            let spec = JSONObject([("scaleTargetRef", target), ("maxReplicas", 2)] + more.map { ($0, $1) })
            let object: JSONValue = ["metadata": ["name": .string(name), "namespace": "default"], "spec": .object(spec)]
            return try await server.create(.horizontalPodAutoscalers, object)["spec"]
        }
        let bare = try await create("bare", [:])
        #expect(bare?["minReplicas"] == 1 && bare?["behavior"] == nil)
        #expect(bare?["metrics"]?[0]?.at("resource", "target", "averageUtilization") == 80)
        let behavior = try await create("slow", ["behavior": ["scaleDown": ["stabilizationWindowSeconds": 15]]])?["behavior"]
        let percent: JSONValue = ["type": "Percent", "value": 100, "periodSeconds": 15]
        #expect(behavior?["scaleDown"] == ["stabilizationWindowSeconds": 15, "selectPolicy": "Max", "policies": [percent]])
        #expect(behavior?.at("scaleUp", "stabilizationWindowSeconds") == 0)
        #expect(behavior?.at("scaleUp", "policies") == [["type": "Pods", "value": 4, "periodSeconds": 15], percent])
    }

    @Test func serviceGetsAnAddressThatStays() async throws {
        let service: JSONValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "s", "namespace": "default"], "spec": ["ports": [["name": "a", "port": 80]]],
        ]
        let created = try await server.apply(.services, service, fieldManager: "t", force: true)
        let address = try #require(created.at("spec", "clusterIP")?.string)
        #expect(address.hasPrefix("10.96."))
        #expect(created.at("spec", "ports") == [["name": "a", "port": 80, "protocol": "TCP", "targetPort": 80]])
        #expect(try await server.apply(.services, service, fieldManager: "t", force: true).at("spec", "clusterIP")?.string == address)
        let moved = await failure { _ = try await server.patch(.services, .inDefault("s"), .merge(["spec": ["clusterIP": "10.96.9.9"]])) }
        #expect(moved?.code == .invalid)
        var headless = service
        headless.set(["metadata", "name"], to: "h")
        headless.set(["spec", "clusterIP"], to: "None")
        #expect(try await server.create(.services, headless).at("spec", "clusterIPs") == ["None"])
    }

    @Test func secretTextBecomesData() async throws {
        let secret: JSONValue = ["metadata": ["name": "s", "namespace": "default"], "stringData": ["k": "value"]]
        let created = try await server.create(.secrets, secret)
        #expect(created["data"] == ["k": "dmFsdWU="])
        #expect(created["stringData"] == nil)
        #expect(created["type"] == "Opaque")
    }

    struct Row: CustomTestStringConvertible {
        let reason: String
        let path: [String]
        let value: JSONValue
        let field: String
        var testDescription: String { reason }
    }

    static let deploymentRows: [Row] = [
        Row(
            reason: "selector that the labels do not match", path: ["spec", "selector", "matchLabels", "app"], value: "other",
            field: "spec.template.metadata.labels"),
        Row(reason: "no containers", path: ["spec", "template", "spec", "containers"], value: [], field: "spec.template.spec.containers"),
        Row(reason: "negative replicas", path: ["spec", "replicas"], value: -1, field: "spec.replicas"),
        Row(reason: "replicas as text", path: ["spec", "replicas"], value: "1", field: "spec.replicas"),
        Row(reason: "restart policy", path: ["spec", "template", "spec", "restartPolicy"], value: "Never", field: "spec.template.spec.restartPolicy"),
        Row(
            reason: "port out of range", path: ["spec", "template", "spec", "containers"],
            value: [["name": "m", "image": "a", "ports": [["containerPort": 70000]]]],
            field: "spec.template.spec.containers[0].ports[0].containerPort"),
        Row(
            reason: "mount without volume", path: ["spec", "template", "spec", "containers"],
            value: [["name": "m", "image": "a", "volumeMounts": [["name": "none", "mountPath": "/x"]]]],
            field: "spec.template.spec.containers[0].volumeMounts[0].name"),
        Row(
            reason: "two containers of one name", path: ["spec", "template", "spec", "containers"],
            value: [["name": "m", "image": "a"], ["name": "m", "image": "a"]],
            field: "spec.template.spec.containers[1]"),
        Row(reason: "no image", path: ["spec", "template", "spec", "containers"], value: [["name": "m"]], field: "spec.template.spec.containers[0].image"),
    ]

    @Test(arguments: deploymentRows) func brokenDeploymentIsInvalid(row: Row) async throws {
        var object = try deployment("a")
        object.set(row.path, to: row.value)
        let error = await failure { _ = try await server.create(.deployments, object) }
        #expect(error?.code == .invalid, "\(row.reason)")
        #expect(error?.causes.contains { $0.field == row.field } == true, "\(row.reason): \(String(describing: error))")
    }

    @Test func onlyABoundClaimGrows() async throws {
        func claim(_ size: JSONValue, _ mode: JSONValue = "ReadWriteOnce") -> JSONValue {
            ["spec": ["accessModes": [mode], "resources": ["requests": ["storage": size]]]]
        }
        var object = claim("1Gi")
        object["apiVersion"] = "v1"
        object["kind"] = "PersistentVolumeClaim"
        object["metadata"] = ["name": "c", "namespace": "default"]
        try await server.create(.persistentVolumeClaims, object)
        let name = ObjectName.inDefault("c")
        func change(_ patch: JSONValue) async -> KubernetesError? {
            await failure { _ = try await server.patch(.persistentVolumeClaims, name, .merge(patch)) }
        }
        #expect(await change(claim("2Gi"))?.message.contains("immutable") == true, "it is not bound")
        try await server.patch(.persistentVolumeClaims, name, .merge(["status": ["phase": "Bound"]]), subresource: "status")
        try await server.patch(.persistentVolumeClaims, name, .merge(claim("2Gi")))
        #expect(await change(claim("1Gi"))?.causes.first?.field == "spec.resources.requests.storage")
        #expect(await change(claim("2Gi", "ReadWriteMany"))?.code == .invalid)
    }

    @Test func selectorIsImmutable() async throws {
        _ = try await server.create(.deployments, try deployment("a"))
        let other = try deployment("b")
        let patch: JSONValue = ["spec": other["spec"] ?? [:]]
        let error = await failure { _ = try await server.patch(.deployments, .inDefault("a"), .merge(patch)) }
        #expect(error?.causes.first?.field == "spec.selector")
        #expect(error?.causes.first?.message.hasSuffix("field is immutable") == true)
    }

    static let serviceRows: [(JSONValue, String)] = [
        (["ports": [["name": "a", "port": 0]]], "spec.ports[0].port"),
        (["ports": [["name": "a", "port": 1], ["name": "a", "port": 2]]], "spec.ports[1].name"),
        (["ports": [["port": 1], ["port": 2]]], "spec.ports[0].name"),
        (["ports": [["name": "a", "port": 1], ["name": "b", "port": 1]]], "spec.ports[1]"),
        (["ports": []], "spec.ports"),
    ]

    @Test(arguments: serviceRows) func brokenServiceIsInvalid(spec: JSONValue, field: String) async throws {
        let service: JSONValue = ["metadata": ["name": "s", "namespace": "default"], "spec": spec]
        let error = await failure { _ = try await server.create(.services, service) }
        #expect(error?.causes.contains { $0.field == field } == true, "\(String(describing: error))")
    }

    @Test func strategicMergeJoinsByMergeKey() async throws {
        _ = try await server.create(.deployments, try deployment("a"))
        let patch: JSONValue = ["spec": ["template": ["spec": ["containers": [["name": "side", "image": "s:1"], ["name": "main", "image": "a:2"]]]]]]
        let path = ResourceType.deployments.path(namespace: "default", name: "a")
        func send(_ patch: JSONValue) async throws -> [JSONValue] {
            let request = KubernetesRequest(.patch, path, body: patch, contentType: "application/strategic-merge-patch+json")
            return try await server.send(request).at("spec", "template", "spec", "containers")?.array ?? []
        }
        let joined = try await send(patch)
        #expect(joined.map { $0["name"]?.string } == ["main", "side"])
        #expect(joined[0]["image"] == "a:2")
        #expect(joined[0]["ports"] != nil)
        let removed = try await send(["spec": ["template": ["spec": ["containers": [["name": "side", "$patch": "delete"]]]]]])
        #expect(removed.map { $0["name"]?.string } == ["main"])
    }
}
