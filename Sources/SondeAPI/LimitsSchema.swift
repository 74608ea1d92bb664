// Fields, limits, defaults and descriptions of `namespaces`, `budget`, `attributes` and of the export's common fields.
// The EBPFProbe resource and the agent's file share them; documents are checked and completed by them.
// It never describes what only one of the two has.

import JSON

extension ProbeSchema {
    /// `namespaces`.
    public static let namespaces = Schema(
        .object([
            .init("include", Schema(.list(namespace, maxItems: 256, .set), "Namespaces to look at. Empty means all. Default [].", default: [])),
            .init("exclude", Schema(.list(namespace, maxItems: 256, .set), "Namespaces to leave out; wins over include. Default [].", default: [])),
        ]),
        "Whose containers are looked at, by name. Applied in the kernel by cgroup. A change reaches running agents without a restart of their pods. "
            + "Example: {exclude: [kube-system]}.",
        default: [:])

    private static let namespace = Schema(.string(.dnsLabel, maxLength: 63), "A namespace's name.")

    /// `budget`.
    public static let budget = Schema(
        .object([
            .init(
                "cpuMillicores",
                Schema(
                    .integer(10...1000),
                    "CPU time per node of the kernel programs plus the agent, in thousandths of a core. Held: signals get coarser before it is "
                        + "passed. Default 100.",
                    default: 100)),
            .init(
                "memory",
                Schema(
                    .quantity, "Memory per node for maps and user space; the pod's memory limit follows. A change restarts the agents. Default 96Mi.",
                    default: "96Mi")),
            .init(
                "seriesPerPod",
                Schema(.integer(1...100_000), "Metric series per pod and node; further ones go to ~other, totals stay exact. Default 200.", default: 200)),
            .init(
                "seriesTotal",
                Schema(.integer(1...1_000_000), "Metric series per node; further ones go to ~other, totals stay exact. Default 20000.", default: 20000)),
            .init(
                "spansPerSecond", Schema(.integer(0...100_000), "Spans per second and node; further ones are counted and dropped. Default 200.", default: 200)),
        ]),
        "The most that the probe takes of one node, and the most series it makes.", default: [:])

    /// `attributes`.
    public static let attributes = Schema(
        .object([
            .init(
                "addresses",
                Schema(
                    .boolean,
                    "Send the IP addresses that containers connect to, as network.peer.address of ebpf.tcp.connect.duration: a series for each address, "
                        + "port and error, for at most 50 addresses of a container at a time. Addresses of a server's clients are never sent. Default false.",
                    default: false)),
            .init(
                "ports",
                Schema(
                    .choice(ProbeAttributes.Ports.allCases.map(\.rawValue)),
                    "Which port numbers of servers are sent. WellKnown: those below the ephemeral range, 32768. All: every one is a series. Default WellKnown.",
                    default: "WellKnown")),
        ]),
        "Attributes that multiply series and are sent only on request.", default: [:])

    static let exportProtocol = Schema(
        .choice(ExportProtocol.allCases.map(\.rawValue)),
        "OTLP over HTTP with protobuf bodies, or over gRPC. The endpoint is the address of that protocol, usually port 4318 or 4317. Default HTTPProtobuf.",
        default: "HTTPProtobuf")

    static let compression = Schema(.choice(ExportCompression.allCases.map(\.rawValue)), "Compression of request bodies. Default Gzip.", default: "Gzip")

    static let intervalSeconds = Schema(.integer(1...300), "Seconds between two exports, 1 to 300. Default 10.", default: 10)
}

/// The transport of OTLP.
public enum ExportProtocol: String, Sendable, CaseIterable {
    case httpProtobuf = "HTTPProtobuf"
    case grpc = "GRPC"

    /// What is wrong, or likely wrong, with an endpoint for this protocol.
    func findings(endpoint: String, at path: String) -> [Finding] {
        let afterScheme = endpoint.split(separator: "/", maxSplits: 1).last?.drop { $0 == "/" } ?? ""
        let parts = afterScheme.split(separator: "/", maxSplits: 1)
        guard let authority = parts.first else { return [] }
        if self == .grpc, parts.count > 1 {
            let base = endpoint.dropLast(parts[1].utf8.count + 1)
            return [
                Finding(
                    .error, rule: "grpc-path", path: path, message: "\(endpoint) has a path, which OTLP over gRPC cannot have",
                    remedy: "write \(base), or protocol: HTTPProtobuf")
            ]
        }
        let (other, usual) = self == .grpc ? (ExportProtocol.httpProtobuf, 4317) : (.grpc, 4318)
        guard authority.hasSuffix(self == .grpc ? ":4318" : ":4317") else { return [] }
        return [
            Finding(
                .warning, rule: "port-of-other-protocol", path: path, message: "\(endpoint) has the port at which receivers usually take \(other.rawValue)",
                remedy: "write port \(usual), or protocol: \(other.rawValue)")
        ]
    }
}

/// The compression of OTLP requests.
public enum ExportCompression: String, Sendable, CaseIterable {
    case gzip = "Gzip"
    case none = "None"
}
