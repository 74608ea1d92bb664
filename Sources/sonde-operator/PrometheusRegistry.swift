// The process's metrics: a swift-metrics backend that holds every series in memory and writes the Prometheus text format.
// The runtime and the controllers count through swift-metrics; /metrics reads here.
// It never forgets a series, so label values must be bounded: above `maxSeries` new ones are dropped and counted.

import CoreMetrics
import Synchronization

/// A metrics factory whose state is written as Prometheus text (exposition format 0.0.4).
///
/// Timers become histograms in seconds, recorders histograms without a unit, meters gauges. Thread rules: everything may be called from any task.
final class PrometheusRegistry: MetricsFactory, Sendable {
    static let maxSeries = 10_000
    /// Upper bounds in seconds: reconciles take from below a millisecond to the deadline of a minute.
    static let bucketBounds: [Double] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]

    private struct State {
        var families: [String: Family] = [:]
        var seriesCount = 0
        var droppedSeries = 0
    }

    private struct Family {
        let kind: Kind
        var series: [String: Series] = [:]
    }

    enum Kind: String { case counter, gauge, histogram }

    private let state = Mutex(State())
    private let help: [String: String]

    /// - Parameter help: The HELP text by metric name; a name that is missing gets its own words.
    init(help: [String: String] = [:]) { self.help = help }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { series(.counter, label, dimensions) }
    func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler { series(.counter, label, dimensions) }
    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { series(.gauge, label, dimensions) }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { series(.histogram, label, dimensions) }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        series(aggregate ? .histogram : .gauge, label, dimensions)
    }

    // A handler that goes out of scope keeps its series: a counter must not fall back to nothing.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    /// All series, sorted by name and labels.
    func text() -> String {
        let (families, dropped) = state.withLock { ($0.families, $0.droppedSeries) }
        var lines: [String] = []
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            lines.append("# HELP \(name) \(help[name] ?? Self.words(of: name))")
            lines.append("# TYPE \(name) \(family.kind.rawValue)")
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                lines +=
                    family.kind == .histogram
                    ? series.histogramLines(name: name, labels: labels) : ["\(name)\(Self.braces(labels)) \(Self.number(series.value))"]
            }
        }
        lines.append("# HELP sonde_metrics_dropped_series_total Series that were not kept because too many label values came.")
        lines.append("# TYPE sonde_metrics_dropped_series_total counter")
        lines.append("sonde_metrics_dropped_series_total \(dropped)")
        return lines.joined(separator: "\n") + "\n"
    }

    private func series(_ kind: Kind, _ label: String, _ dimensions: [(String, String)]) -> Series {
        let name = Self.name(label)
        let labels = dimensions.map { "\(Self.name($0.0))=\"\(Self.escape($0.1))\"" }.joined(separator: ",")
        return state.withLock { state in
            if let found = state.families[name]?.series[labels] { return found }
            let made = Series(bounds: Self.bucketBounds)
            guard state.seriesCount < Self.maxSeries, state.families[name].map({ $0.kind == kind }) ?? true else {
                state.droppedSeries += 1
                return made
            }
            state.seriesCount += 1
            state.families[name, default: Family(kind: kind)].series[labels] = made
            return made
        }
    }

    static func number(_ value: Double) -> String { Int64(exactly: value).map(String.init) ?? "\(value)" }

    static func braces(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

    /// Only letters, digits and `_`, as a Prometheus name allows.
    private static func name(_ label: String) -> String {
        String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" ? $0 : "_" })
    }

    private static func escape(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }

    private static func words(of name: String) -> String {
        let words = name.split(separator: "_").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst() + "."
    }
}

/// One series: a number, or a histogram's buckets.
final class Series: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler, Sendable {
    private struct State {
        var value = 0.0
        var count: UInt64 = 0
        var buckets: [UInt64]
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(buckets: Array(repeating: 0, count: bounds.count)))
    }

    var value: Double { state.withLock(\.value) }

    func increment(by amount: Int64) { add(Double(amount)) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { state.withLock { $0.value = value } }
    func reset() { set(0.0) }
    func record(_ value: Int64) { observe(Double(value)) }
    func record(_ value: Double) { observe(value) }
    func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }

    private func add(_ amount: Double) { state.withLock { $0.value += amount } }

    private func observe(_ value: Double) {
        state.withLock { state in
            state.count += 1
            state.value += value
            if let bucket = bounds.firstIndex(where: { value <= $0 }) { state.buckets[bucket] += 1 }
        }
    }

    func histogramLines(name: String, labels: String) -> [String] {
        let (sum, count, buckets) = state.withLock { ($0.value, $0.count, $0.buckets) }
        let prefix = labels.isEmpty ? "" : labels + ","
        var below: UInt64 = 0
        var lines: [String] = []
        for (bound, bucket) in zip(bounds, buckets) {
            below += bucket
            lines.append("\(name)_bucket{\(prefix)le=\"\(PrometheusRegistry.number(bound))\"} \(below)")
        }
        lines.append("\(name)_bucket{\(prefix)le=\"+Inf\"} \(count)")
        lines.append("\(name)_sum\(PrometheusRegistry.braces(labels)) \(PrometheusRegistry.number(sum))")
        lines.append("\(name)_count\(PrometheusRegistry.braces(labels)) \(count)")
        return lines
    }
}
