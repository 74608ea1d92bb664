// Create, read, replace, patch, delete: what every kind has in common.
// hack/test runs it.
// It never goes over HTTP: that is KubectlTests' and HTTPTests' work.

import JSON
import Kubernetes
import KubernetesTestServer
import Testing

@Suite struct ObjectTests {
    let server = TestAPIServer()

    @Test func createFillsWhatTheServerOwns() async throws {
        let created = try await server.create(.configMaps, configMap("a", ["k": "v"]))
        let metadata = created.metadata
        #expect(metadata.uid.count == 36)
        #expect(metadata.creationTimestamp != nil)
        #expect(metadata.resourceVersion == server.resourceVersion)
        #expect(try await server.get(.configMaps, .inDefault("a")) == created)
    }

    @Test func generateNameMakesANameThatIsFree() async throws {
        var object = configMap("")
        object.set(["metadata"], to: ["generateName": "x-", "namespace": "default"])
        let name = try await server.create(.configMaps, object).metadata.name
        #expect(name.wholeMatch(of: /x-[bcdfghjklmnpqrstvwxz2456789]{5}/) != nil)
    }

    struct Refused: CustomTestStringConvertible {
        let reason: String
        let code: KubernetesError.Code
        let request: KubernetesRequest
        var testDescription: String { reason }
    }

    static let refused: [Refused] = [
        Refused(reason: "no such object", code: .notFound, request: .get(.configMaps, .inDefault("none"))),
        Refused(reason: "no such namespace", code: .notFound, request: .create(.configMaps, configMap("a", namespace: "none"))),
        Refused(reason: "no such kind", code: .notFound, request: KubernetesRequest(.get, "/apis/none.dev/v1/things")),
        Refused(reason: "same name again", code: .alreadyExists, request: .create(.configMaps, configMap("there"))),
        Refused(reason: "upper case in a name", code: .invalid, request: .create(.configMaps, configMap("Bad"))),
        Refused(
            reason: "label value too long", code: .invalid, request: .create(.configMaps, configMap("a", labels: ["l": String(repeating: "x", count: 64)]))),
        Refused(
            reason: "another namespace in the body", code: .badRequest,
            request: KubernetesRequest(.post, "/api/v1/namespaces/kube-system/configmaps", body: configMap("a"))),
        Refused(
            reason: "another kind in the body", code: .badRequest, request: KubernetesRequest(.post, "/api/v1/namespaces/default/secrets", body: configMap("a"))
        ),
        Refused(reason: "delete of what is not there", code: .notFound, request: .delete(.configMaps, .inDefault("none"))),
        Refused(
            reason: "put on a collection", code: .methodNotAllowed,
            request: KubernetesRequest(.put, "/api/v1/namespaces/default/configmaps", body: configMap("a"))),
        Refused(
            reason: "unknown patch type", code: .unsupportedMediaType,
            request: KubernetesRequest(.patch, "/api/v1/namespaces/default/configmaps/there", body: [:], contentType: "application/json")),
        Refused(
            reason: "JSON patch whose test fails", code: .invalid,
            request: .patch(.configMaps, .inDefault("there"), .json(JSONPatch([.test(JSONPointer(["data", "k"]), "other")])))),
        Refused(
            reason: "bad label selector", code: .badRequest, request: KubernetesRequest(.get, "/api/v1/configmaps", query: [.init("labelSelector", "a in b")])),
        Refused(
            reason: "field that is no selector", code: .badRequest,
            request: KubernetesRequest(.get, "/api/v1/configmaps", query: [.init("fieldSelector", "data.k=v")])),
        Refused(
            reason: "delete of another uid", code: .conflict, request: .delete(.configMaps, .inDefault("there"), preconditions: Preconditions(uid: "other"))),
        Refused(
            reason: "delete of another version", code: .conflict,
            request: .delete(.configMaps, .inDefault("there"), preconditions: Preconditions(resourceVersion: "1"))),
    ]

    @Test(arguments: refused) func badRequestIsRefused(row: Refused) async throws {
        _ = try await server.create(.configMaps, configMap("there", ["k": "v"]))
        let before = server.resourceVersion
        let error = await failure { _ = try await server.send(row.request) }
        #expect(error?.code == row.code, "\(row.reason): \(String(describing: error))")
        #expect(server.resourceVersion == before)
    }

    @Test func staleReplaceIsAConflict() async throws {
        let created = try await server.create(.configMaps, configMap("a", ["k": "1"]))
        var changed = created
        changed.set(["data", "k"], to: "2")
        let replaced = try await server.replace(.configMaps, changed)
        #expect(replaced.metadata.resourceVersion != created.metadata.resourceVersion)
        changed.set(["data", "k"], to: "3")
        #expect(await failure { _ = try await server.replace(.configMaps, changed) }?.code == .conflict)
    }

    @Test func writeThatChangesNothingKeepsTheVersion() async throws {
        let created = try await server.create(.configMaps, configMap("a", ["k": "1"]))
        #expect(try await server.replace(.configMaps, created).metadata.resourceVersion == created.metadata.resourceVersion)
        let patched = try await server.patch(.configMaps, .inDefault("a"), .merge(["data": ["k": "1"]]))
        #expect(patched.metadata.resourceVersion == created.metadata.resourceVersion)
    }

    @Test func dryRunChangesNothing() async throws {
        let before = server.resourceVersion
        let answer = try await server.create(.configMaps, configMap("a"), dryRun: true)
        #expect(!answer.metadata.uid.isEmpty)
        #expect(server.resourceVersion == before)
        #expect(try await server.getIfFound(.configMaps, .inDefault("a")) == nil)
    }

    @Test func generationFollowsTheSpecAlone() async throws {
        var object = try await server.create(.deployments, try deployment("a"))
        #expect(object.metadata.generation == 1)
        object = try await server.patch(.deployments, .inDefault("a"), .merge(["metadata": ["labels": ["x": "y"]]]))
        #expect(object.metadata.generation == 1)
        object = try await server.patch(.deployments, .inDefault("a"), .merge(["status": ["replicas": 3]]), subresource: "status")
        #expect(object.metadata.generation == 1)
        object = try await server.patch(.deployments, .inDefault("a"), .merge(["spec": ["replicas": 3]]))
        #expect(object.metadata.generation == 2)
    }

    @Test func statusSubresourceIsolates() async throws {
        var object = try deployment("a")
        object["status"] = ["replicas": 9]
        #expect(try await server.create(.deployments, object)["status"] == nil)
        let patch: JSONValue = ["spec": ["replicas": 5], "status": ["replicas": 4]]
        let main = try await server.patch(.deployments, .inDefault("a"), .merge(patch))
        #expect(main.at("spec", "replicas") == 5)
        #expect(main["status"] == nil)
        let status = try await server.patch(.deployments, .inDefault("a"), .merge(["spec": ["replicas": 7], "status": ["replicas": 4]]), subresource: "status")
        #expect(status.at("spec", "replicas") == 5)
        #expect(status.at("status", "replicas") == 4)
    }

    @Test func listItemsOfBuiltInKindsCarryNoType() async throws {
        _ = try await server.create(.configMaps, configMap("a"))
        let item = try #require(try await server.list(.configMaps, namespace: "default").items.first)
        #expect(item["kind"] == nil)
    }

    @Test func selectorsFilter() async throws {
        _ = try await server.create(.configMaps, configMap("a", labels: ["app": "x"]))
        _ = try await server.create(.configMaps, configMap("b", labels: ["app": "y"]))
        let byLabel = try await server.list(.configMaps, labelSelector: LabelSelector(matching: ["app": "y"])).items
        #expect(byLabel.map(\.metadata.name) == ["b"])
        let byName = try await server.list(.configMaps, fieldSelector: .name("a")).items
        #expect(byName.map(\.metadata.name) == ["a"])
    }

    @Test func scaleChangesReplicasAndNothingElse() async throws {
        _ = try await server.create(.deployments, try deployment("a"))
        let path = ResourceType.deployments.path(namespace: "default", name: "a", subresource: "scale")
        let scale = try await server.send(KubernetesRequest(.get, path))
        #expect(scale.at("spec", "replicas") == 1)
        #expect(scale.at("status", "selector") == "app=a")
        let patch = KubernetesRequest(.patch, path, body: ["spec": ["replicas": 4]], contentType: Patch.mergeContentType)
        #expect(try await server.send(patch).at("spec", "replicas") == 4)
        #expect(try await server.get(.deployments, .inDefault("a")).at("spec", "replicas") == 4)
    }

    @Test func eventsHaveTwoSpellingsAndOneStore() async throws {
        let event: JSONValue = [
            "metadata": ["name": "e", "namespace": "default"], "regarding": ["kind": "Pod", "name": "p"], "note": "It happened.", "reason": "Happened",
            "type": "Normal",
            "reportingController": "sonde.dev/operator", "action": "Do", "eventTime": "2026-01-02T03:04:05.000000Z",
        ]
        _ = try await server.create(.events, event)
        let core = try await server.send(KubernetesRequest(.get, "/api/v1/namespaces/default/events/e"))
        #expect(core["message"] == "It happened.")
        #expect(core.at("involvedObject", "name") == "p")
        #expect(core["apiVersion"] == "v1")
        let query = [KubernetesRequest.QueryItem("fieldSelector", "involvedObject.name=p")]
        #expect(try await server.send(KubernetesRequest(.get, "/api/v1/events", query: query))["items"]?.array?.count == 1)
    }

    @Test func metadataOnlyAnswersHaveNoContent() async throws {
        _ = try await server.create(.configMaps, configMap("a", ["k": "v"]))
        let answer = try await server.get(.configMaps, .inDefault("a"), content: .metadataOnly)
        #expect(answer.kind == "PartialObjectMetadata")
        #expect(answer["data"] == nil)
        #expect(answer.metadata.name == "a")
    }
}
