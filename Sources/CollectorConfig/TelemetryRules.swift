// The collector's own telemetry: settings that releases have taken away.
// Validation calls it.
// It never reports an error: existing resources have such settings, and the old pods stay until new ones are ready.

import CollectorComponents
import JSON
import SondeAPI

enum TelemetryRules {
    /// Releases from which `service.telemetry.metrics.address` is ignored (feature gate of 0.123.0), and from which it is refused (0.128.0).
    private static let ignored = ReleaseVersion(minor: 123)
    private static let refused = ReleaseVersion(minor: 128)

    static func findings(_ subject: RuleSubject) -> [Finding] {
        let metrics = subject.configuration.value.at("service", "telemetry", "metrics")
        guard let address = metrics?["address"], address != .null else { return [] }
        let version = subject.version ?? ComponentRegistry.newest
        guard version >= ignored else { return [] }
        let effect =
            version >= refused
            ? "collectors from 0.128 on do not know it: the collector does not start"
            : "collectors from 0.123 on ignore it: their own metrics are at localhost:8888, where nothing outside of the pod reads them"
        return [
            Finding(
                .warning, rule: "telemetry-address", path: "spec.config.service.telemetry.metrics.address", message: effect,
                remedy: "write \(reader(for: address.string ?? "")) instead, or leave it out: readers at 0.0.0.0:8888 are put in then")
        ]
    }

    private static func reader(for address: String) -> String {
        let host = Endpoint.host(address), port = Endpoint.port(address) ?? CollectorConfiguration.defaultTelemetryPort
        let listening = host.isEmpty || host.hasPrefix("$") ? "0.0.0.0" : host
        return "readers: [{pull: {exporter: {prometheus: {host: \"\(listening)\", port: \(port)}}}}]"
    }
}
