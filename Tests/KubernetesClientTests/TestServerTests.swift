// The client against the test API server over HTTP and TLS: the verbs, paging, watches and faults as a cluster has them.
// What the server holds is read in the process, past the client.
// No test here scripts an answer.

import HTTPServer
import JSON
import Kubernetes
import KubernetesTestServer
import TestSupport
import Testing

@testable import KubernetesClient

struct TestServerTests {
    /// Runs a test with a server and a client from that server's own kubeconfig; the client leaves nothing.
    private func withCluster(_ options: TestAPIServer.Options = .init(bearerToken: "secret"), test: (TestAPIServer, KubernetesClient) async throws -> Void)
        async throws
    {
        let server = TestAPIServer(options)
        let port = try await server.serve()
        let text = server.kubeconfig(url: "http://127.0.0.1:\(port)")
        let client = KubernetesClient(try .kubeconfig(Kubeconfig(parsing: Array(text.utf8), file: "test"), environment: [:]))
        do {
            try await test(server, client)
        } catch {
            await client.shutdown()
            try await server.stop()
            throw error
        }
        #expect(try await eventually { server.openWatches == 0 && client.liveRequests == 0 })
        await client.shutdown()
        try await server.stop()
    }

    private func configMap(_ name: String, _ value: String = "1") -> JSONValue {
        ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": "default"], "data": ["a": .string(value)]]
    }

    private func name(_ text: String) -> ObjectName { ObjectName(namespace: "default", name: text) }

    @Test func theVerbsDoWhatTheySay() async throws {
        try await withCluster { server, client async throws in
            let created = try await client.create(.configMaps, configMap("a"))
            #expect(created.metadata.uid != "")
            let applied = try await client.apply(.configMaps, configMap("a", "2"), fieldManager: "test", force: true)
            #expect(applied.at("data", "a") == "2" && applied.metadata.uid == created.metadata.uid)
            let merged = try await client.patch(.configMaps, name("a"), .merge(["data": ["b": "3"]]))
            #expect(merged["data"] == ["a": "2", "b": "3"])
            let patched = try await client.patch(.configMaps, name("a"), .json(JSONPatch([.remove(JSONPointer(["data", "b"]))])))
            #expect(patched["data"] == ["a": "2"])
            var replaced = patched
            replaced["data"] = ["c": "4"]
            #expect(try await client.replace(.configMaps, replaced)["data"] == ["c": "4"])
            #expect(await failure { _ = try await client.replace(.configMaps, patched) }?.code == .conflict)
            #expect(try await client.get(.configMaps, name("a")) == server.get(.configMaps, name("a")))
            try await client.delete(.configMaps, name("a"))
            #expect(try await client.getIfFound(.configMaps, name("a")) == nil)
            #expect(await failure { _ = try await client.get(.configMaps, name("a")) }?.reason == "NotFound")
        }
    }

    @Test func pagesAreReadToTheEnd() async throws {
        try await withCluster { server, client async throws in
            for index in 0..<12 { _ = try await server.create(.configMaps, configMap("m\(index)")) }
            let page = try await client.list(.configMaps, namespace: "default", limit: 5)
            #expect(page.items.count == 5 && page.continueToken != nil)
            #expect(try await client.listAll(.configMaps, namespace: "default", pageSize: 5).items.count == 12)
        }
    }

    @Test(arguments: [1, 3, 1000]) func aWatchFollowsChangesHoweverItsBytesAreSplit(bytes: Int) async throws {
        try await withCluster { server, client async throws in
            server.faults.add(Fault(.splitBytes(bytes), verb: "watch", count: nil))
            var events = try await client.watch(.configMaps, namespace: "default", resourceVersion: server.resourceVersion).makeAsyncIterator()
            _ = try await server.create(.configMaps, configMap("a", "é"))
            try await server.delete(.configMaps, name("a"))
            guard case .added(let object) = try await events.next(), case .deleted = try await events.next() else {
                Issue.record("other events than the changes")
                return
            }
            #expect(object.at("data", "a") == "é" && object.at("metadata", "managedFields") == nil)
        }
    }

    @Test(arguments: [true, false]) func aVersionThatIsTooOldIsGone(asStatus: Bool) async throws {
        try await withCluster(.init(expiredWatchIsStatus: asStatus, bearerToken: "secret")) { server, client async throws in
            let old = server.resourceVersion
            _ = try await server.create(.configMaps, configMap("a"))
            server.expireHistory()
            do {
                var events = try await client.watch(.configMaps, namespace: "default", resourceVersion: old).makeAsyncIterator()
                guard case .failed(let error) = try await events.next() else {
                    Issue.record("no ERROR event")
                    return
                }
                #expect(!asStatus && error.code == .gone)
            } catch let error as KubernetesError {
                #expect(asStatus && error.code == .gone)
            }
        }
    }

    @Test func faultsHaveTheirClass() async throws {
        try await withCluster { server, client async throws in
            server.faults.add(.tooManyRequests(retryAfterSeconds: 3, verb: "get"))
            #expect(await failure { _ = try await client.get(.configMaps, name("a")) }?.retry == .after(.seconds(3)))
            server.faults.add(Fault(.cutAfterBytes(10), verb: "list"))
            #expect(await failure { _ = try await client.list(.configMaps, namespace: "default") }?.code == .network)
            server.faults.add(.forbidden(verb: "list", pathContains: "secrets"))
            #expect(await failure { _ = try await client.list(.secrets, namespace: "default") }?.code == .forbidden)
        }
    }

    @Test func anotherTokenIsUnauthorized() async throws {
        try await withCluster { server, _ async throws in
            let port = try await server.serve()
            let client = KubernetesClient(ClientConfiguration(server: "http://127.0.0.1:\(port)", bearerToken: "other"))
            let error = await failure { _ = try await client.get(.configMaps, name("a")) }
            #expect(error?.code == .unauthorized)
            #expect(error.map { "\($0)".contains("other") } == false)
            await client.shutdown()
        }
    }

    @Test func requestsAndWatchesGoOverTLSWithAClientCertificate() async throws {
        let folder = try TemporaryFolder()
        try folder.certificates(ca: "ca", "server", "person")
        let server = TestAPIServer()
        let port = try await server.serve(tls: try folder.serverTLS("server", clientCA: "ca"))
        let path = try folder.write(
            "config",
            """
            current-context: a
            clusters: [{name: c, cluster: {server: "https://127.0.0.1:\(port)", certificate-authority: ca.crt}}]
            users: [{name: u, user: {client-certificate: person.crt, client-key: person.key}}]
            contexts: [{name: a, context: {cluster: c, user: u}}]
            """)
        let client = KubernetesClient(try .kubeconfig(path: path, environment: [:]))
        _ = try await client.create(.configMaps, configMap("a"))
        var events = try await client.watch(.configMaps, namespace: "default").makeAsyncIterator()
        guard case .added(let object) = try await events.next() else {
            Issue.record("no ADDED event")
            return
        }
        #expect(object.metadata.name == "a")
        await client.shutdown()
        #expect(client.liveRequests == 0)
        try await server.stop()
    }
}
