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
import Synchronization
import Testing

@testable import Admission

private struct Rights: CollectorRights {
    let all: Set<AccessRight>
    func rights(of collector: OpenTelemetryCollector) -> Set<AccessRight> { all }
}

/// Refuses every access review, or never answers.
private final class StrictServer: KubernetesAPI {
    private let isSilent: Bool
    private let count = Mutex(0)

    init(isSilent: Bool = false) { self.isSilent = isSilent }

    var requestCount: Int { count.withLock { $0 } }

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        count.withLock { $0 += 1 }
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

    // MARK: Rights of an update

    /// A collector with receivers that read at the Kubernetes API.
    private func collector(_ receivers: [String], _ spec: JSONValue = [:]) -> JSONValue {
        let all = receivers.map { ($0, JSONValue.object([:])) }
        var out = Collectors.changed(["spec", "config", "receivers"], .object(JSONObject(all)))
        out.set(["spec", "config", "service", "pipelines", "traces"], to: nil)
        out.set(["spec", "config", "service", "pipelines", "logs"], to: ["receivers": .array(receivers.map { .string($0) }), "exporters": ["debug"]])
        for (key, value) in spec.object ?? [:] { out.set(["spec", key], to: value) }
        return out
    }

    /// The answer to an update by somebody who holds nothing, and how many questions it took.
    private func update(_ old: JSONValue, _ new: JSONValue) async throws -> (response: JSONValue?, questions: Int) {
        let server = StrictServer()
        let handler = WebhookHandler(
            api: server, facts: CollectorFacts(), rights: ConfiguredRights(grantsRoles: true), time: ManualTime(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let answer = try await answer(handler, WebhookPath.validateCollector, review("UPDATE", object: new, old: old))
        return (answer["response"], server.requestCount)
    }

    @Test func anUpdateThatLeavesTheSpecAloneIsAskedNothing() async throws {
        let old = collector(["k8s_events"])
        var new = old
        new.set(["metadata", "labels"], to: ["a": "b"])
        new.set(["metadata", "finalizers"], to: ["x.test/y"])
        new.set(["status"], to: ["image": "x"])
        let (response, questions) = try await update(old, new)
        #expect(response?["allowed"] == true && questions == 0)
    }

    @Test func anUpdateThatNeedsNothingMoreIsAskedNothing() async throws {
        let (response, questions) = try await update(collector(["k8s_events"]), collector(["k8s_events"], ["replicas": 2]))
        #expect(response?["allowed"] == true && questions == 0)
    }

    @Test func anUpdateIsAskedAboutWhatItAdds() async throws {
        let added = try await update(collector(["k8s_events"]), collector(["k8s_events", "k8s_cluster"]))
        let message = added.response?.at("status", "message")?.string ?? ""
        #expect(message.contains("list replicasets.apps"), "\(message)")
        #expect(!message.contains("list events"), "held before: \(message)")
        let created = try await answer(
            WebhookHandler(
                api: StrictServer(), facts: CollectorFacts(), rights: ConfiguredRights(grantsRoles: true), time: ManualTime(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }), WebhookPath.validateCollector,
            review(object: collector(["k8s_events", "k8s_cluster"])))
        #expect(created.at("response", "status", "message")?.string?.contains("list events") == true)
    }

    @Test func anotherServiceAccountGetsEveryRightAnew() async throws {
        let (response, _) = try await update(collector(["k8s_events"]), collector(["k8s_events"], ["serviceAccount": "other"]))
        #expect(response?["allowed"] == false && response?.at("status", "code") == 403)
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

    @Test(.timeLimit(.minutes(1)), arguments: [(1, 500), (2, 1500), (5, 4500), (10, 9500), (30, 29_500), (3600, 29_500)])
    func theDeadlineIsALittleBeforeTheServersOwn(timeoutSeconds: Int, deadlineMs: Int) async throws {
        let time = ManualTime()
        let handler = handler(StrictServer(isSilent: true), rights: [AccessRight(group: "", resource: "pods", verb: "list")], time: time)
        let ended = Mutex(false)
        async let answer: Void = {
            _ = await handler.answer(
                path: WebhookPath.validateCollector, body: review(object: Collectors.good).bytes(), timeout: .seconds(timeoutSeconds))
            ended.withLock { $0 = true }
        }()
        await time.waitForSleepers()
        time.advance(by: .milliseconds(deadlineMs - 1))
        await time.waitForSleepers()
        #expect(!ended.withLock { $0 })
        time.advance(by: .milliseconds(1))
        await answer
    }
}
