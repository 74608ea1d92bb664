// Keeps the webhook's certificates: reads or makes them, stores them for all replicas, tells API servers whom to trust, hands the server what to serve with.
// Every replica of the operator runs one, leader or not; sonde-operator gives it a server.
// It never serves what is not trusted yet, never writes over what others keep, and two of them never undo each other's work: each write names the version
// that it read.

import CoreMetrics
import Crypto
import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Synchronization

/// Where the certificates come from.
public enum CertificateSource: Sendable {
    /// A Secret that all replicas share. It is made when it is missing; one that somebody else keeps (cert-manager) is only read.
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
        var served: Certificate?
        /// When the Secret was read last.
        var lastRead: MonotonicTime?
        /// The certificate of others, and when this process saw it first.
        var foreign: (fingerprint: String, since: MonotonicTime)?
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
        let now = time.now
        return state.withLock { state in
            if state.served == nil { return "the webhook's certificate" + (state.reported.map { ": \($0)" } ?? "") }
            if let read = state.lastRead, now - read > rotation.fence {
                return "the webhook's Secret, which could not be read for \(now - read)" + (state.reported.map { ": \($0)" } ?? "")
            }
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
            let found = try await certificates()
            // An authority of ours is trusted before it signs; one of others is made known first.
            if !found.isForeign || !isServingValid() { try await hand(found.serving) }
            let outcome = await registration.update(bundle: found.bundle, others: found.others)
            if outcome.problems.isEmpty {
                state.withLock { state in
                    state.trustedBundle = found.bundle
                    state.hasRegistered = true
                }
                // What was written now is known everywhere in the next round.
                if outcome.writes == 0 { try await hand(found.serving) }
            }
            return report(outcome.problems.isEmpty ? nil : outcome.problems.joined(separator: "; "))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return report("\(error)")
        }
    }

    private func isServingValid() -> Bool {
        let now = time.wallClock
        return state.withLock { $0.served?.isValid(at: now) ?? false }
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
        guard state.withLock({ $0.served }) != serving.certificate else { return }
        try await serve(serving)
        state.withLock { $0.served = serving.certificate }
        logger.info(
            "Serving the webhook with another certificate",
            metadata: ["fingerprint": "\(fingerprint.prefix(16))", "notAfter": "\(serving.certificate.notAfter.rfc3339)"])
    }

    // MARK: Certificates

    /// What to serve with and whom to trust.
    private struct Found {
        var serving: Identity
        /// Nil leaves trust to somebody else.
        var bundle: String?
        var isForeign = false
        /// Authorities that stand in a registration besides.
        var others = WebhookRegistration.Others.removed
    }

    private func certificates() async throws -> Found {
        switch source {
        case .files(let read): return try found(try read(), remedy: "put another certificate into the files")
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

    /// What others keep: checked, and for a while trusted beside what they had before, since another replica may still serve with that.
    private func found(_ foreign: CertificateSet.Foreign, remedy: String) throws -> Found {
        if let problem = foreign.problem(now: time.wallClock, name: rotation.names[0]) { throw ReviewError("\(problem); \(remedy)") }
        let (now, fingerprint) = (time.now, foreign.serving.certificate.fingerprint)
        let since = state.withLock { state in
            if state.foreign?.fingerprint != fingerprint { state.foreign = (fingerprint, now) }
            return state.foreign?.since ?? now
        }
        return Found(serving: foreign.serving, bundle: foreign.bundle, isForeign: true, others: now - since < rotation.fence * 2 ? .kept : .removed)
    }

    private func certificates(in name: ObjectName) async throws -> Found {
        let remedy = "the Secret \(name) is not one that Sonde made: renew it where it is made, or delete it, and the operator makes its own"
        let secret = try await api.getIfFound(.secrets, name)
        var current = state.withLock { $0.known }
        switch secret.map(CertificateSet.content(of:)) {
        case .own(let set)?: current = set
        case .foreign(let foreign)?:
            noteRead()
            return try found(foreign, remedy: remedy)
        case .unusable(let why)?:
            noteRead()
            throw ReviewError("\(why); \(remedy)")
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
        noteRead()
        return Found(serving: set.serving, bundle: set.bundle)
    }

    /// What this replica serves is what the Secret says, or what nobody has replaced with anything usable.
    private func noteRead() {
        let now = time.now
        state.withLock { $0.lastRead = now }
    }

    private func store(_ set: CertificateSet, over secret: JSONValue?, _ name: ObjectName) async throws {
        guard var object = secret else {
            try await api.create(
                .secrets,
                [
                    "apiVersion": "v1", "kind": "Secret",
                    "metadata": [
                        "name": .string(name.name), "namespace": .string(name.namespace ?? "default"),
                        "labels": CertificateSet.labels,
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
