// The webhook as a part of the process: its TLS server, its certificates' keeper, and the events that injection tells.
// OperatorProcess runs one when the webhook is on, on every replica and before the controllers.
// It never decides about a request; Admission does.

import Admission
import CoreMetrics
import Crypto
import HTTPServer
import Kubernetes
import KubernetesRuntime
import Logging
import Synchronization

/// Runs until it is cancelled.
final class WebhookServer: Sendable {
    struct Setup: Sendable {
        var host: String
        var port: Int
        var source: CertificateSource
        var rotation: CertificateRotation
        var registration: WebhookRegistration
        var time: any TimeSource = SystemTime()
    }

    /// How long a pod that is asked to end still answers: by then it is in no list of endpoints any more.
    static let farewell: Duration = .seconds(5)
    /// Pages of lists are converted at once, and a review holds an object twice. Parsed, bodies take several times their bytes of the pod's memory.
    static let limits = HTTPServerLimits(maxBodyBytes: 32 << 20, maxBodyBytesTogether: 32 << 20, maxConnections: 512)

    private let api: any KubernetesAPI
    private let handler: WebhookHandler
    private let setup: Setup
    private let logger: Logger
    private let metrics: RuntimeMetrics
    private let stopRequests: AsyncStream<Void>
    private let stopRequest: AsyncStream<Void>.Continuation
    private let server = Mutex<HTTPServer?>(nil)
    private let keeper = Mutex<CertificateKeeper?>(nil)

    init(handler: WebhookHandler, setup: Setup, api: any KubernetesAPI, logger: Logger, metrics: RuntimeMetrics = RuntimeMetrics()) {
        self.metrics = metrics
        self.api = api
        self.handler = handler
        self.setup = setup
        self.logger = logger
        (stopRequests, stopRequest) = AsyncStream.makeStream()
    }

    /// Nil once API servers can call it.
    var waitingFor: String? { keeper.withLock { $0 }.map(\.waitingFor) ?? "the webhook's start" }

    /// The port that is listened on; nil before the first certificate.
    var port: Int? { server.withLock { $0?.port } }

    /// Serves and keeps the certificates until `stop`, or until cancelled. - Throws: `CancellationError`.
    func run() async throws {
        let keeper = CertificateKeeper(
            api: api, source: setup.source, rotation: setup.rotation, registration: setup.registration, time: setup.time, logger: logger,
            serve: { [self] in try await serve($0) })
        self.keeper.withLock { $0 = keeper }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await keeper.run() }
                group.addTask { [stopRequests] in for await _ in stopRequests {} }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            try await server.withLock { $0 }?.shutdown()
            throw error
        }
        // Open connections are answered before they close.
        try await server.withLock { $0 }?.shutdown()
    }

    /// Ends `run` when nobody asks this process any more: a registration by URL is taken back, and a Service gets the time to send API servers elsewhere.
    func stop() async {
        switch setup.registration.address {
        case .url:
            do {
                try await setup.registration.remove()
            } catch {
                logger.warning("The webhook's registration was not taken back", metadata: ["error": "\(error)"])
            }
        case .service: try? await setup.time.sleep(for: Self.farewell)
        }
        stopRequest.finish()
    }

    /// What the API server says that it waits: its registration's `timeoutSeconds` in whole seconds, as `?timeout=5s` or `?timeout=1m0s`; nil when it says
    /// nothing that can be read.
    static func timeout(of request: HTTPServerRequest) -> Duration? {
        guard var text = request.queryItem("timeout")?[...], text.last == "s" else { return nil }
        var seconds = 0
        for (unit, length) in [("m", 60), ("s", 1)] {
            guard let end = text.firstIndex(of: Character(unit)) else { continue }
            guard let number = Int(text[..<end]), (0...3600).contains(number) else { return nil }
            seconds += number * length
            text = text[text.index(after: end)...]
        }
        return text.isEmpty && seconds > 0 ? .seconds(seconds) : nil
    }

    private func serve(_ identity: Identity) async throws {
        let tls = HTTPServerTLS(certificatePEM: Array(identity.chainPEM.utf8), privateKeyPEM: Array(identity.key.pem.utf8))
        if let running = server.withLock({ $0 }) { return try running.replaceTLS(tls) }
        let started = try await HTTPServer.start(
            host: setup.host, port: setup.port, tls: tls, limits: Self.limits, threads: 1, logger: logger,
            refused: { [metrics] in metrics.counter("webhook_refused_requests", ("limit", $0.rawValue)).increment() }
        ) { [handler] request in
            guard request.method == "POST" else { return .text("only POST is answered here\n", status: 405) }
            let timeout = Self.timeout(of: request) ?? WebhookHandler.timeout
            let (status, body) = await handler.answer(path: request.path, body: request.body, timeout: timeout)
            let type = status == 200 ? "application/json" : "text/plain; charset=utf-8"
            return HTTPServerResponse(status: status, headers: [("content-type", type)], body: .bytes(body))
        }
        server.withLock { $0 = started }
        logger.info("Serving the webhook", metadata: ["address": "\(setup.host):\(started.port)"])
    }
}
