// Which labels and annotations of a resource its objects get, and which labels they get besides.
// CollectorRendering uses it for every object; the rules are those of the existing operator, minus what belongs to deployment tools.
// It never copies tracking labels of GitOps tools: a child with them would be pruned or adopted by the tool.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// Labels and annotations of a collector's objects.
struct CollectorMetadata {
    let collector: OpenTelemetryCollector
    var labelsFilter = KeyFilter([])
    var annotationsFilter = KeyFilter([])
    var tier = CollectorTier.whole

    static let componentLabel = "app.kubernetes.io/component"
    /// What belongs to a tool that manages the resource itself, not to what the resource makes.
    private static let toolPrefixes = [
        "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "helm.sh/", "meta.helm.sh/",
        "kubectl.kubernetes.io/last-applied-configuration", "sonde.dev/",
    ]

    private static func inherited(_ texts: [String: String]) -> [String: String] {
        texts.filter { key, _ in !toolPrefixes.contains(where: key.hasPrefix) }
    }

    /// The selector of workloads, Services and budgets. It is immutable in a workload, so it never changes.
    var selector: [String: String] {
        let instance = Names.instance(namespace: collector.name.namespace ?? "default", name: collector.name.name)
        let component = tier == .routing ? "opentelemetry-collector-routing" : "opentelemetry-collector"
        return CollectorRendering.podLabels.merging(["app.kubernetes.io/instance": instance, Self.componentLabel: component]) { _, ours in ours }
    }

    /// Labels of an object whose `app.kubernetes.io/name` is `name`, unless the resource sets that label itself.
    func labels(name: String) -> [String: String] { labels(name: name, without: labelsFilter) }

    /// The same for objects to which the existing operator gives every label of the resource: ConfigMap, service account, Services, monitors.
    func unfilteredLabels(name: String) -> [String: String] { labels(name: name, without: KeyFilter([])) }

    private func labels(name: String, without filter: KeyFilter) -> [String: String] {
        var labels = Self.inherited(collector.metadata.labels).filter { !filter.matches($0.key) }
        if labels["app.kubernetes.io/name"] == nil { labels["app.kubernetes.io/name"] = name }
        labels["app.kubernetes.io/version"] = Self.version(ofImage: collector.spec.image)
        return labels.merging(selector) { _, ours in ours }
    }

    var annotations: [String: String] { inheritedAnnotations(collector.metadata.annotations) }

    private func inheritedAnnotations(_ texts: [String: String]) -> [String: String] {
        Self.inherited(texts).filter { !annotationsFilter.matches($0.key) }
    }

    /// Annotations of the pods: the user's for pods, the resource's, scrape hints, and the configuration's hash, which rolls the pods.
    /// The hint's port is the configuration's; the existing operator always writes 8888 (opentelemetry-operator#4233).
    func podAnnotations(hash: String, telemetryPort: Int) -> [String: String] {
        let given = (collector.spec["podAnnotations"]?.object ?? [:]).compactMap { key, value in value.string.map { (key, $0) } }
        var annotations = inheritedAnnotations(Dictionary(given, uniquingKeysWith: { $1 })).merging(self.annotations) { pods, _ in pods }
        if collector.spec.hasPrometheusAnnotations {
            let hints = ["prometheus.io/scrape": "true", "prometheus.io/port": "\(telemetryPort)", "prometheus.io/path": "/metrics"]
            let missing = hints.filter { annotations[$0.key] == nil }
            annotations.merge(missing) { given, _ in given }
            if !missing.isEmpty { annotations["operator.opentelemetry.io/prometheus-annotations-added"] = "true" }
        }
        annotations["opentelemetry-operator-config/sha256"] = hash
        return annotations
    }

    /// The image's tag; its digest when it has no tag, `latest` when it has neither. The colon of a registry's port is no tag: the existing operator
    /// takes it for one, which gives an empty or an invalid label.
    static func version(ofImage image: String) -> String {
        let parts = image.split(separator: "@", maxSplits: 1)
        let name = parts.first ?? ""
        if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/"), colon != name.indices.last {
            return Names.labelValue(String(name[name.index(after: colon)...]))
        }
        guard parts.count == 2, let digest = parts[1].split(separator: ":").last else { return "latest" }
        return Names.labelValue(String(digest))
    }
}
