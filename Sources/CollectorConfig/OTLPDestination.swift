// The address at which a collector takes OTLP metrics: found in its configuration, for probes that name the collector.
// The probe controller and `sonde render` resolve `collectorRef` with it.
// It never contacts the collector: an address that it returns is one that the configuration promises.

import JSON
import Kubernetes
import SondeAPI

/// Where a probe sends its data.
public enum OTLPDestination {
    /// The OTLP base URL of a collector's Service: `http://ebpf-pipeline-collector.observability.svc:4318`.
    /// - Throws: `ConfigurationError` that says which lines the collector needs.
    public static func url(of collector: OpenTelemetryCollector, for transport: ExportProtocol) throws(ConfigurationError) -> String {
        if collector.spec.mode == .sidecar {
            throw problem("runs as a sidecar and has no Service", "name a collector of mode deployment or daemonset", collector)
        }
        let configuration = CollectorConfiguration(collector.spec.config).completed()
        let key = transport == .grpc ? "grpc" : "http"
        let receivers = configuration.enabled(.receivers, ofType: ["otlp"])
        let inMetrics = Set(configuration.pipelines.filter { $0.signal == "metrics" }.flatMap(\.receivers))
        guard !receivers.isEmpty else { throw problem("has no OTLP receiver in a pipeline", "add to that collector:\n\(example(key))", collector) }
        let usable = receivers.filter { inMetrics.contains($0.id) }
        guard let first = usable.first else {
            throw problem("has its OTLP receiver in no metrics pipeline", "add it to that collector's metrics pipeline:\n\(example(key))", collector)
        }
        for (_, value) in usable {
            if let settings = value.at("protocols", key) { return try url(settings, key, collector) }
        }
        throw missingProtocol(key, first.id, first.value, collector)
    }

    private static func url(_ settings: JSONValue, _ key: String, _ collector: OpenTelemetryCollector) throws(ConfigurationError) -> String {
        let endpoint = settings["endpoint"]?.string ?? ""
        if Endpoint.isLoopback(endpoint) {
            throw problem(
                "takes OTLP at \(endpoint) only, which no other pod reaches", "write endpoint: 0.0.0.0:\(defaultPort(key)), or leave it out", collector)
        }
        let scheme = settings["tls"]?.object == nil ? "http" : "https"
        let host = "\(Names.collector(collector.name.name)).\(collector.name.namespace ?? "default").svc"
        return "\(scheme)://\(host):\(Endpoint.port(endpoint) ?? defaultPort(key))"
    }

    private static func missingProtocol(_ key: String, _ id: String, _ value: JSONValue, _ collector: OpenTelemetryCollector) -> ConfigurationError {
        let other = key == "http" ? "grpc" : "http"
        let remedy = "add \(key): {} below spec.config.receivers.\(id).protocols"
        let what = value.at("protocols", other) == nil ? "has an OTLP receiver without protocols" : "takes OTLP over \(other) only"
        return problem(what, remedy, collector)
    }

    private static func problem(_ what: String, _ remedy: String, _ collector: OpenTelemetryCollector) -> ConfigurationError {
        ConfigurationError(
            Finding(.error, rule: "no-otlp-receiver", path: "spec.collectorRef", message: "OpenTelemetryCollector \(collector.name) \(what)", remedy: remedy))
    }

    private static func defaultPort(_ key: String) -> Int { key == "grpc" ? 4317 : 4318 }

    private static func example(_ key: String) -> String {
        """
        spec:
          config:
            receivers:
              otlp:
                protocols:
                  \(key): {}
            service:
              pipelines:
                metrics:
                  receivers: [otlp]
        """
    }
}
