// The collector as a sidecar: its container and what comes with it, for a pod of somebody else (mode sidecar).
// The webhook puts the parts into pods as they are created; status tells a stale pod by the revision.
// It never decides which pod gets which collector, and never asks a cluster.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// Parts of a pod that carries a collector.
public struct SidecarRendering {
    /// The label of pods that carry a sidecar; its value is ``instance``.
    public static let label = "sidecar.opentelemetry.io/injected"
    /// The annotation of such pods with the ``revision`` that they carry.
    public static let revisionAnnotation = "sonde.dev/sidecar-revision"
    public static let containerName = CollectorContainer.name
    static let configurationVariable = "OTEL_CONFIG"

    private let context: CollectorContext

    public init(_ collector: OpenTelemetryCollector, _ facts: CollectorFacts) { context = CollectorContext(collector, facts) }

    /// `<namespace>.<name>`, at most 63 characters.
    public var instance: String {
        Names.instance(namespace: context.collector.name.namespace ?? "default", name: context.collector.name.name)
    }

    /// Changes when pods that carry this collector are stale: configuration, image, container.
    public var revision: String { String(CollectorHash.hexadecimal(container(attributes: [])).prefix(16)) }

    /// The container: the configuration is in its environment, as a ConfigMap cannot be mounted from another namespace.
    /// - Parameter attributes: Variables with resource attributes of the pod; left out when the resource sets `OTEL_RESOURCE_ATTRIBUTES` itself.
    public func container(attributes: [JSONValue]) -> JSONValue {
        var container = CollectorContainer(context: context).container
        let arguments = (container["args"]?.array ?? []).filter { $0.string?.hasPrefix("--config=") != true }
        container["args"] = .array(arguments + [.string("--config=env:\(Self.configurationVariable)")])
        var variables = container["env"]?.array ?? []
        let text = Self.escaped(context.configuration.yamlText)
        variables.append(["name": .string(Self.configurationVariable), "value": .string(text)])
        if !variables.contains(where: { $0["name"] == "OTEL_RESOURCE_ATTRIBUTES" }) { variables += attributes }
        container["env"] = .array(variables)
        let mounts = (container["volumeMounts"]?.array ?? []).filter { $0["name"] != "otc-internal" }
        container["volumeMounts"] = mounts.isEmpty ? JSONValue?.none : .array(mounts)
        return container
    }

    /// The size of the configuration as it stands in the environment.
    public var configurationSizeBytes: Int { Self.escaped(context.configuration.yamlText).utf8.count }

    /// Containers that run before the collector.
    public var initContainers: [JSONValue] { context.spec["initContainers"]?.array ?? [] }

    /// The resource's volumes and those of `spec.configmaps`.
    public var volumes: [JSONValue] { (context.spec["volumes"]?.array ?? []) + CollectorPod(context: context).extraConfigMaps.map(\.volume) }

    /// Kubernetes reads `$(NAME)` and `$$` in a variable's value; a collector's configuration means both as they stand.
    static func escaped(_ text: String) -> String {
        var out: [UInt8] = []
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            out.append(byte)
            guard byte == UInt8(ascii: "$"), index + 1 < bytes.count else { continue }
            if bytes[index + 1] == UInt8(ascii: "$") || bytes[index + 1] == UInt8(ascii: "(") { out.append(byte) }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
