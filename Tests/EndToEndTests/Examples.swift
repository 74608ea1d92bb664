// The resources that the suite applies.
// Tests take them as they are or change one field.
// They never name an image: the operator's default is used.

enum Example {
    /// A collector with everything that Services and probes need.
    static func collector(_ name: String = "gateway", mode: String = "deployment", interval: String = "10s", more: String = "") -> String {
        """
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata:
          name: \(name)
          labels: {team: payments}
          annotations: {argocd.argoproj.io/tracking-id: "x"}
        spec:
          mode: \(mode)
        \(more.isEmpty ? "" : "  " + more)
          config:
            receivers:
              otlp:
                protocols:
                  grpc: {}
                  http: {}
            processors:
              memory_limiter: {check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 20}
              batch: {timeout: \(interval)}
            exporters:
              otlphttp: {endpoint: "http://prometheus.observability:9090/api/v1/otlp"}
            extensions:
              health_check: {}
            service:
              extensions: [health_check]
              pipelines:
                metrics:
                  receivers: [otlp]
                  processors: [memory_limiter, batch]
                  exporters: [otlphttp]
        """
    }

    /// A collector with tail sampling.
    /// - Parameter routing: Its annotations.
    static func sampling(_ routing: String) -> String {
        """
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: gateway, annotations: {\(routing)}}
        spec:
          replicas: 2
          configVersions: \(routing.isEmpty ? 3 : 4)  # An annotation alone is no new generation to wait for.
          config:
            receivers: {otlp: {protocols: {grpc: {}, http: {}}}, statsd: {}}
            processors: {tail_sampling: {policies: []}}
            exporters: {debug: {}}
            service:
              pipelines:
                traces: {receivers: [otlp], processors: [tail_sampling], exporters: [debug]}
                metrics: {receivers: [statsd], exporters: [debug]}
        """
    }

    /// A collector without an OTLP receiver.
    static let scraper = """
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: gateway}
        spec:
          config:
            receivers:
              zipkin: {}
            exporters:
              debug: {}
            service:
              pipelines:
                traces: {receivers: [zipkin], exporters: [debug]}
        """

    static func probe(_ name: String = "nodes", more: String = "collectorRef: {name: gateway}") -> String {
        """
        apiVersion: sonde.dev/v1alpha1
        kind: EBPFProbe
        metadata: {name: \(name)}
        spec:
          \(more)
        """
    }
}
