// The agent's file: defaults, round trip, and the message for each kind of mistake.
// Documents are built in place; the file on disk is YAML, which the YAML target's own tests cover.
// It never starts an agent.

import JSON
import Testing

@testable import SondeAPI

@Suite struct AgentConfigurationTests {
    private let minimal: JSONValue = ["destination": ["endpoint": "http://localhost:4318"]]

    @Test func minimalFileGetsEveryDefault() throws {
        let configuration = try AgentConfiguration(document: minimal)
        #expect(configuration == AgentConfiguration(endpoint: "http://localhost:4318"))
        #expect(configuration.intervalSeconds == 10)
        #expect(configuration.destination.protocol == .httpProtobuf)
        #expect(configuration.destination.compression == .gzip)
        #expect(configuration.destination.queue == .init(batches: 64, bytes: 8 << 20))
        #expect(configuration.signals.scheduler == .init(enabled: true, precision: .auto))
        #expect(configuration.signals.tcp == .init(enabled: true, rttSampling: 16))
        #expect(configuration.signals.dns == .init(enabled: true, ports: [53], names: 50))
        #expect(configuration.signals.http.traces.sampling == .init(errors: 1, slowMs: 500, ratio: 0.01))
        #expect(configuration.signals.syscalls == .init(enabled: false, names: ["read", "write", "epoll_wait"], mode: .latency))
        #expect(configuration.signals.files == .init(enabled: false, topK: 20, redact: []))
        #expect(configuration.budget == .init(cpuMillicores: 100, memoryBytes: 96 << 20, seriesPerPod: 200, seriesTotal: 20000, spansPerSecond: 200))
        #expect(configuration.attributes == .init(addresses: false, ports: .wellKnown))
        #expect(configuration.paths == .init(cgroups: "/host/cgroup", containers: "/host/containers"))
        #expect(configuration.statusPort == 9464)
        #expect(configuration.signals.families.filter { !$0.enabled }.map(\.name) == ["syscalls", "files"])
    }

    @Test func documentReadsBackAsTheSameValue() throws {
        var configuration = AgentConfiguration(endpoint: "https://otlp.example.com/base")
        configuration.destination.headers = [.init(name: "x-a", value: "1"), .init(name: "x-b", value: "2")]
        configuration.destination.headersDirectory = "/etc/sonde/headers"
        configuration.destination.queue = .init(batches: 7, bytes: 1 << 20)
        configuration.destination.tls = .init(caFile: "/etc/sonde/tls/ca.crt", serverName: "otlp.example.com", insecureSkipVerify: true)
        configuration.signals.syscalls = .init(enabled: true, names: ["futex"], mode: .counts)
        configuration.signals.http.traces.sampling.ratio = 0.5
        configuration.namespaces = .init(include: ["shop"], exclude: ["kube-system"])
        configuration.budget.memoryBytes = 100_000_001
        configuration.statusPort = 0
        #expect(try AgentConfiguration(document: configuration.document) == configuration)
    }

    struct Mistake: Sendable, CustomStringConvertible {
        let reason: String
        let path: [String]
        let value: JSONValue
        let place: String
        let says: String
        var description: String { reason }
    }

    static let mistakes = [
        Mistake(reason: "no scheme", path: ["destination", "endpoint"], value: "localhost:4318", place: "destination.endpoint", says: "URL"),
        Mistake(reason: "unknown protocol", path: ["destination", "protocol"], value: "grpc", place: "destination.protocol", says: "HTTPProtobuf, GRPC"),
        Mistake(reason: "a queue without room", path: ["destination", "queue", "batches"], value: 0, place: "destination.queue.batches", says: "1 to 4096"),
        Mistake(reason: "a queue of no size", path: ["destination", "queue", "memory"], value: "0", place: "destination.queue.memory", says: "96Mi"),
        Mistake(reason: "interval of zero", path: ["intervalSeconds"], value: 0, place: "intervalSeconds", says: "1 to 300"),
        Mistake(reason: "text for a switch", path: ["signals", "tcp", "enabled"], value: "yes", place: "signals.tcp.enabled", says: "true or false"),
        Mistake(reason: "budget without unit text", path: ["budget", "memory"], value: "a lot", place: "budget.memory", says: "96Mi"),
        Mistake(
            reason: "share above one", path: ["signals", "http", "traces", "sampling", "ratio"], value: 2, place: "signals.http.traces.sampling.ratio",
            says: "0.0 to 1.0"),
        Mistake(
            reason: "system call in capitals", path: ["signals", "syscalls", "names"], value: ["READ"], place: "signals.syscalls.names[0]", says: "epoll_wait"),
        Mistake(reason: "namespace twice", path: ["namespaces", "exclude"], value: ["a", "a"], place: "namespaces.exclude[1]", says: "twice"),
        Mistake(reason: "port out of range", path: ["signals", "dns", "ports"], value: [70000], place: "signals.dns.ports[0]", says: "65535"),
        Mistake(reason: "another kind", path: ["kind"], value: "EBPFProbe", place: "kind", says: "AgentConfiguration"),
        Mistake(reason: "list for a mapping", path: ["signals"], value: [], place: "signals", says: "a mapping"),
    ]

    @Test(arguments: mistakes) func mistakeIsNamedWithPathAndRemedy(_ mistake: Mistake) throws {
        var document = minimal
        document.set(mistake.path, to: mistake.value)
        let error = try #require(throws: ConfigurationError.self) { try AgentConfiguration(document: document) }
        #expect(error.path == mistake.place)
        #expect(error.description.contains(mistake.says), "\(error)")
        #expect(!error.remedy.isEmpty)
    }

    @Test(arguments: [
        ("http://h:4317/otlp", "write http://h:4317, or protocol"), ("https://h/a/b", "write https://h, or protocol"),
        ("http://[::1]:4317/x", "write http://[::1]:4317,"),
    ]) func anEndpointForGRPCHasNoPath(endpoint: String, remedy: String) throws {
        let document: JSONValue = ["destination": ["endpoint": .string(endpoint), "protocol": "GRPC"]]
        let error = try #require(throws: ConfigurationError.self) { try AgentConfiguration(document: document) }
        #expect(error.path == "destination.endpoint" && error.remedy.contains(remedy), "\(error)")
    }

    @Test(
        arguments: [
            ("http://h:4317", "GRPC", []), ("http://h:4317/", "GRPC", []), ("http://h:4318", "GRPC", ["port-of-other-protocol"]),
            ("http://h:4318/a", "HTTPProtobuf", []),
            ("http://h:4317", "HTTPProtobuf", ["port-of-other-protocol"]), ("https://h", "GRPC", []),
        ] as [(String, String, [String])]) func thePortOfTheOtherProtocolIsAWarning(endpoint: String, transport: String, rules: [String]) throws
    {
        let document: JSONValue = ["destination": ["endpoint": .string(endpoint), "protocol": .string(transport)]]
        #expect(AgentConfiguration.findings(for: document).map(\.rule) == rules)
        #expect(try AgentConfiguration(document: document).destination.protocol.rawValue == transport)
    }

    @Test func everyErrorIsReportedAtOnce() throws {
        let error = try #require(throws: ConfigurationError.self) { try AgentConfiguration(document: ["intervalSeconds": 999]) }
        #expect(error.findings.map(\.path) == ["destination", "intervalSeconds"])
    }

    @Test func scalarDocumentIsRefused() throws {
        let error = try #require(throws: ConfigurationError.self) { try AgentConfiguration(document: "text") }
        #expect(error.message.contains("a string"))
    }

    @Test func unknownFieldIsIgnoredAndNamed() throws {
        var document = minimal
        document.set(["signals", "schedular"], to: [:])
        #expect(try AgentConfiguration(document: document) == AgentConfiguration(endpoint: "http://localhost:4318"))
        let warning = try #require(AgentConfiguration.findings(for: document).warnings.first)
        #expect(warning.path == "signals.schedular")
        #expect(warning.remedy == "did you mean scheduler?")
    }

    @Test func nullMeansTheDefault() throws {
        var document = minimal
        document.set(["intervalSeconds"], to: .null)
        #expect(try AgentConfiguration(document: document).intervalSeconds == 10)
    }

    @Test func exclusionWinsOverInclusion() {
        let namespaces = ProbeNamespaces(include: ["a", "b"], exclude: ["b"])
        #expect(namespaces.contains("a"))
        #expect(!namespaces.contains("b"))
        #expect(!namespaces.contains("c"))
    }

    @Test(arguments: [("96Mi", 100_663_296), ("1.5Gi", 1_610_612_736), ("128M", 128_000_000), ("1000", 1000), ("0.5", 1)])
    func quantityIsReadAsBytes(_ text: String, _ bytes: Int) { #expect(ByteQuantity.bytes(.string(text)) == bytes) }

    @Test(arguments: ["", "-1Mi", "Mi", "1e3x", "1 Mi", "0", "99999999Ti"]) func badQuantityIsNil(_ text: String) {
        #expect(ByteQuantity.bytes(.string(text)) == nil)
    }
}
