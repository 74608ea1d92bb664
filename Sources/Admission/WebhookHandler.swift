// The webhook behind its paths: bytes of a review in, bytes of the answer out.
// sonde-operator serves it over TLS; tests and the in-process API server call it directly.
// It never holds state between two requests apart from what injection remembers of the server's version.

import CollectorConfig
import CoreMetrics
import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Rendering
import SondeAPI

/// Paths of the webhook. The collector's are those of the existing operator, so that a registration can be moved.
public enum WebhookPath {
    public static let validateCollector = "/validate-opentelemetry-io-v1beta1-opentelemetrycollector"
    public static let validateProbe = "/validate-sonde-dev-v1alpha1-ebpfprobe"
    public static let mutatePod = "/mutate-v1-pod"
    public static let convert = "/convert"
    static let all = [validateCollector, validateProbe, mutatePod, convert]
}

/// What a collector's configuration would be granted.
public protocol CollectorRights: Sendable {
    func rights(of collector: OpenTelemetryCollector) -> Set<AccessRight>
}

/// Answers requests.
public struct WebhookHandler: Sendable {
    /// What an API server that says nothing is taken to wait: the registration's own time.
    public static let timeout: Duration = .seconds(WebhookRegistration.timeoutSeconds)
    /// The longest that a registration can say (admissionregistration.k8s.io/v1, timeoutSeconds); nobody holds a handler for longer.
    private static let timeoutMax: Duration = .seconds(30)
    /// For the way back: an answer that says why is better than none.
    private static let margin: Duration = .milliseconds(500)

    private let injection: SidecarInjection
    private let facts: ValidationFacts
    private let privileges: PrivilegeCheck
    private let rights: any CollectorRights
    private let time: any TimeSource
    private let logger: Logger
    private let metrics: RuntimeMetrics

    public init(
        api: any KubernetesAPI, facts: CollectorFacts, rights: any CollectorRights, time: any TimeSource = SystemTime(), logger: Logger,
        metrics: RuntimeMetrics = RuntimeMetrics(), record: @escaping @Sendable (EventNote, EventSubject) -> Void = { _, _ in }
    ) {
        injection = SidecarInjection(api: api, facts: facts, time: time, record: record)
        self.facts = facts.validation
        privileges = PrivilegeCheck(api: api)
        self.rights = rights
        self.time = time
        self.logger = logger
        self.metrics = metrics
    }

    /// When an answer must be there for an API server that waits so long.
    static func deadline(within timeout: Duration) -> Duration {
        let timeout = min(timeout, timeoutMax)
        return max(timeout - margin, timeout / 2)
    }

    /// - Parameter timeout: How long the API server waits for this answer.
    /// - Returns: The HTTP status and the body: JSON with 200, a text otherwise.
    public func answer(path: String, body: [UInt8], timeout: Duration = timeout) async -> (status: Int, body: [UInt8]) {
        guard WebhookPath.all.contains(path) else {
            return (404, Array("there is \(WebhookPath.all.joined(separator: ", "))\n".utf8))
        }
        do {
            let review = try JSONValue(parsing: body)
            let answer = try await withDeadline(Self.deadline(within: timeout), "the answer to \(path)", time: time) { try await self.answer(path, review) }
            count(path, answer)
            return (200, answer.bytes())
        } catch {
            metrics.counter("webhook_requests", ("path", path), ("result", "failed")).increment()
            logger.warning("A review was not answered", metadata: ["path": "\(path)", "error": "\(error)"])
            let isTheirs = error is ReviewError || error is JSONError
            return (isTheirs ? 400 : 500, Array("\(error)\n".utf8))
        }
    }

    private func answer(_ path: String, _ review: JSONValue) async throws -> JSONValue {
        if path == WebhookPath.convert { return try ConversionReview.answer(review) }
        let request = try AdmissionRequest(decoding: review)
        let answer =
            switch path {
            case WebhookPath.validateCollector: await validate(collector: request)
            case WebhookPath.validateProbe: ResourceAdmission.answer(request) { Validation.findings(probe: $0) }
            default: try await injection.answer(request)
            }
        if !answer.isAllowed {
            logger.info(
                "Refused", metadata: ["object": "\(request.kind) \(request.name)", "user": "\(request.user.name)", "reason": "\(answer.reason)"])
        }
        return answer.review(uid: request.uid)
    }

    private func validate(collector request: AdmissionRequest) async -> AdmissionAnswer {
        let answer = ResourceAdmission.answer(request) { collector in
            Validation.findings(collector: collector, replacing: request.operation == .update ? request.oldObject : nil, facts: facts)
        }
        guard answer.isAllowed, request.operation == .create || request.operation == .update, request.subresource.isEmpty,
            !request.object.metadata.isBeingDeleted, let collector = try? OpenTelemetryCollector(object: request.object)
        else { return answer }
        let account = Self.account(of: collector, request)
        let added = rights.rights(of: collector).subtracting(rightsBefore(request, account))
        guard var refusal = await privileges.refusal(of: added, to: request.user, account: account) else { return answer }
        refusal.warnings = answer.warnings
        return refusal
    }

    /// What the account has been granted for the resource as it was: an update is asked about for what it adds, and not at all when the spec stays.
    private func rightsBefore(_ request: AdmissionRequest, _ account: ObjectName) -> Set<AccessRight> {
        guard request.operation == .update, let old = try? OpenTelemetryCollector(object: request.oldObject), Self.account(of: old, request) == account else {
            return []
        }
        return rights.rights(of: old)
    }

    private static func account(of collector: OpenTelemetryCollector, _ request: AdmissionRequest) -> ObjectName {
        let namespace = collector.name.namespace ?? request.name.namespace
        return ObjectName(namespace: namespace, name: collector.spec.serviceAccount ?? Names.collector(collector.name.name))
    }

    private func count(_ path: String, _ answer: JSONValue) {
        let result: String
        if path == WebhookPath.convert {
            result = answer.at("response", "result", "status") == "Success" ? "converted" : "failed"
        } else if answer.at("response", "allowed") != true {
            result = "refused"
        } else {
            result = answer.at("response", "patch") != nil ? "changed" : "allowed"
        }
        metrics.counter("webhook_requests", ("path", path), ("result", result)).increment()
    }
}
