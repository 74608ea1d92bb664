// Configurations around the Prometheus receiver that lose data in silence, each tried on a real collector.
// Validation calls it; the founding document's example trips several rules, and is valid all the same.
// It never reports an error: such a configuration runs, and does less than it says.

import CollectorComponents
import JSON
import SondeAPI

enum ScrapeTraps {
    static func findings(_ subject: RuleSubject) -> [Finding] {
        let configuration = subject.configuration
        var findings: [Finding] = []
        for pipeline in configuration.pipelines where pipeline.signal == "metrics" {
            let scraped = pipeline.receivers.filter { ComponentID.type($0) == "prometheus" }
            if !scraped.isEmpty { findings += filters(pipeline, subject) }
            let isScrapedOnly = scraped.count == pipeline.receivers.count && !scraped.isEmpty
            findings += DroppedAttributes.findings(pipeline, configuration, isScrapedOnly: isScrapedOnly)
        }
        for (id, value) in configuration.enabled(.receivers, ofType: ["prometheus"]) {
            for (index, job) in (value.at("config", "scrape_configs")?.array ?? []).enumerated() {
                let path = "\(RuleSubject.path(.receivers, id)).config.scrape_configs[\(index)]"
                findings += selector(job, path) + dollars(job, path, subject)
            }
        }
        return findings.withoutRepetitions
    }

    private static func filters(_ pipeline: Pipeline, _ subject: RuleSubject) -> [Finding] {
        let condition =
            FilterTraps.knowsConditions(subject)
            ? "metric_conditions: ['metric.name == \"…\" and datapoint.attributes[\"source_namespace\"] == \"kube-system\"']"
            : "metrics: {datapoint: ['metric.name == \"…\" and attributes[\"source_namespace\"] == \"kube-system\"']}"
        return pipeline.processors.filter { ComponentID.type($0) == "filter" }.flatMap { id -> [Finding] in
            let value = subject.configuration.components(.processors)[id] ?? .null
            let lists: [(String, JSONValue?)] = [
                ("metrics.metric", value.at("metrics", "metric")), ("metrics.datapoint", value.at("metrics", "datapoint")),
                ("metric_conditions", value["metric_conditions"]),
            ]
            return lists.flatMap { name, list in
                (list?.array ?? []).enumerated().compactMap { index, text -> Finding? in
                    guard text.string?.contains("resource.attributes[\"k8s.namespace.name\"]") == true else { return nil }
                    return Finding(
                        .warning, rule: "scraped-namespace-filter", path: "\(RuleSubject.path(.processors, id)).\(name)[\(index)]",
                        message: "k8s.namespace.name of scraped metrics is the namespace of the scraped pod, not of the flow that the metric counts, "
                            + "so this drops all or nothing",
                        remedy: "filter on the metric's own label: \(condition)")
                }
            }
        }
    }

    private static let applicationLabels: Set<String> = [
        "__meta_kubernetes_pod_label_k8s_app", "__meta_kubernetes_pod_label_app", "__meta_kubernetes_pod_label_app_kubernetes_io_name",
    ]

    private static func selector(_ job: JSONValue, _ path: String) -> [Finding] {
        guard (job["kubernetes_sd_configs"]?.array ?? []).contains(where: { $0["role"]?.string == "pod" }) else { return [] }
        return (job["relabel_configs"]?.array ?? []).enumerated().compactMap { index, rule in
            let labels = rule["source_labels"]?.array?.compactMap(\.string) ?? []
            guard rule["action"]?.string == "keep", ["hubble", "^hubble$", "(hubble)"].contains(rule["regex"]?.string), labels.count == 1,
                applicationLabels.contains(labels[0])
            else { return nil }
            return Finding(
                .warning, rule: "hubble-selector", path: "\(path).relabel_configs[\(index)].regex",
                message: "no pod has the label k8s-app=hubble: Hubble's metrics are served by the Cilium agents, and the label is the metrics Service's",
                remedy: "write regex: cilium, or use role: endpoints with the Service's label")
        }
    }

    /// Collectors before 0.104 expand `$1` as an environment variable; later ones keep it, and refuse `${1}` as no variable's name.
    private static func dollars(_ job: JSONValue, _ path: String, _ subject: RuleSubject) -> [Finding] {
        let expandsBareNames = subject.version.map { $0 < ReleaseVersion(minor: 104) } == true
        return ["relabel_configs", "metric_relabel_configs"].flatMap { list in
            (job[list]?.array ?? []).enumerated().flatMap { index, rule in
                ["replacement", "target_label"].compactMap { field -> Finding? in
                    guard let text = rule[field]?.string, let reference = Self.reference(in: text), expandsBareNames || reference.hasPrefix("${") else {
                        return nil
                    }
                    let effect =
                        expandsBareNames
                        ? "the collector of this image takes \(reference) for an environment variable, so nothing is left of it"
                        : "the collector takes \(reference) for an environment variable, whose name it refuses, and does not start"
                    return Finding(
                        .warning, rule: "dollar-not-escaped", path: "\(path).\(list)[\(index)].\(field)", message: effect,
                        remedy: "write \(field): \"\(Self.escaped(text))\"")
                }
            }
        }
    }

    /// The first reference to a group, `$1` or `${1}`, before which no other dollar stands.
    private static func reference(in text: String) -> String? {
        let characters = Array(text)
        var index = 0
        while index < characters.count {
            guard characters[index] == "$" else {
                index += 1
                continue
            }
            let rest = characters[(index + 1)...]
            if rest.first == "$" {
                index += 2
                continue
            }
            if let digit = rest.first, digit.isASCII, digit.isNumber { return "$\(digit)" }
            if rest.first == "{", let digit = rest.dropFirst().first, digit.isASCII, digit.isNumber { return "${\(digit)}" }
            index += 1
        }
        return nil
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("$$", with: "$").replacing("$", with: "$$")
    }
}

/// Attributes that processors of a metrics pipeline take away.
enum DroppedAttributes {
    /// A place where keys of data points are deleted.
    private struct Deletion {
        let path: String
        let key: String
        /// What holds all deletions of one processor.
        let processor: String
        let order: Int
    }

    static func findings(_ pipeline: Pipeline, _ configuration: CollectorConfiguration, isScrapedOnly: Bool) -> [Finding] {
        let deletions = pipeline.processors.enumerated().flatMap { order, id in self.deletions(id, order, configuration) }
        let absent = isScrapedOnly ? deletions.filter { $0.key.contains(".") } : []
        let present = isScrapedOnly ? deletions.filter { !$0.key.contains(".") } : deletions
        let notProduced = absent.map { deletion in
            Finding(
                .warning, rule: "attribute-name-not-produced", path: deletion.path,
                message: "scraped metrics have no attribute \(deletion.key), so nothing is deleted",
                remedy: "write \(String(deletion.key.map { $0 == "." ? "_" : $0 })), and sum what then collapses with metrics_transform "
                    + "(aggregate_labels) after it")
        }
        var seen: Set<String> = []
        let notSummed = present.filter { seen.insert($0.processor).inserted && !isAggregated(pipeline.processors.dropFirst($0.order + 1), configuration) }.map {
            Finding(
                .warning, rule: "label-drop-without-aggregation", path: $0.processor,
                message: "series that differ only in a deleted attribute (\($0.key)) collapse into one and are not summed: one of them is kept",
                remedy: "add metrics_transform with action: update, operations: [{action: aggregate_labels, aggregation_type: sum, label_set: […]}] after it")
        }
        return notProduced + notSummed
    }

    private static func deletions(_ id: String, _ order: Int, _ configuration: CollectorConfiguration) -> [Deletion] {
        let value = configuration.components(.processors)[id] ?? .null
        let path = RuleSubject.path(.processors, id)
        switch ComponentID.type(id) {
        case "attributes":
            return (value["actions"]?.array ?? []).enumerated().compactMap { index, action in
                guard action["action"]?.string == "delete", let key = action["key"]?.string else { return nil }
                return Deletion(path: "\(path).actions[\(index)].key", key: key, processor: path, order: order)
            }
        case "transform":
            return (value["metric_statements"]?.allStrings ?? []).compactMap { statement in
                TransformationLanguage.attribute(of: "delete_key", in: statement).map {
                    Deletion(path: "\(path).metric_statements", key: $0, processor: path, order: order)
                }
            }
        default: return []
        }
    }

    private static func isAggregated(_ processors: ArraySlice<String>, _ configuration: CollectorConfiguration) -> Bool {
        processors.contains { id in
            let texts = (configuration.components(.processors)[id] ?? .null).allStrings
            switch ComponentID.type(id) {
            case "metricstransform", "metrics_transform": return texts.contains { $0.hasPrefix("aggregate_label") }
            case "transform": return texts.contains { $0.contains("aggregate_on_attribute") }
            default: return false
            }
        }
    }
}

extension Sequence<Finding> {
    /// Each finding once: a processor may stand in several pipelines.
    var withoutRepetitions: [Finding] {
        var seen: Set<Finding> = []
        return filter { seen.insert($0).inserted }
    }
}
