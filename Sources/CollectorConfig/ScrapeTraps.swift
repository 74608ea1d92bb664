// Configurations around the Prometheus receiver that lose data in silence, each tried on a real collector.
// Validation calls it; the founding document's example trips several rules, and is valid all the same.
// It never reports an error, except for two styles of filter conditions in one processor, which a collector refuses.

import JSON
import Kubernetes
import SondeAPI

enum ScrapeTraps {
    static func findings(_ collector: OpenTelemetryCollector, _ configuration: CollectorConfiguration) -> [Finding] {
        var findings: [Finding] = []
        for pipeline in configuration.pipelines where pipeline.signal == "metrics" {
            let isScraped = pipeline.receivers.contains { ComponentID.type($0) == "prometheus" }
            findings += filters(pipeline, configuration, isScraped: isScraped) + deletes(pipeline, configuration, isScraped: isScraped)
        }
        for (id, value) in configuration.enabled(.processors, ofType: ["filter"]) { findings += mixedStyles(id, value) }
        for (id, value) in configuration.enabled(.receivers, ofType: ["prometheus"]) {
            for (index, job) in (value.at("config", "scrape_configs")?.array ?? []).enumerated() {
                let path = "spec.config.receivers.\(id).config.scrape_configs[\(index)]"
                findings += selector(job, path)
            }
        }
        return findings
    }

    private static func filters(_ pipeline: Pipeline, _ configuration: CollectorConfiguration, isScraped: Bool) -> [Finding] {
        guard isScraped else { return [] }
        return pipeline.processors.filter { ComponentID.type($0) == "filter" }.flatMap { id -> [Finding] in
            let value = configuration.components(.processors)[id] ?? .null
            let lists: [(String, JSONValue?)] = [
                ("metrics.metric", value.at("metrics", "metric")), ("metrics.datapoint", value.at("metrics", "datapoint")),
                ("metric_conditions", value["metric_conditions"]),
            ]
            return lists.flatMap { name, list in
                (list?.array ?? []).enumerated().compactMap { index, condition -> Finding? in
                    guard condition.string?.contains("resource.attributes[\"k8s.namespace.name\"]") == true else { return nil }
                    return Finding(
                        .warning, rule: "scraped-namespace-filter", path: "spec.config.processors.\(id).\(name)[\(index)]",
                        message: "k8s.namespace.name of scraped metrics is the namespace of the scraped pod, not of the flow that the metric counts, "
                            + "so this drops all or nothing",
                        remedy: "filter on the metric's own label: metric_conditions: ['metric.name == \"…\" and "
                            + "datapoint.attributes[\"source_namespace\"] == \"kube-system\"']")
                }
            }
        }
    }

    private static func deletes(_ pipeline: Pipeline, _ configuration: CollectorConfiguration, isScraped: Bool) -> [Finding] {
        var findings: [Finding] = []
        for (place, id) in pipeline.processors.enumerated() where ComponentID.type(id) == "attributes" {
            let actions = (configuration.components(.processors)[id]?["actions"]?.array ?? []).enumerated().filter { $1["action"]?.string == "delete" }
            let keys = actions.compactMap { $1["key"]?.string }
            let absent = isScraped ? keys.filter { $0.contains(".") } : []
            for (index, action) in actions {
                guard let key = action["key"]?.string, absent.contains(key) else { continue }
                findings.append(
                    Finding(
                        .warning, rule: "attribute-name-not-produced", path: "spec.config.processors.\(id).actions[\(index)].key",
                        message: "scraped metrics have no attribute \(key), so nothing is deleted",
                        remedy: "write key: \(String(key.map { $0 == "." ? "_" : $0 })), and sum what then collapses with metrics_transform "
                            + "(aggregate_labels) after it"))
            }
            let isAggregated = pipeline.processors.dropFirst(place + 1).contains { ["metricstransform", "metrics_transform"].contains(ComponentID.type($0)) }
            if keys.count > absent.count, !isAggregated {
                findings.append(
                    Finding(
                        .warning, rule: "label-drop-without-aggregation", path: "spec.config.processors.\(id)",
                        message: "series that differ only in a deleted attribute collapse into one and are not summed",
                        remedy: "add metrics_transform with aggregate_labels and sum after it"))
            }
        }
        return findings
    }

    private static func mixedStyles(_ id: String, _ value: JSONValue) -> [Finding] {
        let old = ["metrics", "traces", "logs"].first { value[$0] != nil }
        let new = ["metric_conditions", "trace_conditions", "log_conditions"].first { value[$0] != nil }
        guard let old, let new else { return [] }
        return [
            Finding(
                .error, rule: "mixed-filter-styles", path: "spec.config.processors.\(id)",
                message: "has \(old) and \(new), and a collector refuses "
                    + "both together",
                remedy: "move the conditions of \(old) to \(new), with metric., datapoint. or resource. before each name")
        ]
    }

    private static func selector(_ job: JSONValue, _ path: String) -> [Finding] {
        guard (job["kubernetes_sd_configs"]?.array ?? []).contains(where: { $0["role"]?.string == "pod" }) else { return [] }
        return (job["relabel_configs"]?.array ?? []).enumerated().compactMap { index, rule in
            guard rule["action"]?.string == "keep", rule["regex"]?.string == "hubble", rule["source_labels"] == ["__meta_kubernetes_pod_label_k8s_app"] else {
                return nil
            }
            return Finding(
                .warning, rule: "hubble-selector", path: "\(path).relabel_configs[\(index)].regex",
                message: "no pod has the label k8s-app=hubble: Hubble's metrics are served by the Cilium agents, and the label is the metrics Service's",
                remedy: "write regex: cilium, or use role: endpoints with the Service's label")
        }
    }
}
