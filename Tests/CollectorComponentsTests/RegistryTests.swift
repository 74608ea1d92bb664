// The registry of components: its rows can be read, agree with each other, and hold facts that were looked up by hand.
// Facts have the release in which they were seen.
// It never asks a network.

import Testing

@testable import CollectorComponents

@Suite struct RegistryTests {
    static let registry = ComponentRegistry.shared

    @Test func everyRowIsWellFormed() { #expect(Self.registry.problems == []) }

    @Test func everyKindIsThere() {
        let counts = Dictionary(grouping: Self.registry.components, by: \.kind).mapValues(\.count)
        #expect(counts[.receiver] ?? 0 >= 115 && counts[.exporter] ?? 0 >= 55 && counts[.processor] ?? 0 >= 35)
        #expect(counts[.connector] ?? 0 >= 14 && counts[.extension] ?? 0 >= 45)
    }

    @Test func noNameIsThereTwice() {
        for kind in Component.Kind.allCases {
            let names = Self.registry.components.filter { $0.kind == kind }.flatMap(\.names)
            #expect(names.count == Set(names).count, "\(kind.rawValue): \(Dictionary(grouping: names, by: { $0 }).filter { $1.count > 1 }.keys)")
        }
    }

    @Test(arguments: ComponentRegistry.shared.components.map { "\($0.kind.rawValue) \($0.type)" })
    func componentIsConsistent(_ title: String) throws {
        let component = try #require(Self.registry.components.first { "\($0.kind.rawValue) \($0.type)" == title })
        let signals: Set<String> = ["traces", "metrics", "logs", "profiles"]
        #expect(!component.flows.isEmpty)
        for flow in component.flows.keys {
            #expect(component.kind == .extension ? flow.from.isEmpty : signals.contains(flow.from) && signals.contains(flow.to))
            #expect(component.kind == .connector || flow.from == flow.to)
        }
        for releases in component.carriers.values {
            if let first = releases.first, let last = releases.last { #expect(first <= last) }
        }
        if let earlier = component.earlierName { #expect(earlier.newerNameNotBefore <= earlier.newerNameFrom && earlier.name != component.type) }
        #expect(component.keys?.names.allSatisfy { !$0.isEmpty && !$0.contains(" ") } ?? true)
    }

    struct Fact: Sendable, CustomStringConvertible {
        let kind: Component.Kind
        let name: String
        let image: String
        let isCarried: Bool
        init(_ kind: Component.Kind, _ name: String, _ image: String, _ isCarried: Bool) {
            self.kind = kind
            self.name = name
            self.image = image
            self.isCarried = isCarried
        }
        var description: String { "\(name) in \(image)" }
    }

    static let facts = [
        Fact(.receiver, "otlp", "otel/opentelemetry-collector:0.156.0", true),
        Fact(.receiver, "filelog", "otel/opentelemetry-collector:0.156.0", false),
        Fact(.receiver, "filelog", "otel/opentelemetry-collector-k8s:0.100.0", true),
        Fact(.processor, "tail_sampling", "otel/opentelemetry-collector-k8s:0.156.0", true),
        Fact(.exporter, "logging", "otel/opentelemetry-collector-contrib:0.110.0", true),
        Fact(.exporter, "logging", "otel/opentelemetry-collector-contrib:0.111.0", false),
        Fact(.exporter, "opencensus", "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector:0.132.0", false),
        Fact(.processor, "deltatocumulative", "otel/opentelemetry-collector-contrib:0.107.0", false),
        Fact(.processor, "deltatocumulative", "otel/opentelemetry-collector-contrib:0.108.0", true),
        Fact(.extension, "k8s_leader_elector", "otel/opentelemetry-collector-k8s:0.125.0", false),
        Fact(.extension, "k8s_leader_elector", "otel/opentelemetry-collector-k8s:0.126.0", true),
        Fact(.receiver, "tcpcheck", "otel/opentelemetry-collector-contrib:0.122.0", false),
        Fact(.receiver, "tcpcheck", "otel/opentelemetry-collector-contrib:0.122.1", true),
        Fact(.exporter, "otlp_grpc", "otel/opentelemetry-collector-otlp:0.156.0", true),
        Fact(.exporter, "kafka", "otel/opentelemetry-collector-otlp:0.156.0", false),
    ]

    @Test(arguments: facts) func imagesCarryWhatTheirManifestsList(_ fact: Fact) throws {
        let component = try #require(Self.registry.component(fact.kind, fact.name))
        #expect(try #require(CollectorImage(fact.image)).carries(component) == fact.isCarried)
    }

    @Test(
        arguments: [
            (.receiver, "filelog", "file_log", 149), (.processor, "k8sattributes", "k8s_attributes", 146), (.exporter, "otlp", "otlp_grpc", 144),
            (.exporter, "otlphttp", "otlp_http", 144), (.exporter, "prometheusremotewrite", "prometheus_remote_write", 154),
            (.exporter, "loadbalancing", "load_balancing", 153), (.processor, "metricstransform", "metrics_transform", 152),
            (.processor, "resourcedetection", "resource_detection", 153), (.receiver, "kubeletstats", "kubelet_stats", 152),
        ] as [(Component.Kind, String, String, Int)])
    func renamedComponentsAreFoundByBothNames(kind: Component.Kind, old: String, new: String, minor: Int) throws {
        let component = try #require(Self.registry.component(kind, old))
        #expect(component.type == new && Self.registry.component(kind, new) == component)
        #expect(component.earlierName?.newerNameFrom == ReleaseVersion(minor: minor))
        #expect(component.name(in: ReleaseVersion(minor: minor - 1)) == old && component.name(in: ReleaseVersion(minor: minor)) == new)
    }

    @Test func connectorsTurnSignalsIntoOthers() throws {
        let spans = try #require(Self.registry.component(.connector, "spanmetrics"))
        #expect(spans.outputs(of: "traces").contains("metrics") && spans.outputs(of: "logs").isEmpty)
        let forward = try #require(Self.registry.component(.connector, "forward"))
        #expect(forward.outputs(of: "logs") == ["logs"])
    }

    @Test(
        arguments: [
            ("otel/opentelemetry-collector-contrib:0.156.0", .contrib), ("docker.io/otel/opentelemetry-collector:0.100.0", .core),
            ("otel/opentelemetry-collector-k8s:0.156.0@sha256:0123", .k8s), (CollectorImage.pinned, .contrib),
        ] as [(String, Distribution)])
    func officialImagesAreKnown(image: String, distribution: Distribution) { #expect(CollectorImage(image)?.distribution == distribution) }

    @Test(
        arguments: [
            "otel/opentelemetry-collector-contrib:latest", "otel/opentelemetry-collector-contrib", "registry.example.org/otel/opentelemetry-collector:0.156.0",
            "otel/opentelemetry-collector-contrib:0.99.0", "otel/opentelemetry-collector-contrib:0.400.0", "otel/opentelemetry-collector-contrib@sha256:01",
            "registry.example.org:5000/otel", "otel/opentelemetry-collector-contrib-dev:0.156.0", "", ":", "0.156.0",
        ])
    func otherImagesAreNot(image: String) { #expect(CollectorImage(image) == nil) }

    @Test(
        arguments: [
            "receiver", "receiver a b", "receiver a = b", "receiver a = b@x", "thing a", "receiver a\n is", "receiver a\n is logs:fine",
            "receiver a\n in nowhere",
            "receiver a\n in contrib:1-2", "receiver a\n in contrib:x..", "receiver a\n listens grpc:x/TCP", "receiver a\n listens grpc:1",
            "receiver a\n at endpoint",
            "receiver a\n access always", "receiver a\n access always:core=get", "receiver a\n keys@x b", "receiver a\n keys@139 +nothing",
            "receiver a\n knows b", " is logs:beta",
        ])
    func badRowsAreProblems(text: String) { #expect(ComponentRegistry([text]).problems.count == 1, "\(text)") }

    @Test func versionsAreOrderedByNumber() throws {
        let (older, newer) = (try #require(ReleaseVersion(tag: "0.99.0")), try #require(ReleaseVersion(tag: "0.100.0")))
        #expect(older < newer && newer < ReleaseVersion(minor: 100, patch: 1) && newer.description == "0.100.0")
        for text in ["1.0.0", "0.1", "0.1.2.3", "0.a.0", "0.-1.0", "0.99999999999999999999.0", ""] { #expect(ReleaseVersion(tag: text) == nil) }
    }
}
