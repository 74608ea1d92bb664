// An OpenTelemetryCollector object as a thin typed view: what Sonde reads of it, by name, with the document kept whole.
// Validation, rendering and the controller read it.
// It never changes the object and never fills in defaults: those are applied where something is rendered.

import JSON
import Kubernetes

/// One OpenTelemetryCollector (`opentelemetry.io/v1beta1`).
public struct OpenTelemetryCollector: Hashable, Sendable {
    /// The object as it came, unknown fields included.
    public let object: JSONValue

    /// - Throws: `ConfigurationError` when this is another kind of object or has no name. The spec may still be wrong: see CollectorConfig's validation.
    public init(object: JSONValue) throws(ConfigurationError) {
        if let problem = ObjectCheck.findings(object, type: .openTelemetryCollectors).first { throw ConfigurationError(problem) }
        self.object = object
    }

    /// Errors and warnings about the object and the fields of its spec. What `spec.config` means is checked by CollectorConfig.
    public static func findings(for object: JSONValue) -> [Finding] {
        let problems = ObjectCheck.findings(object, type: .openTelemetryCollectors)
        if object.object == nil { return problems }
        guard let spec = object["spec"], spec.object != nil else {
            let remedy = "add spec: {config: {receivers: …, exporters: …, service: {pipelines: …}}}"
            return problems + [Finding(.error, rule: "missing-field", path: "spec", message: "is required", remedy: remedy)]
        }
        return problems + CollectorSchema.spec.findings(for: spec, at: "spec")
    }

    public var metadata: ObjectMetadata { object.metadata }
    public var name: ObjectName { metadata.objectName }
    public var spec: OpenTelemetryCollectorSpec { OpenTelemetryCollectorSpec(object["spec"] ?? .null) }
    public var status: JSONValue { object["status"] ?? .null }
    public var conditions: Conditions { Conditions(decoding: object.at("status", "conditions")) }
}

/// `spec` of a collector. Accessors return what is written, or the default that rendering uses.
public struct OpenTelemetryCollectorSpec: Hashable, Sendable {
    public enum Mode: String, Sendable, CaseIterable { case deployment, daemonset, statefulset, sidecar }

    /// The spec as it came.
    public let document: JSONValue

    public init(_ document: JSONValue) { self.document = document }

    /// A field of the spec; null counts as absent.
    public subscript(field: String) -> JSONValue? {
        guard let value = document[field], !value.isNull else { return nil }
        return value
    }

    /// The mode; nil when an unknown one is written.
    public var mode: Mode? { self["mode"].map { $0.string.flatMap(Mode.init) } ?? .deployment }
    /// False with `managementState: unmanaged`: objects stay as they are.
    public var isManaged: Bool { self["managementState"]?.string != "unmanaged" }
    public var replicas: Int { self["replicas"]?.int ?? 1 }
    /// Earlier ConfigMaps to keep.
    public var configVersions: Int { max(1, self["configVersions"]?.int ?? 3) }
    /// The collector's configuration as written.
    public var config: JSONValue { self["config"] ?? .null }
    /// The image as written; empty means the operator's default.
    public var image: String { self["image"]?.string ?? "" }
    public var serviceAccount: String? { self["serviceAccount"]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    public var hostNetwork: Bool { self["hostNetwork"]?.bool ?? false }
    /// A NetworkPolicy is made unless it is switched off, in every mode but sidecar.
    public var hasNetworkPolicy: Bool { self["networkPolicy"]?["enabled"]?.bool ?? true }
    public var hasTargetAllocator: Bool { self["targetAllocator"]?["enabled"]?.bool == true }
    public var hasHTTPRoutes: Bool { self["httpRoute"]?["enabled"]?.bool == true }
    /// Whether ServiceMonitors, or for sidecars a PodMonitor, are asked for.
    public var hasMonitors: Bool { self["observability"]?.at("metrics", "enableMetrics")?.bool == true }
    /// Labels of the monitors besides their own.
    public var monitorLabels: [String: String] {
        let given = self["observability"]?.at("metrics", "extraLabels")?.object ?? [:]
        return Dictionary(given.compactMap { key, value in value.string.map { (key, $0) } }, uniquingKeysWith: { $1 })
    }
    public var hasPrometheusAnnotations: Bool { self["observability"]?.at("metrics", "disablePrometheusAnnotations")?.bool != true }
}

extension OpenTelemetryCollectorSpec {
    /// Fields that are set, ask for something, and that mean nothing in the resource's mode; paths below `spec`, sorted.
    ///
    /// `upgradeStrategy` is not among them: Sonde never rewrites a resource, so there is nothing to render.
    public var unrenderedFields: [String] {
        var fields: [String] = []
        for (field, modes) in Self.renderedInModes where self[field] != nil {
            if let mode, !modes.contains(mode) { fields.append(field) }
        }
        if mode == .sidecar, hasHTTPRoutes { fields.append("httpRoute") }
        return fields.sorted()
    }

    private static let scaled: Set<Mode> = [.deployment, .statefulset]
    private static let withPods: Set<Mode> = [.deployment, .statefulset, .daemonset]

    private static let renderedInModes: [(String, Set<Mode>)] = [
        ("topologySpreadConstraints", scaled), ("deploymentUpdateStrategy", [.deployment]), ("daemonSetUpdateStrategy", [.daemonset]),
        ("podDisruptionBudget", scaled), ("serviceName", [.statefulset]), ("podManagementPolicy", [.statefulset]), ("autoscaler", withPods),
    ]
}

/// What every object of ours must have before anything else can be said about it. Items of lists carry neither apiVersion nor kind, so both may be missing.
enum ObjectCheck {
    static func findings(_ object: JSONValue, type: ResourceType) -> [Finding] {
        guard object.object != nil else {
            return [
                Finding(
                    .error, rule: "no-object", path: "", message: "is \(object.kindInWords), not a Kubernetes object",
                    remedy: "start with apiVersion: \(type.apiVersion)")
            ]
        }
        var findings: [Finding] = []
        if !object.apiVersion.isEmpty, object.apiVersion != type.apiVersion { findings.append(wrong("apiVersion", object.apiVersion, type.apiVersion)) }
        if !object.kind.isEmpty, object.kind != type.kind { findings.append(wrong("kind", object.kind, type.kind)) }
        if object.metadata.name.isEmpty {
            findings.append(Finding(.error, rule: "missing-field", path: "metadata.name", message: "is required", remedy: "give the resource a name"))
        }
        return findings
    }

    private static func wrong(_ path: String, _ given: String, _ wanted: String) -> Finding {
        Finding(.error, rule: "wrong-kind", path: path, message: "is \(given)", remedy: "write \(path): \(wanted)")
    }
}
