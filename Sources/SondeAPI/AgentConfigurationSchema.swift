// Fields, limits and defaults of the agent's file that the EBPFProbe resource does not share: the destination, TLS files, paths.
// AgentConfiguration is checked and completed by it.
// It never becomes a custom resource definition: the file is no object of a cluster.

import JSON

enum AgentConfigurationSchema {
    static let root = Schema(
        .object([
            .init(
                "apiVersion",
                Schema(.choice([AgentConfiguration.apiVersion]), "The version of this file's format.", default: .string(AgentConfiguration.apiVersion))),
            .init("kind", Schema(.choice([AgentConfiguration.kind]), "Always AgentConfiguration.", default: .string(AgentConfiguration.kind))),
            .init("destination", required: true, destination),
            .init("intervalSeconds", ProbeSchema.intervalSeconds),
            .init("signals", ProbeSchema.signals),
            .init("namespaces", ProbeSchema.namespaces),
            .init("budget", ProbeSchema.budget),
            .init("attributes", ProbeSchema.attributes),
            .init("paths", paths),
            .init("statusPort", statusPort),
            .init("hostNetwork", hostNetwork),
        ]),
        "The configuration of sonde-agent.")

    private static let statusPort = Schema(
        .integer(0...65_535),
        "Where /status, /healthz and /readyz are answered; 0 answers nowhere. Read at the start only. Default \(AgentStatus.portDefault).",
        default: JSONValue(AgentStatus.portDefault))

    private static let hostNetwork = Schema(
        .boolean, "Whether the agent was given the host's network namespace; what it gives is then told as missing where it is not there. Default false.",
        default: false)

    private static let destination = Schema(
        .object([
            .init("endpoint", required: true, Schema(.string(.httpURL, maxLength: 2048), "the OTLP base URL, such as http://localhost:4318")),
            .init("protocol", ProbeSchema.exportProtocol),
            .init("compression", ProbeSchema.compression),
            .init("headers", Schema(.map(Schema(.string(.free, maxLength: 8192), "A header's value."), maxProperties: 64), "Further request headers.")),
            .init("headersDirectory", path("A folder with one file for each further header.")),
            .init("tls", tls),
            .init("queue", queue),
        ]),
        "a mapping with `endpoint`, the OTLP base URL")

    private static let queue = Schema(
        .object([
            .init(
                "batches",
                Schema(
                    .integer(1...4096), "Requests that may wait; one more drops the oldest. Default \(AgentConfiguration.Queue.batchesDefault).",
                    default: JSONValue(AgentConfiguration.Queue.batchesDefault))),
            .init("memory", Schema(.quantity, "Memory of the requests that may wait. Default 8Mi.", default: "8Mi")),
        ]),
        "What waits for the receiver in memory.", default: [:])

    private static let tls = Schema(
        .object([
            .init("caFile", path("Certificates (PEM) that sign the server's.")),
            .init("clientCertificateFile", path("The client's certificate (PEM).")),
            .init("clientKeyFile", path("The client's key (PEM).")),
            .init("serverName", Schema(.string(.dnsSubdomain, maxLength: 253), "The name that the server's certificate must carry.")),
            .init("insecureSkipVerify", Schema(.boolean, "Accept any certificate. Default false.", default: false)),
        ]),
        "TLS of the connection to the destination.", default: [:])

    private static let paths = Schema(
        .object([
            .init("cgroups", path("Where the host's /sys/fs/cgroup is mounted. Default /host/cgroup.", default: "/host/cgroup")),
            .init("containers", path("Where the host's /var/log/containers is mounted. Default /host/containers.", default: "/host/containers")),
        ]),
        "Where the host's folders are mounted.", default: [:])

    private static func path(_ description: String, default defaultValue: JSONValue? = nil) -> Schema {
        Schema(.string(.free, maxLength: 4096), description, default: defaultValue)
    }
}
