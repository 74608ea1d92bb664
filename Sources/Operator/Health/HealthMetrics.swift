// What collectors lose and refuse, and how full their queues are, as metrics of the operator.
// HealthWatcher counts here after each answer.
// It never makes more than `seriesMax` series in the life of the process, since the registry forgets none; what found no place is counted.

import CoreMetrics
import Kubernetes
import KubernetesRuntime
import Synchronization

/// Thread rules: any task may count.
final class HealthMetrics: Sendable {
    static let seriesMax = 2000

    private struct Key: Hashable {
        let metric: String
        let collector: ObjectName
        let component: String
        let signal: String

        var labels: [(String, String)] {
            [("namespace", collector.namespace ?? ""), ("collector", collector.name), ("component", component), ("signal", signal)]
        }
    }

    private struct State {
        var counters: [Key: Counter] = [:]
        var gauges: [Key: Gauge] = [:]
    }

    private let metrics: RuntimeMetrics
    private let state = Mutex(State())
    private let leftOut: Counter

    init(metrics: RuntimeMetrics) {
        self.metrics = metrics
        leftOut = metrics.counter("collector_series_left_out")
    }

    func count(_ growth: [Flow: Double], of collector: ObjectName) {
        for (flow, items) in growth {
            switch flow.kind.meaning {
            case .good: continue
            case .lost: count(items, Key(metric: "collector_lost_items", collector: collector, component: flow.component, signal: flow.signal.rawValue))
            case .refused: count(items, Key(metric: "collector_refused_items", collector: collector, component: flow.component, signal: flow.signal.rawValue))
            }
        }
    }

    func record(_ fills: [QueueKey: Double], of collector: ObjectName) {
        for (queue, fill) in fills {
            let key = Key(metric: "collector_queue_fill_ratio", collector: collector, component: queue.exporter, signal: queue.dataType)
            gauge(key)?.record(fill)
        }
    }

    /// Queues of a collector that is gone, or is no longer asked, are empty.
    func forget(_ collector: ObjectName) {
        let gauges = state.withLock { $0.gauges.filter { $0.key.collector == collector }.map(\.value) }
        for gauge in gauges { gauge.record(0) }
    }

    private func count(_ items: Double, _ key: Key) {
        let counter = state.withLock { state -> Counter? in
            if let known = state.counters[key] { return known }
            guard Self.hasRoom(state) else { return nil }
            let made = metrics.counter(key.metric, key.labels[0], key.labels[1], key.labels[2], key.labels[3])
            state.counters[key] = made
            return made
        }
        guard let counter else { return leftOut.increment() }
        counter.increment(by: Int64(min(items.rounded(), 1e15)))
    }

    private func gauge(_ key: Key) -> Gauge? {
        let gauge = state.withLock { state -> Gauge? in
            if let known = state.gauges[key] { return known }
            guard Self.hasRoom(state) else { return nil }
            let made = metrics.gauge(key.metric, key.labels[0], key.labels[1], key.labels[2], key.labels[3])
            state.gauges[key] = made
            return made
        }
        if gauge == nil { leftOut.increment() }
        return gauge
    }

    private static func hasRoom(_ state: borrowing State) -> Bool { state.counters.count + state.gauges.count < seriesMax }
}
