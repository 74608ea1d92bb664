// The metrics of the runtime (docs/controllers.md rule 34), with names and units as Prometheus wants them.
// Informers, queues, controllers, appliers and the elector count here, through swift-metrics.
// It never keeps values itself: the factory that the executable installed does.

import CoreMetrics

/// Makes the runtime's metrics; every series exists from the start, at 0.
public struct RuntimeMetrics: Sendable {
    private let factory: any MetricsFactory

    /// - Parameter factory: Nil takes the one that the process installed before.
    public init(factory: (any MetricsFactory)? = nil) { self.factory = factory ?? MetricsSystem.factory }

    public func counter(_ name: String, _ labels: (String, String)...) -> Counter {
        let counter = Counter(label: "sonde_\(name)_total", dimensions: labels, factory: factory)
        counter.increment(by: 0)
        return counter
    }

    public func gauge(_ name: String, _ labels: (String, String)...) -> Gauge {
        let gauge = Gauge(label: "sonde_\(name)", dimensions: labels, factory: factory)
        gauge.record(0)
        return gauge
    }

    /// A value that goes up and down by steps.
    func meter(_ name: String, _ labels: (String, String)...) -> Meter {
        let meter = Meter(label: "sonde_\(name)", dimensions: labels, factory: factory)
        meter.set(0)
        return meter
    }

    /// A distribution of seconds.
    func seconds(_ name: String, _ labels: (String, String)...) -> Recorder {
        Recorder(label: "sonde_\(name)_seconds", dimensions: labels, aggregate: true, factory: factory)
    }
}

extension Duration {
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
