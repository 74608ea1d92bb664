// What a collector's resource asks for beyond the fields of its definition, in annotations `sonde.dev/…`: read, checked, as values.
// Rendering reads them; Validation reports what is wrong with them. An annotation is kept by every definition of this kind, a field is not.
// It never reads annotations of other domains, and never changes the resource.

import JSON
import Kubernetes
import SondeAPI
import YAML

/// The annotations of one OpenTelemetryCollector that rendering acts on.
public struct CollectorAnnotations: Hashable, Sendable {
    /// One annotation, by its name below `sonde.dev/`.
    public enum Name: String, Sendable, CaseIterable {
        /// Labels of the pods only: a mapping.
        case podLabels = "pod-labels"
        /// Names of Secrets in the resource's namespace, separated by commas.
        case imagePullSecrets = "image-pull-secrets"
        case runtimeClassName = "runtime-class-name"
        case schedulerName = "scheduler-name"
        case automountServiceAccountToken = "automount-service-account-token"
        /// Seconds.
        case minReadySeconds = "min-ready-seconds"
        case revisionHistoryLimit = "revision-history-limit"
        /// Seconds; deployments only.
        case progressDeadlineSeconds = "progress-deadline-seconds"
        /// As in apps/v1 StatefulSetUpdateStrategy: a mapping.
        case statefulSetUpdateStrategy = "statefulset-update-strategy"
        /// Of the base Service.
        case serviceType = "service-type"
        case serviceAnnotations = "service-annotations"
        case loadBalancerClass = "load-balancer-class"
        case externalTrafficPolicy = "external-traffic-policy"
        /// Of the service account that is made for the resource.
        case serviceAccountAnnotations = "service-account-annotations"
        /// A strategic merge patch of the pod template: a mapping with `metadata` and `spec`.
        case podTemplatePatch = "pod-template-patch"
        /// `managed`: pods that route traces by their id stand in front of those that decide over whole traces.
        case traceRouting = "trace-routing"
        /// Alerts for the Prometheus operator.
        case prometheusRule = "prometheus-rule"
        /// How a change of the pod template reaches the pods: `canary`.
        case rollout = "rollout"
        /// How long a canary must be ready.
        case rolloutSeconds = "rollout-seconds"

        /// The whole key.
        public var key: String { CollectorAnnotations.prefix + rawValue }
    }

    public static let prefix = "sonde.dev/"

    /// Those that are there and can be used.
    public private(set) var values: [Name: JSONValue] = [:]
    /// Errors: the resource is not rendered.
    public private(set) var findings: [Finding] = []

    /// - Parameter annotations: All of the resource.
    public init(_ annotations: [String: String]) {
        for name in Name.allCases {
            guard let text = annotations[name.key] else { continue }
            do throws(Refusal) {
                values[name] = try AnnotationShape.of(name).value(text)
            } catch {
                findings.append(Finding(.error, rule: "annotation-value", path: Self.path(name.key), message: error.message, remedy: error.remedy))
            }
        }
    }

    public subscript(name: Name) -> JSONValue? { values[name] }

    /// A mapping of texts; empty when the annotation is not there.
    public func texts(_ name: Name) -> [String: String] {
        Dictionary((values[name]?.object ?? [:]).compactMap { key, value in value.string.map { (key, $0) } }, uniquingKeysWith: { $1 })
    }

    /// Labels by which workload and Services find the pods.
    static func isSelectorKey(_ key: String) -> Bool {
        ["managed-by", "instance", "part-of", "component"].contains { key == "app.kubernetes.io/\($0)" }
    }

    /// Asks for a restart of the pods when ConfigMaps and Secrets that they take in change; the controllers act on it.
    public static let rollOnContentKey = prefix + "roll-on-content"

    static func path(_ key: String) -> String { "metadata.annotations[\"\(key)\"]" }

    /// Why a value cannot be used, and what to write instead.
    struct Refusal: Error {
        let message: String
        let remedy: String
    }
}

extension CollectorAnnotations {
    /// Everything wrong or doubtful about a resource's annotations, those without effect in its mode included.
    static func findings(_ annotations: [String: String], mode: OpenTelemetryCollectorSpec.Mode) -> [Finding] {
        let read = CollectorAnnotations(annotations)
        let idle = read.values.keys.filter { !modes(of: $0).contains(mode) }.map(\.key).sorted().map { key in
            Finding(
                .warning, rule: "annotation-without-effect", path: path(key), message: "means nothing in mode \(mode.rawValue)",
                remedy: "remove it, or change the mode")
        }
        return read.findings + read.withoutServiceType + read.withoutRollout + read.deadline(mode) + idle + misspelt(annotations)
    }

    /// What apps/v1 fills in.
    private static let progressDeadlineDefault = 600

    /// The API server refuses a Deployment that must be ready for longer than it may take.
    private func deadline(_ mode: OpenTelemetryCollectorSpec.Mode) -> [Finding] {
        guard mode == .deployment || values[.traceRouting] != nil, let ready = values[.minReadySeconds]?.int else { return [] }
        let deadline = values[.progressDeadlineSeconds]?.int ?? Self.progressDeadlineDefault
        guard deadline <= ready else { return [] }
        let name = values[.progressDeadlineSeconds] == nil ? Name.minReadySeconds : .progressDeadlineSeconds
        return [
            Finding(
                .error, rule: "annotation-value", path: Self.path(name.key),
                message: "pods must be ready for \(ready) s (\(Name.minReadySeconds.key)), and after \(deadline) s without progress the rollout has failed",
                remedy: "write \(Name.progressDeadlineSeconds.key) with more than \(ready), for example \"\(ready + Self.progressDeadlineDefault)\"")
        ]
    }

    /// The API server refuses both on a Service that only the cluster reaches.
    private var withoutServiceType: [Finding] {
        let type = values[.serviceType]?.string ?? "ClusterIP"
        let needs: [(Name, [String])] = [(.loadBalancerClass, ["LoadBalancer"]), (.externalTrafficPolicy, ["LoadBalancer", "NodePort"])]
        return needs.filter { name, types in values[name] != nil && !types.contains(type) }.map { name, types in
            Finding(
                .error, rule: "annotation-value", path: Self.path(name.key), message: "does not go with a Service of type \(type)",
                remedy: "write \(Name.serviceType.key): \(types.joined(separator: " or ")), or remove it")
        }
    }

    private var withoutRollout: [Finding] {
        guard values[.rolloutSeconds] != nil, values[.rollout] == nil else { return [] }
        return [
            Finding(
                .warning, rule: "annotation-without-effect", path: Self.path(Name.rolloutSeconds.key), message: "means nothing without \(Name.rollout.key)",
                remedy: "write \(Name.rollout.key): canary, or remove it")
        ]
    }

    /// Alerts look at the series that the ServiceMonitor brings.
    static func findingsOfAlerts(_ subject: RuleSubject) -> [Finding] {
        guard CollectorAnnotations(subject.metadata.annotations)[.prometheusRule] == true, !subject.spec.hasMonitors else { return [] }
        return [
            Finding(
                .warning, rule: "annotation-without-effect", path: path(Name.prometheusRule.key),
                message: "makes alerts about series that nobody scrapes: there is no ServiceMonitor",
                remedy: "set spec.observability.metrics.enableMetrics: true, or remove it")
        ]
    }

    /// Only what is near to a known one: others may be read by other parts, or by nobody.
    private static func misspelt(_ annotations: [String: String]) -> [Finding] {
        let known = Set(Name.allCases.map(\.key))
        return annotations.keys.filter { $0.hasPrefix(prefix) && !known.contains($0) }.sorted().compactMap { key in
            let names = Name.allCases.map(\.rawValue)
            guard let meant = Spelling.nearest(to: String(key.dropFirst(prefix.count)), in: names) else { return nil }
            return Finding(
                .warning, rule: "unknown-annotation", path: path(key), message: "is read by nobody", remedy: "did you mean \(prefix)\(meant)?")
        }
    }

    private static func modes(of name: Name) -> Set<OpenTelemetryCollectorSpec.Mode> {
        switch name {
        // Of trace routing other modes are an error, not without effect.
        case .serviceAccountAnnotations, .traceRouting: Set(OpenTelemetryCollectorSpec.Mode.allCases)
        case .statefulSetUpdateStrategy: [.statefulset]
        case .progressDeadlineSeconds: [.deployment]
        case .rollout, .rolloutSeconds: [.deployment, .statefulset]
        default: [.deployment, .statefulset, .daemonset]
        }
    }
}
