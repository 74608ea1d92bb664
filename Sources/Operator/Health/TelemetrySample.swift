// One collector's own metrics at one moment, read from Prometheus text (exposition format 0.0.4).
// HealthWatcher makes one from each answer; PodMeter compares two.
// It never trusts the text: lines, labels and numbers that are not as they should be are left out, and what is kept is bounded.

import SondeAPI

/// Counters and queues of one process.
struct TelemetrySample: Hashable, Sendable {
    static let flowsMax = 500
    static let componentBytesMax = 100

    private(set) var counters: [Flow: Double] = [:]
    private(set) var queueSizes: [QueueKey: Double] = [:]
    private(set) var queueCapacities: [QueueKey: Double] = [:]
    /// Of the process; nil when it does not say.
    private(set) var uptimeSeconds: Double?
    /// Series beyond `flowsMax`.
    private(set) var leftOut = 0

    /// Any bytes; those that are no metrics of a collector give an empty sample.
    init(parsing text: [UInt8]) {
        let prefix = Array("otelcol_".utf8)
        for line in text.split(separator: UInt8(ascii: "\n")) where line.starts(with: prefix) {
            guard let series = MetricLine(line) else { continue }
            take(series)
        }
    }

    /// How full each queue is, from 0 to 1. A queue without a capacity has none.
    var fills: [QueueKey: Double] {
        var fills: [QueueKey: Double] = [:]
        for (key, size) in queueSizes {
            let capacity = queueCapacities[key] ?? queueCapacities[QueueKey(exporter: key.exporter, dataType: "")]
            if let capacity, capacity > 0 { fills[key] = min(1, size / capacity) }
        }
        return fills
    }

    private mutating func take(_ series: MetricLine) {
        var name = series.name.dropFirst("otelcol_".count)
        if name.hasSuffix("_total") { name = name.dropLast("_total".count) }
        if let (kind, signal) = Flow.kind(ofCounter: name) {
            let component = Self.clean(series.labels[kind.component] ?? "")
            // One counter may come with further labels, such as the kind of error: they are added up.
            add(series.value, to: Flow(kind: kind, component: component, signal: signal))
        } else if name == "exporter_queue_size" {
            set(\.queueSizes, series)
        } else if name == "exporter_queue_capacity" {
            set(\.queueCapacities, series)
        } else if name == "process_uptime" || name == "process_uptime_seconds" {
            uptimeSeconds = series.value
        }
    }

    private mutating func add(_ value: Double, to flow: Flow) {
        guard counters[flow] != nil || counters.count < Self.flowsMax else { return leftOut += 1 }
        counters[flow, default: 0] += value
    }

    private mutating func set(_ queues: WritableKeyPath<TelemetrySample, [QueueKey: Double]>, _ series: MetricLine) {
        let key = QueueKey(exporter: Self.clean(series.labels["exporter"] ?? ""), dataType: Self.clean(series.labels["data_type"] ?? ""))
        guard self[keyPath: queues][key] != nil || self[keyPath: queues].count < Self.flowsMax else { return leftOut += 1 }
        self[keyPath: queues][key] = series.value
    }

    private static func clean(_ text: String) -> String { UntrustedText.clean(text, maxBytes: componentBytesMax) }
}

/// One line of the text: name, labels, value. A timestamp after it is not read.
struct MetricLine {
    let name: String
    let labels: [String: String]
    let value: Double

    static let labelsMax = 30

    /// Nil when it cannot be read, or the value is negative or no number.
    init?(_ line: ArraySlice<UInt8>) {
        let end = line.firstIndex { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: " ") } ?? line.endIndex
        name = String(decoding: line[..<end], as: UTF8.self)
        var rest = line[end...]
        guard let labels = rest.first == UInt8(ascii: "{") ? Self.labels(&rest) : [:] else { return nil }
        self.labels = labels
        let word = rest.split(separator: UInt8(ascii: " "), maxSplits: 1).first ?? []
        guard let value = Double(String(decoding: word, as: UTF8.self)), value.isFinite, value >= 0 else { return nil }
        self.value = value
    }

    /// From `{` to behind `}`.
    private static func labels(_ rest: inout ArraySlice<UInt8>) -> [String: String]? {
        var labels: [String: String] = [:]
        rest = rest.dropFirst()
        while let first = rest.first {
            if first == UInt8(ascii: "}") {
                rest = rest.dropFirst()
                return labels
            }
            if first == UInt8(ascii: ",") || first == UInt8(ascii: " ") {
                rest = rest.dropFirst()
                continue
            }
            guard labels.count < labelsMax, let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let key = String(decoding: rest[..<equals], as: UTF8.self)
            rest = rest[(equals + 1)...]
            guard let value = quoted(&rest) else { return nil }
            labels[key] = value
        }
        return nil
    }

    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        var bytes: [UInt8] = []
        var isEscaped = false
        for index in rest.indices.dropFirst() {
            let byte = rest[index]
            if isEscaped {
                bytes.append(byte == UInt8(ascii: "n") ? UInt8(ascii: "\n") : byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                rest = rest[(index + 1)...]
                return String(decoding: bytes, as: UTF8.self)
            } else {
                bytes.append(byte)
            }
        }
        return nil
    }
}
