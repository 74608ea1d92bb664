// Documents for the tests of this folder, written as YAML.
// Every test file here builds its configurations and resources with it.
// It never reads a file.

import JSON
import SondeAPI
import Testing
import YAML

@testable import CollectorConfig

func yaml(_ text: String) throws -> JSONValue { try #require(try YAML.parse(text).first) }

func configuration(_ text: String) throws -> CollectorConfiguration { CollectorConfiguration(try yaml(text)) }

/// A collector `observability/gateway` with this configuration and these further fields of its spec.
func collector(_ config: String, spec further: String = "{}") throws -> JSONValue {
    var spec = try yaml(further)
    spec["config"] = try yaml(config)
    return [
        "apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": ["name": "gateway", "namespace": "observability"], "spec": spec,
    ]
}

/// A configuration with one receiver, one exporter and one pipeline.
func simple(receivers: String, signal: String = "traces", receiver: String) -> String {
    """
    receivers: \(receivers)
    exporters: {debug: {}}
    service: {pipelines: {\(signal): {receivers: [\(receiver)], exporters: [debug]}}}
    """
}
