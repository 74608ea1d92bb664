// Fields, limits, defaults and descriptions of EBPFProbe v1alpha1: the spec.
// The custom resource definition is generated from it; `sonde validate` and the controller check and complete resources by it.
// It never repeats what the agent's file has too: those parts stand in SignalsSchema and LimitsSchema.

import JSON

/// The schema of EBPFProbe (`sonde.dev/v1alpha1`).
public enum EBPFProbeSchema {
    /// `spec`. A resource with only a destination is complete.
    public static let spec = Schema(
        .object(destination + shared + host + pod),
        "Which kernel signals to take, where, at what cost, and who gets them.",
        rules: [.init("has(self.collectorRef) != has(self.endpoint)", message: "exactly one of `collectorRef` and `endpoint` must be set")])

    private static let destination: [Schema.Field] = [
        .init(
            "collectorRef",
            Schema(
                .object([.init("name", required: true, Schema(.string(.dnsSubdomain, maxLength: 253), "The collector's name."))]),
                "An OpenTelemetryCollector of the same namespace that gets the data; its OTLP receiver's port and Service are found. Exactly one of "
                    + "collectorRef and endpoint.")),
        .init(
            "endpoint",
            Schema(.string(.httpURL, maxLength: 2048), "Any OTLP destination: http(s)://host[:port][/path]. Exactly one of collectorRef and endpoint.")),
        .init("export", export),
    ]

    private static let export = Schema(
        .object([
            .init("protocol", ProbeSchema.exportProtocol),
            .init("intervalSeconds", ProbeSchema.intervalSeconds),
            .init("compression", ProbeSchema.compression),
            .init(
                "headersFrom",
                Schema(
                    .string(.dnsSubdomain, maxLength: 253),
                    "A Secret of the same namespace whose keys are names of further request headers. It is "
                        + "mounted, never copied.")),
            .init("tls", tls),
        ]),
        "How the data is sent.", default: [:])

    private static let tls = Schema(
        .object([
            .init("caSecret", secret("with `ca.crt`: certificates that sign the server's")),
            .init("clientCertSecret", secret("of type kubernetes.io/tls with the client's certificate")),
            .init(
                "serverName",
                Schema(
                    .string(.dnsSubdomain, maxLength: 253),
                    "The name that the server's certificate must carry. Default: the "
                        + "destination's host.")),
            .init("insecureSkipVerify", Schema(.boolean, "Accept any certificate. Default false.", default: false)),
        ]),
        "TLS of the connection; used with https destinations.", default: [:])

    private static func secret(_ what: String) -> Schema {
        Schema(.string(.dnsSubdomain, maxLength: 253), "A Secret of the same namespace \(what). Example: otlp-tls.")
    }

    private static let shared: [Schema.Field] = [
        .init("signals", ProbeSchema.signals),
        .init("namespaces", ProbeSchema.namespaces),
        .init("budget", ProbeSchema.budget),
        .init("attributes", ProbeSchema.attributes),
    ]

    private static let host: [Schema.Field] = [
        .init(
            "hostNetwork",
            Schema(
                .boolean,
                "Run in the nodes' network namespace: adds device drops, drift against /proc/net/snmp and, below kernel 6.7, connections older than "
                    + "the agent. Default false.",
                default: false)),
        .init("hostPID", Schema(.boolean, "Run in the nodes' process namespace: adds names of host processes. Default false.", default: false)),
        .init("paused", Schema(.boolean, "Leave all objects of this probe as they are. Default false.", default: false)),
    ]

    private static let pod: [Schema.Field] = [
        .init("nodeSelector", CollectorSchema.stringMap("Labels that a node must have. Default: all nodes.")),
        .init("affinity", CollectorSchema.open("Scheduling preferences of the pods.")),
        .init("tolerations", Schema(.openList(maxItems: 64), "Taints that the pods tolerate. Default: all.", default: [["operator": "Exists"]])),
        .init("priorityClassName", Schema(.string(.dnsSubdomain, maxLength: 253), "The pods' priority class. Example: system-node-critical.")),
        .init("updateStrategy", CollectorSchema.open("How pods are replaced. As in apps/v1 DaemonSetUpdateStrategy.")),
        .init("podLabels", CollectorSchema.stringMap("Further labels of the pods.")),
        .init("podAnnotations", CollectorSchema.stringMap("Further annotations of the pods.")),
        .init(
            "imagePullSecrets",
            Schema(
                .list(
                    Schema(.object([.init("name", required: true, Schema(.string(.dnsSubdomain, maxLength: 253), "The Secret's name."))]), "A Secret."),
                    maxItems: 16, .map(keys: ["name"])),
                "Secrets for pulling the image.")),
        .init("image", Schema(.string(.free, maxLength: 1024), "The agent's image. Default: the operator's agent image. A change restarts the agents.")),
        .init("imagePullPolicy", Schema(.choice(["Always", "IfNotPresent", "Never"]), "When the image is pulled. Default: as Kubernetes decides.")),
        .init(
            "resources", CollectorSchema.open("CPU and memory of the agent's container. Default: requests 20m and 32Mi, memory limit from budget.memory.")),
    ]
}
