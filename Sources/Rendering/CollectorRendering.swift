// Every object of a collector in modes deployment and daemonset, as partial manifests: names, labels and content as existing clusters have them.
// The collector controller applies them; `sonde render` prints them.
// It never validates and never asks a cluster: a resource with errors is not rendered by its callers, and facts come in as values.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// What rendering a collector needs to know beside the resource.
public struct CollectorFacts: Hashable, Sendable {
    /// The contrib distribution that Sonde is released with.
    public static let defaultImage = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.156.0"

    /// The image of collectors whose resource names none.
    public var collectorImage: String
    /// The operator's own proxy variables, which its collectors get too: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` and their lower-case forms.
    public var proxyVariables: [String: String]

    public init(collectorImage: String = CollectorFacts.defaultImage, proxyVariables: [String: String] = [:]) {
        self.collectorImage = collectorImage
        self.proxyVariables = proxyVariables
    }
}

/// Renders OpenTelemetryCollectors.
public enum CollectorRendering {
    /// The collector's objects in the order in which they are applied. Empty for the modes statefulset and sidecar, which this version does not render.
    public static func render(_ collector: OpenTelemetryCollector, _ facts: CollectorFacts) -> [Manifest] {
        guard let mode = collector.spec.mode, mode == .deployment || mode == .daemonset else { return [] }
        let context = CollectorContext(collector, facts)
        var manifests = [context.configMap]
        if collector.spec.serviceAccount == nil { manifests.append(context.serviceAccount) }
        manifests += CollectorServices(context: context).manifests
        manifests.append(mode == .deployment ? context.deployment : context.daemonSet)
        if mode == .deployment { manifests.append(context.podDisruptionBudget) }
        return manifests
    }

    /// The image that the collector's pods run.
    public static func image(_ collector: OpenTelemetryCollector, _ facts: CollectorFacts) -> String {
        collector.spec.image.isEmpty ? facts.collectorImage : collector.spec.image
    }
}

/// What all objects of one collector are made from.
struct CollectorContext {
    let collector: OpenTelemetryCollector
    let facts: CollectorFacts
    let configuration: CollectorConfiguration
    let ports: ComponentPorts
    let metadata: CollectorMetadata
    let builder: ManifestBuilder

    init(_ collector: OpenTelemetryCollector, _ facts: CollectorFacts) {
        self.collector = collector
        self.facts = facts
        configuration = CollectorConfiguration(collector.spec.config).completed()
        ports = configuration.ports
        metadata = CollectorMetadata(collector: collector)
        builder = ManifestBuilder(owner: collector.object, ownerType: .openTelemetryCollectors)
    }

    var spec: OpenTelemetryCollectorSpec { collector.spec }
    var baseName: String { Names.collector(collector.name.name) }
    var configMapName: String { Names.configMap(collector.name.name, shortHash: configuration.shortHash) }

    var configMap: Manifest {
        builder.manifest(
            .configMaps, name: configMapName, labels: metadata.labels(name: baseName), annotations: metadata.annotations,
            content: [("data", ["collector.yaml": .string(configuration.yamlText)])])
    }

    var serviceAccount: Manifest {
        builder.manifest(.serviceAccounts, name: baseName, labels: metadata.labels(name: baseName), annotations: metadata.annotations, content: [])
    }

    var podDisruptionBudget: Manifest {
        let given = spec["podDisruptionBudget"]
        var budget: JSONValue = ["selector": ["matchLabels": .texts(metadata.selector)]]
        if let least = given?["minAvailable"] { budget["minAvailable"] = least }
        if let most = given?["maxUnavailable"] {
            budget["maxUnavailable"] = most
        } else if given?["minAvailable"] == nil {
            budget["maxUnavailable"] = 1
        }
        return builder.manifest(
            .podDisruptionBudgets, name: baseName, labels: metadata.labels(name: baseName), annotations: metadata.annotations, content: [("spec", budget)])
    }

    var deployment: Manifest {
        let least = spec["autoscaler"]?["minReplicas"]?.int ?? 0
        return workload(
            .deployments, [("replicas", JSONValue(max(least, spec.replicas)))], [("strategy", spec["deploymentUpdateStrategy"])])
    }

    var daemonSet: Manifest { workload(.daemonSets, [], [("updateStrategy", spec["daemonSetUpdateStrategy"])]) }

    private func workload(_ type: ResourceType, _ first: [(String, JSONValue?)], _ last: [(String, JSONValue?)]) -> Manifest {
        let labels = metadata.labels(name: baseName)
        let template: JSONValue = [
            "metadata": [
                "labels": .texts(labels),
                "annotations": .texts(metadata.podAnnotations(hash: configuration.sha256, telemetryPort: configuration.telemetryPort)),
            ],
            "spec": CollectorPod(context: self).spec,
        ]
        let spec = JSONValue.members(first + [("selector", ["matchLabels": .texts(metadata.selector)])] + last + [("template", template)])
        return builder.manifest(type, name: baseName, labels: labels, annotations: metadata.annotations, content: [("spec", spec)])
    }
}
