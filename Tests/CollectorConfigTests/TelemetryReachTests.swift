// Where a collector's own metrics can be read, from its configuration as the pods get it.
// Each row is one form of `service.telemetry`.
// It never opens a connection.

import JSON
import Testing
import YAML

@testable import CollectorConfig

@Suite struct TelemetryReachTests {
    @Test(arguments: [
        ("{}", TelemetryReach.port(8888)), ("{metrics: {level: detailed}}", .port(8888)), ("{metrics: {level: none}}", .off),
        ("{metrics: {address: '0.0.0.0:9001'}}", .port(9001)), ("{metrics: {address: ':9001'}}", .port(9001)),
        ("{metrics: {address: 'localhost:9001'}}", .loopback), ("{metrics: {address: '${env:MY_POD_IP}:9001'}}", .port(9001)),
        ("{metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9002}}}}]}}", .port(9002)),
        ("{metrics: {readers: [{pull: {exporter: {prometheus: {host: '${env:MY_POD_IP}', port: 9002}}}}]}}", .port(9002)),
        ("{metrics: {readers: [{pull: {exporter: {prometheus: {host: '::1', port: 9002}}}}]}}", .loopback),
        ("{metrics: {readers: [{pull: {exporter: {prometheus: {port: 9002}}}}]}}", .loopback),
        ("{metrics: {readers: [{periodic: {exporter: {otlp: {endpoint: 'http://a:4318'}}}}]}}", .off), ("{metrics: {readers: []}}", .off),
    ]) func metricsAreReadWhereTheyCanBe(telemetry: String, reach: TelemetryReach) throws {
        let value = try #require(try YAML.parse("{service: {telemetry: \(telemetry)}}").first)
        #expect(CollectorConfiguration(value).completed().telemetryReach == reach)
    }
}
