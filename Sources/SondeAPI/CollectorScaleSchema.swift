// Fields, limits and descriptions of OpenTelemetryCollector that concern its scale, its replacement and its target allocator.
// CollectorSchema puts them into the resource's `spec`.
// It never describes Kubernetes' own types in detail: they are kept as they are.

import JSON

extension CollectorSchema {
    static let autoscaler = Schema(
        .object([
            .init("minReplicas", Schema(.integer(0...ResourceSchema.int32Max), "The least number of pods. Default: spec.replicas. Not without maxReplicas.")),
            .init("maxReplicas", Schema(.integer(1...ResourceSchema.int32Max), "The largest number of pods. Without it there is no autoscaler.")),
            .init("behavior", open("How fast pods come and go, as in autoscaling/v2 HorizontalPodAutoscalerBehavior.")),
            .init(
                "metrics",
                Schema(
                    .list(
                        Schema(
                            .openObject([
                                .init("type", required: true, Schema(.string(.free, maxLength: 63), "Pods, the only kind.")),
                                .init("pods", open("The metric and its target, AverageValue or Value, as in autoscaling/v2 PodsMetricSource.")),
                            ]), "One metric."), maxItems: 64, .atomic), "Metrics of the pods that the autoscaler holds at a target.")),
            .init(
                "targetCPUUtilization",
                Schema(.integer(1...10_000), "CPU in percent of the requests. Default 90, where no target is given at all.")),
            .init("targetMemoryUtilization", Schema(.integer(1...10_000), "Memory in percent of the requests.")),
        ]), "A HorizontalPodAutoscaler of the collector.")

    static func disruptionBudget(_ description: String) -> Schema {
        Schema(
            .object([
                .init(
                    "minAvailable", Schema(.countOrPercentage, "Pods that must stay available: a number or a percentage. Not together with maxUnavailable.")),
                .init("maxUnavailable", Schema(.countOrPercentage, "Pods that may be unavailable: a number or a percentage.")),
            ]), description)
    }

    static func updateStrategy(_ types: [String], _ description: String) -> Schema {
        Schema(
            .openObject([
                .init("type", Schema(.choice(types), "The kind of replacement. Default RollingUpdate.")),
                .init("rollingUpdate", open("How many pods are replaced at once.")),
            ]), description)
    }

    static func observabilitySettings(_ description: String) -> Schema {
        Schema(
            .object([
                .init(
                    "metrics",
                    Schema(
                        .object([
                            .init(
                                "enableMetrics",
                                Schema(.boolean, "Make ServiceMonitor or PodMonitor objects for the collector's own metrics. Default false.")),
                            .init("extraLabels", stringMap("Further labels of these objects.")),
                            .init("disablePrometheusAnnotations", Schema(.boolean, "Leave the prometheus.io annotations off the pods. Default false.")),
                        ]), "The collector's own metrics."))
            ]), description)
    }

    static let targetAllocator = Schema(
        .openObject(allocatorBehavior + allocatorPod), "Distribution of Prometheus scrape targets over the pods, modes statefulset and daemonset.")

    private static let allocatorBehavior: [Schema.Field] = [
        .init("enabled", Schema(.boolean, "Whether targets are distributed. Default false.")),
        .init(
            "allocationStrategy",
            Schema(.choice(["consistent-hashing", "least-weighted", "per-node"]), "How targets are distributed; per-node with mode daemonset only.")),
        .init("filterStrategy", Schema(.choice(["", "relabel-config"]), "How targets are filtered before: by relabel_configs, or not.")),
        .init("prometheusCR", open("Targets from ServiceMonitor, PodMonitor, ScrapeConfig and Probe objects: enabled, intervals, selectors, namespaces.")),
        .init("mtls", open("TLS between allocator and collector: enabled, useCertManager, tls.")),
        .init("allowInsecureAuthSecrets", Schema(.boolean, "Whether credentials of targets may go over plain HTTP. Default false.")),
        .init("collectorNotReadyGracePeriod", duration("How long a collector that is not ready keeps its targets. Default 30s.")),
        .init("collectorTargetReloadInterval", duration("How often a collector asks for its targets. Default 30s.")),
    ]

    private static let allocatorPod: [Schema.Field] = [
        .init("replicas", Schema(.integer(0...100_000), "Number of the allocator's pods. Default 1.")),
        .init("image", Schema(.string(.free, maxLength: 1024), "The allocator's image.")),
        .init("serviceAccount", Schema(.string(.dnsSubdomain, maxLength: 253), "An existing service account of the allocator.")),
        .init("env", openList("Environment variables of the allocator.")),
        .init("resources", open("CPU and memory of the allocator.")),
        .init("securityContext", open("Security settings of the allocator's container.")),
        .init("podSecurityContext", open("Security settings of the allocator's pods.")),
        .init("nodeSelector", stringMap("Labels that a node of the allocator must have.")),
        .init("affinity", open("Scheduling preferences of the allocator's pods.")),
        .init("tolerations", openList("Taints that the allocator's pods tolerate.")),
        .init("topologySpreadConstraints", openList("Spread of the allocator's pods.")),
        .init("podDisruptionBudget", disruptionBudget("How many of the allocator's pods a voluntary disruption may take.")),
        .init("observability", observabilitySettings("How the allocator itself is observed.")),
    ]

    private static func duration(_ description: String) -> Schema { Schema(.string(.free, maxLength: 63), description) }
}
