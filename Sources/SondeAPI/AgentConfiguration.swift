// The YAML file that the operator writes into a ConfigMap and that the agent reads, as a value.
// The operator builds it from an EBPFProbe and writes `document`; the agent reads the file back with `init(document:)`.
// It never holds a secret that came from a cluster: header values and keys stay in mounted files that it names.

import JSON

/// `{apiVersion: sonde.dev/v1alpha1, kind: AgentConfiguration, …}`.
///
/// Only `destination.endpoint` is required; every other field has a default. A minimal file:
///
///     apiVersion: sonde.dev/v1alpha1
///     kind: AgentConfiguration
///     destination:
///       endpoint: http://gateway-collector.observability.svc:4318
public struct AgentConfiguration: Hashable, Sendable {
    public static let apiVersion = "sonde.dev/v1alpha1"
    public static let kind = "AgentConfiguration"

    public var destination: Destination
    /// Seconds between two exports, 1 to 300.
    public var intervalSeconds: Int
    public var signals: ProbeSignals
    public var namespaces: ProbeNamespaces
    public var budget: ProbeBudget
    public var attributes: ProbeAttributes
    public var paths: Paths
    /// Where `/status`, `/healthz` and `/readyz` are answered; 0: nowhere. Read at the start only.
    public var statusPort: Int
    /// Whether the agent was given the host's network namespace: what that namespace gives is then missed, and told, where it is not there.
    public var hostNetwork: Bool

    /// Where the data goes.
    public struct Destination: Hashable, Sendable {
        /// Base URL without the signal's path (`/v1/metrics` is added by the exporter): `http://host:4318`.
        public var endpoint: String
        public var `protocol`: ExportProtocol
        public var compression: ExportCompression
        /// Further request headers in order of their names. For use without a cluster; the operator writes none here.
        public var headers: [Header]
        /// A folder with one file for each further header: the file's name is the header's name, its content the value. From a mounted Secret.
        public var headersDirectory: String?
        /// Settings of TLS; they matter for `https` endpoints only.
        public var tls: TLS
        /// What may wait for the receiver.
        public var queue: Queue
    }

    /// Limits of what waits for the receiver in memory; the oldest goes first.
    public struct Queue: Hashable, Sendable {
        /// Requests.
        public var batches: Int
        /// Of their bodies, compressed.
        public var bytes: Int

        public static let batchesDefault = 64
        public static let bytesDefault = 8 << 20

        public init(batches: Int = batchesDefault, bytes: Int = bytesDefault) {
            self.batches = batches
            self.bytes = bytes
        }
    }

    public struct Header: Hashable, Sendable {
        public var name: String
        public var value: String
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Files are PEM; nil means the system's default.
    public struct TLS: Hashable, Sendable {
        public var caFile: String?
        public var clientCertificateFile: String?
        public var clientKeyFile: String?
        /// The name that the server's certificate must carry; nil means the endpoint's host.
        public var serverName: String?
        public var insecureSkipVerify: Bool

        public init(
            caFile: String? = nil, clientCertificateFile: String? = nil, clientKeyFile: String? = nil, serverName: String? = nil,
            insecureSkipVerify: Bool = false
        ) {
            self.caFile = caFile
            self.clientCertificateFile = clientCertificateFile
            self.clientKeyFile = clientKeyFile
            self.serverName = serverName
            self.insecureSkipVerify = insecureSkipVerify
        }
    }

    /// Where the host's folders are mounted.
    public struct Paths: Hashable, Sendable {
        /// The host's `/sys/fs/cgroup`.
        public var cgroups: String
        /// The host's `/var/log/containers`.
        public var containers: String
    }

    /// Every default, and this endpoint.
    public init(endpoint: String) {
        let document = AgentConfigurationSchema.root.completing(["destination": ["endpoint": .string(endpoint)]])
        self.init(complete: DocumentReader(document))
    }

    /// Reads a parsed file. Missing fields get their defaults; unknown ones are ignored (see `findings(for:)`).
    /// - Throws: `ConfigurationError` with every error of the file, each with its path and what to write.
    public init(document: JSONValue) throws(ConfigurationError) {
        let errors = Self.findings(for: document).errors
        if let first = errors.first { throw ConfigurationError(first, Array(errors.dropFirst())) }
        self.init(complete: DocumentReader(AgentConfigurationSchema.root.completing(document)))
    }

    /// Everything that is wrong (errors) or likely wrong (warnings, such as a mistyped field) with a parsed file.
    public static func findings(for document: JSONValue) -> [Finding] {
        guard document.object != nil else {
            return [
                Finding(
                    .error, rule: "wrong-type", path: "", message: "an agent configuration must be a mapping, is \(document.kindInWords)",
                    remedy: "start it with apiVersion: \(apiVersion)")
            ]
        }
        let findings = AgentConfigurationSchema.root.findings(for: document, at: "")
        guard findings.errors.isEmpty, let endpoint = document.at("destination", "endpoint")?.string else { return findings }
        let transport = document.at("destination", "protocol")?.string.flatMap { ExportProtocol(rawValue: $0) } ?? .httpProtobuf
        return findings + transport.findings(endpoint: endpoint, at: "destination.endpoint")
    }
}

extension AgentConfiguration {
    private init(complete value: DocumentReader) {
        destination = Destination(complete: value["destination"])
        intervalSeconds = value.int("intervalSeconds")
        signals = ProbeSignals(complete: value["signals"])
        namespaces = ProbeNamespaces(complete: value["namespaces"])
        budget = ProbeBudget(complete: value["budget"])
        attributes = ProbeAttributes(complete: value["attributes"])
        paths = Paths(cgroups: value["paths"].string("cgroups"), containers: value["paths"].string("containers"))
        statusPort = value.int("statusPort")
        hostNetwork = value.bool("hostNetwork")
    }

    /// The file's content with every field written out; `init(document:)` reads it back as the same value.
    public var document: JSONValue {
        [
            "apiVersion": .string(Self.apiVersion), "kind": .string(Self.kind), "destination": destination.document,
            "intervalSeconds": JSONValue(intervalSeconds),
            "signals": signals.document, "namespaces": namespaces.document, "budget": budget.document, "attributes": attributes.document,
            "paths": ["cgroups": .string(paths.cgroups), "containers": .string(paths.containers)],
            "statusPort": JSONValue(statusPort), "hostNetwork": .bool(hostNetwork),
        ]
    }
}

extension AgentConfiguration.Destination {
    init(complete value: DocumentReader) {
        let tls = value["tls"], queue = value["queue"]
        self.init(
            endpoint: value.string("endpoint"), protocol: value.choice("protocol", .httpProtobuf), compression: value.choice("compression", .gzip),
            headers: (value.value["headers"]?.object ?? [:]).map { .init(name: $0, value: $1.string ?? "") }.sorted { $0.name < $1.name },
            headersDirectory: value.text("headersDirectory"),
            tls: .init(
                caFile: tls.text("caFile"), clientCertificateFile: tls.text("clientCertificateFile"), clientKeyFile: tls.text("clientKeyFile"),
                serverName: tls.text("serverName"), insecureSkipVerify: tls.bool("insecureSkipVerify")),
            queue: .init(batches: queue.int("batches"), bytes: queue.value["memory"].flatMap(ByteQuantity.bytes) ?? AgentConfiguration.Queue.bytesDefault))
    }

    var document: JSONValue {
        var document: JSONValue = ["endpoint": .string(endpoint), "protocol": .string(`protocol`.rawValue), "compression": .string(compression.rawValue)]
        if !headers.isEmpty { document["headers"] = .object(JSONObject(headers.map { ($0.name, .string($0.value)) })) }
        document["headersDirectory"] = headersDirectory.map { .string($0) }
        if tls != .init() { document["tls"] = tls.document }
        if queue != .init() { document["queue"] = ["batches": JSONValue(queue.batches), "memory": .string(ByteQuantity.text(queue.bytes))] }
        return document
    }
}

extension AgentConfiguration.TLS {
    var document: JSONValue {
        var document: JSONValue = [:]
        document["caFile"] = caFile.map { .string($0) }
        document["clientCertificateFile"] = clientCertificateFile.map { .string($0) }
        document["clientKeyFile"] = clientKeyFile.map { .string($0) }
        document["serverName"] = serverName.map { .string($0) }
        document["insecureSkipVerify"] = .bool(insecureSkipVerify)
        return document
    }
}
