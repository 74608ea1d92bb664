// Ports read from configurations, names made of component ids, and addresses in all their spellings.
// Rows carry the reason for which they are there.
// It never renders a Service.

import JSON
import SondeAPI
import Testing

@testable import CollectorConfig

@Suite struct PortsTests {
    struct Row: Sendable, CustomStringConvertible {
        let reason: String
        let receivers: String
        let receiver: String
        /// name number transport application
        let ports: [String]
        init(_ reason: String, _ receivers: String, _ receiver: String, _ ports: [String]) {
            self.reason = reason
            self.receivers = receivers
            self.receiver = receiver
            self.ports = ports
        }
        var description: String { reason }
    }

    static let rows = [
        Row("protocols have their own ports", "{otlp: {protocols: {grpc: , http: {}}}}", "otlp", ["otlp-grpc 4317 TCP grpc", "otlp-http 4318 TCP http"]),
        Row("a written port wins", "{otlp: {protocols: {grpc: {endpoint: '[::]:5317'}}}}", "otlp", ["otlp-grpc 5317 TCP grpc"]),
        Row("a port from a variable falls back", "{otlp: {protocols: {grpc: {endpoint: '0.0.0.0:${env:PORT}'}}}}", "otlp", ["otlp-grpc 4317 TCP grpc"]),
        Row("a host from a variable is no matter", "{otlp: {protocols: {http: {endpoint: '${env:MY_POD_IP}:4319'}}}}", "otlp", ["otlp-http 4319 TCP http"]),
        Row("a name after the slash goes into the port's name", "{otlp/2: {protocols: {grpc: {}}}}", "otlp/2", ["otlp-2-grpc 4317 TCP grpc"]),
        Row(
            "long names become numbers, some are UDP", "{jaeger: {protocols: {grpc: , thrift_http: , thrift_compact: , thrift_binary: }}}", "jaeger",
            ["jaeger-grpc 14250 TCP grpc", "port-14268 14268 TCP http", "port-6831 6831 UDP -", "port-6832 6832 UDP -"]),
        Row("statsd is UDP", "{statsd: {}}", "statsd", ["statsd 8125 UDP -"]),
        Row("underscores become hyphens", "{splunk_hec: }", "splunk_hec", ["splunk-hec 8088 TCP -"]),
        Row("zipkin speaks HTTP", "{zipkin: }", "zipkin", ["zipkin 9411 TCP http"]),
        Row("a log listener has no default", "{tcplog: {listen_address: '0.0.0.0:54525'}}", "tcplog", ["tcplog 54525 TCP -"]),
        Row("unknown receivers show their endpoint", "{examplereceiver: {endpoint: '0.0.0.0:12345'}}", "examplereceiver", ["examplereceiver 12345 TCP -"]),
        Row("what a scraper reads is no port", "{redis: {endpoint: 'localhost:6379'}}", "redis", []),
        Row(
            "so do URLs, which are remote: existing pods have them", "{elasticsearch: {endpoint: 'http://es:9200'}}", "elasticsearch",
            ["elasticsearch 9200 TCP -"]),
        Row("an unknown receiver without a port has none", "{examplereceiver: {endpoint: 'http://es/a'}}", "examplereceiver", []),
        Row("endpoint wins over listen_address", "{a: {endpoint: 'b:1', listen_address: 'b:2'}}", "a", ["a 1 TCP -"]),
        Row("unless it is empty", "{ab: {endpoint: '', listen_address: 'b:2'}}", "ab", ["ab 2 TCP -"]),
        Row("prometheus' API server must be on", "{prometheus: {api_server: {server_config: {endpoint: '0.0.0.0:9090'}}}}", "prometheus", []),
        Row("prometheus listens for its API only", "{prometheus: {config: {scrape_configs: []}}}", "prometheus", []),
        Row(
            "and then on the API's port", "{prometheus: {api_server: {enabled: true, server_config: {endpoint: '0.0.0.0:9090'}}}}", "prometheus",
            ["prometheus 9090 TCP -"]),
    ]

    @Test(arguments: rows) func receiverPortsAreRead(_ row: Row) throws {
        let ports = try configuration(simple(receivers: row.receivers, receiver: row.receiver)).completed().ports
        #expect(ports.receivers.map { "\($0.name) \($0.number) \($0.transport) \($0.applicationProtocol ?? "-")" } == row.ports)
        #expect(ports.findings.isEmpty)
    }

    /// The table of the contract: each receiver with its defaults, as a Service shows it.
    static let defaults: [(receiver: String, settings: String, ports: [String])] = [
        ("otlp", "{protocols: {grpc: , http: }}", ["otlp-grpc 4317 TCP grpc", "otlp-http 4318 TCP http"]),
        ("skywalking", "{protocols: {grpc: , http: }}", ["skywalking-grpc 11800 TCP grpc", "skywalking-http 12800 TCP http"]),
        (
            "jaeger", "{protocols: {grpc: , thrift_http: , thrift_compact: , thrift_binary: }}",
            ["jaeger-grpc 14250 TCP grpc", "port-14268 14268 TCP http", "port-6831 6831 UDP -", "port-6832 6832 UDP -"]
        ),
        ("loki", "{protocols: {grpc: , http: }}", ["loki-grpc 9095 TCP grpc", "loki-http 3100 TCP http"]),
        ("awsxray", "", ["awsxray 2000 UDP -"]), ("carbon", "", ["carbon 2003 TCP -"]), ("collectd", "", ["collectd 8081 TCP -"]),
        ("fluent_forward", "", ["fluent-forward 8006 TCP -"]), ("fluentforward", "", ["fluentforward 8006 TCP -"]), ("influxdb", "", ["influxdb 8086 TCP -"]),
        ("sapm", "", ["sapm 7276 TCP -"]), ("signalfx", "", ["signalfx 9943 TCP -"]), ("splunk_hec", "", ["splunk-hec 8088 TCP -"]),
        ("statsd", "", ["statsd 8125 UDP -"]), ("wavefront", "", ["wavefront 2003 TCP -"]), ("zipkin", "", ["zipkin 9411 TCP http"]),
        ("tcp_log", "{listen_address: '0.0.0.0:1514'}", ["tcp-log 1514 TCP -"]), ("udp_log", "{endpoint: '0.0.0.0:1514'}", ["udp-log 1514 UDP -"]),
        ("tcplog", "{endpoint: ':1514'}", ["tcplog 1514 TCP -"]), ("udplog", "{listen_address: ':1514'}", ["udplog 1514 UDP -"]),
        ("prometheus", "{config: {}}", []),
    ]

    @Test(arguments: defaults) func receiverListensAsTheContractSays(receiver: String, settings: String, ports: [String]) throws {
        let found = try configuration(simple(receivers: "{\(receiver): \(settings)}", receiver: receiver)).completed().ports
        #expect(found.receivers.map { "\($0.name) \($0.number) \($0.transport) \($0.applicationProtocol ?? "-")" } == ports)
        #expect(found.findings.isEmpty)
    }

    /// Their endpoint is what they read from.
    static let withoutPort = [
        "kubelet_stats", "kubeletstats", "k8s_events", "k8s_cluster", "k8s_objects", "k8sobjects", "ssh_check", "sshcheck", "cloud_foundry", "cloudfoundry",
        "vcenter", "oracledb", "snmp", "googlecloudpubsub", "chrony", "jmx", "podman_stats", "pulsar", "docker_stats", "aerospike", "zookeeper",
        "prometheus_simple", "saphana", "riak", "redis", "rabbitmq", "purefb", "postgresql", "nsxt", "nginx", "mysql", "memcached", "http_check", "httpcheck",
        "haproxy", "flink_metrics", "flinkmetrics", "couchdb", "filelog",
    ]

    @Test(arguments: withoutPort) func scraperHasNoPort(receiver: String) throws {
        #expect(try configuration(simple(receivers: "{\(receiver): {endpoint: 'http://a:1234'}}", receiver: receiver)).completed().ports.all.isEmpty)
    }

    @Test(arguments: ["syslog: {tcp: {listen_address: '0.0.0.0:1'}}", "pprof: ", "otelarrow: {protocols: {grpc: {endpoint: 'a:1'}}}"])
    func nestedListenersAreNotFound(receiver: String) throws {
        let name = String(receiver.prefix { $0 != ":" })
        #expect(try configuration(simple(receivers: "{\(receiver)}", receiver: name)).completed().ports.all.isEmpty)
    }

    @Test func otherExportersAndExtensionsShowNoPort() throws {
        let ports = try configuration(
            """
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {prometheus: , otlp_http: {endpoint: "http://a:4318"}}
            processors: {remotetap: {endpoint: "0.0.0.0:12001"}}
            extensions: {health_check: , pprof: {endpoint: ":1777"}, zpages: , healthcheckv2: , opamp: }
            service:
              extensions: [health_check, pprof, zpages, healthcheckv2, opamp]
              pipelines: {metrics: {receivers: [otlp], processors: [remotetap], exporters: [prometheus, otlp_http]}}
            """
        ).completed().ports
        #expect(ports.exporters.map { "\($0.name) \($0.number)" } == ["prometheus 8888"])
        #expect(ports.extensions.map { "\($0.name) \($0.number)" } == ["health-check 13133"])
    }

    @Test func jaegerQueryHasASecondPortOnlyWhenItDiffers() throws {
        let text = simple(receivers: "{otlp: {protocols: {grpc: {}}}}", receiver: "otlp").replacing(
            "service: {", with: "service: {extensions: [jaeger_query], ")
        let same = try configuration(text + "\nextensions: {jaeger_query: {http: {endpoint: ':1'}, grpc: {endpoint: ':1'}}}").completed().ports
        #expect(same.extensions.map { "\($0.name) \($0.number)" } == ["jaeger-query 1"])
    }

    @Test func componentsThatDoNotRunHaveNoPorts() throws {
        let ports = try configuration(simple(receivers: "{otlp: {protocols: {grpc: {}}}, zipkin: {}}", receiver: "otlp")).ports
        #expect(ports.all.map(\.name) == ["otlp-grpc"])
    }

    @Test func exportersAndExtensionsListenToo() throws {
        let ports = try configuration(
            """
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {prometheus: {endpoint: "0.0.0.0:9464"}}
            extensions: {health_check/a: , jaeger_query: {grpc: {endpoint: "0.0.0.0:16685"}}}
            service: {extensions: [health_check/a, jaeger_query], pipelines: {metrics: {receivers: [otlp], exporters: [prometheus]}}}
            """
        ).completed().ports
        #expect(ports.service.map { "\($0.name) \($0.number)" } == ["otlp-grpc 4317", "prometheus 9464"])
        #expect(ports.extensions.map { "\($0.name) \($0.number)" } == ["health-check-a 13133", "jaeger-query 16686", "jaeger-query-2 16685"])
    }

    @Test func unreadablePortsAreFindings() throws {
        let unknown = try configuration(simple(receivers: "{otlp: {protocols: {thrift: {}}}}", receiver: "otlp")).ports.findings
        #expect(unknown.map(\.rule) == ["unknown-protocol"])
        #expect(unknown[0].remedy.contains("grpc, http"))
        let missing = try configuration(simple(receivers: "{udplog: {}}", signal: "logs", receiver: "udplog")).ports.findings
        #expect(missing.map(\.rule) == ["port-unknown"])
    }

    @Test(
        arguments: [
            ("0.0.0.0:4317", 4317), (":4317", 4317), ("[fe80::1]:4317", 4317), ("http://host:9090/path", 9090), ("tcp://h:1", 1), ("${env:A:-b}:80", 80),
            ("http://[fd00::1]:9200", 9200), ("host:1/a:2", 1),
        ] as [(String, Int)]) func portIsTheFirstNumberAfterAColon(_ text: String, _ port: Int)
    { #expect(Endpoint.port(text) == port) }

    @Test(arguments: ["", "host", "0.0.0.0:", "0.0.0.0:99999", "unix:///run/a.sock", "${env:PORT}", "a:${env:P}", "4317"]) func otherTextHasNoPort(
        _ text: String
    ) {
        #expect(Endpoint.port(text) == nil)
    }
}

@Suite struct NamesTests {
    @Test func longNamesKeepTheirSuffix() {
        let name = Names.collector(String(repeating: "a", count: 70))
        #expect(name == String(repeating: "a", count: 53) + "-collector")
        #expect(name.utf8.count == 63)
    }

    @Test func dotsBecomeHyphens() { #expect(Names.headlessService("my.app") == "my-app-collector-headless") }

    @Test func cutNamesAreTrimmedAtTheFront() {
        #expect(Names.truncate([.value("-a"), .text("-x")], max: 63) == "a-x")
        #expect(Names.truncate([.value("abc."), .text("")], max: 63) == "abc")
    }

    @Test func instanceIsCutAtTheNamespace() {
        let value = Names.instance(namespace: String(repeating: "n", count: 60), name: "gateway")
        #expect(value == String(repeating: "n", count: 55) + ".gateway")
    }

    @Test func upperCaseAndOddEndsBecomeDNSNames() { #expect(Names.dnsName("_Ab.c_") == "aab-ca") }

    @Test(
        arguments: [("otlp-grpc", true), ("1234", false), ("a--b", false), ("-a", false), ("abcdefghijklmnop", false), ("A", false), ("", false)]
            as [(String, Bool)])
    func portNameIsAnIANAName(_ name: String, _ isOne: Bool) { #expect(Names.isPortName(name) == isOne) }
}
