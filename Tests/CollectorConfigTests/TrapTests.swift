// Configurations that lose data in silence: each rule with a configuration that trips it and its clean twin.
// Rows are those of ValidationTests, which has the older rules.
// It never runs a collector; what each configuration does was tried on one.

import JSON
import SondeAPI
import Testing
import YAML

@testable import CollectorConfig

@Suite struct TrapTests {
    typealias Row = ValidationTests.Row
    private static func traces(_ processors: String, _ order: String) -> String { ValidationTests.traces(processors, order) }
    private static func scraped(job: String = "{job_name: a}", processors: String = "{}", order: String = "") -> String {
        ValidationTests.scraped(job: job, processors: processors, order: order)
    }
    private static func filelog(_ operators: String) -> String { ValidationTests.logs("{operators: [\(operators)]}") }
    private static func regex(_ expression: String, more: String = "") -> String { filelog("{type: regex_parser, regex: '\(expression)'\(more)}") }

    /// A metrics pipeline into remote write.
    private static func written(
        receivers: String = "{otlp: {protocols: {grpc: {}}}}", receiver: String = "otlp", processors: String = "{memory_limiter: {}}",
        order: String = "memory_limiter", exporter: String = "{endpoint: a}", more: String = ""
    ) -> String {
        """
        receivers: \(receivers)
        processors: \(processors)
        exporters: {prometheusremotewrite: \(exporter), debug: {}}
        \(more)
        service: {pipelines: {metrics: {receivers: [\(receiver)], processors: [\(order)], exporters: [prometheusremotewrite]}}}
        """
    }

    private static func job(_ rule: String) -> String { scraped(job: "{job_name: a, relabel_configs: [\(rule)]}") }
    private static let oldImage = "{image: 'ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.100.0'}"
    private static let pods = "{job_name: a, kubernetes_sd_configs: [{role: pod}]}"

    static let scraping = [
        Row(
            "dollar-not-escaped", "spec.config.receivers.prometheus.config.scrape_configs[0].relabel_configs[0].replacement", says: "$$1:9965",
            bad: job("{target_label: a, replacement: '$1:9965'}"), good: job("{target_label: a, replacement: '$$1:9965'}"), spec: oldImage,
            goodSpec: oldImage),
        Row(
            "dollar-not-escaped", "spec.config.receivers.prometheus.config.scrape_configs[0].relabel_configs[0].replacement", says: "does not start",
            bad: job("{target_label: a, replacement: '${1}:9965'}"), good: job("{target_label: a, replacement: '$1:9965'}")),
        Row(
            "attribute-name-not-produced", "spec.config.processors.transform.metric_statements", says: "source_ip",
            bad: scraped(
                processors: #"{transform: {metric_statements: [{context: datapoint, statements: ['delete_key(attributes, "source.ip")']}]}}"#,
                order: "transform"),
            good: ValidationTests.fine),
        Row(
            "label-drop-without-aggregation", "spec.config.processors.transform", says: "one of them is kept",
            bad: scraped(processors: #"{transform: {metric_statements: ['delete_key(datapoint.attributes, "source_ip")']}}"#, order: "transform"),
            good: scraped(
                processors: #"{transform: {metric_statements: ['delete_key(datapoint.attributes, "source_ip")']}, "#
                    + #"transform/sum: {metric_statements: ['aggregate_on_attributes("sum", ["source"])']}}"#, order: "transform, transform/sum")),
    ]

    static let filters = [
        Row(
            "mixed-filter-styles", "spec.config.processors.filter.metrics.metric[0]", says: "data points",
            bad: scraped(processors: #"{filter: {metrics: {metric: ['datapoint.attributes["a"] == "b"']}}}"#, order: "filter"),
            good: scraped(processors: #"{filter: {metrics: {metric: ['name == "datapoint.attributes" and HasAttrOnDatapoint("a", "b")']}}}"#, order: "filter")),
        Row(
            "mixed-filter-styles", "spec.config.processors.filter.metric_conditions[1]", says: "metric.name",
            bad: scraped(processors: #"{filter: {metric_conditions: ['metric.type == METRIC_DATA_TYPE_SUM', 'name == "b"']}}"#, order: "filter"),
            good: scraped(
                processors: #"{filter: {metric_conditions: ['IsMatch(metric.name, "name.*") and not (resource.attributes["name"] == nil)']}}"#, order: "filter")
        ),
        Row(
            "mixed-filter-styles", "spec.config.processors.filter.trace_conditions[0]", says: "span.attributes",
            bad: traces(#"filter: {trace_conditions: ['attributes["a"] == "b"']}"#, "filter"),
            good: traces(#"filter: {trace_conditions: ['span.attributes["a"] == "b" and span.kind == SPAN_KIND_SERVER']}"#, "filter")),
        Row(
            "mixed-filter-styles", "spec.config.processors.filter.trace_conditions[0]", says: "client does not say",
            bad: traces(#"filter: {trace_conditions: ['client.addr == "b"']}"#, "filter"),
            good: traces(#"filter: {trace_conditions: ['otelcol.client.addr == "b" and span.kind == SPAN_KIND_SERVER']}"#, "filter")),
        Row(
            "mixed-filter-styles", "spec.config.processors.filter", says: "traces and trace_conditions",
            bad: traces(#"filter: {traces: {span: ['attributes["a"] == "b"']}, trace_conditions: ['span.name == "b"']}"#, "filter"),
            good: traces(#"filter: {traces: {}, logs: {log_record: ['body == "a"']}, trace_conditions: ['span.name == "b"']}"#, "filter")),
    ]

    static let oldFilters = [
        Row(
            "mixed-filter-styles", "spec.config.processors.filter.metrics.metric[0]", says: "metrics.datapoint",
            bad: scraped(processors: #"{filter: {metrics: {metric: ['attributes["a"] == "b"']}}}"#, order: "filter"), good: scraped(), spec: oldImage),
        Row(
            "scraped-namespace-filter", "spec.config.processors.filter.metrics.metric[0]", says: "metrics: {datapoint:",
            bad: scraped(processors: #"{filter: {metrics: {metric: ['resource.attributes["k8s.namespace.name"] == "b"']}}}"#, order: "filter"),
            good: scraped(), spec: oldImage),
    ]

    private static let uid = "{pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]}, {sources: [{from: connection}]}]}"

    static let sampling = [
        Row(
            "tail-sampling-replicas", "spec.config.processors.tail_sampling", says: "each node", bad: traces("tail_sampling: {}", "tail_sampling"),
            good: traces("tail_sampling: {}", "tail_sampling"), spec: "{mode: daemonset}"),
        Row(
            "tail-sampling-replicas", "spec.config.processors.tail_sampling", says: "4 replicas", bad: traces("tail_sampling: {}", "tail_sampling"),
            good: traces("tail_sampling: {}", "tail_sampling").replacing(
                "{debug: {}}", with: "{debug: {}, load_balancing: {resolver: {dns: {hostname: gateway-collector-headless.observability}}}}"
            ).replacing("service: {pipelines: {", with: "service: {pipelines: {traces/in: {receivers: [otlp], exporters: [load_balancing]}, "),
            spec: "{autoscaler: {maxReplicas: 4}}", goodSpec: "{autoscaler: {maxReplicas: 4}}"),
        Row(
            "tail-sampling-memory", "spec.config.processors.tail_sampling.num_traces", says: "dropped undecided",
            bad: traces("tail_sampling: {num_traces: 1000, decision_wait: 1m10s, expected_new_traces_per_sec: 100}", "tail_sampling"),
            good: traces("tail_sampling: {num_traces: 10000, decision_wait: 10s, expected_new_traces_per_sec: 100}", "tail_sampling")),
        Row(
            "tail-sampling-memory", "spec.config.processors.tail_sampling.num_traces", says: "raise resources.limits.memory",
            bad: traces("tail_sampling: {num_traces: 1000000}", "tail_sampling"), good: traces("tail_sampling: {num_traces: 100000}", "tail_sampling"),
            spec: "{resources: {limits: {memory: 2Gi}}}", goodSpec: "{resources: {limits: {memory: 2Gi}}}"),
        Row(
            "k8s-attributes-association", "spec.config.processors.k8s_attributes", says: "k8s.pod.uid",
            bad: traces("k8s_attributes: {}", "k8s_attributes"), good: traces("k8s_attributes: \(uid)", "k8s_attributes")),
        Row(
            "k8s-attributes-association", "spec.config.processors.k8sattributes.pod_association[0]", says: "passes on",
            bad: traces("k8sattributes: {pod_association: [{sources: [{from: connection}]}]}", "k8sattributes"),
            good: scraped(processors: "{k8sattributes: {}}", order: "k8sattributes")),
        Row(
            "k8s-attributes-after-batch", "spec.config.service.pipelines.traces.processors[0]", says: "connection",
            bad: traces("tail_sampling: {}, k8s_attributes: {}", "tail_sampling, k8s_attributes"),
            good: traces("batch: {}, k8s_attributes: \(uid)", "batch, k8s_attributes")),
    ]

    private static let level = #"^(?P<time>\d{4}-\d{2}-\S+)\s+(?P<level>\S+)\s+(?P<rest>.*)$"#

    static let logs = [
        Row(
            "unanchored-level-regex", "spec.config.receivers.filelog.operators[0].regex", says: "TRACE|DEBUG",
            bad: regex(#"^(?P<time>\S+)\s+(?P<level>\S+)\s+(?P<rest>.*)$"#), good: regex(#"^(?P<time>\S+)\s+(?P<level>TRACE|DEBUG|INFO|WARN|ERROR)\s"#)),
        Row(
            "unanchored-level-regex", "spec.config.receivers.filelog.operators[0].regex", says: "word of any line", bad: regex(#"(?<severity>INFO|WARN)"#),
            good: regex(#"level=(?P<level>\w+)"#)),
        Row(
            "unanchored-level-regex", "spec.config.receivers.filelog.operators[0].regex", says: "if:", bad: regex(#"(?P<level>\w+) (?P<rest>.*)"#),
            good: regex(#"(?P<level>\w+) (?P<rest>.*)"#, more: ", if: 'body matches \"^a\"'")),
        Row(
            "unanchored-level-regex", "spec.config.receivers.filelog.operators[0].regex", says: "level", bad: regex(#"(?P<level>\w+)"#), good: regex(level)),
        Row(
            "level-without-severity", "spec.config.receivers.filelog.operators[0]", says: "attributes.severity", bad: regex(#"\[(?P<severity>[A-Z]+)\]"#),
            good: filelog(#"{type: regex_parser, regex: '\[(?P<severity>[A-Z]+)\]'}, {type: severity_parser, parse_from: attributes.severity}"#)),
        Row(
            "body-kept-whole", "spec.config.receivers.filelog.operators[0]", says: "attributes.msg", bad: regex("(?P<msg>.*)"),
            good: regex("(?P<msg>.*)", more: ", parse_to: body")),
        Row(
            "literal-z-layout", "spec.config.receivers.filelog.operators[0].layout", says: "gotime",
            bad: filelog("{type: time_parser, parse_from: attributes.a, layout: '%Y-%m-%dT%H:%M:%SZ'}"),
            good: filelog("{type: time_parser, parse_from: attributes.a, layout_type: gotime, layout: '2006-01-02T15:04:05Z07:00'}")),
        Row(
            "literal-z-layout", "spec.config.receivers.filelog.operators[0].timestamp.layout", says: "+02:00",
            bad: filelog("{type: json_parser, timestamp: {parse_from: attributes.a, layout: '%Y-%m-%dT%H:%M:%S.%fZ'}}"),
            good: filelog("{type: json_parser, timestamp: {parse_from: attributes.a, layout: '%Y-%m-%dT%H:%M:%S.%f%z'}}")),
        Row(
            "literal-z-layout", "spec.config.receivers.filelog.operators[0].timestamp.layout", says: "stops the collector",
            bad: filelog("{type: json_parser, timestamp: {parse_from: attributes.a, layout: '%Y-%m-%dT%H:%M:%S.%f%Z'}}"),
            good: filelog("{type: json_parser, timestamp: {parse_from: attributes.a, layout: '%Y-%m-%dT%H:%M:%S%z'}}")),
        Row(
            "container-operator-needs-path", "spec.config.receivers.filelog", says: "include_file_path", bad: filelog("{type: container}"),
            good: filelog("{type: container, add_metadata_from_filepath: false}")),
    ]

    private static let spanmetrics = "connectors: {spanmetrics: {aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA}}"

    static let metrics = [
        Row(
            "delta-to-remote-write", "spec.config.service.pipelines.metrics.exporters[0]", says: "deltatocumulative",
            bad: written(receivers: "{statsd: {}}", receiver: "statsd"),
            good: written(
                receivers: "{statsd: {}}", receiver: "statsd", processors: "{memory_limiter: {}, deltatocumulative: {}}",
                order: "memory_limiter, deltatocumulative")),
        Row(
            "delta-to-remote-write", "spec.config.service.pipelines.metrics.exporters[0]", says: "cumulativetodelta makes deltas",
            bad: written(processors: "{deltatocumulative: {}, cumulativetodelta: {}}", order: "deltatocumulative, cumulativetodelta"),
            good: written(processors: "{deltatocumulative: {}, cumulativetodelta: {}}", order: "cumulativetodelta, deltatocumulative")),
        Row(
            "delta-to-remote-write", "spec.config.service.pipelines.metrics.exporters[0]", says: "spanmetrics makes deltas",
            bad: written(receiver: "spanmetrics", more: spanmetrics),
            good: written(receiver: "spanmetrics", more: spanmetrics.replacing("DELTA", with: "CUMULATIVE"))),
        Row(
            "delta-to-remote-write", "spec.config.service.pipelines.metrics.exporters[0]", says: "Sonde's agents", bad: written(),
            good: written(processors: "{deltatocumulative: {}}", order: "deltatocumulative")),
        Row(
            "cumulative-through-replicas", "spec.config.service.pipelines.metrics", says: "3 replicas", bad: written(),
            good: written(processors: "{resource: {attributes: [{key: service.instance.id, value: '${env:POD_NAME}', action: insert}]}}", order: "resource"),
            spec: "{replicas: 3}", goodSpec: "{replicas: 3}"),
        Row(
            "cumulative-through-replicas", "spec.config.service.pipelines.metrics", says: "scrapes every target",
            bad: written(receivers: "{prometheus: {config: {scrape_configs: [\(pods)]}}}", receiver: "prometheus"),
            good: written(
                receivers: "{prometheus: {config: {scrape_configs: [\(pods)]}}}", receiver: "prometheus",
                exporter: "{external_labels: {pod: '${env:POD_NAME}'}}"),
            spec: "{replicas: 3}", goodSpec: "{replicas: 3}"),
        Row(
            "cumulative-through-replicas", "spec.config.service.pipelines.metrics", says: "pod of each node",
            bad: written(receivers: "{prometheus: {config: {scrape_configs: [\(pods)]}}}", receiver: "prometheus"),
            good: written(
                receivers: "{prometheus: {config: {scrape_configs: [{kubernetes_sd_configs: [{role: pod, selectors: "
                    + "[{role: pod, field: 'spec.nodeName=${env:K8S_NODE_NAME}'}]}]}]}}}", receiver: "prometheus"), spec: "{mode: daemonset}",
            goodSpec: "{mode: daemonset}"),
        Row(
            "missing-memory-limiter", "spec.config.service.pipelines.metrics.processors", says: "limit_percentage",
            bad: written(processors: "{}", order: ""), good: written()),
        Row(
            "missing-memory-limiter", "spec.config.service.pipelines.traces.processors", says: "killed", bad: ValidationTests.fine,
            good: traces("memory_limiter: {}", "memory_limiter"), spec: "{resources: {limits: {memory: 1Gi}}}",
            goodSpec: "{resources: {limits: {memory: 1Gi}}}"),
        Row(
            "limit-without-gomemlimit", "spec.env[0].value", says: "remove the variable", bad: written(), good: written(),
            spec: "{resources: {limits: {memory: 1Gi}}, env: [{name: GOMEMLIMIT, value: 'off'}]}",
            goodSpec: "{resources: {limits: {memory: 1Gi}}, env: [{name: GOMEMLIMIT, value: 800MiB}]}"),
        Row(
            "limit-without-gomemlimit", "spec.env[0].value", says: "1024 MiB", bad: written(), good: written(),
            spec: "{resources: {limits: {memory: 1Gi}}, env: [{name: GOMEMLIMIT, value: 2GiB}]}", goodSpec: "{resources: {limits: {memory: 1Gi}}}"),
    ]

    static let cardinality = [
        Row(
            "high-cardinality-attribute", "spec.config.processors.attributes.actions[0].key", says: "client.address",
            bad: written(processors: "{attributes: {actions: [{key: client.address, value: a, action: insert}]}}", order: "attributes"),
            good: written(processors: "{attributes: {actions: [{key: region, value: a, action: insert}]}}", order: "attributes")),
        Row(
            "high-cardinality-attribute", "spec.config.connectors.spanmetrics.dimensions[1].name", says: "url.full",
            bad: written(receiver: "spanmetrics", more: "connectors: {spanmetrics: {dimensions: [{name: http.method}, {name: url.full}]}}"),
            good: written(receiver: "spanmetrics", more: "connectors: {spanmetrics: {dimensions: [{name: http.method}]}}")),
        Row(
            "high-cardinality-attribute", "spec.config.receivers.prometheus.config.scrape_configs[0].relabel_configs[0].target_label", says: "aggregate",
            bad: job("{source_labels: [__meta_kubernetes_pod_uid], target_label: pod_uid}"),
            good: job("{source_labels: [__meta_kubernetes_pod_name], target_label: pod}")),
        Row(
            "high-cardinality-attribute", "spec.config.exporters.prometheusremotewrite.resource_to_telemetry_conversion", says: "k8s.pod.uid",
            bad: written(
                processors: "{k8sattributes: \(uid)}", order: "k8sattributes", exporter: "{resource_to_telemetry_conversion: {enabled: true}}"),
            good: written(
                processors: "{k8sattributes: {extract: {metadata: [k8s.namespace.name]}, \(uid.dropFirst())}", order: "k8sattributes",
                exporter: "{resource_to_telemetry_conversion: {enabled: true}}")),
        Row(
            "high-cardinality-attribute", "spec.config.processors.transform.metric_statements", says: "user.id",
            bad: written(processors: #"{transform: {metric_statements: ['set(datapoint.attributes["user.id"], "a")']}}"#, order: "transform"),
            good: written(
                processors: #"{transform: {metric_statements: ['set(datapoint.attributes["user.id"], "a")']}, "#
                    + #"attributes: {actions: [{key: user.id, action: delete}]}}"#, order: "transform, attributes")),
    ]

    private static func telemetry(_ metrics: String) -> String {
        ValidationTests.fine.replacing("service: {", with: "service: {telemetry: {metrics: \(metrics)}, ")
    }
    private static func image(_ version: String) -> String {
        "{image: 'ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:\(version)'}"
    }

    static let telemetry = [
        Row(
            "telemetry-address", "spec.config.service.telemetry.metrics.address", says: "does not start", bad: telemetry("{address: '0.0.0.0:9999'}"),
            good: telemetry("{readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9999}}}}]}")),
        Row(
            "telemetry-address", "spec.config.service.telemetry.metrics.address", says: "ignore it", bad: telemetry("{address: ':9999'}"),
            good: telemetry("{level: basic}"), spec: image("0.127.0"), goodSpec: image("0.127.0")),
        Row(
            "telemetry-address", "spec.config.service.telemetry.metrics.address", says: "host: \"0.0.0.0\", port: 9999",
            bad: telemetry("{address: ':9999'}"), good: telemetry("{address: ':9999'}"), spec: image("0.128.0"), goodSpec: image("0.122.1")),
    ]

    @Test(arguments: scraping + filters + oldFilters + sampling + logs + metrics + cardinality + telemetry) func ruleIsTrippedAndNot(_ row: Row) throws {
        try ValidationTests().ruleIsTrippedAndNot(row)
    }

    @Test func whatTheInstallationForbidsIsAnErrorWhereItIsUsed() throws {
        let resource = try collector(
            """
            receivers: {otlp: {protocols: {grpc: {}}}, kafka: {}}
            exporters: {kafka/a: {}, debug: {}}
            service: {pipelines: {traces: {receivers: [otlp], exporters: [kafka/a, debug]}}}
            """)
        func paths(_ disabled: [String]) -> [String] {
            Validation.findings(collector: resource, facts: ValidationFacts(disabledComponents: disabled)).filter { $0.rule == "component-disabled" }.map(
                \.path)
        }
        #expect(paths([]) == [] && paths(["receiver.kafka", "exporter.otlp", "zipkin"]) == [], "a receiver that no pipeline has does not run")
        #expect(paths(["exporter.kafka"]) == ["spec.config.exporters.kafka/a"] && paths(["kafka", "otlp"]).count == 2)
        for name in ["kafka", "exporter.kafka", "extension.health_check"] { #expect(DisabledComponents.isName(name)) }
        for name in ["", "exporters.kafka", "exporter.", "exporter.kafka/a", "a.b.c"] { #expect(!DisabledComponents.isName(name), "\(name)") }
    }

    @Test func whatClientsMaySendIsANoteAndWhatIsKnownAWarning() throws {
        func severity(_ config: String) throws -> Finding.Severity? {
            Validation.findings(collector: try collector(config)).first { $0.rule == "delta-to-remote-write" }?.severity
        }
        #expect(try severity(Self.written()) == .info)
        #expect(try severity(Self.written(receivers: "{statsd: {}}", receiver: "statsd")) == .warning)
    }

    @Test func batchBeforeTailSamplingIsANote() throws {
        let findings = Validation.findings(collector: try collector(Self.traces("batch: {}, tail_sampling: {}", "batch, tail_sampling")))
        #expect(findings.first { $0.rule == "batch-before-tail-sampling" }?.severity == .info)
    }

    @Test func aPipelineBehindAConnectorNeedsNoLimiterOfItsOwn() throws {
        let config = """
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {memory_limiter: {}}
            connectors: {forward: {}}
            exporters: {otlp_grpc: {endpoint: a}}
            service: {pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [forward]}, traces/b: {receivers: [forward], exporters: [otlp_grpc]}}}
            """
        #expect(!Validation.findings(collector: try collector(config)).contains { $0.rule == "missing-memory-limiter" })
    }

    @Test func aProcessorInTwoPipelinesIsToldOnce() throws {
        let config = Self.scraped(processors: "{attributes: {actions: [{key: a, action: delete}]}}", order: "attributes").replacing(
            "service: {pipelines: {", with: "service: {pipelines: {metrics/two: {receivers: [prometheus], processors: [attributes], exporters: [debug]}, ")
        let rules = Validation.findings(collector: try collector(config)).map(\.rule).filter { $0 == "label-drop-without-aggregation" }
        #expect(rules.count == 1)
    }

    // MARK: Parts

    @Test(
        arguments: [
            (#"name == "a.b" and resource.attributes["c"] != nil"#, ["name", "resource"]), (#"IsMatch(name, "x") or not (unit == "s")"#, ["name", "unit"]),
            (#"Substring(target=metric.name, 0, 3) == "a" and 0x1f > 3s"#, ["metric"]),
            (#"kind == SPAN_KIND_SERVER and attributes["it's \" name"] == true"#, ["kind", "attributes"]),
            ("", []), ("\"unclosed", []),
        ] as [(String, [String])])
    func rootsOfPathsAreFound(expression: String, roots: [String]) { #expect(TransformationLanguage.roots(expression) == roots) }

    @Test(arguments: [("10s", 10), ("1m30s", 90), ("500ms", 0.5), ("1.5h", 5400), ("", nil), ("10", nil), ("ten", nil), ("s", nil)] as [(String, Double?)])
    func durationsAreReadAsGoDoes(text: String, seconds: Double?) { #expect(GoDuration.seconds(text) == seconds) }

    @Test(arguments: [
        (#"^a(?P<level>x(y|z)[)]w)b"#, "^a", #"x(y|z)[)]w"#), (#"\(?P<level>a\)(?<level>\))"#, #"\(?P<level>a\)"#, #"\)"#), ("(?P<level>a", "", "a"),
    ]) func namedGroupsAreTakenApart(regex: String, before: String, content: String) throws {
        let group = try #require(NamedGroup(["level"], in: regex))
        #expect(group.before == before && group.content == content)
    }
}
