// Every object of a collector in each of its four modes, as partial manifests: names, labels and content as existing clusters have them.
// The collector controller applies them; `sonde render` prints them.
// It never validates and never asks a cluster: a resource with errors is not rendered by its callers, and facts come in as values.

import CollectorComponents
import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// What rendering a collector needs to know beside the resource.
public struct CollectorFacts: Hashable, Sendable {
    /// The contrib distribution that Sonde is released with.
    public static let defaultImage = CollectorImage.pinned

    /// The image of collectors whose resource names none.
    public var collectorImage: String
    /// The operator's own proxy variables, which its collectors get too: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` and their lower-case forms.
    public var proxyVariables: [String: String]
    /// Regular expressions over keys of the resource's labels that its objects do not get; Services, ConfigMap, service account and monitors get all.
    public var labelsFilter: [String]
    /// Regular expressions over keys of the resource's annotations that its objects do not get.
    public var annotationsFilter: [String]
    /// Whether the operator makes Roles and ClusterRoles for what a configuration needs.
    public var grantsRoles: Bool
    /// Components that no collector may use: `exporter.kafka`, or `kafka` for every kind.
    public var disabledComponents: [String] = []
    /// What is known of this one collector's scale in the cluster.
    public var scale: CollectorScale
    /// Of the ConfigMaps and Secrets that the collector takes in; nil unless the resource asks to be rolled when they change.
    public var contentHash: String?

    public init(
        collectorImage: String = CollectorFacts.defaultImage, proxyVariables: [String: String] = [:], labelsFilter: [String] = [],
        annotationsFilter: [String] = [], grantsRoles: Bool = true, scale: CollectorScale = CollectorScale()
    ) {
        self.collectorImage = collectorImage
        self.proxyVariables = proxyVariables
        self.labelsFilter = labelsFilter
        self.annotationsFilter = annotationsFilter
        self.grantsRoles = grantsRoles
        self.scale = scale
    }
}

extension CollectorFacts {
    /// What validation needs of it.
    public var validation: ValidationFacts {
        ValidationFacts(collectorImage: collectorImage, grantsRoles: grantsRoles, disabledComponents: disabledComponents)
    }
}

/// What autoscalers in the cluster say about one collector.
public struct CollectorScale: Hashable, Sendable {
    /// `minReplicas` of the live autoscaler that was made for the resource; nil when there is none yet.
    public var autoscalerMinimum: Int?
    /// True when an autoscaler that is not ours scales the workload itself: `replicas` is then left out.
    public var isOwnedByOthers: Bool
    /// With what number of pods a workload begins that such an autoscaler scales and that is not there; nil while it is.
    public var initialReplicas: Int?
    /// The same of the workload that routes traces, where there is one.
    public var isRoutingOwnedByOthers: Bool

    public init(autoscalerMinimum: Int? = nil, isOwnedByOthers: Bool = false, isRoutingOwnedByOthers: Bool = false, initialReplicas: Int? = nil) {
        self.initialReplicas = initialReplicas
        self.autoscalerMinimum = autoscalerMinimum
        self.isOwnedByOthers = isOwnedByOthers
        self.isRoutingOwnedByOthers = isRoutingOwnedByOthers
    }
}

/// Renders OpenTelemetryCollectors.
public enum CollectorRendering {
    /// On pods of resources that ask to be rolled when the content of their ConfigMaps and Secrets changes: its hash.
    public static let contentAnnotation = "sonde.dev/content-sha256"
    /// On pods of resources with managed trace routing: `routing` or `sampling`.
    public static let tierLabel = TraceTiers.podLabel

    /// On every pod of every collector, besides those that name the resource.
    public static let podLabels = [
        "app.kubernetes.io/managed-by": "opentelemetry-operator", "app.kubernetes.io/part-of": "opentelemetry",
        "app.kubernetes.io/component": "opentelemetry-collector",
    ]
    /// On the pod in which a Deployment tries a change.
    public static let canaryLabel = "sonde.dev/canary"

    /// The collector's objects in the order in which they are applied; empty when the mode is an unknown one.
    ///
    /// Those of `neighbours` are among them whether or not the cluster serves their kinds.
    public static func render(_ collector: OpenTelemetryCollector, _ facts: CollectorFacts) -> [Manifest] {
        // Names that are cut to 63 characters may meet: two manifests of one object would be written in turns for ever, so the first one counts.
        var seen: Set<ObjectReference> = []
        return all(collector, facts).filter { seen.insert(ObjectReference($0.type, $0.name)).inserted }
    }

    private static func all(_ collector: OpenTelemetryCollector, _ facts: CollectorFacts) -> [Manifest] {
        guard let mode = collector.spec.mode else { return [] }
        let context = CollectorContext(collector, facts)
        if let tiers = TraceTiers(collector, facts) { return inTiers(context, tiers) }
        var manifests = [context.configMap]
        if collector.spec.serviceAccount == nil { manifests.append(context.serviceAccount) }
        if facts.grantsRoles { manifests += CollectorAccess(context: context).manifests }
        let monitors = CollectorMonitors(context: context).manifests + [CollectorAlerts(context: context).manifest].compactMap(\.self)
        // The pods of a sidecar are the user's: nothing that selects or scales pods makes sense.
        if mode == .sidecar { return manifests + monitors }
        manifests += CollectorServices(context: context).manifests
        manifests += [CollectorWorkload(context: context).manifest].compactMap(\.self)
        if mode != .daemonset { manifests.append(context.podDisruptionBudget) }
        manifests += [CollectorAutoscaler(context: context).manifest, context.networkPolicy].compactMap(\.self)
        return manifests + CollectorExposure(context: context).manifests + monitors
    }

    /// With managed trace routing: what outsiders see is made of the resource as it is, pods and what selects them of its two parts.
    private static func inTiers(_ context: CollectorContext, _ tiers: TraceTiers) -> [Manifest] {
        let parts = [tiers.sampling, tiers.routing]
        var manifests = parts.map(\.configMap)
        if context.spec.serviceAccount == nil { manifests.append(context.serviceAccount) }
        if context.facts.grantsRoles { manifests += CollectorAccess(context: context).manifests }
        manifests += CollectorServices(context: context, tiers: tiers).manifests + [tiers.samplingService]
        manifests += parts.compactMap { CollectorWorkload(context: $0).manifest } + parts.map(\.podDisruptionBudget)
        manifests += [CollectorAutoscaler(context: context).manifest].compactMap(\.self)
        manifests += [context.networkPolicy].compactMap(\.self) + tiers.networkPolicies
        return manifests + CollectorExposure(context: context).manifests + CollectorMonitors(context: context).manifests
    }

    /// Kinds that only clusters with another product's definitions serve.
    public static let neighbours: [ResourceType] = [.serviceMonitors, .podMonitors, .prometheusRules, .httpRoutes, .routes]

    /// The workload's kind in a mode; nil for sidecars, which have none of their own.
    public static func workloadType(of mode: OpenTelemetryCollectorSpec.Mode?) -> ResourceType? { CollectorWorkload.type(of: mode) }

    /// The workload of the pods that route traces, where a resource has them.
    public static func routingName(of collector: ObjectName) -> ObjectName {
        ObjectName(namespace: collector.namespace, name: Names.routing(collector.name))
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
    let annotations: CollectorAnnotations
    let builder: ManifestBuilder
    let tier: CollectorTier

    init(_ collector: OpenTelemetryCollector, _ facts: CollectorFacts, tier: CollectorTier = .whole) {
        self.collector = collector
        self.facts = facts
        self.tier = tier
        configuration = CollectorConfiguration(collector.spec.config).completed()
        ports = configuration.ports
        metadata = CollectorMetadata(
            collector: collector, labelsFilter: KeyFilter(facts.labelsFilter), annotationsFilter: KeyFilter(facts.annotationsFilter),
            tier: tier)
        annotations = CollectorAnnotations(collector.metadata.annotations)
        builder = ManifestBuilder(owner: collector.object, ownerType: .openTelemetryCollectors)
    }

    var spec: OpenTelemetryCollectorSpec { collector.spec }
    /// Of workload and budget, and of the Service in front of them.
    var baseName: String { tier == .routing ? Names.routing(collector.name.name) : Names.collector(collector.name.name) }
    var serviceAccountName: String { spec.serviceAccount ?? Names.collector(collector.name.name) }
    var configMapName: String {
        let name = collector.name.name, hash = configuration.shortHash
        return tier == .routing ? Names.routingConfigMap(name, shortHash: hash) : Names.configMap(name, shortHash: hash)
    }

    var configMap: Manifest {
        builder.manifest(
            .configMaps, name: configMapName, labels: metadata.unfilteredLabels(name: baseName), annotations: metadata.annotations,
            content: [("data", ["collector.yaml": .string(configuration.yamlText)])])
    }

    var serviceAccount: Manifest {
        builder.manifest(
            .serviceAccounts, name: baseName, labels: metadata.unfilteredLabels(name: baseName),
            annotations: metadata.annotations.merging(annotations.texts(.serviceAccountAnnotations)) { _, given in given }, content: [])
    }
}
