// Fields, limits and descriptions of OpenTelemetryCollector that concern its configuration document, its container and its pod.
// CollectorSchema puts them into the resource's `spec`.
// It never describes Kubernetes' own types in detail: they are kept as they are, so that the definition stays small enough for a plain apply.

import JSON

extension CollectorSchema {
    /// `spec.config`: the collector's own configuration; every key and value is kept.
    static let config = Schema(
        .openObject([
            .init(
                "receivers", required: true,
                open(
                    "Receivers by id, such as otlp or prometheus/hubble. Endpoints left out listen on 0.0.0.0 and the "
                        + "receiver's usual port.")),
            .init("processors", open("Processors by id, such as batch.")),
            .init("exporters", required: true, open("Exporters by id, such as prometheusremotewrite.")),
            .init("connectors", open("Connectors by id: exporter of one pipeline, receiver of another.")),
            .init("extensions", open("Extensions by id, such as health_check.")),
            .init("service", required: true, service),
        ]),
        "The collector's configuration, as its own documentation describes it. Every key and value is kept. A change rolls the pods onto a new ConfigMap.")

    private static let service = Schema(
        .openObject([
            .init(
                "extensions",
                Schema(.list(Schema(.string(.free, maxLength: 253), "An extension's id."), maxItems: 128, .atomic), "Ids of the extensions that run.")),
            .init("telemetry", open("The collector's own logs, metrics and traces. Default: Prometheus metrics at 0.0.0.0:8888.")),
            .init("pipelines", required: true, open("Pipelines by id: traces, metrics or logs, each with receivers, processors and exporters.")),
        ]), "Which of the components run, and in which pipelines.")

    static let container: [Schema.Field] = [
        .init("env", openList("Environment variables of the collector's container. A change restarts the pods.")),
        .init("envFrom", openList("Sources of environment variables (ConfigMaps, Secrets). A change of their content does not restart the pods.")),
        .init("resources", open("CPU and memory of the collector's container. GOMEMLIMIT and GOMAXPROCS follow the limits.")),
        .init("securityContext", open("Security settings of the collector's container.")),
        .init("lifecycle", open("Start and stop hooks of the collector's container.")),
        .init("volumeMounts", openList("Further mounts of the collector's container.")),
        .init(
            "ports",
            Schema(
                .list(port, maxItems: 256, .atomic),
                "Further ports of the Services and the container; a port of the same number "
                    + "replaces an inferred one.")),
        .init("livenessProbe", probe("liveness")),
        .init("readinessProbe", probe("readiness")),
        .init("startupProbe", probe("startup")),
    ]

    private static let port = Schema(
        .openObject([
            .init("name", Schema(.string(.free, maxLength: 63), "The port's name, at most 15 characters.")),
            .init("port", required: true, Schema(.integer(1...65535), "The port's number.")),
            .init("protocol", Schema(.choice(["TCP", "UDP", "SCTP"]), "The transport protocol. Default TCP.", default: "TCP")),
            .init("targetPort", Schema(.anything, "The container's port, by number or name.")),
            .init("appProtocol", Schema(.string(.free, maxLength: 253), "The application protocol, such as grpc or http.")),
            .init("nodePort", Schema(.integer(0...65535), "The port on each node.")),
            .init("hostPort", Schema(.integer(0...65535), "The port on the pod's node.")),
        ]), "A port of the Services (core/v1 ServicePort) with `hostPort`.")

    private static func probe(_ name: String) -> Schema {
        Schema(
            .object(
                ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold", "terminationGracePeriodSeconds"].map {
                    .init($0, Schema(.integer(0...86400), "As in core/v1 Probe."))
                }), "Timing of the \(name) probe. The probe exists only if the health_check extension is enabled.")
    }

    static let pod: [Schema.Field] = [
        .init("podAnnotations", stringMap("Annotations of the pods only.")),
        .init("podSecurityContext", open("Security settings of the pods.")),
        .init("serviceAccount", Schema(.string(.dnsSubdomain, maxLength: 253), "An existing service account. Default: one named <name>-collector is made.")),
        .init("nodeSelector", stringMap("Labels that a node must have.")),
        .init("tolerations", openList("Taints that the pods tolerate.")),
        .init("affinity", open("Scheduling preferences of the pods.")),
        .init("topologySpreadConstraints", openList("Spread of the pods over zones and nodes; not in mode daemonset.")),
        .init("priorityClassName", Schema(.string(.dnsSubdomain, maxLength: 253), "The pods' priority class.")),
        .init(
            "terminationGracePeriodSeconds",
            Schema(
                .integer(0...86400),
                "Seconds that a pod gets to flush its data when it stops. Default: "
                    + "Kubernetes' 30.")),
        .init("hostNetwork", Schema(.boolean, "Run in the node's network namespace. Default false.")),
        .init("hostPID", Schema(.boolean, "Run in the node's process namespace. Default false.")),
        .init("hostUsers", Schema(.boolean, "Run in the node's user namespace. Default: Kubernetes' true.")),
        .init("hostAliases", openList("Further entries of /etc/hosts.")),
        .init("shareProcessNamespace", Schema(.boolean, "One process namespace for the pod's containers. Default false. Not together with hostPID.")),
        .init(
            "dnsPolicy",
            Schema(
                .choice(["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]),
                "DNS policy. Default: None with podDnsConfig.nameservers, ClusterFirstWithHostNet with hostNetwork, else ClusterFirst.")),
        .init("podDnsConfig", open("DNS settings of the pods.")),
        .init("volumes", openList("Further volumes of the pods.")),
        .init("initContainers", openList("Containers that run before the collector.")),
        .init("additionalContainers", openList("Containers beside the collector.")),
    ]
}
