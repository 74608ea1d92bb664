// Deletes: finalizers, owners and dependents, namespaces, definitions of propagation.
// hack/test runs it.
// It never waits: what follows from a delete has happened when the answer comes.

import JSON
import Kubernetes
import KubernetesTestServer
import Testing

@Suite struct DeletionTests {
    let server = TestAPIServer()

    private func owned(_ name: String, by owner: JSONValue, namespace: String = "default") -> JSONValue {
        var out = configMap(name, namespace: namespace)
        out.set(["metadata", "ownerReferences"], to: [OwnerReference(controller: owner, type: .configMaps).jsonValue])
        return out
    }

    private func names() async throws -> [String] { try await server.list(.configMaps, namespace: "default").items.map(\.metadata.name) }

    @Test func finalizerHoldsTheObjectUntilItIsTakenAway() async throws {
        var object = configMap("a")
        object.set(["metadata", "finalizers"], to: ["test.dev/hold"])
        _ = try await server.create(.configMaps, object)
        let marked = try await server.delete(.configMaps, .inDefault("a"))
        #expect(marked.metadata.isBeingDeleted)
        let before = server.resourceVersion
        _ = try await server.delete(.configMaps, .inDefault("a"))
        #expect(server.resourceVersion == before, "a second delete changes nothing")
        let added = await failure {
            _ = try await server.patch(.configMaps, .inDefault("a"), .merge(["metadata": ["finalizers": ["test.dev/hold", "test.dev/more"]]]))
        }
        #expect(added?.code == .invalid)
        let stream = try await server.watch(.watch(.configMaps, resourceVersion: before))
        let patch = JSONPatch([.test(JSONPointer(["metadata", "finalizers", "0"]), "test.dev/hold"), .remove(JSONPointer(["metadata", "finalizers", "0"]))])
        _ = try await server.patch(.configMaps, .inDefault("a"), .json(patch))
        #expect(try await server.getIfFound(.configMaps, .inDefault("a")) == nil)
        #expect(try await events(2, of: stream).map(\.summary) == ["MODIFIED a", "DELETED a"])
    }

    @Test func dependentsGoWithTheirOwner() async throws {
        let owner = try await server.create(.configMaps, configMap("owner"))
        let child = try await server.create(.configMaps, owned("child", by: owner))
        _ = try await server.create(.configMaps, owned("grandchild", by: child))
        _ = try await server.create(.configMaps, configMap("other"))
        _ = try await server.delete(.configMaps, .inDefault("owner"))
        #expect(try await names() == ["other"])
    }

    @Test func orphansStayWithoutTheReference() async throws {
        let owner = try await server.create(.configMaps, configMap("owner"))
        _ = try await server.create(.configMaps, owned("child", by: owner))
        _ = try await server.delete(.configMaps, .inDefault("owner"), propagationPolicy: .orphan)
        #expect(try await names() == ["child"])
        #expect(try await server.get(.configMaps, .inDefault("child")).metadata.ownerReferences.isEmpty)
    }

    @Test func foregroundWaitsForDependents() async throws {
        let owner = try await server.create(.configMaps, configMap("owner"))
        var child = owned("child", by: owner)
        child.set(["metadata", "finalizers"], to: ["test.dev/hold"])
        _ = try await server.create(.configMaps, child)
        let marked = try await server.delete(.configMaps, .inDefault("owner"), propagationPolicy: .foreground)
        #expect(marked.metadata.finalizers == ["foregroundDeletion"])
        #expect(try await names() == ["child", "owner"])
        _ = try await server.patch(.configMaps, .inDefault("child"), .merge(["metadata": ["finalizers": nil]]))
        #expect(try await names().isEmpty)
    }

    @Test func ownerInAnotherNamespaceCountsAsAbsent() async throws {
        let owner = try await server.create(.configMaps, configMap("owner", namespace: "kube-system"))
        _ = try await server.create(.configMaps, owned("child", by: owner))
        #expect(try await names().isEmpty)
    }

    @Test func recreatedOwnerDoesNotKeepOldDependents() async throws {
        let owner = try await server.create(.configMaps, configMap("owner"))
        _ = try await server.delete(.configMaps, .inDefault("owner"))
        _ = try await server.create(.configMaps, configMap("owner"))
        _ = try await server.create(.configMaps, owned("child", by: owner))
        #expect(try await names() == ["owner"])
    }

    @Test func namespaceGoesWithItsContent() async throws {
        let name = ObjectName(namespace: nil, name: "team")
        _ = try await server.create(.namespaces, ["metadata": ["name": "team"]])
        var held = configMap("held", namespace: "team")
        held.set(["metadata", "finalizers"], to: ["test.dev/hold"])
        _ = try await server.create(.configMaps, held)
        _ = try await server.create(.configMaps, configMap("free", namespace: "team"))
        _ = try await server.delete(.namespaces, name)
        #expect(try await server.get(.namespaces, name).at("status", "phase") == "Terminating")
        #expect(try await server.list(.configMaps, namespace: "team").items.map(\.metadata.name) == ["held"])
        let error = await failure { _ = try await server.create(.configMaps, configMap("late", namespace: "team")) }
        #expect(error?.code == .forbidden)
        #expect(error?.causes.first?.reason == "NamespaceTerminating")
        _ = try await server.patch(.configMaps, ObjectName(namespace: "team", name: "held"), .merge(["metadata": ["finalizers": nil]]))
        #expect(try await server.getIfFound(.namespaces, name) == nil)
    }

    @Test func collectionIsDeletedBySelector() async throws {
        _ = try await server.create(.configMaps, configMap("a", labels: ["app": "x"]))
        _ = try await server.create(.configMaps, configMap("b", labels: ["app": "y"]))
        let path = ResourceType.configMaps.path(namespace: "default")
        _ = try await server.send(KubernetesRequest(.delete, path, query: [.init("labelSelector", "app=x")]))
        #expect(try await names() == ["b"])
    }
}
