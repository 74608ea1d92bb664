// Fields, limits and descriptions of OpenTelemetryCollector v1beta1: identity, configuration, image, scale and rollout.
// The custom resource definition is generated from it; `sonde validate` and the controller check resources by it.
// It never adds a default that existing resources do not know: beside `replicas`, defaults are applied when rendering.

import JSON

/// The schema of OpenTelemetryCollector (`opentelemetry.io/v1beta1`).
public enum CollectorSchema {
    /// Modes in which a collector can run.
    public static let modes = ["deployment", "daemonset", "statefulset", "sidecar"]

    /// `spec`: all 58 fields.
    public static let spec = Schema(
        .object(identity + configuration + image + scale + container + pod + statefulSet + rollout + network + observability),
        "The collector pipeline and how it runs.",
        // What an empty list or text means is the existing definition's: nothing is asked for.
        rules: [
            ("tolerations", " || size(self.tolerations) == 0"), ("priorityClassName", " || self.priorityClassName == ''"), ("affinity", ""),
            ("additionalContainers", " || size(self.additionalContainers) == 0"),
        ].map { field, orUnset in
            .init(
                "!has(self.mode) || self.mode != 'sidecar' || !has(self.\(field))\(orUnset)",
                message: "the OpenTelemetry Collector mode is set to sidecar, which does not support the attribute '\(field)'")
        })

    private static let identity: [Schema.Field] = [
        .init(
            "mode",
            Schema(
                .choice(modes),
                "How the collector runs: deployment, daemonset, statefulset or sidecar. Default deployment. After a change "
                    + "new pods take the place of the old ones.")),
        .init(
            "managementState",
            Schema(.choice(["managed", "unmanaged"]), "unmanaged: Sonde leaves all objects of this collector as they are. Default managed.")),
        .init(
            "upgradeStrategy",
            Schema(
                .choice(["automatic", "none"]),
                "Kept for compatibility. Sonde never rewrites this resource, so both values mean the same. Default "
                    + "automatic.")),
        .init(
            "configVersions",
            Schema(.integer(1...100), "How many earlier ConfigMaps are kept, for a return to an older configuration. Default 3.")),
    ]

    private static let configuration: [Schema.Field] = [
        .init("config", required: true, config),
        .init(
            "args",
            stringMap(
                "Further command-line arguments, rendered as --key=value in order of their keys. The key config is ignored. A change "
                    + "restarts the pods.")),
        .init("command", strings("Replaces the image's entry point. A change restarts the pods.")),
        .init(
            "configmaps",
            Schema(
                .list(
                    Schema(
                        .object([
                            .init("name", required: true, Schema(.string(.dnsSubdomain, maxLength: 253), "The ConfigMap's name.")),
                            .init("mountpath", required: true, Schema(.string(.free, maxLength: 1024), "The folder below /var/conf.")),
                        ]), "One ConfigMap."), maxItems: 64, .atomic),
                "Further ConfigMaps, each mounted at /var/conf/<mountpath>/configmap-<name>. A change of their content does not restart the pods.")),
    ]

    private static let image: [Schema.Field] = [
        .init(
            "image",
            Schema(
                .string(.free, maxLength: 1024),
                "The collector's image. Default: the operator's collector image. A change restarts the "
                    + "pods.")),
        .init("imagePullPolicy", Schema(.choice(["Always", "IfNotPresent", "Never"]), "When the image is pulled. Default: as Kubernetes decides.")),
    ]

    private static let scale: [Schema.Field] = [
        .init("replicas", Schema(.integer(0...100_000), "Number of pods in modes deployment and statefulset. Default 1.", default: 1)),
        .init("autoscaler", autoscaler),
        .init("podDisruptionBudget", disruptionBudget("How many pods a voluntary disruption may take. Default maxUnavailable: 1.")),
    ]

    private static let statefulSet: [Schema.Field] = [
        .init("volumeClaimTemplates", openList("Volume claims of each pod, mode statefulset only.")),
        .init("persistentVolumeClaimRetentionPolicy", open("What happens to volume claims on scale-down and deletion, mode statefulset only.")),
        .init(
            "serviceName",
            Schema(
                .string(.dnsSubdomain, maxLength: 253),
                "The governing Service, mode statefulset only. Default "
                    + "<name>-collector-headless.")),
        .init("podManagementPolicy", Schema(.choice(["OrderedReady", "Parallel"]), "Order of pod starts, mode statefulset only. Default Parallel.")),
    ]

    private static let rollout: [Schema.Field] = [
        .init(
            "deploymentUpdateStrategy",
            updateStrategy(["Recreate", "RollingUpdate"], "How pods are replaced, mode deployment only. As in apps/v1 DeploymentStrategy.")),
        .init(
            "daemonSetUpdateStrategy",
            updateStrategy(["RollingUpdate", "OnDelete"], "How pods are replaced, mode daemonset only. As in apps/v1 DaemonSetUpdateStrategy.")),
    ]

    private static let observability: [Schema.Field] = [
        .init("observability", observabilitySettings("How the collector itself is observed.")), .init("targetAllocator", targetAllocator),
    ]
}

extension CollectorSchema {
    static func open(_ description: String) -> Schema { Schema(.openObject([]), description) }
    static func openList(_ description: String) -> Schema { Schema(.openList(maxItems: 256), description) }
    static func stringMap(_ description: String) -> Schema {
        Schema(.map(Schema(.string(.free, maxLength: 8192), "A value."), maxProperties: 256), description)
    }
    static func strings(_ description: String) -> Schema {
        Schema(.list(Schema(.string(.free, maxLength: 8192), "One entry."), maxItems: 256, .atomic), description)
    }
}
