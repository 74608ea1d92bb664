// Rules about the pipelines' graph: every name is defined, every pipeline has both ends, every component fits its signal.
// Validation calls it; each error here is a collector that would stop right after it starts.
// It never checks a component's own settings.

import JSON
import SondeAPI

enum GraphRules {
    static func findings(_ configuration: CollectorConfiguration) -> [Finding] {
        let pipelines = configuration.pipelines
        var findings = sections(configuration)
        if pipelines.isEmpty, configuration.value.at("service", "pipelines") != nil {
            findings.append(error("no-pipeline", "service.pipelines", "has no pipeline", "add one: metrics: {receivers: […], exporters: […]}"))
        }
        for pipeline in pipelines { findings += ends(pipeline) + names(pipeline, configuration) }
        for (index, id) in configuration.enabledExtensions.enumerated() where !configuration.components(.extensions).contains(id) {
            findings.append(undefined(id, "service.extensions[\(index)]", [.extensions], configuration))
        }
        return findings + connectors(configuration) + unused(configuration)
    }

    private static func sections(_ configuration: CollectorConfiguration) -> [Finding] {
        var findings: [Finding] = []
        for kind in ComponentKind.allCases {
            for (id, value) in configuration.components(kind) where !value.isNull && value.object == nil {
                let message = "must be a mapping, is \(value.kindInWords)"
                findings.append(error("wrong-type", "\(kind.rawValue).\(id)", message, "write \(id): {} for its defaults"))
            }
        }
        return findings
    }

    private static func ends(_ pipeline: Pipeline) -> [Finding] {
        let path = "service.pipelines.\(pipeline.id)"
        var findings: [Finding] = []
        if !ComponentSignals.signals.contains(pipeline.signal) {
            findings.append(
                error("unknown-signal", path, "\(pipeline.signal) is no signal", "name it metrics, traces or logs, with /NAME after it for a second one"))
        }
        if pipeline.receivers.isEmpty { findings.append(error("no-receiver", "\(path).receivers", "is empty", "name a receiver")) }
        if pipeline.exporters.isEmpty { findings.append(error("no-exporter", "\(path).exporters", "is empty", "name an exporter, for example debug")) }
        return findings
    }

    private static func names(_ pipeline: Pipeline, _ configuration: CollectorConfiguration) -> [Finding] {
        let lists: [(ids: [String], key: String, kinds: [ComponentKind])] = [
            (pipeline.receivers, "receivers", [.receivers, .connectors]), (pipeline.processors, "processors", [.processors]),
            (pipeline.exporters, "exporters", [.exporters, .connectors]),
        ]
        return lists.flatMap { ids, key, kinds -> [Finding] in
            ids.enumerated().compactMap { index, id -> Finding? in
                let path = "service.pipelines.\(pipeline.id).\(key)[\(index)]"
                guard let kind = kinds.first(where: { configuration.components($0).contains(id) }) else { return undefined(id, path, kinds, configuration) }
                guard kind != .connectors, let signals = ComponentSignals.of(kind, ComponentID.type(id)), !signals.contains(pipeline.signal) else { return nil }
                return error(
                    "signal-mismatch", path, "the \(id) \(kind.singular) does not take \(pipeline.signal)",
                    "use it in a pipeline of \(signals.sorted().joined(separator: " or ")) only")
            }
        }
    }

    private static func undefined(_ id: String, _ path: String, _ kinds: [ComponentKind], _ configuration: CollectorConfiguration) -> Finding {
        let known = kinds.flatMap { configuration.components($0).keys }
        let section = kinds[0].rawValue
        let elsewhere = ComponentKind.allCases.first { configuration.components($0).contains(id) }
        let remedy =
            Spelling.nearest(to: id, in: known).map { "did you mean \($0)?" }
            ?? elsewhere.map { "it is defined below \($0.rawValue), not below \(section)" } ?? "define it below spec.config.\(section), for example \(id): {}"
        return error("undefined-component", path, "\(id) is not defined", remedy)
    }

    private static func connectors(_ configuration: CollectorConfiguration) -> [Finding] {
        let received = Set(configuration.pipelines.flatMap(\.receivers)), exported = Set(configuration.pipelines.flatMap(\.exporters))
        return configuration.components(.connectors).keys.compactMap { id in
            guard received.contains(id) != exported.contains(id) else { return nil }
            let missing = received.contains(id) ? "exporter" : "receiver"
            return error("half-connector", "connectors.\(id)", "is no \(missing) of any pipeline", "name it as \(missing) of the pipeline at its other end")
        }
    }

    private static func unused(_ configuration: CollectorConfiguration) -> [Finding] {
        ComponentKind.allCases.flatMap { kind -> [Finding] in
            let enabled = Set(configuration.enabled(kind))
            return configuration.components(kind).keys.filter { !enabled.contains($0) }.map { id in
                let place = kind == .extensions ? "service.extensions" : "a pipeline"
                return Finding(
                    .warning, rule: "unused-component", path: "spec.config.\(kind.rawValue).\(id)", message: "is defined but not used, so it is off",
                    remedy: "name it in \(place), or remove it")
            }
        }
    }

    private static func error(_ rule: String, _ path: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.error, rule: rule, path: "spec.config.\(path)", message: message, remedy: remedy)
    }
}

/// Which signals well-known components take. Components that are not listed may take any.
enum ComponentSignals {
    static let signals: Set<String> = ["metrics", "traces", "logs", "profiles"]

    static func of(_ kind: ComponentKind, _ type: String) -> Set<String>? {
        switch kind {
        case .receivers: receivers[type]
        case .processors: processors[type]
        case .exporters: exporters[type]
        case .connectors, .extensions: nil
        }
    }

    private static let receivers: [String: Set<String>] = [
        "prometheus": ["metrics"], "hostmetrics": ["metrics"], "host_metrics": ["metrics"], "kubeletstats": ["metrics"], "kubelet_stats": ["metrics"],
        "statsd": ["metrics"], "filelog": ["logs"], "file_log": ["logs"], "tcplog": ["logs"], "udplog": ["logs"], "journald": ["logs"], "syslog": ["logs"],
        "fluentforward": ["logs"], "fluent_forward": ["logs"], "jaeger": ["traces"], "zipkin": ["traces"],
    ]
    private static let processors: [String: Set<String>] = [
        "tail_sampling": ["traces"], "groupbytrace": ["traces"], "metricstransform": ["metrics"], "metrics_transform": ["metrics"],
        "cumulativetodelta": ["metrics"], "deltatocumulative": ["metrics"], "span": ["traces"],
    ]
    private static let exporters: [String: Set<String>] = [
        "prometheus": ["metrics"], "prometheusremotewrite": ["metrics"], "prometheus_remote_write": ["metrics"], "zipkin": ["traces"], "loki": ["logs"],
    ]
}
