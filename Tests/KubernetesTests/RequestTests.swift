// Requests as values, and the verbs over a scripted API.

import JSON
import Kubernetes
import Synchronization
import Testing

/// Answers requests from a script, in order; an unexpected request fails.
final class ScriptedAPI: KubernetesAPI {
    private let answers: Mutex<[Result<JSONValue, KubernetesError>]>
    private let seen = Mutex<[KubernetesRequest]>([])
    init(_ answers: [Result<JSONValue, KubernetesError>]) { self.answers = Mutex(answers) }
    var requests: [KubernetesRequest] { seen.withLock { $0 } }
    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        seen.withLock { $0.append(request) }
        let answer = answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        guard let answer else { throw KubernetesError(.unknown, message: "unexpected request \(request.path)") }
        return try answer.get()
    }
    func watch(_ request: KubernetesRequest) async throws -> WatchStream {
        seen.withLock { $0.append(request) }
        return WatchStream { nil }
    }
}

extension KubernetesRequest {
    var queryText: String { query.map { "\($0.name)=\($0.value)" }.joined(separator: "&") }
}

@Suite struct RequestTests {
    let name = ObjectName(namespace: "n", name: "a")
    let object: JSONValue = ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "a", "namespace": "n"]]

    @Test func listPutsEveryOptionIntoTheQuery() {
        let request = KubernetesRequest.list(
            .configMaps, namespace: "n", labelSelector: LabelSelector(matching: ["a": "b"]), fieldSelector: .name("x"), limit: 500, resourceVersion: "7")
        #expect(request.path == "/api/v1/namespaces/n/configmaps")
        #expect(request.queryText == "labelSelector=a=b&fieldSelector=metadata.name=x&limit=500&resourceVersion=7&resourceVersionMatch=NotOlderThan")
        #expect(request.method == .get && request.accept == nil)
    }

    @Test func nextPageLeavesTheVersionToItsToken() {
        #expect(KubernetesRequest.list(.pods, limit: 500, continueToken: "t", resourceVersion: "7").queryText == "limit=500&continue=t")
    }

    @Test func watchAsksForBookmarks() {
        let request = KubernetesRequest.watch(.nodes, resourceVersion: "7", timeoutSeconds: 300)
        #expect(request.path == "/api/v1/nodes")
        #expect(request.queryText == "watch=true&resourceVersion=7&timeoutSeconds=300&allowWatchBookmarks=true")
    }

    @Test func metadataOnlyIsAskedForInTheAcceptHeader() {
        #expect(
            KubernetesRequest.list(.secrets, content: .metadataOnly).accept
                == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json")
        #expect(
            KubernetesRequest.get(.secrets, name, content: .metadataOnly).accept
                == "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json")
        #expect(
            KubernetesRequest.watch(.secrets, content: .metadataOnly).accept == "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json")
    }

    @Test func applyIsAPatchOfItsOwnType() {
        let request = KubernetesRequest.apply(.deployments, object, fieldManager: "m", force: true, subresource: "status", dryRun: true)
        #expect(request.method == .patch && request.contentType == "application/apply-patch+yaml" && request.body == object)
        #expect(request.path == "/apis/apps/v1/namespaces/n/deployments/a/status")
        #expect(request.queryText == "fieldManager=m&dryRun=All&force=true")
        #expect(KubernetesRequest.apply(.deployments, object, fieldManager: "m", force: false).queryText == "fieldManager=m")
    }

    @Test func patchesCarryTheirContentType() {
        #expect(KubernetesRequest.patch(.deployments, name, .merge(["a": 1])).contentType == "application/merge-patch+json")
        let json = KubernetesRequest.patch(.deployments, name, .json(JSONPatch([.remove(JSONPointer(["a"]))])))
        #expect(json.contentType == "application/json-patch+json")
        #expect(json.body == [["op": "remove", "path": "/a"]])
    }

    @Test func createAndReplaceNameTheirTarget() {
        #expect(KubernetesRequest.create(.deployments, object).path == "/apis/apps/v1/namespaces/n/deployments")
        let replace = KubernetesRequest.replace(.deployments, object)
        #expect(replace.method == .put && replace.path == "/apis/apps/v1/namespaces/n/deployments/a")
    }

    @Test func deleteCarriesPreconditions() {
        let request = KubernetesRequest.delete(.deployments, name, preconditions: Preconditions(uid: "u", resourceVersion: "7"))
        #expect(request.method == .delete)
        #expect(
            request.body == [
                "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background", "preconditions": ["uid": "u", "resourceVersion": "7"],
            ])
        #expect(KubernetesRequest.delete(.deployments, name, propagationPolicy: nil).body == ["kind": "DeleteOptions", "apiVersion": "v1"])
    }
}

@Suite struct VerbTests {
    static func page(_ names: [String], _ version: String, next: String? = nil) -> JSONValue {
        var metadata: JSONValue = ["resourceVersion": .string(version)]
        if let next { metadata["continue"] = .string(next) }
        return ["metadata": metadata, "items": .array(names.map { ["metadata": ["name": .string($0)]] })]
    }

    @Test func listAllJoinsPages() async throws {
        let api = ScriptedAPI([.success(Self.page(["a"], "5", next: "t")), .success(Self.page(["b"], "5"))])
        let list = try await api.listAll(.pods)
        #expect(list.items.map(\.metadata.name) == ["a", "b"])
        #expect(list.continueToken == nil && list.resourceVersion == "5")
        #expect(api.requests.map(\.queryText) == ["limit=500", "limit=500&continue=t"])
    }

    @Test func listThatExpiresBetweenPagesIsReadInOnePiece() async throws {
        let api = ScriptedAPI([
            .success(Self.page(["a"], "5", next: "t")), .failure(KubernetesError(.gone, message: "expired")), .success(Self.page(["a", "b"], "9")),
        ])
        #expect(try await api.listAll(.pods).items.count == 2)
        #expect(api.requests.last?.queryText == "")
    }

    @Test func nullItemsAreAnEmptyList() async throws {
        #expect(try await ScriptedAPI([.success(["metadata": ["resourceVersion": "1"], "items": nil])]).list(.pods).items.isEmpty)
    }

    @Test func otherAnswersAreNoList() async {
        let error = await #expect(throws: KubernetesError.self) { try await ScriptedAPI([.success(["items": 1])]).list(.pods) }
        #expect(error?.code == .undecodable)
    }

    @Test func missingObjectIsNil() async throws {
        let missing = ScriptedAPI([.failure(KubernetesError(.notFound, message: "no"))])
        #expect(try await missing.getIfFound(.pods, ObjectName(namespace: "n", name: "a")) == nil)
        let broken = ScriptedAPI([.failure(KubernetesError(.internalError, message: "no"))])
        await #expect(throws: KubernetesError.self) { try await broken.getIfFound(.pods, ObjectName(namespace: "n", name: "a")) }
    }
}
