// Rules about the pipelines' graph: every name is defined, every pipeline has both ends, every component fits its signal.
// Validation calls it; each error here is a collector that would stop right after it starts.
// It never checks a component's own settings.

import CollectorComponents
import JSON
import SondeAPI

enum GraphRules {
    static let signals: Set<String> = ["metrics", "traces", "logs", "profiles"]

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
            for (id, value) in configuration.components(kind) where !value.isNull && value.object == nil && value.string?.contains("${") != true {
                let message = "must be a mapping, is \(value.kindInWords)"
                findings.append(error("wrong-type", "\(kind.rawValue).\(id)", message, "write \(id): {} for its defaults"))
            }
        }
        return findings
    }

    private static func ends(_ pipeline: Pipeline) -> [Finding] {
        let path = "service.pipelines.\(pipeline.id)"
        var findings: [Finding] = []
        if !signals.contains(pipeline.signal) {
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
                return kind == .connectors ? nil : mismatch(id, kind, pipeline.signal, path)
            }
        }
    }

    /// A receiver of another signal is a warning: the existing operator's own tests have such pipelines, and their objects must be made.
    private static func mismatch(_ id: String, _ kind: ComponentKind, _ signal: String, _ path: String) -> Finding? {
        guard signals.contains(signal), let taken = ComponentID.signals(kind, id), !taken.isEmpty, !taken.contains(signal) else { return nil }
        let verb = kind == .receivers ? "give" : "take"
        return Finding(
            kind == .receivers ? .warning : .error, rule: "signal-mismatch", path: "spec.config.\(path)",
            message: "the \(id) \(kind.singular) does not \(verb) \(signal), so the collector does not start",
            remedy: "use it in a pipeline of \(taken.sorted().joined(separator: " or ")) only")
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
        configuration.components(.connectors).keys.flatMap { id -> [Finding] in
            let inputs = signals(of: id, in: configuration, \.exporters), outputs = signals(of: id, in: configuration, \.receivers)
            guard inputs.isEmpty == outputs.isEmpty else {
                let missing = inputs.isEmpty ? "exporter" : "receiver"
                return [
                    error("half-connector", "connectors.\(id)", "is no \(missing) of any pipeline", "name it as \(missing) of the pipeline at its other end")
                ]
            }
            guard let component = ComponentID.registered(.connectors, id), !component.flows.isEmpty else { return [] }
            return ends(of: id, component, from: inputs, to: outputs)
        }
    }

    /// Each pipeline that a connector ends needs one that it can begin, and the other way round.
    private static func ends(of id: String, _ component: Component, from inputs: Set<String>, to outputs: Set<String>) -> [Finding] {
        let lost = inputs.filter { component.outputs(of: $0).isDisjoint(with: outputs) }.sorted().map { signal -> Finding in
            let possible = component.outputs(of: signal).sorted().joined(separator: " or ")
            return error(
                "signal-mismatch", "connectors.\(id)",
                possible.isEmpty ? "does not take \(signal)" : "makes \(possible) of \(signal), and is the receiver of no such pipeline",
                possible.isEmpty
                    ? "name it as exporter of pipelines of \(component.signals.sorted().joined(separator: " or ")) only"
                    : "name it as receiver of a pipeline of \(possible)")
        }
        let unfed = outputs.filter { output in !inputs.contains { component.outputs(of: $0).contains(output) } }.sorted().map { signal -> Finding in
            let sources = component.signals.filter { component.outputs(of: $0).contains(signal) }.sorted().joined(separator: " or ")
            return error(
                "signal-mismatch", "connectors.\(id)", "is the receiver of a pipeline of \(signal), and makes none of what it gets",
                sources.isEmpty ? "remove it from that pipeline" : "name it as exporter of a pipeline of \(sources)")
        }
        return lost.isEmpty ? unfed : lost
    }

    private static func signals(of id: String, in configuration: CollectorConfiguration, _ end: (Pipeline) -> [String]) -> Set<String> {
        Set(configuration.pipelines.filter { end($0).contains(id) }.map(\.signal))
    }

    private static func unused(_ configuration: CollectorConfiguration) -> [Finding] {
        ComponentKind.allCases.flatMap { kind -> [Finding] in
            let enabled = Set(configuration.enabled(kind))
            return configuration.components(kind).keys.filter { !enabled.contains($0) }.map { id in
                let place = kind == .extensions ? "service.extensions" : "a pipeline"
                return Finding(
                    .info, rule: "unused-component", path: "spec.config.\(kind.rawValue).\(id)", message: "is defined but not used, so it is off",
                    remedy: "name it in \(place), or remove it")
            }
        }
    }

    private static func error(_ rule: String, _ path: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.error, rule: rule, path: "spec.config.\(path)", message: message, remedy: remedy)
    }
}
