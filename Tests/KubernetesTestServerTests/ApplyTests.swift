// Server-side apply: ownership, conflicts, what is dropped, what stays, and that nothing is written when nothing changes.
// hack/test runs it.
// The expectations are those of a kube-apiserver 1.36.

import JSON
import Kubernetes
import KubernetesTestServer
import Testing

@Suite struct ApplyTests {
    let server = TestAPIServer()

    private func apply(_ object: JSONValue, by manager: String, force: Bool = false) async throws -> JSONValue {
        try await server.apply(.configMaps, object, fieldManager: manager, force: force)
    }

    @Test func applyCreatesAndRecordsOwnership() async throws {
        let object = try await apply(configMap("a", ["k": "v"]), by: "one")
        let entry = try #require(object.at("metadata", "managedFields")?[0])
        #expect(entry["manager"] == "one")
        #expect(entry["operation"] == "Apply")
        #expect(entry["fieldsV1"] == ["f:data": ["f:k": [:]]])
    }

    @Test func sameApplyTwiceWritesNothing() async throws {
        let first = try await server.apply(.deployments, try deployment("a"), fieldManager: "one", force: true)
        let again = try await server.apply(.deployments, try deployment("a"), fieldManager: "one", force: true)
        #expect(again == first)
        #expect(server.writeCount == 5, "four namespaces and one Deployment")
    }

    @Test func otherValueOfAnothersFieldIsAConflict() async throws {
        _ = try await apply(configMap("a", ["k": "1", "own": "x"]), by: "one")
        let error = await failure { _ = try await apply(configMap("a", ["k": "2"]), by: "two") }
        #expect(error?.code == .conflict)
        #expect(error?.causes == [.init(reason: "FieldManagerConflict", message: "conflict with \"one\"", field: ".data.k")])
        #expect(try await server.get(.configMaps, .inDefault("a")).at("data", "k") == "1")
    }

    @Test func sameValueIsShared() async throws {
        _ = try await apply(configMap("a", ["k": "1"]), by: "one")
        _ = try await apply(configMap("a", ["k": "1"]), by: "two")
        _ = try await apply(configMap("a"), by: "one")
        #expect(try await server.get(.configMaps, .inDefault("a")).at("data", "k") == "1", "two still owns it")
        _ = try await apply(configMap("a"), by: "two")
        #expect(try await server.get(.configMaps, .inDefault("a"))["data"] == nil, "nobody owns it any more")
    }

    @Test func forceTakesOver() async throws {
        _ = try await apply(configMap("a", ["k": "1"]), by: "one")
        #expect(try await apply(configMap("a", ["k": "2"]), by: "two", force: true).at("data", "k") == "2")
        _ = try await apply(configMap("a"), by: "one")
        #expect(try await server.get(.configMaps, .inDefault("a")).at("data", "k") == "2", "one lost it, so dropping it removes nothing")
    }

    @Test func droppedFieldsGoAndForeignOnesStay() async throws {
        _ = try await apply(configMap("a", ["mine": "1", "old": "1"]), by: "one")
        _ = try await server.patch(.configMaps, .inDefault("a"), .merge(["data": ["theirs": "1"]]), fieldManager: "person")
        let object = try await apply(configMap("a", ["mine": "1"]), by: "one")
        #expect(object["data"] == ["mine": "1", "theirs": "1"])
    }

    @Test func updateTakesOwnershipFromAppliers() async throws {
        _ = try await apply(configMap("a", ["k": "1"]), by: "one")
        _ = try await server.patch(.configMaps, .inDefault("a"), .merge(["data": ["k": "2"]]), fieldManager: "person")
        let error = await failure { _ = try await apply(configMap("a", ["k": "1"]), by: "one") }
        #expect(error?.causes.first?.message == "conflict with \"person\" using v1")
        #expect(try await apply(configMap("a", ["k": "1"]), by: "one", force: true).at("data", "k") == "1", "drift is repaired")
    }

    @Test func listsWithKeysAreJoined() async throws {
        _ = try await server.apply(.deployments, try deployment("a"), fieldManager: "one", force: true)
        let sidecar = try yaml(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a, namespace: default}
            spec:
              template:
                spec:
                  containers:
                  - {name: sidecar, image: "s:1"}
                  - name: main
                    env: [{name: A, value: "1"}]
            """)
        _ = try await server.apply(.deployments, sidecar, fieldManager: "two", force: false)
        let joined = try await server.apply(.deployments, try deployment("a", image: "a:2"), fieldManager: "one", force: false)
        let containers = try #require(joined.at("spec", "template", "spec", "containers")?.array)
        #expect(Set(containers.compactMap { $0["name"]?.string }) == ["main", "sidecar"])
        let main = try #require(containers.first { $0["name"] == "main" })
        #expect(main["image"] == "a:2")
        #expect(main["env"] == [["name": "A", "value": "1"]])
        #expect(main["ports"] == [["containerPort": 80, "protocol": "TCP"]])
        let bare = try yaml("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: default}}")
        let after = try await server.apply(.deployments, bare, fieldManager: "two", force: false)
        #expect(after.at("spec", "template", "spec", "containers")?.array?.count == 1, "the sidecar went with its only owner")
    }

    @Test func atomicListsAreReplaced() async throws {
        var object = try deployment("a")
        object.set(["spec", "template", "spec", "containers"], to: [["name": "main", "image": "a:1", "args": ["x", "y"]]])
        _ = try await server.apply(.deployments, object, fieldManager: "one", force: true)
        object.set(["spec", "template", "spec", "containers"], to: [["name": "main", "image": "a:1", "args": ["z"]]])
        let changed = try await server.apply(.deployments, object, fieldManager: "one", force: true)
        #expect(changed.at("spec", "template", "spec", "containers")?[0]?["args"] == ["z"])
    }

    @Test func statusIsAnEndpointOfItsOwn() async throws {
        _ = try await server.apply(.deployments, try deployment("a"), fieldManager: "one", force: true)
        let status: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "a", "namespace": "default"],
            "spec": ["replicas": 9], "status": ["readyReplicas": 1, "conditions": [["type": "Available", "status": "True"]]],
        ]
        let after = try await server.apply(.deployments, status, fieldManager: "one", force: true, subresource: "status")
        #expect(after.at("status", "readyReplicas") == 1)
        #expect(after.at("spec", "replicas") == 1)
        #expect(after.metadata.generation == 1)
        let entries = try #require(after.at("metadata", "managedFields")?.array)
        #expect(Set(entries.map { $0["subresource"]?.string ?? "" }) == ["", "status"])
    }

    @Test func applyOfStatusNeedsTheObject() async throws {
        let status: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "none", "namespace": "default"], "status": ["replicas": 1],
        ]
        let error = await failure { _ = try await server.apply(.deployments, status, fieldManager: "one", force: true, subresource: "status") }
        #expect(error?.code == .notFound)
    }

    /// As client-go's csaupgrade does it.
    @Test func managedFieldsCanBeRewritten() async throws {
        let made = try await server.create(.configMaps, configMap("a", ["k": "1", "old": "1"]), fieldManager: "manager")
        var entry = try #require(made.at("metadata", "managedFields")?[0])
        entry["manager"] = "one"
        entry["operation"] = "Apply"
        func patch(_ version: String) -> Patch {
            .json(
                JSONPatch([
                    .replace(JSONPointer(["metadata", "managedFields"]), [entry]),
                    .replace(JSONPointer(["metadata", "resourceVersion"]), .string(version)),
                ]))
        }
        let stale = await failure { _ = try await server.patch(.configMaps, .inDefault("a"), patch("1"), fieldManager: "one") }
        #expect(stale?.code == .conflict)
        let patched = try await server.patch(.configMaps, .inDefault("a"), patch(made.metadata.resourceVersion), fieldManager: "one")
        #expect(patched.at("metadata", "managedFields") == [entry] && patched["data"] == made["data"])
        #expect(try await apply(configMap("a", ["k": "1"]), by: "one")["data"] == ["k": "1"], "one owned it, and no longer names it")
        let emptied = try await server.patch(.configMaps, .inDefault("a"), .merge(["metadata": ["managedFields": []]]), fieldManager: "one")
        #expect(emptied.at("metadata", "managedFields")?.array?.isEmpty == false, "an empty list changes nothing")
    }

    @Test func allocatedAddressesAreNobodys() async throws {
        let service: JSONValue = ["apiVersion": "v1", "kind": "Service", "metadata": ["name": "s", "namespace": "default"], "spec": ["ports": [["port": 80]]]]
        let made = try await server.create(.services, service, fieldManager: "manager")
        #expect(made.at("spec", "clusterIP") != nil)
        let spec = made.at("metadata", "managedFields")?[0]?.at("fieldsV1", "f:spec")?.object
        #expect(spec?.contains("f:ports") == true && spec?.contains("f:clusterIP") == false)
    }

    @Test func uidInTheBodyGuardsAgainstRecreation() async throws {
        var object = configMap("a", ["k": "1"])
        object.set(["metadata", "uid"], to: "11111111-1111-4111-8111-111111111111")
        #expect(await failure { _ = try await apply(object, by: "one", force: true) }?.code == .conflict, "no object has it")
        _ = try await apply(configMap("a", ["k": "0"]), by: "one")
        #expect(await failure { _ = try await apply(object, by: "one", force: true) }?.code == .conflict, "another object has the name")
        #expect(try await server.get(.configMaps, .inDefault("a")).at("data", "k") == "0")
    }

    @Test func applyWithoutManagerOrWithManagedFieldsIsRefused() async throws {
        let path = ResourceType.configMaps.path(namespace: "default", name: "a")
        let nameless = KubernetesRequest(.patch, path, body: configMap("a"), contentType: Patch.applyContentType)
        #expect(await failure { _ = try await server.send(nameless) }?.code == .invalid)
        var managed = configMap("a")
        managed.set(["metadata", "managedFields"], to: [["manager": "x"]])
        #expect(await failure { _ = try await apply(managed, by: "one") }?.code == .badRequest)
    }

    @Test func quantitiesInAnotherSpellingChangeNothing() async throws {
        func limited(_ memory: String, _ cpu: JSONValue) throws -> JSONValue {
            var object = try deployment("a")
            object.set(
                ["spec", "template", "spec", "containers"],
                to: [["name": "main", "image": "a:1", "resources": ["limits": ["memory": .string(memory), "cpu": cpu]]]])
            return object
        }
        let first = try await server.apply(.deployments, try limited("1Gi", "1"), fieldManager: "one", force: true)
        let again = try await server.apply(.deployments, try limited("1024Mi", "1000m"), fieldManager: "one", force: true)
        #expect(again.metadata.resourceVersion == first.metadata.resourceVersion)
    }

    @Test func customKindsMergeByTheirSchema() async throws {
        _ = try await server.create(
            .customResourceDefinitions,
            try definition(
                """
                type: object
                properties:
                  ports:
                    type: array
                    x-kubernetes-list-type: map
                    x-kubernetes-list-map-keys: [name]
                    items:
                      type: object
                      required: [name]
                      properties: {name: {type: string}, port: {type: integer}}
                  names: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                  plain: {type: array, items: {type: string}}
                """))
        let one = thing("a", ["ports": [["name": "x", "port": 1]], "names": ["p"], "plain": ["1"]])
        _ = try await server.apply(things, one, fieldManager: "one", force: false)
        let two = thing("a", ["ports": [["name": "y", "port": 2]], "names": ["q"]])
        let joined = try await server.apply(things, two, fieldManager: "two", force: false)
        #expect(joined.at("spec", "ports") == [["name": "x", "port": 1], ["name": "y", "port": 2]])
        #expect(joined.at("spec", "names") == ["p", "q"])
        let error = await failure { _ = try await server.apply(things, thing("a", ["plain": ["2"]]), fieldManager: "two", force: false) }
        #expect(error?.causes.map(\.field) == [".spec.plain"])
    }
}
