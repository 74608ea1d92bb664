// The Deployment, StatefulSet or DaemonSet of a collector, around the one pod template that all three share.
// CollectorRendering renders the one that the mode asks for; the sidecar mode has none.
// It never writes `replicas` while another autoscaler owns the workload's scale.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

struct CollectorWorkload {
    let context: CollectorContext
    private var resource: OpenTelemetryCollectorSpec { context.spec }

    /// The kind that a mode runs as; nil for sidecars, whose pods are the user's.
    static func type(of mode: OpenTelemetryCollectorSpec.Mode?) -> ResourceType? {
        switch mode {
        case .deployment: .deployments
        case .statefulset: .statefulSets
        case .daemonset: .daemonSets
        case .sidecar, nil: nil
        }
    }

    var manifest: Manifest? {
        switch resource.mode {
        case .deployment: deployment
        case .statefulset: statefulSet
        case .daemonset: daemonSet
        case .sidecar, nil: nil
        }
    }

    private var deployment: Manifest {
        let deadline = context.annotations[.progressDeadlineSeconds]
        return manifest(
            .deployments, before: [("replicas", replicas)], after: [("strategy", resource["deploymentUpdateStrategy"]), ("progressDeadlineSeconds", deadline)])
    }

    private var daemonSet: Manifest { manifest(.daemonSets, before: [], after: [("updateStrategy", resource["daemonSetUpdateStrategy"])]) }

    private var statefulSet: Manifest {
        let service = resource["serviceName"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? Names.headlessService(context.collector.name.name)
        let policy = resource["podManagementPolicy"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "Parallel"
        let claims = resource["volumeClaimTemplates"].flatMap { $0 == [] ? Optional.none : .some($0) }
        return manifest(
            .statefulSets, before: [("serviceName", .string(service)), ("replicas", replicas), ("podManagementPolicy", .string(policy))],
            after: [
                ("updateStrategy", context.annotations[.statefulSetUpdateStrategy]), ("volumeClaimTemplates", claims),
                ("persistentVolumeClaimRetentionPolicy", resource["persistentVolumeClaimRetentionPolicy"]),
            ])
    }

    /// At least what the autoscaler may go down to: it writes the resource's own `replicas`, which may still be lower.
    private var replicas: JSONValue? {
        if context.facts.scale.isOwnedByOthers { return context.facts.scale.initialReplicas.map { JSONValue($0) } }
        return .some(JSONValue(max(CollectorAutoscaler(context: context).least ?? 0, resource.replicas)))
    }

    private func manifest(_ type: ResourceType, before: [(String, JSONValue?)], after: [(String, JSONValue?)]) -> Manifest {
        let template = template
        let common: [(String, JSONValue?)] = [
            ("minReadySeconds", minReadySeconds(template)), ("revisionHistoryLimit", context.annotations[.revisionHistoryLimit]), ("template", template),
        ]
        let spec = JSONValue.members(before + [("selector", ["matchLabels": .texts(context.metadata.selector)])] + after + common)
        return context.builder.manifest(
            type, name: context.baseName, labels: context.metadata.labels(name: context.baseName), annotations: context.metadata.annotations,
            content: [("spec", spec)])
    }

    /// How long a new pod must run before an old one goes. Without a readiness probe a container counts as ready as it starts: one that a configuration ends in
    /// its first second would take the place of those that work.
    private func minReadySeconds(_ template: JSONValue) -> JSONValue? {
        if let given = context.annotations[.minReadySeconds] { return given }
        let containers = template.at("spec", "containers")?.array ?? []
        let hasProbe = containers.contains { $0["name"]?.string == PodTemplatePatch.containerName && $0["readinessProbe"] != nil }
        let deadline = context.annotations[.progressDeadlineSeconds]?.int ?? .max
        guard !hasProbe, deadline > Self.settlingSeconds else { return nil }
        return JSONValue(Self.settlingSeconds)
    }

    private static let settlingSeconds = 5

    private var template: JSONValue {
        let configuration = context.configuration
        var annotations = context.metadata.podAnnotations(hash: configuration.sha256, telemetryPort: configuration.telemetryPort)
        annotations[CollectorRendering.contentAnnotation] = context.facts.contentHash
        // Labels of the selector are not among those given: they are refused as errors.
        var labels = context.annotations.texts(.podLabels).merging(context.metadata.labels(name: context.baseName)) { given, _ in given }
        if context.tier != .whole { labels[TraceTiers.podLabel] = context.tier.rawValue }
        let template: JSONValue = [
            "metadata": ["labels": .texts(labels), "annotations": .texts(annotations)], "spec": CollectorPod(context: context).spec,
        ]
        return context.annotations[.podTemplatePatch].map { PodTemplatePatch.apply($0, to: template) } ?? template
    }
}
