// Which components listen on which ports when their configuration does not say: one table, as data.
// Port inference and the defaults of rendering read it.
// It never holds components that only connect outward, except to say that they have no port.

/// Where a component listens.
struct Listener: Sendable {
    /// The transport and the application protocol of a Service port.
    struct Port: Sendable {
        /// The key below `protocols`; empty for a component with a single port.
        var key = ""
        /// Nil when the port has no default and must be written.
        var number: Int?
        var transport = "TCP"
        var applicationProtocol: String?
    }

    enum Shape: Sendable {
        /// One port, at `endpoint` or `listen_address`.
        case single(Port)
        /// One port for each key of `protocols`.
        case protocols([Port])
        /// No port at all.
        case none
    }

    /// Names of the component; renamed components have two.
    let types: [String]
    let shape: Shape
}

enum ListenerTable {
    /// The entry of a receiver; nil for receivers that are not in the table.
    static func receiver(_ type: String) -> Listener? { byType[type] }

    private static let byType: [String: Listener] = {
        var table: [String: Listener] = [:]
        for listener in receivers { for type in listener.types { table[type] = listener } }
        return table
    }()

    private static func single(_ types: String..., port: Int?, transport: String = "TCP", applicationProtocol: String? = nil) -> Listener {
        Listener(types: types, shape: .single(.init(number: port, transport: transport, applicationProtocol: applicationProtocol)))
    }

    private static func grpcAndHTTP(_ type: String, grpc: Int, http: Int) -> Listener {
        Listener(
            types: [type],
            shape: .protocols([.init(key: "grpc", number: grpc, applicationProtocol: "grpc"), .init(key: "http", number: http, applicationProtocol: "http")]))
    }

    private static let receivers: [Listener] = [
        grpcAndHTTP("otlp", grpc: 4317, http: 4318),
        grpcAndHTTP("skywalking", grpc: 11800, http: 12800),
        grpcAndHTTP("loki", grpc: 9095, http: 3100),
        Listener(
            types: ["jaeger"],
            shape: .protocols([
                .init(key: "grpc", number: 14250, applicationProtocol: "grpc"), .init(key: "thrift_http", number: 14268, applicationProtocol: "http"),
                .init(key: "thrift_compact", number: 6831, transport: "UDP"), .init(key: "thrift_binary", number: 6832, transport: "UDP"),
            ])),
        single("awsxray", port: 2000, transport: "UDP"),
        single("carbon", port: 2003),
        single("collectd", port: 8081),
        single("fluent_forward", "fluentforward", port: 8006),
        single("influxdb", port: 8086),
        single("sapm", port: 7276),
        single("signalfx", port: 9943),
        single("splunk_hec", port: 8088),
        single("statsd", port: 8125, transport: "UDP"),
        single("tcp_log", "tcplog", port: nil),
        single("udp_log", "udplog", port: nil, transport: "UDP"),
        single("wavefront", port: 2003),
        single("zipkin", port: 9411, applicationProtocol: "http"),
        Listener(types: withoutPort, shape: .none),
    ]

    /// Scrapers and watchers: an `endpoint` in their configuration is what they read, not where they listen.
    private static let withoutPort = [
        "kubelet_stats", "kubeletstats", "k8s_events", "k8s_cluster", "k8s_objects", "k8sobjects", "ssh_check", "sshcheck", "cloud_foundry", "cloudfoundry",
        "vcenter", "oracledb", "snmp", "googlecloudpubsub", "chrony", "jmx", "podman_stats", "pulsar", "docker_stats", "aerospike", "zookeeper",
        "prometheus_simple", "saphana", "riak", "redis", "rabbitmq", "purefb", "postgresql", "nsxt", "nginx", "mysql", "memcached", "http_check", "httpcheck",
        "haproxy", "flink_metrics", "flinkmetrics", "couchdb", "filelog", "file_log",
    ]

    static let prometheusExporterPort = 8888
    static let healthCheckPort = 13133
    static let jaegerQueryPort = 16686
}
