// The series of every owner as OTLP metrics.
// ProbeAggregator calls it once a window; names, units and attributes stand in Kinds/, and docs/signals.md describes them.
// It never changes a series.

import OTLPMessages
import ProbePrograms

struct MetricsBuilder {
    let settings: ProbeAggregator.Settings
    let labels: LabelTable
    let names: KernelNames
    let endUnixNanoseconds: UInt64

    /// One resource for each owner, with the metrics that it has series for.
    func metrics(of store: SeriesStore, gauges: [Owner: [GroupKind: [LabelledSeries]]]) -> [ResourceMetrics] {
        Set(store.owners.keys).union(gauges.keys).map { owner in
            var series = Dictionary(grouping: store.owners[owner] ?? [:]) { $0.key.kind }.mapValues { entries in
                entries.map { key, series in LabelledSeries(label: key.label, row: series.row, time: time(since: series.startUnixNanoseconds)) }
            }
            series.merge(gauges[owner] ?? [:]) { counted, _ in counted }
            let context = MetricsContext(labels: labels, names: names)
            return ResourceMetrics(
                resource: owner.resource(on: settings.node), scope: settings.scope,
                metrics: Self.joined(GroupKind.all.flatMap { kind in series[kind].map { kind.metrics($0, context) } ?? [] }))
        }
    }

    /// A metric that two kinds give points of is sent once.
    private static func joined(_ metrics: [Metric]) -> [Metric] {
        metrics.reduce(into: []) { joined, metric in
            if let last = joined.last, last.name == metric.name, case .exponentialHistogram(let points, let temporality) = last.data,
                case .exponentialHistogram(let more, temporality) = metric.data
            {
                joined[joined.count - 1].data = .exponentialHistogram(points + more, temporality)
            } else {
                joined.append(metric)
            }
        }
    }

    private func time(since start: UInt64) -> TimeSpan { TimeSpan(startUnixNanoseconds: start, endUnixNanoseconds: endUnixNanoseconds) }
}

/// One owner's series of a kind, with what tells it from the others.
struct LabelledSeries: Sendable {
    var label: SeriesKey.Label
    var row: CounterRow
    var time: TimeSpan
}

/// How kinds make metrics of their series.
struct MetricsContext: Sendable {
    typealias Label = SeriesKey.Label

    /// The texts behind first numbers.
    let labels: LabelTable
    let names: KernelNames

    /// Durations in seconds, from the histogram at an offset of each row.
    func histogram(
        _ name: String, _ description: String, _ series: [LabelledSeries], at offset: Int = 0, attributes: (Label) -> [Attribute]
    ) -> Metric {
        let points = series.map { $0.row.histogram(at: offset).point(attributes: attributes($0.label), time: $0.time) }
        return Metric(name: name, description: description, unit: "s", data: .exponentialHistogram(points, .cumulative))
    }

    /// The counter at an offset of each row.
    func sum(
        _ name: String, _ description: String, unit: String, _ series: [LabelledSeries], at offset: Int, attributes: (Label) -> [Attribute]
    ) -> Metric {
        sum(name, description, unit: unit, series.map { (attributes($0.label), $0, $0.row[offset]) })
    }

    func sum(_ name: String, _ description: String, unit: String, _ points: [([Attribute], LabelledSeries, UInt64)]) -> Metric {
        let points = points.map { attributes, series, value in
            NumberPoint(attributes: attributes, time: series.time, value: .int(Int64(clamping: value)))
        }
        return Metric(name: name, description: description, unit: unit, data: .sum(points, .cumulative, .monotonic))
    }

    /// The first counter of each row, nanoseconds, as a sum of seconds.
    func seconds(_ name: String, _ description: String, _ series: [LabelledSeries], attributes: (Label) -> [Attribute]) -> Metric {
        let points = series.map { NumberPoint(attributes: attributes($0.label), time: $0.time, value: .double(Double($0.row[0]) / 1e9)) }
        return Metric(name: name, description: description, unit: "s", data: .sum(points, .cumulative, .monotonic))
    }

    /// A count of what is there now, such as open connections: the conventions' up-down counter.
    func upDownCounter(
        _ name: String, _ description: String, unit: String, _ series: [LabelledSeries], attributes: (Label) -> [Attribute]
    ) -> Metric {
        let points = series.map { NumberPoint(attributes: attributes($0.label), time: $0.time, value: .int(Int64(clamping: $0.row[0]))) }
        return Metric(name: name, description: description, unit: unit, data: .sum(points, .cumulative, .nonMonotonic))
    }

    /// A signed number that is true now.
    func gauge(_ name: String, _ description: String, unit: String, _ series: [LabelledSeries]) -> Metric {
        let points = series.map { NumberPoint(time: $0.time, value: .int(Int64(bitPattern: $0.row[0]))) }
        return Metric(name: name, description: description, unit: unit, data: .gauge(points))
    }

    /// `error.type`: the kernel's own name of the error (`ECONNREFUSED`), the conventions' `_OTHER` when the kernel gave none; left out on success.
    func errorType(_ error: UInt32) -> [Attribute] {
        if error == 0 { return [] }
        let name = error == unknownKernelError ? "_OTHER" : ErrorNames.name(of: error) ?? "\(error)"
        return [Attribute("error.type", .string(name))]
    }
}
