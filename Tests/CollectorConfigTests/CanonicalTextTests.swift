// Hash and text of configurations against values that existing clusters hold.
// The hashes are those of the existing operator for the same resources.
// It never compares with a file.

import JSON
import Testing

@testable import CollectorConfig

@Suite struct CanonicalTextTests {
    private func batching(_ timeout: String) -> String {
        """
        receivers: {otlp: {protocols: {grpc: {}, http: {}}}}
        processors: {batch: {send_batch_size: 10000, timeout: \(timeout)}}
        exporters: {debug: {}}
        service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [debug]}}}
        """
    }

    @Test(arguments: [("10s", "5723ff27"), ("20s", "dfcfaead"), ("30s", "398edf51")]) func configMapSuffixIsThatOfTheExistingOperator(
        _ timeout: String, _ hash: String
    ) throws {
        #expect(try configuration(batching(timeout)).completed().shortHash == hash)
    }

    @Test func nullComponentCountsAsNull() throws {
        let base = try configuration(
            """
            receivers: {examplereceiver: {endpoint: "0.0.0.0:12345"}}
            exporters: {debug: }
            service: {pipelines: {metrics: {receivers: [examplereceiver], exporters: [debug]}}}
            """)
        #expect(base.sha256 == "2d266e55025628659355f1271b689d6fb53648ef6cd5595831f5835d18e59a25")
    }

    @Test func orderOfKeysDoesNotChangeTheHash() throws {
        let one = try configuration("service: {pipelines: {}, extensions: [a]}\nreceivers: {b: {y: 1, x: 2}, a: }\nexporters: {}")
        let other = try configuration("exporters: {}\nreceivers: {a: , b: {x: 2, y: 1}}\nservice: {extensions: [a], pipelines: {}}")
        #expect(one.sha256 == other.sha256)
        #expect(one.yamlText == other.yamlText)
    }

    @Test func emptySectionsAreLeftOut() throws {
        let text = CollectorConfiguration.goJSON(
            try yaml("processors: \nexporters: {}\nreceivers: {}\nservice: {extensions: [], pipelines: {logs: {processors: [], exporters: [a]}}}"))
        #expect(text == #"{"receivers":{},"exporters":{},"service":{"pipelines":{"logs":{"exporters":["a"]}}}}"#)
    }

    @Test func goEscapesAndNumbersAreKept() throws {
        let text = CollectorConfiguration.goJSON(["receivers": ["a": ["expr": "a<b && c>d", "n": .double(1.0), "big": 10_000_000]]])
        #expect(text == #"{"receivers":{"a":{"big":10000000,"expr":"a\u003cb \u0026\u0026 c\u003ed","n":1}}}"#)
    }

    @Test func textHasStructOrderOnTopAndSortedKeysBelow() throws {
        let text = try configuration(
            "exporters: {debug: {}}\nreceivers: {otlp: {protocols: {http: {}, grpc: {}}}}\nservice: {pipelines: {traces: "
                + "{receivers: [otlp], exporters: [debug]}}}"
        ).completed().yamlText
        #expect(
            text == """
                receivers:
                  otlp:
                    protocols:
                      grpc:
                        endpoint: 0.0.0.0:4317
                      http:
                        endpoint: 0.0.0.0:4318
                exporters:
                  debug: {}
                service:
                  telemetry:
                    metrics:
                      readers:
                        - pull:
                            exporter:
                              prometheus:
                                host: 0.0.0.0
                                port: 8888
                  pipelines:
                    traces:
                      exporters:
                        - debug
                      receivers:
                        - otlp

                """)
    }

    @Test func completionNeverOverridesAndIsStable() throws {
        let written = try configuration(
            """
            receivers: {otlp: {protocols: {grpc: {endpoint: "10.0.0.1:9999"}, http: {endpoint: ":5318"}}}, zipkin: , otlp/off: {protocols: {grpc: {}}}}
            exporters: {prometheus: {}, debug: }
            extensions: {health_check: }
            service: {extensions: [health_check], telemetry: {metrics: {level: none, address: ":9000"}}, pipelines: {metrics: {receivers: [otlp, zipkin], exporters: [prometheus, debug]}}}
            """)
        let completed = written.completed()
        #expect(completed.value.at("receivers", "otlp", "protocols", "grpc", "endpoint") == "10.0.0.1:9999")
        #expect(completed.value.at("receivers", "otlp", "protocols", "http", "endpoint") == "0.0.0.0:5318")
        #expect(completed.value.at("receivers", "zipkin", "endpoint") == "0.0.0.0:9411")
        #expect(completed.value.at("receivers", "otlp/off", "protocols", "grpc") == [:], "a receiver that does not run stays as it is")
        #expect(completed.value.at("exporters", "prometheus", "endpoint") == "0.0.0.0:8888")
        #expect(completed.value.at("exporters", "debug") == .null)
        #expect(completed.value.at("extensions", "health_check") == ["endpoint": "0.0.0.0:13133", "path": "/"])
        #expect(completed.value.at("service", "telemetry", "metrics") == ["level": "none", "address": ":9000"])
        #expect(completed.telemetryPort == 9000)
        #expect(completed.completed() == completed)
    }
}
