// A configuration in two tiers: which receivers, processors and pipelines each tier has, and why some configurations cannot be parted.
// Expected documents are YAML beside the configuration that they come from.
// It never renders objects: RenderingTests does.

import CollectorComponents
import JSON
import Kubernetes
import SondeAPI
import Testing
import YAML

@testable import CollectorConfig

@Suite struct TraceRoutingTests {
    private static let contrib = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib"

    private static func resource(_ config: String, spec: String = "{replicas: 3}", annotation: String? = "managed") throws -> JSONValue {
        var object = try collector(config, spec: spec)
        if let annotation { object.set(["metadata", "annotations", "sonde.dev/trace-routing"], to: .string(annotation)) }
        return object
    }

    private static func parted(_ config: String, spec: String = "{replicas: 3}") throws -> TraceRouting {
        let object = try resource(config, spec: spec)
        #expect(Validation.findings(collector: object).errors.isEmpty, "\(Validation.findings(collector: object).errors)")
        return try #require(TraceRouting.of(try OpenTelemetryCollector(object: object), collectorImage: CollectorImage.pinned))
    }

    private static func pipeline(_ configuration: CollectorConfiguration, _ id: String) throws -> [[String]] {
        let pipeline = try #require(configuration.pipelines.first { $0.id == id }, "\(configuration.pipelines.map(\.id))")
        return [pipeline.receivers, pipeline.processors, pipeline.exporters]
    }

    static let plain = """
        receivers: {otlp: {protocols: {grpc: {}, http: {}}}, prometheus: {config: {scrape_configs: []}}}
        processors: {memory_limiter: {check_interval: 1s, limit_percentage: 80}, tail_sampling: {policies: []}, batch: {}}
        exporters: {otlp_grpc/store: {endpoint: store:4317}, debug: {}}
        extensions: {health_check: {}, zpages: {}}
        service:
          extensions: [health_check, zpages]
          pipelines:
            traces: {receivers: [otlp], processors: [memory_limiter, tail_sampling, batch], exporters: [otlp_grpc/store]}
            metrics: {receivers: [otlp, prometheus], processors: [memory_limiter, batch], exporters: [debug]}
        """

    @Test func receiversOfTracesMoveAndEverythingElseStays() throws {
        let routing = try Self.parted(Self.plain)
        #expect(routing.lanePorts == [14317] && routing.movedPorts == ["4317/TCP", "4318/TCP"])
        #expect(try Self.pipeline(routing.routing, "traces/sonde-routing") == [["otlp"], ["memory_limiter/sonde-routing"], ["load_balancing/sonde-routing"]])
        #expect(try Self.pipeline(routing.routing, "metrics/sonde-routing") == [["otlp"], ["memory_limiter/sonde-routing"], ["otlp_grpc/sonde-routing"]])
        #expect(routing.routing.pipelines.count == 2 && routing.routing.enabledExtensions == ["health_check"])
        #expect(
            try Self.pipeline(routing.sampling, "traces")
                == [["otlp/sonde-routing"], ["memory_limiter", "tail_sampling", "batch"], ["otlp_grpc/store"]])
        #expect(try Self.pipeline(routing.sampling, "metrics") == [["prometheus", "otlp/sonde-routing"], ["memory_limiter", "batch"], ["debug"]])
        #expect(routing.sampling.components(.receivers).keys == ["prometheus", "otlp/sonde-routing"])
        #expect(routing.sampling.enabledExtensions == ["health_check", "zpages"])
    }

    @Test func tracesGoByTheirIdToTheAddressesOfTheOtherTier() throws {
        let exporters = try Self.parted(Self.plain).routing.components(.exporters)
        let balancing = try #require(exporters["load_balancing/sonde-routing"])
        #expect(balancing["routing_key"] == "traceID" && balancing.at("protocol", "otlp", "tls", "insecure") == true)
        #expect(balancing.at("resolver", "dns", "hostname") == "gateway-collector-sampling.observability.svc")
        #expect(balancing.at("resolver", "dns", "port") == "14317", "a text, as the exporter's setting is one")
        #expect(exporters["otlp_grpc/sonde-routing"]?["endpoint"] == "dns:///gateway-collector-sampling.observability.svc:14317")
    }

    @Test(arguments: [("0.100.0", "loadbalancing", "otlp"), ("0.145.0", "loadbalancing", "otlp_grpc"), ("0.156.0", "load_balancing", "otlp_grpc")])
    func exportersHaveTheNamesThatTheReleaseKnows(version: String, balancing: String, forwarding: String) throws {
        let config = Self.plain.replacing("otlp_grpc/store", with: "otlp/store")
        let routing = try Self.parted(config, spec: "{image: '\(Self.contrib):\(version)', replicas: 3}")
        #expect(routing.routing.components(.exporters).keys.sorted() == ["\(balancing)/sonde-routing", "\(forwarding)/sonde-routing"].sorted())
    }

    @Test func anUnknownImageGetsTheNamesThatEveryReleaseTakes() throws {
        let routing = try Self.parted(Self.plain, spec: "{image: 'example.com/collector:1', replicas: 3}")
        #expect(routing.routing.components(.exporters).keys == ["loadbalancing/sonde-routing", "otlp/sonde-routing"])
    }

    @Test func whatNeedsTheSenderRunsInFront() throws {
        let config = Self.plain.replacing("[memory_limiter, tail_sampling, batch]", with: "[memory_limiter, k8s_attributes, tail_sampling, batch]")
            .replacing("[memory_limiter, batch]", with: "[memory_limiter, k8s_attributes, batch]").replacing(
                "batch: {}}", with: "batch: {}, k8s_attributes: {}}")
        let routing = try Self.parted(config)
        for id in ["traces/sonde-routing", "metrics/sonde-routing"] {
            #expect(try Self.pipeline(routing.routing, id)[1] == ["memory_limiter", "k8s_attributes"], "\(id)")
        }
        #expect(try Self.pipeline(routing.sampling, "traces")[1] == ["memory_limiter", "tail_sampling", "batch"], "memory is watched in both tiers")
        #expect(try Self.pipeline(routing.sampling, "metrics") == [["prometheus"], ["memory_limiter", "k8s_attributes", "batch"], ["debug"]])
        #expect(try Self.pipeline(routing.sampling, "metrics/sonde-routing") == [["otlp/sonde-routing"], ["memory_limiter", "batch"], ["debug"]])
        let byResource = config.replacing(
            "k8s_attributes: {}", with: "k8s_attributes: {pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]}]}")
        #expect(try Self.pipeline(Self.parted(byResource).routing, "traces/sonde-routing")[1] == ["memory_limiter/sonde-routing"])
    }

    @Test func receiversOfDifferentPipelinesDoNotMix() throws {
        let config = """
            receivers: {otlp: {protocols: {grpc: {}}}, otlp/two: {protocols: {grpc: {endpoint: 0.0.0.0:14317}}}, zipkin: {}}
            processors: {tail_sampling: {policies: []}, tail_sampling/two: {policies: []}}
            exporters: {debug: {}, debug/two: {}}
            service:
              pipelines:
                traces/a: {receivers: [otlp, zipkin], processors: [tail_sampling], exporters: [debug]}
                traces/b: {receivers: [otlp/two, zipkin], processors: [tail_sampling/two], exporters: [debug/two]}
                logs: {receivers: [otlp/two], exporters: [debug]}
            """
        let routing = try Self.parted(config)
        #expect(routing.lanePorts == [14318, 14319, 14320], "a port that is taken is skipped")
        let ways = try (1...3).map { try Self.pipeline(routing.routing, "traces/sonde-routing" + ($0 == 1 ? "" : "-\($0)"))[0] }
        #expect(ways == [["otlp"], ["zipkin"], ["otlp/two"]])
        #expect(try Self.pipeline(routing.sampling, "traces/a")[0] == ["otlp/sonde-routing", "otlp/sonde-routing-2"])
        #expect(try Self.pipeline(routing.sampling, "traces/b")[0] == ["otlp/sonde-routing-2", "otlp/sonde-routing-3"])
        #expect(try Self.pipeline(routing.sampling, "logs")[0] == ["otlp/sonde-routing"])
    }

    @Test func whatFeedsADecidingPipelineByConnectorsMoves() throws {
        let config = """
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {tail_sampling: {policies: []}}
            connectors: {forward: {}, service_graph: {}}
            exporters: {debug: {}}
            service:
              pipelines:
                traces/in: {receivers: [otlp], exporters: [forward]}
                traces/out: {receivers: [forward], processors: [tail_sampling], exporters: [debug, service_graph]}
                metrics: {receivers: [service_graph], exporters: [debug]}
            """
        let routing = try Self.parted(config)
        #expect(routing.routing.pipelines.map(\.id) == ["traces/sonde-routing"])
        #expect(try Self.pipeline(routing.sampling, "traces/in")[0] == ["otlp/sonde-routing"])
        #expect(try Self.pipeline(routing.sampling, "traces/out")[0] == ["forward"])
    }

    @Test func extensionsThatReceiversNameComeAlong() throws {
        let config = Self.plain.replacing("grpc: {}", with: "grpc: {auth: {authenticator: basicauth/in}}")
            .replacing("zpages: {}", with: "zpages: {}, basicauth/in: {htpasswd: {inline: 'a:b'}}").replacing("zpages]", with: "zpages, basicauth/in]")
            .replacing("health_check: {}, ", with: "").replacing("[health_check, ", with: "[")
        let routing = try Self.parted(config)
        #expect(routing.routing.enabledExtensions == ["basicauth/in", "health_check/sonde-routing"])
        #expect(routing.routing.at("extensions", "health_check/sonde-routing", "endpoint") == "0.0.0.0:13133")
    }

    @Test func withoutTheAnnotationThereIsNoRouting() throws {
        let object = try Self.resource(Self.plain, annotation: nil)
        #expect(TraceRouting.of(try OpenTelemetryCollector(object: object), collectorImage: CollectorImage.pinned) == nil)
        #expect(Validation.findings(collector: object).contains { $0.rule == "tail-sampling-replicas" && $0.remedy.contains("sonde.dev/trace-routing") })
        #expect(!Validation.findings(collector: try Self.resource(Self.plain)).contains { $0.rule == "tail-sampling-replicas" })
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let path: String
        let says: String
        var replacing: [(String, String)] = []
        var spec = "{replicas: 3}"

        var testDescription: String { says }
    }

    static let annotation = #"metadata.annotations["sonde.dev/trace-routing"]"#
    static let refusals = [
        Refusal(path: annotation, says: "mode daemonset", spec: "{mode: daemonset}"),
        Refusal(path: annotation, says: "sidecars have no Service", spec: "{mode: sidecar}"),
        Refusal(path: "spec.hostNetwork", says: "same ports of a node", spec: "{hostNetwork: true}"),
        Refusal(path: annotation, says: "decides over whole traces", replacing: [("[memory_limiter, tail_sampling, batch]", "[batch]")]),
        Refusal(
            path: "spec.image", says: "no exporter load_balancing",
            spec: "{image: 'ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector:0.156.0'}"),
        Refusal(
            path: "spec.config.exporters.load_balancing", says: "own pods already",
            replacing: [
                ("debug: {}}", "debug: {}, load_balancing: {resolver: {dns: {hostname: gateway-collector-headless.observability}}}}"),
                ("exporters: [debug]", "exporters: [load_balancing]"),
            ]),
        Refusal(
            path: "spec.config.service.pipelines.traces.receivers[1]", says: "once for each pod",
            replacing: [("receivers: {otlp", "receivers: {awss3: {}, otlp"), ("traces: {receivers: [otlp]", "traces: {receivers: [otlp, awss3]")]),
        Refusal(
            path: "spec.config.service.pipelines.logs", says: "a connector makes traces of its logs",
            replacing: [
                ("extensions: {", "connectors: {own: {}}\nextensions: {"), ("traces: {receivers: [otlp]", "traces: {receivers: [otlp, own]"),
                ("    metrics:", "    logs: {receivers: [otlp], exporters: [own]}\n    metrics:"),
            ]),
        Refusal(
            path: "spec.config.extensions.headers_setter", says: "end at the routing tier",
            replacing: [
                ("zpages: {}", "headers_setter: {headers: [{key: tenant, from_context: tenant}]}"),
                ("[health_check, zpages]", "[health_check, headers_setter]"),
            ]),
        Refusal(
            path: "spec.config.exporters.otlp_grpc/store", says: "end at the routing tier",
            replacing: [("{endpoint: store:4317}", "{endpoint: store:4317, sending_queue: {batch: {partition: {metadata_keys: [tenant]}}}}")]),
        Refusal(
            path: "spec.config.service.pipelines.traces/out.processors[0]", says: "a connector feeds this pipeline",
            replacing: [
                ("extensions: {", "connectors: {forward: {}}\nextensions: {"), ("batch: {}}", "batch: {}, k8s_attributes: {}}"),
                ("[memory_limiter, tail_sampling, batch], exporters: [otlp_grpc/store]", "[memory_limiter], exporters: [forward]"),
                (
                    "    metrics:", "    traces/out: {receivers: [forward], processors: [k8s_attributes, tail_sampling], exporters: [debug]}\n    metrics:"
                ),
            ]),
        Refusal(
            path: "spec.config.receivers.otlp/sonde-routing", says: "a name that managed trace routing gives",
            replacing: [("receivers: {otlp", "receivers: {otlp/sonde-routing: {protocols: {grpc: {}}}, otlp")]),
        Refusal(path: "spec.ports[0].targetPort", says: "which tier's pods", spec: "{ports: [{name: a, port: 80, targetPort: 4318}]}"),
    ]

    @Test(arguments: refusals) func whatCannotBePartedIsAnErrorWithItsPlaceAndRemedy(row: Refusal) throws {
        let config = row.replacing.reduce(Self.plain) { text, pair in
            #expect(text.contains(pair.0), "\(pair.0)")
            return text.replacing(pair.0, with: pair.1)
        }
        let object = try Self.resource(config, spec: row.spec)
        let findings = Validation.findings(collector: object).filter { $0.rule == "trace-routing" }
        let finding = try #require(findings.first { $0.path == row.path }, "\(Validation.findings(collector: object))")
        #expect(finding.severity == .error && finding.message.contains(row.says) && !finding.remedy.isEmpty, "\(finding)")
        #expect(TraceRouting.of(try OpenTelemetryCollector(object: object), collectorImage: CollectorImage.pinned) == nil)
        #expect(!Validation.findings(collector: try Self.resource(config, spec: row.spec, annotation: nil)).contains { $0.rule == "trace-routing" })
    }
}

extension CollectorConfiguration {
    fileprivate func at(_ path: String...) -> JSONValue? { value.at(path) }
}
