// The server over HTTP: the same answers as in process, status codes and headers, and the faults that only bytes can have.
// hack/test runs it; everything is on loopback.
// It never repeats what the tests in process have shown.

import HTTPClient
import JSON
import Kubernetes
import KubernetesTestServer
import Testing

@Suite struct HTTPTests {
    /// Runs a body against a served server.
    private func serving(_ options: TestAPIServer.Options = .init(), _ body: (TestAPIServer, String, HTTPClient) async throws -> Void) async throws {
        let server = TestAPIServer(options)
        let client = HTTPClient()
        let url = "http://127.0.0.1:\(try await server.serve())"
        do {
            try await body(server, url, client)
        } catch {
            await client.shutdown()
            try await server.stop()
            throw error
        }
        await client.shutdown()
        try await server.stop()
    }

    private static let json = [("content-type", "application/json")]

    @Test func objectsTravelAsJSONAndYAML() async throws {
        try await serving { server, url, client in
            let collection = "\(url)/api/v1/namespaces/default/configmaps"
            let created = try await client.send(HTTPRequest(method: "POST", url: collection, headers: Self.json, body: configMap("a", ["k": "v"]).bytes()))
            #expect(created.status == 201)
            #expect(try JSONValue(parsing: created.body).metadata.uid.count == 36)
            let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: w}\n"
            let applied = try await client.send(
                HTTPRequest(
                    method: "PATCH", url: "\(collection)/a?fieldManager=t&force=true", headers: [("content-type", "application/apply-patch+yaml")],
                    body: Array(text.utf8)))
            #expect(applied.status == 200)
            #expect(try await server.get(.configMaps, .inDefault("a")).at("data", "k") == "w")
        }
    }

    @Test func errorsAreStatusObjects() async throws {
        try await serving { server, url, client in
            let missing = try await client.send(HTTPRequest(url: "\(url)/api/v1/namespaces/default/configmaps/none"))
            #expect(missing.status == 404)
            let error = KubernetesError(statusObject: try JSONValue(parsing: missing.body), httpStatus: missing.status)
            #expect(error.message == "configmaps \"none\" not found")
            server.faults.add(.tooManyRequests(retryAfterSeconds: 7))
            let throttled = try await client.send(HTTPRequest(url: "\(url)/api/v1/configmaps"))
            #expect(throttled.status == 429)
            #expect(throttled.headers["retry-after"] == "7")
            let garbage = try await client.send(HTTPRequest(method: "POST", url: "\(url)/api/v1/namespaces", headers: Self.json, body: Array("{".utf8)))
            #expect(garbage.status == 400)
            let protobuf = [("content-type", "application/vnd.kubernetes.protobuf")]
            #expect(try await client.send(HTTPRequest(method: "POST", url: "\(url)/api/v1/namespaces", headers: protobuf, body: [1])).status == 415)
            let huge = [UInt8](repeating: 32, count: (3 << 20) + 1)
            #expect(try await client.send(HTTPRequest(method: "POST", url: "\(url)/api/v1/namespaces", headers: Self.json, body: huge)).status == 413)
        }
    }

    @Test func warningsNameUnknownFields() async throws {
        try await serving { _, url, client in
            var object = configMap("a")
            object["surprise"] = 1
            let answer = try await client.send(
                HTTPRequest(method: "POST", url: "\(url)/api/v1/namespaces/default/configmaps", headers: Self.json, body: object.bytes()))
            #expect(answer.headers["warning"] == #"299 - "unknown field \"surprise\"""#)
        }
    }

    @Test func tokenIsRequiredWhenThereIsOne() async throws {
        try await serving(.init(bearerToken: "secret")) { server, url, client in
            let refused = try await client.send(HTTPRequest(url: "\(url)/api/v1/namespaces"))
            #expect(refused.status == 401)
            #expect(try await client.send(HTTPRequest(url: "\(url)/api/v1/namespaces", headers: [("authorization", "Bearer secret")])).status == 200)
            #expect(server.kubeconfig(url: url).contains("token: secret"))
        }
    }

    @Test func watchIsOneLineAnEvent() async throws {
        try await serving { server, url, client in
            let version = server.resourceVersion
            let stream = try await client.stream(HTTPRequest(url: "\(url)/api/v1/configmaps?watch=true&resourceVersion=\(version)&timeoutSeconds=5"))
            #expect(stream.status == 200)
            _ = try await server.create(.configMaps, configMap("a"))
            var text: [UInt8] = []
            var iterator = stream.body.makeAsyncIterator()
            while !text.contains(UInt8(ascii: "\n")), let chunk = try await iterator.next() { text += chunk }
            #expect(WatchEvent(line: text).summary == "ADDED a")
        }
    }

    @Test(arguments: [1, 7]) func bytesAreSplitAndComeWhole(size: Int) async throws {
        try await serving { server, url, client in
            server.faults.add(Fault(.splitBytes(size), verb: "list"))
            let answer = try await client.send(HTTPRequest(url: "\(url)/api/v1/namespaces"))
            #expect(try JSONValue(parsing: answer.body)["items"]?.array?.count == 4)
        }
    }

    @Test func bodyIsCutInTheMiddle() async throws {
        try await serving { server, url, client in
            server.faults.add(Fault(.cutAfterBytes(10), verb: "list"))
            await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(url: "\(url)/api/v1/namespaces")) }
            let whole = try await client.send(HTTPRequest(url: "\(url)/api/v1/namespaces"))
            #expect(whole.status == 200)
        }
    }

    @Test func healthAndVersionNeedNoKind() async throws {
        try await serving { _, url, client in
            for path in ["/healthz", "/readyz", "/livez"] {
                let answer = try await client.send(HTTPRequest(url: url + path))
                #expect(answer.body == Array("ok".utf8))
            }
            #expect(try JSONValue(parsing: try await client.send(HTTPRequest(url: "\(url)/version")).body)["major"] == "1")
            let accept = [("accept", DiscoveryAccept.aggregated)]
            #expect(try await client.send(HTTPRequest(url: "\(url)/apis", headers: accept)).headers["content-type"] == DiscoveryAccept.aggregated)
        }
    }
}

private enum DiscoveryAccept {
    static let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
}
