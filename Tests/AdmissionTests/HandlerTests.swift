// The webhook behind its paths, from bytes to bytes: routing, refusals, rights, deadlines.
// The API server is the one in the process.
// It never opens a socket.

import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Logging
import Rendering
import SondeAPI
import Testing

@testable import Admission

private struct Rights: CollectorRights {
    let all: Set<AccessRight>
    func rights(of collector: OpenTelemetryCollector) -> Set<AccessRight> { all }
}

/// Refuses every access review, or never answers.
private struct StrictServer: KubernetesAPI {
    var isSilent = false

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        if isSilent { try await Task.sleep(for: .seconds(3600)) }
        return ["status": ["allowed": false]]
    }
    func watch(_ request: KubernetesRequest) async throws -> WatchStream { throw KubernetesError(.methodNotAllowed, message: "no watches") }
}

@Suite struct HandlerTests {
    private func handler(_ api: any KubernetesAPI, rights: Set<AccessRight> = [], time: any TimeSource = ManualTime()) -> WebhookHandler {
        WebhookHandler(
            api: api, facts: CollectorFacts(), rights: Rights(all: rights), time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func answer(_ handler: WebhookHandler, _ path: String, _ body: JSONValue) async throws -> JSONValue {
        let (status, bytes) = await handler.answer(path: path, body: body.bytes())
        try #require(status == 200, "\(status) \(String(decoding: bytes, as: UTF8.self))")
        return try JSONValue(parsing: bytes)
    }

    @Test(arguments: [(Collectors.good, true), (Collectors.bad, false)]) func collectorsAreValidated(object: JSONValue, isAllowed: Bool) async throws {
        let answer = try await answer(handler(TestAPIServer()), WebhookPath.validateCollector, review(object: object))
        #expect(answer.at("response", "allowed") == .bool(isAllowed) && answer.at("response", "uid") == "u-1")
    }

    @Test func probesAreValidated() async throws {
        let probe: JSONValue = [
            "apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe", "metadata": ["name": "c"],
            "spec": ["endpoint": "http://a:4318", "export": ["intervalSeconds": 1000]],
        ]
        let answer = try await answer(handler(TestAPIServer()), WebhookPath.validateProbe, review(kind: "EBPFProbe", object: probe))
        #expect(answer.at("response", "status", "message")?.string?.contains("spec.export.intervalSeconds") == true)
    }

    @Test func rightsOfTheConfigurationAreAskedFor() async throws {
        let handler = handler(StrictServer(), rights: [AccessRight(group: "", resource: "pods", verb: "list")])
        let answer = try await answer(handler, WebhookPath.validateCollector, review(object: Collectors.good))
        #expect(answer.at("response", "status", "code") == 403)
        #expect(answer.at("response", "status", "message")?.string?.contains("list pods") == true)
    }

    @Test func conversionsAreAnswered() async throws {
        let body: JSONValue = [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview",
            "request": ["uid": "u", "desiredAPIVersion": "opentelemetry.io/v1alpha1", "objects": [Collectors.good]],
        ]
        let answer = try await answer(handler(TestAPIServer()), WebhookPath.convert, body)
        #expect(answer.at("response", "convertedObjects")?[0]?.at("spec", "config")?.string?.contains("receivers:") == true)
    }

    @Test(arguments: [
        ("/other", "{}", 404), (WebhookPath.convert, "{", 400), (WebhookPath.convert, "{}", 400), (WebhookPath.validateCollector, "[]", 400),
        (WebhookPath.mutatePod, "{\"kind\":\"AdmissionReview\"}", 400),
    ]) func whatCannotBeReadIsRefusedWithAReason(path: String, body: String, status: Int) async {
        let answer = await handler(TestAPIServer()).answer(path: path, body: Array(body.utf8))
        #expect(answer.status == status && !answer.body.isEmpty)
    }

    @Test func aServerThatDoesNotAnswerEndsAtTheDeadline() async throws {
        let time = ManualTime()
        let handler = handler(StrictServer(isSilent: true), rights: [AccessRight(group: "", resource: "pods", verb: "list")], time: time)
        async let answer = handler.answer(path: WebhookPath.validateCollector, body: review(object: Collectors.good).bytes())
        await time.waitForSleepers()
        time.advance(by: .seconds(5))
        let (status, body) = await answer
        // The questions were cancelled: that the rights are not known is a refusal, or the deadline's own error.
        #expect(status == 500 || String(decoding: body, as: UTF8.self).contains("cannot be found out"))
    }
}
