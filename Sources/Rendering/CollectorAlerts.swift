// What Prometheus is to alert about: a collector that loses or refuses data, and queues that are nearly full.
// CollectorRendering renders it for resources that ask by annotation; the controller applies it where its definition is installed.
// It never asks for series that the collector's components cannot have, and works with both spellings of counters (with and without `_total`).

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

struct CollectorAlerts {
    let context: CollectorContext

    /// Nil unless the annotation asks. A sidecar's pods have no Service by which their series are found.
    var manifest: Manifest? {
        guard context.annotations[.prometheusRule] == true, context.spec.mode != .sidecar else { return nil }
        let group: JSONValue = ["name": .string("\(context.baseName).\(context.collector.name.namespace ?? "default")"), "rules": .array(rules)]
        let labels = context.metadata.unfilteredLabels(name: context.baseName).merging(context.spec.monitorLabels) { _, theirs in theirs }
        return context.builder.manifest(.prometheusRules, name: context.baseName, labels: labels, content: [("spec", ["groups": [group]])])
    }

    private var rules: [JSONValue] {
        let signals = self.signals
        return signals.map(failedSends) + signals.map(fullQueue) + further + [nearlyFull] + signals.map(refused)
    }

    /// In the words of the collector's counters, one for each signal that has a pipeline.
    private var signals: [String] {
        let used = Set(context.configuration.pipelines.map(\.signal))
        let words = [("traces", "spans"), ("metrics", "metric_points"), ("logs", "log_records"), ("profiles", "profile_samples")]
        return words.filter { used.contains($0.0) }.map(\.1)
    }

    /// The labels that a ServiceMonitor gives the series of the monitoring Service.
    private var selector: String {
        let job = Names.monitoringService(context.collector.name.name)
        return "{namespace=\"\(context.collector.name.namespace ?? "default")\",job=\"\(job)\"}"
    }

    private func rate(_ counter: String, by label: String) -> String {
        let both = ["", "_total"].map { "rate(otelcol_\(counter)\($0)\(selector)[5m])" }
        return "sum by (namespace, job, \(label)) (\(both.joined(separator: " or "))) > 0"
    }

    private func failedSends(_ signal: String) -> JSONValue {
        rule(
            "CollectorLosesData", rate("exporter_send_failed_\(signal)", by: "exporter"), for: "2m", "critical", signal,
            "Exporter {{ $labels.exporter }} of \(name) loses {{ $value | humanize }} \(Self.words(signal)) a second: sending fails for good",
            "Read the pods' log for the destination's answer; mend endpoint, credentials or limits there, or raise retry_on_failure.max_elapsed_time.")
    }

    private func fullQueue(_ signal: String) -> JSONValue {
        rule(
            "CollectorQueueFull", rate("exporter_enqueue_failed_\(signal)", by: "exporter"), for: "2m", "critical", signal,
            "Exporter {{ $labels.exporter }} of \(name) loses {{ $value | humanize }} \(Self.words(signal)) a second: its sending queue is full",
            "Raise sending_queue.queue_size or num_consumers, add replicas, or make the destination faster.")
    }

    private func refused(_ signal: String) -> JSONValue {
        rule(
            "CollectorRefusesData", rate("receiver_refused_\(signal)", by: "receiver"), for: "10m", "warning", signal,
            "Receiver {{ $labels.receiver }} of \(name) refuses {{ $value | humanize }} \(Self.words(signal)) a second",
            "Nothing is lost as long as clients try again. Look for a full queue or the memory limit, and add replicas.")
    }

    private var further: [JSONValue] {
        var rules: [JSONValue] = []
        if !context.configuration.enabled(.exporters, ofType: ["prometheusremotewrite", "prometheus_remote_write"]).isEmpty {
            rules.append(
                rule(
                    "CollectorCannotTranslate", rate("exporter_prometheusremotewrite_failed_translations", by: "exporter"), for: "2m", "critical",
                    "metric_points",
                    "Exporter {{ $labels.exporter }} of \(name) cannot translate {{ $value | humanize }} metrics a second, and counts them as sent",
                    "Make delta temporality cumulative before them: deltatocumulative."))
        }
        if !context.configuration.enabled(.processors, ofType: ["tail_sampling"]).isEmpty {
            rules.append(
                rule(
                    "CollectorEvictsTraces", rate("processor_tail_sampling_sampling_trace_dropped_too_early", by: "pod"), for: "2m", "warning", "traces",
                    "\(name) evicts {{ $value | humanize }} traces a second before it has decided on them",
                    "Raise num_traces and the memory limit, or lower decision_wait."))
        }
        return rules
    }

    /// Not every version says of which signal a capacity is.
    private var nearlyFull: JSONValue {
        let sides = ["size", "capacity"].map { "max by (namespace, job, pod, exporter) (otelcol_exporter_queue_\($0)\(selector))" }
        return rule(
            "CollectorQueueNearlyFull", "\(sides.joined(separator: " / ")) > 0.8", for: "5m", "warning", nil,
            "The sending queue of exporter {{ $labels.exporter }} in {{ $labels.pod }} is {{ $value | humanizePercentage }} full",
            "Data are lost when it is full. Raise num_consumers or queue_size, add replicas, or look at why the destination is slow.")
    }

    private var name: String { "\(context.collector.name)" }

    private static func words(_ signal: String) -> String { String(signal.map { $0 == "_" ? " " : $0 }) }

    private func rule(_ alert: String, _ expression: String, for duration: String, _ severity: String, _ signal: String?, _ summary: String, _ advice: String)
        -> JSONValue
    {
        var labels: JSONValue = ["severity": .string(severity), "collector": .string(context.collector.name.name)]
        if let signal { labels["signal"] = .string(signal) }
        return [
            "alert": .string(alert), "expr": .string(expression), "for": .string(duration), "labels": labels,
            "annotations": ["summary": .string(summary), "description": .string(advice)],
        ]
    }
}
