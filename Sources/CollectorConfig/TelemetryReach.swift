// Who can read a collector's own metrics: read from `service.telemetry.metrics`, as the pods get it.
// The operator asks only where it can get an answer; the port itself is `telemetryPort`.
// It never resolves a variable: an address that comes from one counts as reachable, since it is meant to be.

import JSON

/// Where a collector's own metrics can be read as Prometheus text.
public enum TelemetryReach: Hashable, Sendable {
    /// From other pods, at this port.
    case port(Int)
    /// In the pod alone.
    case loopback
    /// Nowhere: metrics are off, or pushed.
    case off
}

extension CollectorConfiguration {
    /// Of the completed configuration; the one that is written may leave the listener to a default.
    public var telemetryReach: TelemetryReach {
        let metrics = value.at("service", "telemetry", "metrics")
        if metrics?["level"]?.string == "none" { return .off }
        if let address = metrics?["address"]?.string, !address.isEmpty {
            return Endpoint.isLoopback(address) ? .loopback : .port(telemetryPort)
        }
        let listeners = (metrics?["readers"]?.array ?? []).compactMap { $0.at("pull", "exporter", "prometheus") }
        guard let listener = listeners.first else { return .off }
        // Without a host the collector listens on localhost.
        guard let host = listener["host"]?.string, host != "::1", !Endpoint.isLoopback(host) else { return .loopback }
        return .port(telemetryPort)
    }
}
