// Keeps the webhook's certificates: reads or makes them, stores them for all replicas, tells API servers whom to trust, hands the server what to serve with.
// Every replica of the operator runs one, leader or not; sonde-operator gives it a server.
// It never serves what is not trusted yet, and two of them never undo each other's work: each write names the version that it read.

import CoreMetrics
import Crypto
import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Synchronization

/// Where the certificates come from.
public enum CertificateSource: Sendable {
    /// A Secret that all replicas share. It is made when it is missing; one without `ca.key` is somebody else's (cert-manager) and only read.
    case secret(ObjectName)
    /// Files that somebody else renews; read in every round. - Throws: What is wrong with them.
    case files(@Sendable () throws -> CertificateSet.Foreign)
}

/// Runs the rounds. Thread rules: one task runs it; `readiness` may be asked from any task.
public final class CertificateKeeper: Sendable {
    /// Between two rounds.
    public static let interval: Duration = .seconds(60)
    /// Between two rounds while something fails.
    public static let retryInterval: Duration = .seconds(5)
    /// Present on the Secret, with any value: a new authority is made now.
    public static let rotateAnnotation = "sonde.dev/rotate"
    private static let conflictsMax = 5

    private struct State {
        /// What this process has seen last, for the case that somebody deletes the Secret.
        var known: CertificateSet?
        var servedFingerprint = ""
        /// The bundle that was in every registration at the end of a round.
        var trustedBundle: String?
        var hasRegistered = false
        var reported: String?
    }

    private let api: any KubernetesAPI
    private let source: CertificateSource
    private let rotation: CertificateRotation
    private let registration: WebhookRegistration
    private let time: any TimeSource
    private let logger: Logger
    private let serve: @Sendable (Identity) async throws -> Void
    private let state = Mutex(State())
    private let writes, problems: Counter
    private let expiry: Gauge

    /// - Parameter serve: Takes the certificate to serve with, at first and whenever it changes; new connections get it, open ones go on.
    public init(
        api: any KubernetesAPI, source: CertificateSource, rotation: CertificateRotation, registration: WebhookRegistration,
        time: any TimeSource = SystemTime(), logger: Logger, metrics: RuntimeMetrics = RuntimeMetrics(),
        serve: @escaping @Sendable (Identity) async throws -> Void
    ) {
        self.api = api
        self.source = source
        self.rotation = rotation
        self.registration = registration
        self.time = time
        self.logger = logger
        self.serve = serve
        writes = metrics.counter("webhook_certificate_writes")
        problems = metrics.counter("webhook_certificate_problems")
        expiry = metrics.gauge("webhook_certificate_expiry_timestamp_seconds")
    }

    /// Nil once API servers can call this webhook; before that, what is missing.
    public var waitingFor: String? {
        state.withLock { state in
            if state.servedFingerprint.isEmpty { return "the webhook's certificate" + (state.reported.map { ": \($0)" } ?? "") }
            return state.hasRegistered ? nil : "the webhook's registration" + (state.reported.map { ": \($0)" } ?? "")
        }
    }

    /// Runs until cancelled. - Throws: `CancellationError`.
    public func run() async throws {
        while true {
            let pause = try await round() ? Self.interval : Self.retryInterval
            try await time.sleep(for: pause)
        }
    }

    /// One round; what goes wrong is logged and counted. - Returns: Whether all went well. - Throws: `CancellationError`.
    public func round() async throws -> Bool {
        do {
            let (serving, bundle) = try await certificates()
            if let serving { try await hand(serving) }
            let outcome = await registration.update(bundle: bundle)
            if outcome.problems.isEmpty {
                state.withLock { state in
                    state.trustedBundle = bundle
                    state.hasRegistered = true
                }
            }
            return report(outcome.problems.isEmpty ? nil : outcome.problems.joined(separator: "; "))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return report("\(error)")
        }
    }

    private func report(_ problem: String?) -> Bool {
        let isNews = state.withLock { state in
            defer { state.reported = problem }
            return state.reported != problem
        }
        guard let problem else {
            if isNews { logger.info("The webhook is registered", metadata: ["configuration": "\(registration.name)"]) }
            return true
        }
        problems.increment()
        if isNews { logger.warning("The webhook is not registered as it should be", metadata: ["problem": "\(problem)"]) }
        return false
    }

    private func hand(_ serving: Identity) async throws {
        expiry.record(serving.certificate.notAfter.secondsSinceEpoch)
        let fingerprint = serving.certificate.fingerprint
        guard state.withLock({ $0.servedFingerprint }) != fingerprint else { return }
        try await serve(serving)
        state.withLock { $0.servedFingerprint = fingerprint }
        logger.info(
            "Serving the webhook with another certificate",
            metadata: ["fingerprint": "\(fingerprint.prefix(16))", "notAfter": "\(serving.certificate.notAfter.rfc3339)"])
    }

    // MARK: Certificates

    private func certificates() async throws -> (serving: Identity?, bundle: String?) {
        switch source {
        case .files(let read):
            let files = try read()
            return (files.serving, files.bundle)
        case .secret(let name):
            for _ in 0..<Self.conflictsMax {
                do {
                    return try await certificates(in: name)
                } catch let error as KubernetesError where error.code == .conflict || error.code == .alreadyExists {
                    continue  // Another replica was faster; its work is read and judged.
                }
            }
            throw ReviewError("the Secret \(name) changes faster than it can be read")
        }
    }

    private func certificates(in name: ObjectName) async throws -> (serving: Identity?, bundle: String?) {
        let secret = try await api.getIfFound(.secrets, name)
        var current = state.withLock { $0.known }
        switch secret.map(CertificateSet.content(of:)) {
        case .own(let set)?: current = set
        case .foreign(let foreign)?: return (foreign.serving, foreign.bundle)
        case .unreadable(let why)?: logger.warning("The webhook's Secret cannot be read and is written anew", metadata: ["problem": "\(why)"])
        case nil: break
        }
        let now = time.wallClock
        let isForced = secret?.metadata.annotations[Self.rotateAnnotation] != nil
        let isNextTrusted = state.withLock { $0.trustedBundle } == current?.bundle
        let step = try rotation.step(from: current, now: now, isNextTrusted: isNextTrusted, isForced: isForced)
        guard let set = step?.set ?? current else { throw ReviewError("no certificate was made") }
        let isStored = secret.map { CertificateSet.content(of: $0) == .own(set) } ?? false
        if !isStored || (isForced && set.next != nil) {
            try await store(set, over: secret, name)
            writes.increment()
            logger.notice("Stored the webhook's certificates", metadata: ["secret": "\(name)", "reason": "\(step?.reason ?? "they were gone")"])
        }
        state.withLock { $0.known = set }
        return (set.serving, set.bundle)
    }

    private func store(_ set: CertificateSet, over secret: JSONValue?, _ name: ObjectName) async throws {
        guard var object = secret else {
            try await api.create(
                .secrets,
                [
                    "apiVersion": "v1", "kind": "Secret",
                    "metadata": [
                        "name": .string(name.name), "namespace": .string(name.namespace ?? "default"),
                        "labels": ["app.kubernetes.io/part-of": "sonde", "app.kubernetes.io/managed-by": "sonde-operator"],
                    ],
                    "type": "Opaque", "data": set.secretData,
                ], fieldManager: WebhookRegistration.fieldManager)
            return
        }
        object["data"] = set.secretData
        object["apiVersion"] = "v1"
        object["kind"] = "Secret"
        object.set(["metadata", "annotations", Self.rotateAnnotation], to: nil)
        object.set(["metadata", "managedFields"], to: nil)
        try await api.replace(.secrets, object, fieldManager: WebhookRegistration.fieldManager)
    }
}
