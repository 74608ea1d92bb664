// Admission webhooks and conversion in the test server: whom it asks, what it sends, and what it does with the answer or without one.
// The webhook is an HTTP server of the test without TLS; EndToEndTests run the real one.
// It never reaches beyond the loopback.

import HTTPServer
import JSON
import Kubernetes
import KubernetesTestServer
import Logging
import Synchronization
import Testing

private let validating = ResourceType(
    group: "admissionregistration.k8s.io", version: "v1", kind: "ValidatingWebhookConfiguration", plural: "validatingwebhookconfigurations", isNamespaced: false
)
private let mutating = ResourceType(
    group: "admissionregistration.k8s.io", version: "v1", kind: "MutatingWebhookConfiguration", plural: "mutatingwebhookconfigurations", isNamespaced: false)

private final class Webhook: Sendable {
    private let reviews = Mutex<[JSONValue]>([])
    var requests: [JSONValue] { reviews.withLock { $0 }.compactMap { $0["request"] } }

    /// Runs a test with a server that asks, and a webhook that answers each review with `respond`.
    static func with(
        _ respond: @escaping @Sendable (JSONValue) -> JSONValue, _ body: (TestAPIServer, Webhook, String) async throws -> Void
    ) async throws {
        let webhook = Webhook()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: logger) { request in
            guard let review = try? JSONValue(parsing: request.body) else { return .text("", status: 400) }
            webhook.reviews.withLock { $0.append(review) }
            var response = respond(review["request"] ?? [:])
            response["uid"] = review.at("request", "uid")
            return .text(JSONValue.object(JSONObject([("kind", review["kind"] ?? ""), ("response", response)])).text(), contentType: "application/json")
        }
        let api = TestAPIServer()
        var failure: (any Error)?
        do { try await body(api, webhook, "http://127.0.0.1:\(server.port)/") } catch { failure = error }
        try await api.stop()
        try await server.shutdown(grace: .zero)
        if let failure { throw failure }
    }
}

@Suite struct WebhookTests {
    private func register(_ api: TestAPIServer, _ type: ResourceType, url: String, policy: JSONValue = "Fail", selector: JSONValue? = nil) async throws {
        var webhook: JSONValue = [
            "name": "a.test", "clientConfig": ["url": .string(url)], "failurePolicy": policy, "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "rules": [["apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE", "UPDATE"]]],
        ]
        webhook["namespaceSelector"] = selector
        try await api.create(
            type, ["apiVersion": .string(type.apiVersion), "kind": .string(type.kind), "metadata": ["name": "a"], "webhooks": [webhook]])
    }

    private func configMap(_ name: String = "a", _ data: JSONValue = [:]) -> JSONValue {
        ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": "default"], "data": data]
    }

    @Test func aRefusalIsTheWebhooksOwn() async throws {
        try await Webhook.with({ _ in ["allowed": false, "status": ["code": 422, "reason": "Invalid", "message": "no"]] }) { api, _, url in
            try await register(api, validating, url: url)
            let error = try await #require(throws: KubernetesError.self) { try await api.create(.configMaps, configMap()) }
            #expect(error.status == 422 && error.code == .invalid && error.message == "admission webhook \"a.test\" denied the request: no")
            try await api.create(.serviceAccounts, ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "a", "namespace": "default"]])
        }
    }

    @Test func everyWriteIsAskedAboutOnce() async throws {
        try await Webhook.with({ _ in ["allowed": true] }) { api, webhook, url in
            try await register(api, validating, url: url)
            try await api.create(.configMaps, configMap())
            try await api.patch(.configMaps, configMap().metadata.objectName, .merge(["data": ["b": "2"]]))
            try await api.apply(.configMaps, configMap("a", ["c": "3"]), fieldManager: "m", force: true)
            try await api.create(.configMaps, configMap("dry"), dryRun: true)
            #expect(webhook.requests.map { $0["operation"] } == ["CREATE", "UPDATE", "UPDATE", "CREATE"])
            #expect(webhook.requests.map { $0["dryRun"] } == [false, false, false, true])
            #expect(webhook.requests[1].at("oldObject", "data") == nil && webhook.requests[1].at("object", "data") == ["b": "2"])
        }
    }

    @Test func aPatchChangesWhatIsStored() async throws {
        let patch = JSONPatch([.add(JSONPointer(["data", "added"]), "1")])
        let text = Base64.encode(patch.jsonValue.bytes())
        try await Webhook.with({ _ in ["allowed": true, "patchType": "JSONPatch", "patch": .string(text)] }) { api, _, url in
            try await register(api, mutating, url: url)
            try await api.create(.configMaps, configMap("a", ["b": "2"]))
            #expect(try await api.get(.configMaps, configMap().metadata.objectName)["data"] == ["b": "2", "added": "1"])
        }
    }

    @Test(arguments: ["Fail", "Ignore"]) func aWebhookThatIsDownCountsByItsPolicy(policy: String) async throws {
        let api = TestAPIServer()
        try await register(api, validating, url: "http://127.0.0.1:1/", policy: .string(policy))
        if policy == "Ignore" {
            try await api.create(.configMaps, configMap())
        } else {
            let error = try await #require(throws: KubernetesError.self) { try await api.create(.configMaps, configMap()) }
            #expect(error.status == 500 && error.message.contains("failed calling webhook \"a.test\""))
        }
        try await api.stop()
    }

    @Test func otherNamespacesAreNotAskedAbout() async throws {
        try await Webhook.with({ _ in ["allowed": false] }) { api, webhook, url in
            let selector: JSONValue = ["matchExpressions": [["key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["default"]]]]
            try await register(api, validating, url: url, selector: selector)
            try await api.create(.configMaps, configMap())
            #expect(webhook.requests.isEmpty)
        }
    }

    @Test func objectsOfAnotherVersionAreConverted() async throws {
        let convert: @Sendable (JSONValue) -> JSONValue = { request in
            let objects = (request["objects"]?.array ?? []).map { object -> JSONValue in
                var out = object
                let isUp = request["desiredAPIVersion"] == "test.dev/v2"
                out["apiVersion"] = request["desiredAPIVersion"]
                out["spec"] = isUp ? ["new": object.at("spec", "old") ?? ""] : ["old": object.at("spec", "new") ?? ""]
                return out
            }
            return ["result": ["status": "Success"], "convertedObjects": .array(objects)]
        }
        try await Webhook.with(convert) { api, _, url in
            func version(_ name: JSONValue, _ storage: Bool) -> JSONValue {
                [
                    "name": name, "served": true, "storage": .bool(storage),
                    "schema": ["openAPIV3Schema": ["type": "object", "x-kubernetes-preserve-unknown-fields": true]],
                ]
            }
            try await api.create(
                .customResourceDefinitions,
                [
                    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "things.test.dev"],
                    "spec": [
                        "group": "test.dev", "scope": "Namespaced", "names": ["kind": "Thing", "plural": "things"],
                        "versions": [version("v1", false), version("v2", true)],
                        "conversion": ["strategy": "Webhook", "webhook": ["conversionReviewVersions": ["v1"], "clientConfig": ["url": .string(url)]]],
                    ],
                ])
            let types = ["v1", "v2"].map { ResourceType(group: "test.dev", version: $0, kind: "Thing", plural: "things") }
            let name = ObjectName(namespace: "default", name: "a")
            let made = try await api.create(
                types[0], ["apiVersion": "test.dev/v1", "kind": "Thing", "metadata": ["name": "a", "namespace": "default"], "spec": ["old": "x"]])
            #expect(made.at("spec") == ["old": "x"] && made.apiVersion == "test.dev/v1")
            #expect(try await api.get(types[1], name).at("spec") == ["new": "x"])
            try await api.patch(types[0], name, .merge(["spec": ["old": "y"]]))
            #expect(try await api.get(types[1], name).at("spec") == ["new": "y"])
            #expect(try await api.list(types[0], namespace: "default").items.map { $0["spec"] } == [["old": "y"]])
            var events = try await api.watch(types[0], namespace: "default").makeAsyncIterator()
            guard case .added(let object)? = try await events.next() else { throw KubernetesError(.unknown, message: "no event") }
            #expect(object.at("spec") == ["old": "y"] && object.apiVersion == "test.dev/v1")
        }
    }
}
