// The webhook with an API server that asks it: refusal, conversion, sidecars, a rotation, and the way out.
// It listens on loopback and is registered by URL, so the suite is the same in the process and on a cluster on this machine.
// It never concerns namespaces of other tests.

import Admission
import Crypto
import HTTPServer
import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Logging
import Rendering
import SondeAPI
import Synchronization
import Testing

/// What sonde-operator puts together for `--webhook-url`, with a certificate that one round makes.
private final class LoopbackWebhook: Sendable {
    let keeper: CertificateKeeper
    let registration: WebhookRegistration
    let secret: ObjectName
    private let server: Mutex<HTTPServer>

    private init(keeper: CertificateKeeper, registration: WebhookRegistration, secret: ObjectName, server: HTTPServer) {
        self.keeper = keeper
        self.registration = registration
        self.secret = secret
        self.server = Mutex(server)
    }

    /// Runs a test with the webhook on, and takes everything back.
    static func with(_ world: World, _ body: (LoopbackWebhook) async throws -> Void) async throws {
        let webhook = try await start(world)
        var failure: (any Error)?
        do {
            try await World.eventually("the webhook is registered", within: world.deadline) { try await webhook.keeper.round() }
            try await world.eventually("v1alpha1 is served") { (try? await world.api.list(alpha, namespace: world.namespace)) != nil }
            // A real server takes a moment to see a registration.
            try await world.eventually("validation is asked") { try await refusal(of: bad(world), world) != nil }
            try await body(webhook)
        } catch {
            failure = error
        }
        try await webhook.registration.remove()
        // Its idle connections would be waited for: a client that is not asked anything does not answer the end of TLS either.
        try? await world.server?.stop()
        try await webhook.server.withLock { $0 }.shutdown()
        if let failure { throw failure }
    }

    private static func start(_ world: World) async throws -> LoopbackWebhook {
        let handler = WebhookHandler(api: world.api, facts: CollectorFacts(), rights: NoRights(), logger: World.quiet)
        let day: Duration = .seconds(86_400)
        let time = SystemTime()
        let first = try #require(
            try CertificateRotation(names: ["127.0.0.1"]).step(from: nil, now: time.wallClock, isNextTrusted: false)
        ).set.serving
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, tls: tls(first), logger: World.quiet) { request in
            let (status, body) = await handler.answer(path: request.path, body: request.body)
            return HTTPServerResponse(status: status, headers: [("content-type", "application/json")], body: .bytes(body))
        }
        let registration = WebhookRegistration(
            api: world.api, address: .url("https://127.0.0.1:\(server.port)"), name: world.namespace, scope: .only([world.namespace]))
        let secret = ObjectName(namespace: world.namespace, name: "certificates")
        let keeper = CertificateKeeper(
            api: world.api, source: .secret(secret),
            rotation: CertificateRotation(names: ["127.0.0.1"], authorityLifetime: day * 90, servingLifetime: day * 10, overlap: .zero),
            registration: registration, time: time, logger: World.quiet, serve: { try server.replaceTLS(tls($0)) })
        return LoopbackWebhook(keeper: keeper, registration: registration, secret: secret, server: server)
    }

    private static func tls(_ identity: Identity) -> HTTPServerTLS {
        HTTPServerTLS(certificatePEM: Array(identity.chainPEM.utf8), privateKeyPEM: Array(identity.key.pem.utf8))
    }
}

private struct NoRights: CollectorRights {
    func rights(of collector: OpenTelemetryCollector) -> Set<AccessRight> { [] }
}

private let alpha = ResourceType(
    group: "opentelemetry.io", version: "v1alpha1", kind: "OpenTelemetryCollector", plural: "opentelemetrycollectors")

private func collector(_ world: World, _ name: String, mode: JSONValue = "deployment", receivers: JSONValue = ["otlp"]) -> JSONValue {
    [
        "apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": ["name": .string(name), "namespace": .string(world.namespace)],
        "spec": [
            "mode": mode,
            "config": [
                "receivers": ["otlp": ["protocols": ["grpc": [:]]]], "exporters": ["debug": [:]],
                "service": ["pipelines": ["traces": ["receivers": receivers, "exporters": ["debug"]]]],
            ],
        ],
    ]
}

private func bad(_ world: World) -> JSONValue { collector(world, "bad", receivers: ["otpl"]) }

/// What a dry run is refused with; nil when it is taken.
private func refusal(of object: JSONValue, _ world: World) async throws -> KubernetesError? {
    do {
        try await world.api.create(.openTelemetryCollectors, object, dryRun: true)
        return nil
    } catch let error as KubernetesError {
        return error
    }
}

@Suite(.serialized) struct WebhookTests {
    @Test func aResourceThatCannotWorkIsRefused() async throws {
        try await World.with { world in
            try await LoopbackWebhook.with(world) { _ in
                let error = try #require(try await refusal(of: bad(world), world))
                #expect(error.status == 422, "\(error)")
                #expect(error.message.contains("spec.config.service.pipelines.traces.receivers[0]") && error.message.contains("did you mean otlp?"))
                #expect(error.causes.contains { $0.field == "spec.config.service.pipelines.traces.receivers[0]" })
                #expect(try await refusal(of: collector(world, "good"), world) == nil)
            }
        }
    }

    @Test func theOlderVersionIsConvertedBothWays() async throws {
        try await World.with { world in
            try await LoopbackWebhook.with(world) { _ in
                let text =
                    "# mine\nreceivers: {otlp: {protocols: {grpc: {}}}}\nexporters: {debug: {}}\n"
                    + "service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}\n"
                let name = ObjectName(namespace: world.namespace, name: "older")
                try await world.api.create(
                    alpha,
                    [
                        "apiVersion": "opentelemetry.io/v1alpha1", "kind": "OpenTelemetryCollector",
                        "metadata": ["name": "older", "namespace": .string(world.namespace)], "spec": ["mode": "deployment", "config": .string(text)],
                    ])
                let newer = try await world.api.get(.openTelemetryCollectors, name)
                #expect(newer.at("spec", "config", "service", "pipelines", "traces", "receivers") == ["otlp"])
                let older = try await world.api.get(alpha, name)
                #expect(older.at("spec", "config") == .string(text))
                try await world.api.patch(.openTelemetryCollectors, name, .merge(["spec": ["hostPID": true]]))
                #expect(try await world.api.list(alpha, namespace: world.namespace).items.first?.at("spec", "hostPID") == nil)
                try await world.api.patch(alpha, name, .merge(["spec": ["replicas": 3]]))
                let after = try await world.api.get(.openTelemetryCollectors, name)
                #expect(after.at("spec", "hostPID") == true && after.at("spec", "replicas") == 3)
            }
        }
    }

    @Test func anUnreadableConfigurationIsRefusedWithItsLine() async throws {
        try await World.with { world in
            try await LoopbackWebhook.with(world) { _ in
                let object: JSONValue = [
                    "apiVersion": "opentelemetry.io/v1alpha1", "kind": "OpenTelemetryCollector",
                    "metadata": ["name": "broken", "namespace": .string(world.namespace)], "spec": ["config": "receivers: {\n"],
                ]
                let error = await #expect(throws: KubernetesError.self) { try await world.api.create(alpha, object) }
                #expect(error?.message.contains("spec.config: line ") == true, "\(String(describing: error))")
            }
        }
    }

    @Test func aPodGetsItsSidecar() async throws {
        try await World.with { world in
            try await LoopbackWebhook.with(world) { _ in
                try await world.api.create(.openTelemetryCollectors, collector(world, "side", mode: "sidecar"))
                let pod: JSONValue = [
                    "apiVersion": "v1", "kind": "Pod",
                    "metadata": ["name": "app", "namespace": .string(world.namespace), "annotations": ["sidecar.opentelemetry.io/inject": "true"]],
                    "spec": ["containers": [["name": "app", "image": "registry.k8s.io/pause:3.10"]], "automountServiceAccountToken": false],
                ]
                let made = try await world.api.create(.pods, pod, dryRun: true)
                #expect(made.at("spec", "initContainers")?[0]?["name"] == "otc-container")
                #expect(made.metadata.labels["sidecar.opentelemetry.io/injected"] == "\(world.namespace).side")
            }
        }
    }

    @Test func nobodyIsTurnedAwayWhileTheAuthorityChanges() async throws {
        try await World.with { world in
            try await LoopbackWebhook.with(world) { webhook in
                func authority() async throws -> String? { try await world.api.get(.secrets, webhook.secret).at("data", "ca.crt")?.string }
                let before = try await authority()
                try await world.api.patch(
                    .secrets, webhook.secret, .merge(["metadata": ["annotations": [CertificateKeeper.rotateAnnotation: "now"]]]))
                for _ in 0..<3 {
                    #expect(try await webhook.keeper.round())
                    // A cluster's servers see a new bundle after a moment; the operator gives them ten minutes, this test a few seconds.
                    if world.server == nil { try await Task.sleep(for: .seconds(3)) }
                    for _ in 0..<5 {
                        #expect(try await refusal(of: bad(world), world)?.status == 422)
                        #expect(try await refusal(of: collector(world, "good"), world) == nil)
                    }
                }
                #expect(try await authority() != before)
            }
        }
    }

    @Test func withoutTheWebhookEverythingElseWorks() async throws {
        try await World.with { world in
            try await LoopbackWebhook.with(world) { _ in }
            try await world.eventually("v1alpha1 is not served any more") { (try? await world.api.list(alpha, namespace: world.namespace)) == nil }
            try await world.eventually("nobody is asked any more") { try await refusal(of: bad(world), world) == nil }
        }
    }
}
