// The rules that the existing operator's admission has, each with a resource that trips it and one that does not, and none that hides another.
// Resources are YAML; rows are those of ValidationTests.
// It never needs a server: what depends on a user's rights is the webhook's.

import JSON
import SondeAPI
import Testing

@testable import CollectorConfig

@Suite struct AdmissionRuleTests {
    typealias Row = ValidationTests.Row
    private static let fine = ValidationTests.fine
    private static let scraped = ValidationTests.scraped()

    private static func row(_ rule: String, _ path: String, says: String, _ spec: String, good: String = "{}") -> Row {
        Row(rule, path, says: says, bad: fine, good: fine, spec: spec, goodSpec: good)
    }

    static let modes = [
        row(
            "field-of-other-mode", "spec.persistentVolumeClaimRetentionPolicy", says: "statefulset",
            "{persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}"),
        row("field-of-other-mode", "spec.volumeClaimTemplates", says: "statefulset", "{volumeClaimTemplates: [{}]}", good: "{volumeClaimTemplates: []}"),
        row(
            "field-of-other-mode", "spec.tolerations", says: "sidecar", "{mode: sidecar, tolerations: [{}]}", good: "{mode: sidecar, tolerations: []}"),
        row(
            "field-of-other-mode", "spec.priorityClassName", says: "sidecar", "{mode: sidecar, priorityClassName: a}",
            good: "{mode: sidecar, priorityClassName: ''}"),
        row("field-of-other-mode", "spec.affinity", says: "sidecar", "{mode: sidecar, affinity: {}}", good: "{affinity: {}}"),
        row(
            "field-of-other-mode", "spec.additionalContainers", says: "sidecar", "{mode: sidecar, additionalContainers: [{}]}",
            good: "{mode: sidecar, additionalContainers: []}"),
        row(
            "field-of-other-mode", "spec.ingress", says: "Service", "{mode: sidecar, ingress: {type: ingress}}",
            good: "{ingress: {type: ingress}}"),
        row(
            "field-of-other-mode", "spec.deploymentUpdateStrategy", says: "deployment", "{mode: daemonset, deploymentUpdateStrategy: {type: Recreate}}",
            good: "{mode: daemonset, deploymentUpdateStrategy: {}}"),
        row("field-of-other-mode", "spec.daemonSetUpdateStrategy", says: "daemonset", "{daemonSetUpdateStrategy: {type: OnDelete}}"),
    ]

    static let numbers = [
        row("port-name", "spec.ports[0].name", says: "name", "{ports: [{port: 80}]}", good: "{ports: [{name: web, port: 80}]}"),
        row("port-name", "spec.ports[0].name", says: "15", "{ports: [{name: a-name-of-16-char, port: 80}]}"),
        row("out-of-range", "spec.ports[0].port", says: "65535", "{ports: [{name: a, port: 70000}]}", good: "{ports: [{name: a, port: 7000}]}"),
        row(
            "autoscaler", "spec.autoscaler.behavior.scaleDown.stabilizationWindowSeconds", says: "3600",
            "{autoscaler: {maxReplicas: 3, behavior: {scaleDown: {stabilizationWindowSeconds: -1}}}}",
            good: "{autoscaler: {maxReplicas: 3, behavior: {scaleDown: {stabilizationWindowSeconds: 3600}}}}"),
        row(
            "autoscaler", "spec.autoscaler.metrics[0].pods.target.type", says: "AverageValue",
            "{autoscaler: {maxReplicas: 3, metrics: [{type: Pods, pods: {target: {type: Utilization}}}]}}",
            good: "{autoscaler: {maxReplicas: 3, metrics: [{type: Pods, pods: {target: {type: Value, value: 5}}}]}}"),
        row(
            "autoscaler", "spec.autoscaler.metrics[0].pods.target.averageValue", says: "whole number",
            "{autoscaler: {maxReplicas: 3, metrics: [{type: Pods, pods: {target: {type: AverageValue, averageValue: 500m}}}]}}",
            good: "{autoscaler: {maxReplicas: 3, metrics: [{type: Pods, pods: {target: {type: AverageValue, averageValue: 1k}}}]}}"),
        row(
            "autoscaler", "spec.autoscaler.metrics[0].pods.target.value", says: "at least 1",
            "{autoscaler: {maxReplicas: 3, metrics: [{type: Pods, pods: {target: {type: Value, value: 0}}}]}}"),
        row("bad-format", "spec.podDisruptionBudget.minAvailable", says: "25%", "{podDisruptionBudget: {minAvailable: some}}"),
        row(
            "ingress", "spec.ingress.hostname", says: "domain", "{ingress: {type: ingress, ruleType: subdomain, hostname: '*'}}",
            good: "{ingress: {type: ingress, ruleType: subdomain, hostname: a.example}}"),
        row("unknown-value", "spec.ingress.type", says: "route", "{ingress: {type: Ingress}}"),
    ]

    static let configurations = [
        Row(
            "null-component", "spec.config.processors.batch", says: "spec.config.exporters.debug",
            bad: fine.replacing("{batch: {}}", with: "{batch: }").replacing("{debug: {}}", with: "{debug: }"), good: fine),
        Row(
            "port-number", "spec.config.receivers.otlp.protocols.grpc.endpoint", says: "65535",
            bad: fine.replacing("{grpc: {}}", with: "{grpc: {endpoint: '0.0.0.0:70000'}}"),
            good: fine.replacing("{grpc: {}}", with: "{grpc: {endpoint: '0.0.0.0:${env:PORT}'}}")),
        Row(
            "port-number", "spec.config.receivers.zipkin.endpoint", says: "0", bad: simple(receivers: "{zipkin: {endpoint: 'a:0'}}", receiver: "zipkin"),
            good: simple(receivers: "{zipkin: {endpoint: '[::]:9411'}}", receiver: "zipkin")),
        Row(
            "target-allocator", "spec.config.receivers.prometheus.config.scrape_configs", says: "prometheusCR",
            bad: scraped.replacing("[{job_name: a}]", with: "[]"), good: scraped.replacing("[{job_name: a}]", with: "[]"),
            spec: "{mode: statefulset, targetAllocator: {enabled: true}}",
            goodSpec: "{mode: statefulset, targetAllocator: {enabled: true, prometheusCR: {enabled: true}}}"),
        Row(
            "target-allocator", "spec.config.receivers.prometheus.config", says: "mapping",
            bad: scraped.replacing("{config: {scrape_configs: [{job_name: a}]}}", with: "{config: text}"), good: scraped,
            spec: "{mode: statefulset, targetAllocator: {enabled: true}}", goodSpec: "{mode: statefulset, targetAllocator: {enabled: true}}"),
        Row(
            "target-allocator", "spec.targetAllocator.mtls.tls.clientCertificate", says: "useCertManager", bad: scraped, good: scraped,
            spec: "{mode: statefulset, targetAllocator: {enabled: true, mtls: {enabled: true, useCertManager: false}}}",
            goodSpec: "{mode: statefulset, targetAllocator: {enabled: true, mtls: {enabled: true}}}"),
        Row(
            "target-allocator", "spec.targetAllocator.allocationStrategy", says: "consistent-hashing", bad: scraped, good: scraped,
            spec: "{mode: statefulset, targetAllocator: {enabled: true, allocationStrategy: per-node}}",
            goodSpec: "{mode: statefulset, targetAllocator: {enabled: true}}"),
    ]

    @Test(arguments: modes + numbers + configurations) func ruleIsTrippedAndNot(_ row: Row) throws { try ValidationTests().ruleIsTrippedAndNot(row) }

    @Test func noRuleHidesAnother() throws {
        let spec = """
            mode: sidecar
            replicas: 9
            volumeClaimTemplates: [{}]
            persistentVolumeClaimRetentionPolicy: {}
            tolerations: [{}]
            priorityClassName: a
            affinity: {}
            additionalContainers: [{}]
            targetAllocator: {enabled: true, mtls: {enabled: true, useCertManager: false}, allocationStrategy: per-node}
            ports: [{name: UPPER, port: 1}]
            autoscaler: {minReplicas: 8, maxReplicas: 3, behavior: {scaleUp: {stabilizationWindowSeconds: 9999}}, metrics: [{type: Resource}]}
            ingress: {type: ingress, ruleType: subdomain}
            daemonSetUpdateStrategy: {type: OnDelete}
            deploymentUpdateStrategy: {type: Recreate}
            podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}
            imagePullPolicy: Sometimes
            """
        let errors = Validation.findings(collector: try collector(Self.fine.replacing("debug", with: "dbg"), spec: spec)).errors.map(\.path)
        let expected = [
            "volumeClaimTemplates", "persistentVolumeClaimRetentionPolicy", "tolerations", "priorityClassName", "affinity", "additionalContainers",
            "targetAllocator", "targetAllocator.allocationStrategy", "config.receivers.prometheus", "targetAllocator.mtls.tls.serverCertificate",
            "ports[0].name", "replicas", "autoscaler.minReplicas", "autoscaler.behavior.scaleUp.stabilizationWindowSeconds", "autoscaler.metrics[0].type",
            "ingress", "ingress.hostname", "daemonSetUpdateStrategy", "deploymentUpdateStrategy", "podDisruptionBudget", "imagePullPolicy",
        ]
        for path in expected { #expect(errors.contains("spec.\(path)"), "\(path) is missing in \(errors)") }
    }

    @Test(arguments: ["kind: Other", "metadata: {}"]) func aWrongHeadHidesNothing(_ head: String) throws {
        var object = try collector(Self.fine, spec: "{autoscaler: {minReplicas: 1}}")
        for (key, value) in try yaml(head).object ?? [:] { object[key] = value }
        let paths = Validation.findings(collector: object).errors.map(\.path)
        #expect(paths.count == 2 && paths.contains("spec.autoscaler.maxReplicas"), "\(paths)")
    }

    // MARK: Changes

    static let changes = [
        ("deployment", "daemonset", "take the place"), ("statefulset", "deployment", "left behind"), ("deployment", "sidecar", "made from now on"),
        ("sidecar", "deployment", "made anew"),
    ]

    @Test(arguments: changes) func aChangedModeIsAWarningThatSaysWhatHappens(from old: String, to new: String, says: String) throws {
        let object = try collector(Self.fine, spec: "{mode: \(new)}")
        let findings = Validation.findings(collector: object, replacing: try collector(Self.fine, spec: "{mode: \(old)}"))
        let found = try #require(findings.first { $0.rule == "mode-change" })
        #expect(found.severity == .warning && found.path == "spec.mode" && found.message.contains(says), "\(found)")
        #expect(!Validation.findings(collector: object, replacing: object).contains { $0.rule == "mode-change" })
        #expect(!Validation.findings(collector: object).contains { $0.rule == "mode-change" })
    }

    // MARK: Silence

    private func silenced(_ names: String, _ config: String = fine) throws -> [Finding] {
        var object = try collector(config)
        object.set(["metadata", "annotations"], to: ["sonde.dev/ignore-findings": .string(names)])
        return Validation.findings(collector: object)
    }

    @Test func warningsAndNotesAreSilencedByName() throws {
        let config = Self.fine.replacing("{batch: {}}", with: "{batch: }")
        #expect(try silenced("", config).map(\.rule).sorted() == ["missing-memory-limiter", "null-component"])
        #expect(try silenced("null-component", config).map(\.rule) == ["missing-memory-limiter"])
        #expect(try silenced(" null-component,\n missing-memory-limiter ,", config).isEmpty)
    }

    @Test func errorsAreNotSilenced() throws {
        let findings = try silenced("undefined-component", Self.fine.replacing("[batch]", with: "[bacth]"))
        #expect(findings.errors.map(\.rule) == ["undefined-component"])
        #expect(findings.warnings.contains { $0.rule == "unknown-rule" && $0.message.contains("cannot be silenced") }, "\(findings)")
    }

    @Test(arguments: [("null-componnent", "did you mean null-component?"), ("xyz", "docs/validation.md")])
    func anUnknownNameIsAWarning(name: String, says: String) throws {
        let findings = try silenced(name)
        let found = try #require(findings.first { $0.rule == "unknown-rule" })
        #expect(found.severity == .warning && found.path == #"metadata.annotations["sonde.dev/ignore-findings"]"# && found.remedy.contains(says), "\(found)")
    }

    @Test func probesAreSilencedAlike() {
        let probe: JSONValue = [
            "apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe",
            "metadata": ["name": "a", "annotations": ["sonde.dev/ignore-findings": "insecure-tls"]],
            "spec": ["endpoint": "https://a:4318", "export": ["tls": ["insecureSkipVerify": true]]],
        ]
        #expect(Validation.findings(probe: probe).isEmpty)
    }

    @Test func namesOfRulesAreKebabCaseAndUnique() {
        let names = FindingRule.all.map(\.name)
        #expect(Set(names).count == names.count)
        for name in names { #expect(name.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil, "\(name)") }
        #expect(FindingRule.all.allSatisfy { !$0.severities.isEmpty })
    }
}
