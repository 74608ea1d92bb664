// Metrics that a Prometheus-like store drops, or mixes up, without a word: deltas, and one series from several writers.
// Validation calls it for every metrics pipeline.
// It never reports an error: such a configuration runs, and points are missing.

import JSON
import SondeAPI

enum MetricTraps {
    static func findings(_ subject: RuleSubject) -> [Finding] {
        subject.configuration.pipelines.filter { $0.signal == "metrics" }.flatMap { pipeline in
            deltas(pipeline, subject.configuration) + copies(pipeline, subject)
        }
    }

    private static let remoteWrite: Set<String> = ["prometheusremotewrite", "prometheus_remote_write"]

    // MARK: Deltas

    private enum Source {
        case delta(String)
        /// Deltas or not, as the clients like it.
        case either(String)
    }

    private static func deltas(_ pipeline: Pipeline, _ configuration: CollectorConfiguration) -> [Finding] {
        guard let index = pipeline.exporters.firstIndex(where: { remoteWrite.contains(ComponentID.type($0)) }),
            let source = source(pipeline, configuration)
        else { return [] }
        let exporter = pipeline.exporters[index]
        let effect = "\(exporter) drops delta sums and histograms, and counts them as sent"
        let path = "spec.config.service.pipelines.\(pipeline.id).exporters[\(index)]"
        switch source {
        case .delta(let from):
            return [
                Finding(
                    .warning, rule: "delta-to-remote-write", path: path, message: "\(from) makes deltas, and \(effect)",
                    remedy: "add the deltatocumulative processor to the pipeline, or make them cumulative at the source")
            ]
        case .either(let from):
            return [
                Finding(
                    .info, rule: "delta-to-remote-write", path: path, message: "\(effect); clients of \(from) may send such",
                    remedy: "add the deltatocumulative processor, unless all of them send cumulative metrics, as Sonde's agents do")
            ]
        }
    }

    private static let deltaReceivers: Set<String> = ["statsd", "datadog"]
    private static let deltaConnectors: Set<String> = ["count", "sum", "signaltometrics", "signal_to_metrics"]
    private static let toDelta: Set<String> = ["cumulativetodelta", "cumulative_to_delta"]
    private static let toCumulative: Set<String> = ["deltatocumulative", "delta_to_cumulative"]

    private static func source(_ pipeline: Pipeline, _ configuration: CollectorConfiguration) -> Source? {
        let types = pipeline.processors.map(ComponentID.type)
        let made = types.lastIndex(where: toDelta.contains), unmade = types.lastIndex(where: toCumulative.contains)
        if let made, unmade ?? -1 < made { return .delta(pipeline.processors[made]) }
        if unmade != nil { return nil }
        if let id = pipeline.receivers.first(where: { makesDeltas($0, configuration) }) { return .delta(id) }
        return pipeline.receivers.first { ComponentID.type($0) == "otlp" }.map { .either($0) }
    }

    private static func makesDeltas(_ id: String, _ configuration: CollectorConfiguration) -> Bool {
        let type = ComponentID.type(id)
        guard let connector = configuration.components(.connectors)[id] else { return deltaReceivers.contains(type) }
        if deltaConnectors.contains(type) { return true }
        return connector["aggregation_temporality"]?.string?.hasSuffix("DELTA") == true
    }

    // MARK: One series, several writers

    private static func copies(_ pipeline: Pipeline, _ subject: RuleSubject) -> [Finding] {
        let configuration = subject.configuration
        guard let writer = pipeline.exporters.first(where: { isStoreOfSeries($0, configuration) && !namesItself($0, configuration) }) else { return [] }
        if pipeline.processors.contains(where: { setsInstance(configuration.components(.processors)[$0] ?? .null) }) { return [] }
        let scraped = pipeline.receivers.first { ComponentID.type($0) == "prometheus" && scrapesTheSameEverywhere($0, subject) }
        let pushed = pipeline.receivers.first { ["otlp", "prometheusremotewrite", "prometheus_remote_write"].contains(ComponentID.type($0)) }
        let message: String
        switch (Copies(subject.spec), scraped, pushed) {
        case (.many(let count), let scraped?, _):
            message = "each of \(count) replicas scrapes every target of \(scraped), and all write the same series to \(writer): duplicates, out of order"
        case (.onePerNode, let scraped?, _):
            message = "the pod of each node scrapes every target of \(scraped), and all write the same series to \(writer): duplicates, out of order"
        case (.many(let count), nil, let pushed?):
            message =
                "the streams of one client of \(pushed) go through any of \(count) replicas, which write the same series to \(writer): out of order, duplicates"
        default: return []
        }
        return [
            Finding(
                .warning, rule: "cumulative-through-replicas", path: "spec.config.service.pipelines.\(pipeline.id)", message: message,
                remedy: "let one pod write each series (replicas: 1, or mode daemonset with targets of the own node), or give each pod's data a "
                    + "service.instance.id of its own")
        ]
    }

    private static func isStoreOfSeries(_ id: String, _ configuration: CollectorConfiguration) -> Bool {
        if remoteWrite.contains(ComponentID.type(id)) { return true }
        let exporter = configuration.components(.exporters)[id] ?? .null
        return exporter.allStrings.contains { $0.contains("/api/v1/otlp") }
    }

    /// Labels of the pod's own on everything that it writes.
    private static func namesItself(_ exporter: String, _ configuration: CollectorConfiguration) -> Bool {
        let labels = configuration.components(.exporters)[exporter]?["external_labels"] ?? .null
        return labels.allStrings.contains { $0.contains("${") }
    }

    private static func setsInstance(_ processor: JSONValue) -> Bool { processor.allStrings.contains { $0.contains("service.instance.id") } }

    /// Unless targets are those of the pod's own node or pod, or an allocator hands them out.
    private static func scrapesTheSameEverywhere(_ id: String, _ subject: RuleSubject) -> Bool {
        if subject.spec["targetAllocator"]?["enabled"]?.bool == true { return false }
        let receiver = subject.configuration.components(.receivers)[id] ?? .null
        if receiver["target_allocator"] != nil { return false }
        let jobs = receiver.at("config", "scrape_configs")?.array ?? []
        return jobs.contains { job in
            guard (job["kubernetes_sd_configs"]?.array ?? []).isEmpty == false else {
                return (job["static_configs"]?.array ?? []).flatMap { $0["targets"]?.allStrings ?? [] }.contains {
                    !$0.contains("${") && !Endpoint.isLoopback($0)
                }
            }
            return !job.allStrings.contains { $0.contains("NODE_NAME") || $0.contains("spec.nodeName") || $0.contains("${env:") }
        }
    }
}
