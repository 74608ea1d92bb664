// Requests and answers of the client: what the server sees, and what each answer becomes.
// The server is scripted: it answers with exactly the bytes of the case.
// The test API server has its own tests over the same client.

import HTTPServer
import JSON
import Kubernetes
import Synchronization
import Testing

@testable import KubernetesClient

struct RequestTests {
    @Test func pathQueryHeadersAndBodyArriveAsTheRequestSays() async throws {
        let echo: HTTPServer.Handler = { request in
            json([
                "line": .string("\(request.method) \(request.path)"), "query": .array(request.query.map { .string("\($0.name)=\($0.value)") }),
                "headers": .array(["accept", "content-type", "user-agent"].map { .string(request.header($0) ?? "") }),
                "body": .string(String(decoding: request.body, as: UTF8.self)),
            ])
        }
        let configure: (String) throws -> ClientConfiguration = { server in
            var configuration = ClientConfiguration(server: "\(server)/prefix/")
            configuration.userAgent = "sonde-test/1"
            return configuration
        }
        try await withServer(handler: echo, configure: configure) { client async throws in
            let request = KubernetesRequest(
                .patch, "/apis/apps/v1/namespaces/a/deployments/b", query: [.init("labelSelector", "a in (b,c)&d=é"), .init("force", "true")], body: ["a": 1],
                contentType: "application/apply-patch+yaml", accept: "application/json;as=Table")
            let seen = try await client.send(request)
            #expect(seen["line"] == "PATCH /prefix/apis/apps/v1/namespaces/a/deployments/b")
            #expect(seen["query"] == ["labelSelector=a in (b,c)&d=é", "force=true"])
            #expect(seen["headers"] == ["application/json;as=Table", "application/apply-patch+yaml", "sonde-test/1"])
            #expect(seen["body"] == "{\"a\":1}")
        }
    }

    @Test func aStatusBecomesAnError() async throws {
        let status = KubernetesError(
            .invalid, status: 422, reason: "Invalid", message: "spec.replicas: must not be negative",
            causes: [.init(reason: "FieldValueInvalid", message: "must not be negative", field: "spec.replicas")]
        ).statusObject
        try await withServer(handler: { _ in json(status, status: 422) }) { client async throws in
            let error = await failure { _ = try await client.send(KubernetesRequest(.post, "/x", body: ["secret": "hidden"])) }
            #expect(error?.code == .invalid && error?.status == 422 && error?.reason == "Invalid")
            #expect(error?.causes.first?.field == "spec.replicas")
            #expect(error?.retry == .never)
            #expect(error.map { "\($0)".contains("hidden") } == false)
        }
    }

    @Test func retryAfterIsRead() async throws {
        try await withServer(handler: { _ in HTTPServerResponse(status: 429, headers: [("retry-after", "7")], body: .bytes(Array("slow down".utf8))) }) {
            client async throws in
            let error = await failure { _ = try await client.send(KubernetesRequest(.get, "/x")) }
            #expect(error?.code == .tooManyRequests)
            #expect(error?.retry == .after(.seconds(7)))
            #expect(error?.message == "GET /x was answered with 429: slow down")
        }
    }

    @Test func anAnswerThatIsNoJSONIsUndecodable() async throws {
        try await withServer(handler: { _ in .text("<html>") }) { client async throws in
            let error = await failure { _ = try await client.send(KubernetesRequest(.get, "/x")) }
            #expect(error?.code == .undecodable)
            #expect(error?.message.contains("GET /x is no JSON") == true)
        }
    }

    @Test func noServerIsANetworkError() async throws {
        let client = KubernetesClient(ClientConfiguration(server: "http://127.0.0.1:1"))
        for watches in [false, true] {
            let error = await failure {
                if watches { _ = try await client.watch(KubernetesRequest(.get, "/x")) } else { _ = try await client.send(KubernetesRequest(.get, "/x")) }
            }
            #expect(error?.code == .network)
            #expect(error?.message.contains("127.0.0.1:1") == true)
            #expect(error?.retry == .backoff)
        }
        await client.shutdown()
    }

    @Test func aSlowServerIsATimeout() async throws {
        let configure: (String) throws -> ClientConfiguration = { server in
            var configuration = ClientConfiguration(server: server)
            configuration.requestTimeout = .milliseconds(50)
            return configuration
        }
        try await withServer(
            handler: { _ in
                try? await Task.sleep(for: .seconds(3600))
                return json([:])
            }, configure: configure
        ) { client async throws in
            #expect(await failure { _ = try await client.send(KubernetesRequest(.get, "/x")) }?.code == .timeout)
        }
    }

    @Test func listsLoseManagedFieldsAndSingleObjectsKeepThem() async throws {
        let object: JSONValue = ["metadata": ["name": "a", "managedFields": [["manager": "m"]]]]
        let list: JSONValue = ["metadata": ["resourceVersion": "5"], "items": [object]]
        try await withServer(handler: { $0.path.hasSuffix("/configmaps") ? json(list) : json(object) }) { client async throws in
            #expect(try await client.get(.configMaps, ObjectName(namespace: "n", name: "a")).at("metadata", "managedFields") != nil)
            let page = try await client.list(.configMaps, namespace: "n")
            #expect(page.items == [["metadata": ["name": "a"]]])
        }
    }

    @Test func allPagesOfAListAreRead() async throws {
        let asked = Mutex<[String]>([])
        try await withServer(handler: { request in
            let token = request.queryItem("continue") ?? ""
            asked.withLock { $0.append(token) }
            let next = ["": "2", "2": "3"][token] ?? ""
            return json(["metadata": ["resourceVersion": "9", "continue": .string(next)], "items": [["metadata": ["name": .string("o\(token)")]]]])
        }) { client async throws in
            let list = try await client.listAll(.configMaps, namespace: "n")
            #expect(list.items.compactMap { $0.at("metadata", "name")?.string } == ["o", "o2", "o3"])
            #expect(asked.withLock { $0 } == ["", "2", "3"])
        }
    }

    @Test func anAnswerBeyondTheLimitIsRefused() async throws {
        let configure: (String) throws -> ClientConfiguration = { server in
            var configuration = ClientConfiguration(server: server)
            configuration.responseBytesMax = 1000
            return configuration
        }
        try await withServer(handler: { _ in json(["a": .string(String(repeating: "x", count: 2000))]) }, configure: configure) { client async throws in
            let error = await failure { _ = try await client.send(KubernetesRequest(.get, "/x")) }
            #expect(error?.code == .undecodable)
            #expect(error?.message.contains("longer than 1000 bytes") == true)
        }
    }
}
