// Each rule of the validation with a resource that trips it and one that does not.
// Resources are YAML; a row names the rule, the path, and a word of the remedy.
// It never checks single fields: SondeAPI's tests do.

import JSON
import SondeAPI
import Testing
import _StringProcessing

@testable import CollectorConfig

@Suite struct ValidationTests {
    struct Row: Sendable, CustomStringConvertible {
        let rule: String
        let path: String
        let says: String
        let bad: String
        let good: String
        var spec = "{}"
        var goodSpec: String?
        init(_ rule: String, _ path: String, says: String, bad: String, good: String, spec: String = "{}", goodSpec: String? = nil) {
            self.rule = rule
            self.path = path
            self.says = says
            self.bad = bad
            self.good = good
            self.spec = spec
            self.goodSpec = goodSpec
        }
        var description: String { rule }
    }

    static let fine = """
        receivers: {otlp: {protocols: {grpc: {}}}}
        processors: {batch: {}}
        exporters: {debug: {}}
        service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [debug]}}}
        """

    /// A traces pipeline with these processors.
    static func traces(_ processors: String, _ order: String) -> String {
        """
        receivers: {otlp: {protocols: {grpc: {}}}}
        processors: {\(processors)}
        exporters: {debug: {}}
        service: {pipelines: {traces: {receivers: [otlp], processors: [\(order)], exporters: [debug]}}}
        """
    }

    /// A metrics pipeline behind a Prometheus receiver.
    static func scraped(job: String = "{job_name: a}", processors: String = "{}", order: String = "") -> String {
        """
        receivers: {prometheus: {config: {scrape_configs: [\(job)]}}}
        processors: \(processors)
        exporters: {debug: {}}
        service: {pipelines: {metrics: {receivers: [prometheus], processors: [\(order)], exporters: [debug]}}}
        """
    }

    static func logs(_ filelog: String) -> String {
        """
        receivers: {filelog: \(filelog)}
        exporters: {debug: {}}
        service: {pipelines: {logs: {receivers: [filelog], exporters: [debug]}}}
        """
    }

    static let graph = [
        Row(
            "undefined-component", "spec.config.service.pipelines.traces.processors[0]", says: "did you mean batch?",
            bad: fine.replacing("processors: [batch]", with: "processors: [bacth]"), good: fine),
        Row(
            "undefined-component", "spec.config.service.pipelines.traces.receivers[0]", says: "below exporters",
            bad: fine.replacing("receivers: [otlp]", with: "receivers: [debug]"), good: fine),
        Row(
            "undefined-component", "spec.config.service.extensions[0]", says: "health_check: {}",
            bad: fine.replacing("service: {", with: "service: {extensions: [health_check], "), good: fine),
        Row("unused-component", "spec.config.processors.batch", says: "a pipeline", bad: fine.replacing("processors: [batch], ", with: ""), good: fine),
        Row(
            "no-receiver", "spec.config.service.pipelines.traces.receivers",
            says: "name a receiver",
            bad: fine.replacing("receivers: [otlp]", with: "receivers: []"),
            good: fine),
        Row(
            "no-exporter", "spec.config.service.pipelines.traces.exporters",
            says: "debug",
            bad: fine.replacing("exporters: [debug]", with: "exporters: []"),
            good: fine),
        Row("no-pipeline", "spec.config.service.pipelines", says: "metrics:", bad: "receivers: {}\nexporters: {}\nservice: {pipelines: {}}", good: fine),
        Row(
            "unknown-signal", "spec.config.service.pipelines.spans", says: "metrics, traces or logs", bad: fine.replacing("traces:", with: "spans:"),
            good: fine.replacing("traces:", with: "traces/two:")),
        Row(
            "signal-mismatch", "spec.config.service.pipelines.traces.receivers[0]",
            says: "pipeline of metrics only",
            bad: scraped().replacing("metrics:", with: "traces:"),
            good: scraped()),
        Row(
            "wrong-type", "spec.config.exporters.debug",
            says: "debug: {}",
            bad: fine.replacing("debug: {}", with: "debug: text"),
            good: fine.replacing("debug: {}", with: "debug: ")),
        Row(
            "wrong-type", "spec.config.exporters.debug", says: "debug: {}", bad: fine.replacing("debug: {}", with: "debug: [a]"),
            good: fine.replacing("debug: {}", with: "debug: '${file:debug.yaml}'")),
        Row(
            "signal-mismatch", "spec.config.service.pipelines.traces.exporters[0]",
            says: "pipeline of metrics only",
            bad: fine.replacing("exporters: {debug: {}}", with: "exporters: {prometheus_remote_write: }").replacing(
                "exporters: [debug]", with: "exporters: [prometheus_remote_write]"),
            good: fine),
        Row(
            "signal-mismatch", "spec.config.service.pipelines.traces.processors[0]",
            says: "pipeline of metrics only",
            bad: traces("metricstransform: ", "metricstransform"),
            good: traces("probabilistic_sampler: ", "probabilistic_sampler")),
        Row(
            "signal-mismatch", "spec.config.connectors.spanmetrics",
            says: "receiver of a pipeline of metrics", bad: connected("spanmetrics", from: "traces", to: "logs"),
            good: connected("spanmetrics", from: "traces", to: "metrics")),
        Row(
            "signal-mismatch", "spec.config.connectors.spanmetrics",
            says: "makes none of what it gets",
            bad: connected("spanmetrics", from: "traces", to: "metrics") + "\n    logs: {receivers: [spanmetrics], exporters: [debug]}",
            good: connected("count", from: "logs", to: "metrics")),
        Row(
            "half-connector", "spec.config.connectors.forward", says: "receiver",
            bad: fine.replacing("exporters: {debug: {}}", with: "exporters: {debug: {}}\nconnectors: {forward: }").replacing(
                "exporters: [debug]", with: "exporters: [debug, forward]"),
            good: fine),
        Row("missing-field", "spec.config.service.pipelines", says: "add it", bad: "receivers: {}\nexporters: {}\nservice: {}", good: fine),
    ]

    /// Two pipelines with a connector between them.
    static func connected(_ connector: String, from: String, to: String) -> String {
        """
        receivers: {otlp: {protocols: {grpc: {}}}}
        exporters: {debug: {}}
        connectors: {\(connector): }
        service:
          pipelines:
            \(from): {receivers: [otlp], exporters: [\(connector)]}
            \(to): {receivers: [\(connector)], exporters: [debug]}
        """
    }

    static let components = [
        Row(
            "unknown-component", "spec.config.processors.batchh", says: "did you mean batch?", bad: traces("batchh: ", "batchh"),
            good: fine),
        Row(
            "unknown-component", "spec.config.processors.kafka", says: "one of the receivers", bad: traces("kafka: ", "kafka"), good: fine),
        Row(
            "component-not-in-image", "spec.config.receivers.filelog", says: "contrib distribution of 0.120.0", bad: logs("{include: [a]}"),
            good: logs("{include: [a]}"), spec: "{image: 'otel/opentelemetry-collector:0.120.0'}",
            goodSpec: "{image: 'otel/opentelemetry-collector-contrib:0.120.0'}"),
        Row(
            "component-not-in-image", "spec.config.exporters.logging", says: "0.110.0 was the last release with it",
            bad: fine.replacing("debug", with: "logging"), good: fine.replacing("debug", with: "logging"),
            goodSpec: "{image: 'otel/opentelemetry-collector:0.105.0'}"),
        Row(
            "component-not-in-image", "spec.config.processors.unroll", says: "0.138.0 or later",
            bad: logs("{include: [a]}").replacing("exporters: {", with: "processors: {unroll: }\nexporters: {").replacing(
                "exporters: [", with: "processors: [unroll], exporters: ["),
            good: fine, spec: "{image: 'otel/opentelemetry-collector-contrib:0.130.0'}"),
        Row(
            "component-not-in-image", "spec.config.processors.k8s_attributes", says: "write k8sattributes", bad: traces("k8s_attributes: ", "k8s_attributes"),
            good: traces("k8sattributes: ", "k8sattributes"), spec: "{image: 'otel/opentelemetry-collector-contrib:0.120.0'}",
            goodSpec: "{image: 'otel/opentelemetry-collector-contrib:0.120.0'}"),
        Row(
            "component-not-in-image", "spec.config.extensions.jaeger_query", says: "no image of the OpenTelemetry project has it",
            bad: fine.replacing("service: {", with: "extensions: {jaeger_query: }\nservice: {extensions: [jaeger_query], "),
            good: fine.replacing("service: {", with: "extensions: {jaeger_query: }\nservice: {extensions: [jaeger_query], "),
            goodSpec: "{image: 'jaegertracing/jaeger:2.1.0'}"),
        Row(
            "renamed-component", "spec.config.processors.k8sattributes", says: "write k8s_attributes", bad: traces("k8sattributes: ", "k8sattributes"),
            good: traces("k8s_attributes: ", "k8s_attributes")),
        Row(
            "renamed-component", "spec.config.processors.k8sattributes", says: "write k8s_attributes", bad: traces("k8sattributes: ", "k8sattributes"),
            good: traces("k8sattributes: ", "k8sattributes"), goodSpec: "{image: 'otel/opentelemetry-collector-contrib:0.120.0'}"),
        Row(
            "unknown-key", "spec.config.processors.batch.send_bath_size", says: "did you mean send_batch_size?",
            bad: traces("batch: {send_bath_size: 1}", "batch"), good: traces("batch: {send_batch_size: 1}", "batch")),
        Row(
            "unknown-key", "spec.config.processors.batch.colour", says: "remove it", bad: traces("batch: {colour: 1}", "batch"),
            good: traces("batch: {'a::b': 1}", "batch")),
        Row(
            "unknown-key", "spec.config.processors.redaction.colour", says: "remove it", bad: traces("redaction: {colour: 1}", "redaction"),
            good: traces("redaction: {colour: 1}", "redaction"), spec: "{image: 'otel/opentelemetry-collector-contrib:0.130.0'}"),
        Row(
            "queue-without-storage", "spec.config.exporters.otlp_http.sending_queue", says: "file_storage",
            bad: fine.replacing("debug: {}", with: "otlp_http: {endpoint: a}").replacing("[debug]", with: "[otlp_http]"),
            good: fine.replacing("debug: {}", with: "otlp_http: {endpoint: a, sending_queue: {storage: file_storage}}").replacing(
                "[debug]", with: "[otlp_http]")),
        Row(
            "queue-without-storage", "spec.config.exporters.otlp_http.sending_queue", says: "file_storage",
            bad: fine.replacing("debug: {}", with: "otlp_http: {endpoint: a}").replacing("[debug]", with: "[otlp_http]"),
            good: fine.replacing("debug: {}", with: "otlp_http: {endpoint: a, sending_queue: {enabled: false}}").replacing("[debug]", with: "[otlp_http]")),
        Row(
            "queue-without-storage", "spec.config.exporters.prometheus.sending_queue", says: "file_storage",
            bad: scraped().replacing("{debug: {}}", with: "{prometheus: {sending_queue: {enabled: true}}}").replacing(
                "exporters: [debug]", with: "exporters: [prometheus]"),
            good: scraped().replacing("{debug: {}}", with: "{prometheus: {}}").replacing("exporters: [debug]", with: "exporters: [prometheus]")),
    ]

    static let specs = [
        Row("unknown-value", "spec.mode", says: "daemonset", bad: fine, good: fine, spec: "{mode: Deployment}", goodSpec: "{mode: deployment}"),
        Row("field-of-other-mode", "spec.volumeClaimTemplates", says: "remove", bad: fine, good: fine, spec: "{volumeClaimTemplates: [{}]}"),
        Row(
            "field-of-other-mode", "spec.tolerations",
            says: "remove",
            bad: fine,
            good: fine,
            spec: "{mode: sidecar, tolerations: [{}]}",
            goodSpec: "{tolerations: [{}]}"),
        Row(
            "field-of-other-mode", "spec.daemonSetUpdateStrategy", says: "remove", bad: fine, good: fine, spec: "{daemonSetUpdateStrategy: {type: OnDelete}}",
            goodSpec: "{mode: daemonset, daemonSetUpdateStrategy: {type: OnDelete}}"),
        Row(
            "two-limits", "spec.podDisruptionBudget", says: "one", bad: fine, good: fine,
            spec: "{podDisruptionBudget: {minAvailable: 1, "
                + "maxUnavailable: 1}}", goodSpec: "{podDisruptionBudget: {minAvailable: 50%}}"),
        Row("autoscaler", "spec.autoscaler.maxReplicas", says: "add", bad: fine, good: fine, spec: "{autoscaler: {minReplicas: 1}}"),
        Row(
            "autoscaler", "spec.replicas",
            says: "lower",
            bad: fine,
            good: fine,
            spec: "{replicas: 5, autoscaler: {maxReplicas: 3}}",
            goodSpec: "{replicas: 2, autoscaler: {maxReplicas: 3}}"),
        Row("autoscaler", "spec.autoscaler.minReplicas", says: "lower", bad: fine, good: fine, spec: "{autoscaler: {minReplicas: 5, maxReplicas: 3}}"),
        Row(
            "autoscaler", "spec.autoscaler.behavior.scaleUp.stabilizationWindowSeconds", says: "range", bad: fine, good: fine,
            spec: "{autoscaler: {maxReplicas: 3, behavior: {scaleUp: {stabilizationWindowSeconds: 4000}}}}"),
        Row(
            "autoscaler", "spec.autoscaler.metrics[0].type", says: "Pods", bad: fine, good: fine,
            spec: "{autoscaler: {maxReplicas: 3, metrics: "
                + "[{type: Resource}]}}"),
        Row("ingress", "spec.ingress.hostname", says: "otel.example.com", bad: fine, good: fine, spec: "{ingress: {type: ingress, ruleType: subdomain}}"),
        Row(
            "target-allocator", "spec.targetAllocator",
            says: "mode",
            bad: scraped(),
            good: scraped(),
            spec: "{targetAllocator: {enabled: true}}",
            goodSpec: "{targetAllocator: {enabled: false}}"),
        Row(
            "target-allocator", "spec.targetAllocator.allocationStrategy",
            says: "per-node",
            bad: scraped(),
            good: scraped(),
            spec: "{mode: daemonset, targetAllocator: {enabled: true}}",
            goodSpec: "{mode: daemonset, targetAllocator: {enabled: true, allocationStrategy: per-node}}"),
        Row(
            "target-allocator", "spec.config.receivers.prometheus", says: "exactly prometheus", bad: fine, good: scraped(),
            spec: "{mode: daemonset, targetAllocator: {enabled: true, allocationStrategy: per-node}}"),
        Row(
            "field-not-rendered", "spec.serviceName", says: "change the mode", bad: fine, good: fine, spec: "{serviceName: a}",
            goodSpec: "{mode: statefulset, serviceName: a}"),
        Row("unknown-field", "spec.replica", says: "did you mean replicas?", bad: fine, good: fine, spec: "{replica: 2}"),
        Row(
            "port-name", "spec.ports[0].name",
            says: "15",
            bad: fine,
            good: fine,
            spec: "{ports: [{name: my_port, port: 1}]}",
            goodSpec: "{ports: [{name: my-port, port: 1}]}"),
        Row(
            "duplicate-port", "spec.ports[1]",
            says: "remove",
            bad: fine,
            good: fine,
            spec: "{ports: [{port: 1}, {port: 1}]}",
            goodSpec: "{ports: [{port: 1}, {port: 1, protocol: UDP}]}"),
    ]

    static let ports = [
        Row(
            "duplicate-listener", "spec.config.receivers.zipkin.endpoint", says: "another endpoint",
            bad: simple(receivers: "{otlp: {protocols: {grpc: {}}}, zipkin: {endpoint: ':4317'}}", receiver: "otlp, zipkin"),
            good: simple(receivers: "{otlp: {protocols: {grpc: {}}}, zipkin: {}}", receiver: "otlp, zipkin")),
        Row(
            "localhost-listener", "spec.config.receivers.otlp.protocols.grpc.endpoint", says: "0.0.0.0:4317",
            bad: simple(receivers: "{otlp: {protocols: {grpc: {endpoint: 'localhost:4317'}}}}", receiver: "otlp"), good: fine),
        Row(
            "duplicate-listener", "spec.config.exporters.prometheus.endpoint", says: "8889",
            bad: scraped().replacing("{debug: {}}", with: "{prometheus: }").replacing("exporters: [debug]", with: "exporters: [prometheus]"),
            good: scraped()),
    ]

    static let hiddenPorts = [
        Row(
            "duplicate-listener", "spec.config.receivers.zipkin.endpoint", says: "another endpoint",
            bad: simple(receivers: "{syslog: {tcp: {listen_address: '0.0.0.0:514'}}, zipkin: {endpoint: '127.0.0.1:514'}}", receiver: "syslog, zipkin"),
            good: simple(receivers: "{syslog: {udp: {listen_address: '0.0.0.0:514'}}, zipkin: {endpoint: '127.0.0.1:514'}}", receiver: "syslog, zipkin")),
        Row(
            "duplicate-listener", "spec.config.receivers.otlp.protocols.http.endpoint", says: "another endpoint",
            bad: simple(receivers: "{otlp: {protocols: {grpc: {endpoint: 'localhost:1'}, http: {endpoint: '127.0.0.1:1'}}}}", receiver: "otlp"),
            good: simple(receivers: "{otlp: {protocols: {grpc: {endpoint: '10.0.0.1:1'}, http: {endpoint: '127.0.0.1:1'}}}}", receiver: "otlp")),
        Row(
            "duplicate-listener", "spec.config.receivers.otlp.protocols.http.endpoint", says: "does not start",
            bad: simple(receivers: "{otlp: {protocols: {grpc: {endpoint: '127.0.0.2:1'}, http: {endpoint: '127.0.0.2:1'}}}}", receiver: "otlp"),
            good: simple(receivers: "{otlp: {protocols: {grpc: {endpoint: '127.0.0.2:1'}, http: {endpoint: '127.0.0.1:1'}}}}", receiver: "otlp")),
        Row(
            "duplicate-listener", "spec.config.extensions.pprof.endpoint", says: "another endpoint",
            bad: fine.replacing("service: {", with: "extensions: {pprof: {endpoint: ':4317'}}\nservice: {extensions: [pprof], "),
            good: fine.replacing("service: {", with: "extensions: {pprof: }\nservice: {extensions: [pprof], ")),
        Row(
            "localhost-listener", "spec.config.receivers.syslog.tcp.listen_address", says: "0.0.0.0:514",
            bad: simple(receivers: "{syslog: {tcp: {listen_address: '[::1]:514'}}}", receiver: "syslog"),
            good: simple(receivers: "{elasticsearch: {endpoint: 'http://localhost:9200'}}", receiver: "elasticsearch")),
    ]

    static let traps = [
        Row(
            "tail-sampling-replicas", "spec.config.processors.tail_sampling",
            says: "load_balancing",
            bad: traces("tail_sampling: {}", "tail_sampling"),
            good: fine,
            spec: "{replicas: 2}",
            goodSpec: "{replicas: 2}"),
        Row(
            "batch-before-tail-sampling", "spec.config.service.pipelines.traces.processors[0]", says: "after tail_sampling",
            bad: traces("batch: , tail_sampling: ", "batch, tail_sampling"), good: traces("batch: , tail_sampling: ", "tail_sampling, batch")),
        Row(
            "k8s-attributes-after-batch", "spec.config.service.pipelines.traces.processors[0]", says: "after k8sattributes",
            bad: traces("batch: , k8sattributes: ", "batch, k8sattributes"), good: traces("batch: , k8sattributes: ", "k8sattributes, batch")),
        Row(
            "scraped-namespace-filter", "spec.config.processors.filter.metrics.metric[0]", says: "source_namespace",
            bad: scraped(processors: #"{filter: {metrics: {metric: ['resource.attributes["k8s.namespace.name"] == "a"']}}}"#, order: "filter"),
            good: scraped(processors: #"{filter: {metric_conditions: ['datapoint.attributes["source_namespace"] == "a"']}}"#, order: "filter")),
        Row(
            "mixed-filter-styles", "spec.config.processors.filter", says: "metric_conditions",
            bad: scraped(processors: "{filter: {metrics: {metric: ['name == \"a\"']}, metric_conditions: ['metric.name == \"b\"']}}", order: "filter"),
            good: scraped(processors: "{filter: {metric_conditions: ['metric.name == \"b\"']}}", order: "filter")),
        Row(
            "attribute-name-not-produced", "spec.config.processors.attributes.actions[0].key", says: "source_ip",
            bad: scraped(processors: "{attributes: {actions: [{key: source.ip, action: delete}]}}", order: "attributes"),
            good: scraped(processors: "{attributes: {actions: [{key: source_ip, action: delete}]}}", order: "attributes")),
        Row(
            "label-drop-without-aggregation", "spec.config.processors.attributes", says: "aggregate_labels",
            bad: scraped(processors: "{attributes: {actions: [{key: source_ip, action: delete}]}}", order: "attributes"),
            good: scraped(
                processors: "{attributes: {actions: [{key: source_ip, action: delete}]}, metricstransform: {transforms: [{include: a, action: update, "
                    + "operations: [{action: aggregate_labels, label_set: [source], aggregation_type: sum}]}]}}", order: "attributes, metricstransform")),
        Row(
            "hubble-selector", "spec.config.receivers.prometheus.config.scrape_configs[0].relabel_configs[0].regex", says: "cilium",
            bad: scraped(
                job: "{kubernetes_sd_configs: [{role: pod}], relabel_configs: [{source_labels: [__meta_kubernetes_pod_label_k8s_app], "
                    + "action: keep, regex: hubble}]}"),
            good: scraped(
                job: "{kubernetes_sd_configs: [{role: pod}], relabel_configs: [{source_labels: [__meta_kubernetes_pod_label_k8s_app], "
                    + "action: keep, regex: cilium}]}")),
        Row(
            "files-not-mounted", "spec.config.receivers.filelog.include[0]", says: "hostPath", bad: logs("{include: [/var/log/pods/*/*/*.log]}"),
            good: logs("{include: [/var/log/pods/*/*/*.log]}"), goodSpec: "{volumeMounts: [{name: a, mountPath: /var/log/pods}]}"),
        Row(
            "container-operator-needs-path", "spec.config.receivers.filelog",
            says: "include_file_path: true",
            bad: logs("{operators: [{type: container}]}"),
            good: logs("{include_file_path: true, operators: [{type: container}]}")),
        Row(
            "level-without-severity", "spec.config.receivers.filelog.operators[0]",
            says: "attributes.level",
            bad: logs(#"{operators: [{type: regex_parser, regex: '(?P<level>\S+)'}]}"#),
            good: logs(#"{operators: [{type: regex_parser, regex: '(?P<level>\S+)', severity: {parse_from: attributes.level}}]}"#)),
        Row(
            "body-kept-whole", "spec.config.receivers.filelog.operators[0]",
            says: "move",
            bad: logs(#"{operators: [{type: regex_parser, regex: '(?P<message>.*)'}]}"#),
            good: logs(#"{operators: [{type: regex_parser, regex: '(?P<message>.*)'}, {type: move, from: attributes.message, to: body}]}"#)),
        Row(
            "literal-z-layout", "spec.config.receivers.filelog.operators[0].timestamp.layout", says: "gotime",
            bad: logs("{operators: [{type: regex_parser, regex: a, timestamp: {layout: '%Y-%LZ'}}]}"),
            good: logs("{operators: [{type: regex_parser, regex: a, timestamp: {layout: '%Y-%m-%dT%H:%M:%S.%L%z'}}]}")),
    ]

    @Test(arguments: graph + components + specs + ports + hiddenPorts + traps) func ruleIsTrippedAndNot(_ row: Row) throws {
        let findings = Validation.findings(collector: try collector(row.bad, spec: row.spec))
        let found = try #require(findings.first { $0.rule == row.rule && $0.path == row.path }, "\(findings)")
        #expect("\(found.message) \(found.remedy)".contains(row.says), "\(found)")
        let rule = try #require(FindingRule.named(row.rule), "FindingRule does not list \(row.rule)")
        #expect(rule.severities.contains(found.severity), "\(found)")
        #expect(!found.message.isEmpty && !found.remedy.isEmpty, "\(found)")
        let others = Validation.findings(collector: try collector(row.good, spec: row.goodSpec ?? "{}"))
        #expect(!others.contains { $0.rule == row.rule }, "\(others)")
    }

    /// What stops a collector is an error; what may be meant is a warning; what is good to know is a note.
    @Test(
        arguments: [
            (traces("metricstransform: ", "metricstransform"), "signal-mismatch", .error),
            (scraped().replacing("metrics:", with: "traces:"), "signal-mismatch", .warning),
            (connected("spanmetrics", from: "traces", to: "logs"), "signal-mismatch", .error), (traces("batchh: ", "batchh"), "unknown-component", .warning),
            (fine.replacing("debug", with: "logging"), "component-not-in-image", .error),
            (traces("k8sattributes: ", "k8sattributes"), "renamed-component", .info),
            (traces("batch: {send_bath_size: 1}", "batch"), "unknown-key", .warning),
            (fine.replacing("processors: [batch], ", with: ""), "unused-component", .info),
            (fine.replacing("debug: {}", with: "otlp_http: {endpoint: a}").replacing("[debug]", with: "[otlp_http]"), "queue-without-storage", .info),
            (simple(receivers: "{otlp: {protocols: {grpc: {endpoint: 'localhost:4317'}}}}", receiver: "otlp"), "localhost-listener", .warning),
        ] as [(String, String, Finding.Severity)])
    func ruleHasItsSeverity(text: String, rule: String, severity: Finding.Severity) throws {
        let findings = Validation.findings(collector: try collector(text)).filter { $0.rule == rule }
        #expect(findings.count == 1 && findings[0].severity == severity, "\(findings)")
    }

    @Test func plainCollectorHasNothingButANote() throws {
        let findings = Validation.findings(collector: try collector(Self.fine))
        #expect(findings.map(\.rule) == ["missing-memory-limiter"] && findings.infos.count == 1, "\(findings)")
    }

    @Test func defaultsThatCollideAreNoErrors() throws {
        let text = Self.scraped().replacing("{debug: {}}", with: "{prometheus: }").replacing("exporters: [debug]", with: "exporters: [prometheus]")
        #expect(Validation.findings(collector: try collector(text)).errors.isEmpty, "the existing operator takes it")
    }

    @Test func missingConfigIsOneError() {
        let object: JSONValue = ["apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": ["name": "a"], "spec": [:]]
        #expect(Validation.findings(collector: object).map(\.path) == ["spec.config"])
    }

    @Test(arguments: [("http://a:4317", []), ("http://a:4317/x", ["grpc-path"]), ("http://a:4318", ["port-of-other-protocol"])] as [(String, [String])])
    func endpointsOfProbesAreCheckedForTheirProtocol(endpoint: String, rules: [String]) throws {
        let spec: JSONValue = ["endpoint": .string(endpoint), "export": ["protocol": "GRPC"]]
        let findings = Validation.findings(probe: ["apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe", "metadata": ["name": "a"], "spec": spec])
        #expect(findings.map(\.rule) == rules && findings.allSatisfy { $0.path == "spec.endpoint" })
    }

    @Test func probeWarningsAreNamed() throws {
        let spec = try yaml(
            """
            endpoint: https://a:4318
            export: {tls: {insecureSkipVerify: true}}
            namespaces: {include: [a, b], exclude: [b]}
            attributes: {addresses: true, ports: All}
            signals: {scheduler: {enabled: false}, tcp: {enabled: false}, drops: {enabled: false}, dns: {enabled: false}, http: {enabled: false}, disk: {enabled: false}, events: {enabled: false}}
            """)
        let findings = Validation.findings(probe: ["apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe", "metadata": ["name": "a"], "spec": spec])
        #expect(findings.map(\.rule) == ["namespace-excluded", "no-signal", "insecure-tls"])
        #expect(findings.errors.isEmpty)
    }

    @Test func whatCostsSeriesOrTakesAnotherProgramIsNoMistake() {
        let spec: JSONValue = [
            "endpoint": "http://a:4318", "attributes": ["addresses": true, "ports": "All"], "signals": ["syscalls": ["enabled": true, "mode": "Counts"]],
        ]
        #expect(Validation.findings(probe: ["apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe", "metadata": ["name": "a"], "spec": spec]).isEmpty)
    }
}
