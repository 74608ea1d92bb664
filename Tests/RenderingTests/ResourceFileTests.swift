// Files with several documents: what counts as ours, what is said about the rest, and every example that the documents show.
// Documents are YAML in place or files of examples/.
// It never needs a cluster.

import CollectorConfig
import Foundation
import JSON
import Kubernetes
import SondeAPI
import Testing
import YAML

@testable import Rendering

@Suite struct ResourceFileTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let collector = """
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: gateway}
        spec: {config: {receivers: {otlp: {protocols: {http: }}}, exporters: {debug: {}}, service: {pipelines: {metrics: {receivers: [otlp], exporters: [debug]}}}}}
        """
    static let probe = """
        apiVersion: sonde.dev/v1alpha1
        kind: EBPFProbe
        metadata: {name: nodes}
        spec: {collectorRef: {name: gateway}}
        """

    private func file(_ texts: String...) throws -> ResourceFile {
        ResourceFile(documents: try YAML.parse(texts.joined(separator: "\n---\n")), namespace: "shop")
    }

    @Test func probeFindsItsCollectorInTheSameFiles() throws {
        let (manifests, reports) = try file(Self.probe, Self.collector).render(.init(), .init())
        #expect(reports.flatMap(\.findings).warnings.isEmpty && reports.flatMap(\.findings).errors.isEmpty)
        let text = manifests.first { $0.name.name == "nodes-agent" && $0.type.kind == "ConfigMap" }?.object.at("data", "agent.yaml")?.string ?? ""
        #expect(text.contains("endpoint: http://gateway-collector.shop.svc:4318"))
    }

    @Test func missingCollectorIsAnErrorForRenderingOnly() throws {
        let probe = try file(Self.probe)
        #expect(probe.reports.flatMap(\.findings).isEmpty, "it may be in the cluster")
        let (manifests, reports) = probe.render(.init(), .init())
        #expect(manifests.isEmpty)
        #expect(reports.flatMap(\.findings).map(\.rule) == ["collector-not-found"])
    }

    @Test func collectorThatTakesNoOTLPIsAnErrorOfTheProbe() throws {
        let reports = try file(Self.probe, Self.collector.replacing("metrics:", with: "traces:")).reports
        #expect(reports[0].findings.map(\.rule) == ["no-otlp-receiver"])
        #expect(reports[1].findings.map(\.severity) == [.info])
    }

    @Test func otherKindsAndListsAreRead() throws {
        let reports = try file(
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n- {apiVersion: "
                + "sonde.dev/v1alpha1, kind: AgentConfiguration}"
        ).reports
        #expect(reports.map(\.kind) == [.other, .agentConfiguration])
        #expect(reports[1].findings.map(\.path) == ["destination"])
    }

    @Test func oldVersionSaysWhatToWrite() throws {
        let report = try file(Self.collector.replacing("v1beta1", with: "v1alpha1")).reports[0]
        #expect(report.kind == .unusable)
        #expect(report.findings[0].remedy == "write apiVersion: opentelemetry.io/v1beta1")
    }

    @Test(arguments: ["just text", "resources: {requests: {cpu: 1}}", "[1]"]) func otherDocumentsAreNoObjects(_ text: String) throws {
        let report = try file(text).reports[0]
        #expect(report.kind == .unusable)
        #expect(report.findings.map(\.rule) == ["no-object"])
        #expect(report.suggestion == nil)
    }

    @Test(arguments: [
        "processors: {tail_sampling: {}}", "receivers: {filelog: {include: [a]}}", "exporters: {prometheusremotewrite: {}}", "extensions: {health_check: {}}",
        "receivers: {otlp: {protocols: {grpc: }}}\nexporters: {debug: }\nservice: {pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}",
        "processors: {batch: }\nreceivers: {prometheus: {config: {}}, filelog: {}}",
    ]) func fragmentIsPutIntoAResourceThatIsValid(_ text: String) throws {
        let report = try file(text).reports[0]
        #expect(report.kind == .unusable)
        #expect(report.findings.map(\.rule) == ["fragment"])
        #expect(report.findings[0].remedy.contains("spec.config"))
        let suggestion = try #require(report.suggestion)
        let findings = Validation.findings(collector: suggestion)
        #expect(findings.errors.isEmpty, "\(findings)")
        #expect(!findings.contains { $0.rule == "unused-component" }, "\(findings)")
        let fragment = try #require(try YAML.parse(text).first)
        for (key, value) in fragment.object ?? [:] {
            for (name, component) in value.object ?? [:] { #expect(suggestion.at("spec", "config", key, name) == component) }
        }
    }

    /// Every YAML file below examples/, relative to it.
    static let examples =
        (try? FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "examples").resolvingSymlinksInPath().path))?
        .filter { $0.hasSuffix(".yaml") }.sorted() ?? []

    @Test(arguments: examples) func exampleHasNoErrors(_ path: String) throws {
        let documents = try YAML.parse(Array(Data(contentsOf: Self.root.appending(path: "examples/\(path)"))))
        let reports = ResourceFile(documents: documents).reports
        #expect(reports.allSatisfy { $0.kind != .unusable })
        #expect(reports.flatMap(\.findings).errors.isEmpty, "\(reports.flatMap(\.findings))")
    }

    @Test func examplesAreThere() {
        #expect(Self.examples.count >= 5)
        #expect(Self.examples.contains("founding/collector.yaml"))
    }

    @Test func foundingCollectorIsAdmittedWithItsFiveWarnings() throws {
        let documents = try YAML.parse(Array(Data(contentsOf: Self.root.appending(path: "examples/founding/collector.yaml"))))
        let findings = ResourceFile(documents: documents).reports.flatMap(\.findings)
        #expect(findings.errors.isEmpty)
        #expect(
            findings.warnings.map(\.rule).sorted() == [
                "attribute-name-not-produced", "attribute-name-not-produced", "hubble-selector", "missing-memory-limiter", "scraped-namespace-filter",
            ])
        #expect(findings.infos.map(\.rule) == ["renamed-component"])
    }

    @Test func probeExampleRendersWithItsCollector() throws {
        let documents = try ["probe.yaml", "otlp-collector.yaml"].flatMap {
            try YAML.parse(Array(Data(contentsOf: Self.root.appending(path: "examples/\($0)"))))
        }
        let (manifests, reports) = ResourceFile(documents: documents).render(.init(), .init())
        #expect(reports.flatMap(\.findings).allSatisfy { $0.severity == .info })
        #expect(manifests.contains { $0.type.kind == "DaemonSet" } && manifests.contains { $0.type.kind == "Deployment" })
    }

    @Test(arguments: ["crds", "charts/sonde/files/crds"]) func committedDefinitionsAreTheGeneratedOnes(_ folder: String) throws {
        for (name, text) in DefinitionFiles.all {
            let committed = try String(contentsOf: Self.root.appending(path: "\(folder)/\(name)"), encoding: .utf8)
            #expect(committed == text, "\(folder)/\(name) is old: run hack/gen-crds")
            #expect(text.utf8.count < 256 << 10, "a plain kubectl apply keeps a copy in an annotation of at most 256 KiB")
        }
    }
}
