// Annotations that ask for more than the definition has: what is read, and each refusal with its place and remedy.
// Rows are values as people write them.
// It never renders anything: RenderingTests does.

import JSON
import SondeAPI
import Testing
import YAML

@testable import CollectorConfig

@Suite struct CollectorAnnotationsTests {
    typealias Name = CollectorAnnotations.Name

    static let good: [(Name, String, JSONValue)] = [
        (.podLabels, "{team: a, tier: \"1\", empty: \"\"}", ["team": "a", "tier": "1", "empty": ""]), (.podLabels, "{\"a.b/c\": d}", ["a.b/c": "d"]),
        (.imagePullSecrets, "one, two", [["name": "one"], ["name": "two"]]), (.runtimeClassName, "gvisor", "gvisor"), (.schedulerName, "a.b", "a.b"),
        (.automountServiceAccountToken, "false", false), (.minReadySeconds, "0", 0), (.progressDeadlineSeconds, "600", 600), (.revisionHistoryLimit, "3", 3),
        (.statefulSetUpdateStrategy, "type: OnDelete", ["type": "OnDelete"]), (.serviceType, "NodePort", "NodePort"),
        (.serviceAnnotations, "{a.b/c: d}", ["a.b/c": "d"]), (.loadBalancerClass, "service.k8s.aws/nlb", "service.k8s.aws/nlb"),
        (.externalTrafficPolicy, "Local", "Local"), (.serviceAccountAnnotations, "{a: b}", ["a": "b"]),
        (.podTemplatePatch, "{spec: {tolerations: []}}", ["spec": ["tolerations": []]]), (.traceRouting, "managed", "managed"),
        (.prometheusRule, "true", true), (.rollout, "canary", "canary"), (.rolloutSeconds, "300", 300),
    ]

    @Test(arguments: good) func aValueIsRead(_ name: Name, _ text: String, _ value: JSONValue) {
        let annotations = CollectorAnnotations([name.key: text, "other.dev/\(name.rawValue)": "x"])
        #expect(annotations[name] == value)
        #expect(annotations.findings.isEmpty && annotations.values.count == 1)
    }

    static let bad: [(Name, String, String)] = [
        (.podLabels, "team", "is no mapping"), (.podLabels, "{a: 1}", "the value of a is no text"), (.podLabels, "{a b: c}", "no label key"),
        (.podLabels, "{a: \"-x\"}", "no label value"), (.podLabels, "{app.kubernetes.io/instance: a}", "belongs to the selector"),
        (.podLabels, "{a: b", "cannot be read as YAML: line 2"), (.podLabels, "{a: b}\n---\n{a: b}", "is no mapping"), (.podLabels, "", "is no mapping"),
        (.imagePullSecrets, "one,,two", "\"\" is no name"), (.imagePullSecrets, "One", "\"One\" is no name"), (.imagePullSecrets, "a, a", "twice"),
        (.runtimeClassName, "", "is no name"), (.schedulerName, "a/b", "is no name"), (.automountServiceAccountToken, "no", "\"no\" is not known"),
        (.minReadySeconds, "5s", "no whole number"), (.progressDeadlineSeconds, "-1", "no whole number"),
        (.revisionHistoryLimit, "2147483648", "no whole number"),
        (.statefulSetUpdateStrategy, "{kind: OnDelete}", "has no field kind"), (.serviceType, "ExternalName", "\"ExternalName\" is not known"),
        (.serviceAnnotations, "{a: true}", "is no text"), (.serviceAnnotations, "{a b: c}", "no annotation key"), (.loadBalancerClass, "a b", "is no class"),
        (.externalTrafficPolicy, "local", "is not known"), (.serviceAccountAnnotations, "[a]", "is no mapping"),
        (.podTemplatePatch, "{containers: []}", "containers is no part of a pod template"), (.podTemplatePatch, "{spec: []}", "spec must be a mapping"),
        (.podTemplatePatch, "{metadata: {name: a}}", "metadata.name cannot be patched"),
        (.podTemplatePatch, "{metadata: {labels: {app.kubernetes.io/component: a}}}", "belongs to the selector"),
        (.podTemplatePatch, "{spec: {containers: [{name: otc-container, $patch: delete}]}}", "cannot be taken away"),
        (.podTemplatePatch, "{spec: {containers: [{image: a}]}}", "spec.containers[0] has no name"),
        (.podTemplatePatch, "{spec: {$retainKeys: [a]}}", "the only directive is $patch: delete"),
        (.podTemplatePatch, "{spec: {volumes: [{name: a, $patch: replace}]}}", "the only directive"),
        (.podTemplatePatch, "{spec: {tolerations: [{key: a, $patch: delete}]}}", "a list that is merged by a key"),
        (.podTemplatePatch, "{spec: {securityContext: {$patch: delete}}}", "a list that is merged by a key"),
        (.podTemplatePatch, "{spec: {containers: [{name: a, resources: {$patch: delete}}]}}", "a list that is merged by a key"),
        (.traceRouting, "true", "\"true\" is not known"),
        (.prometheusRule, "yes", "\"yes\" is not known"),
        (.rollout, "blue-green", "\"blue-green\" is not known"), (.rolloutSeconds, "2m", "no whole number"),
    ]

    @Test(arguments: bad) func aWrongValueIsRefusedWithItsPlaceAndRemedy(_ name: Name, _ text: String, _ message: String) throws {
        let annotations = CollectorAnnotations([name.key: text])
        let finding = try #require(annotations.findings.first)
        #expect(annotations.findings.count == 1 && annotations[name] == nil)
        #expect(finding.severity == .error && finding.rule == "annotation-value")
        #expect(finding.path == "metadata.annotations[\"sonde.dev/\(name.rawValue)\"]")
        #expect(finding.message.contains(message), "\(finding)")
        #expect(!finding.remedy.isEmpty)
    }

    @Test func everyAnnotationHasAGoodAndABadRow() {
        #expect(Set(Self.good.map(\.0)) == Set(Name.allCases) && Set(Self.bad.map(\.0)) == Set(Name.allCases))
    }

    @Test func aDeepPatchIsRefused() {
        let text = String(repeating: "{a: ", count: 100) + "1" + String(repeating: "}", count: 100)
        #expect(CollectorAnnotations([Name.podTemplatePatch.key: "spec: \(text)"]).findings.first?.message.contains("nested too deeply") == true)
    }

    @Test func aRolloutMayTakeLongerThanPodsMustBeReady() {
        func paths(_ annotations: [Name: String], mode: OpenTelemetryCollectorSpec.Mode = .deployment) -> [String] {
            let texts = Dictionary(annotations.map { ($0.key.key, $0.value) }, uniquingKeysWith: { $1 })
            return CollectorAnnotations.findings(texts, mode: mode).filter { $0.severity == .error }.map(\.path)
        }
        let deadline = CollectorAnnotations.path("sonde.dev/progress-deadline-seconds"), ready = CollectorAnnotations.path("sonde.dev/min-ready-seconds")
        #expect(paths([.minReadySeconds: "30", .progressDeadlineSeconds: "30"]) == [deadline])
        #expect(paths([.minReadySeconds: "30", .progressDeadlineSeconds: "31"]) == [])
        #expect(paths([.minReadySeconds: "600"]) == [ready], "600 s is what a Deployment has by itself")
        #expect(paths([.minReadySeconds: "600"], mode: .statefulset) == [])
        #expect(paths([.minReadySeconds: "600", .traceRouting: "managed"], mode: .statefulset) == [ready], "the routing tier is a Deployment")
    }

    @Test func whatOnlyAnOuterServiceTakesNeedsOne() {
        func findings(_ annotations: [Name: String]) -> [String] {
            CollectorAnnotations.findings(Dictionary(annotations.map { ($0.key.key, $0.value) }, uniquingKeysWith: { $1 }), mode: .deployment).map(\.path)
        }
        #expect(findings([.loadBalancerClass: "a.b/c", .serviceType: "NodePort"]) == [CollectorAnnotations.path("sonde.dev/load-balancer-class")])
        #expect(findings([.externalTrafficPolicy: "Local"]) == [CollectorAnnotations.path("sonde.dev/external-traffic-policy")])
        #expect(findings([.externalTrafficPolicy: "Local", .loadBalancerClass: "a.b/c", .serviceType: "LoadBalancer"]) == [])
    }

    @Test(arguments: [
        (Name.statefulSetUpdateStrategy, "{type: OnDelete}", OpenTelemetryCollectorSpec.Mode.deployment), (.progressDeadlineSeconds, "5", .statefulset),
        (.podLabels, "{a: b}", .sidecar), (.serviceType, "NodePort", .sidecar), (.rollout, "canary", .daemonset), (.prometheusRule, "true", .sidecar),
        (.rolloutSeconds, "60", .deployment),
    ])
    func anAnnotationWithoutEffectIsAWarning(_ name: Name, _ text: String, _ mode: OpenTelemetryCollectorSpec.Mode) {
        let findings = CollectorAnnotations.findings([name.key: text], mode: mode)
        #expect(findings.map(\.rule) == ["annotation-without-effect"] && findings.allSatisfy { $0.severity == .warning })
    }

    @Test func aMisspeltAnnotationIsNamedAndOthersAreLeftAlone() {
        let findings = CollectorAnnotations.findings(["sonde.dev/pod-label": "{a: b}", "sonde.dev/paused": "true", "a/pod-label": ""], mode: .deployment)
        #expect(findings.map(\.rule) == ["unknown-annotation"])
        #expect(findings.first?.remedy == "did you mean sonde.dev/pod-labels?")
    }

    @Test func theValidationOfAResourceSaysTheSame() throws {
        let object = try YAML.parse(
            "{apiVersion: opentelemetry.io/v1beta1, kind: OpenTelemetryCollector, metadata: {name: a, annotations: {sonde.dev/service-type: Any}}, "
                + "spec: {config: {receivers: {otlp: {protocols: {grpc: {}}}}, exporters: {debug: {}}, "
                + "service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}}}}")[0]
        #expect(Validation.findings(collector: object).errors.map(\.rule) == ["annotation-value"])
    }

    @Test func alertsWithoutAServiceMonitorAreAWarning() throws {
        func findings(_ observability: String) throws -> [String] {
            let object = try YAML.parse(
                "{apiVersion: opentelemetry.io/v1beta1, kind: OpenTelemetryCollector, metadata: {name: a, annotations: {sonde.dev/prometheus-rule: 'true'}}, "
                    + "spec: {observability: \(observability), config: {receivers: {otlp: {protocols: {grpc: {}}}}, exporters: {debug: {}}, "
                    + "service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}}}}")[0]
            return Validation.findings(collector: object).filter { $0.path.contains("prometheus-rule") }.map(\.rule)
        }
        #expect(try findings("{}") == ["annotation-without-effect"])
        #expect(try findings("{metrics: {enableMetrics: true}}") == [])
    }

    // MARK: The patch

    private static func patched(_ patch: String, _ template: String) throws -> JSONValue {
        PodTemplatePatch.apply(try YAML.parse(patch)[0], to: try YAML.parse(template)[0])
    }

    @Test(arguments: [
        ("{a: 1}", "{b: 2}", "{b: 2, a: 1}", "members are added"), ("{b: null}", "{b: 2}", "{}", "null takes away"),
        ("{b: {c: 1}}", "{b: {d: 2}}", "{b: {d: 2, c: 1}}", "mappings are merged"),
        ("{containers: [{name: x, a: 1}]}", "{containers: [{name: y}, {name: x, b: 2}]}", "{containers: [{name: y}, {name: x, b: 2, a: 1}]}", "by name"),
        ("{containers: [{name: x, $patch: delete}]}", "{containers: [{name: y}, {name: x}]}", "{containers: [{name: y}]}", "deleted by name"),
        ("{ports: [{containerPort: 1, name: a}]}", "{ports: [{containerPort: 1}]}", "{ports: [{containerPort: 1, name: a}]}", "by number"),
        (
            "{volumeMounts: [{mountPath: /b, name: b}]}", "{volumeMounts: [{mountPath: /a}]}", "{volumeMounts: [{mountPath: /a}, {mountPath: /b, name: b}]}",
            "added"
        ),
        ("{tolerations: [{key: a}]}", "{tolerations: [{key: b}]}", "{tolerations: [{key: a}]}", "a list without a key is replaced"),
        ("{env: [{name: gone, $patch: delete}]}", "{env: []}", "{env: []}", "nothing to delete"),
    ])
    func aPatchIsMerged(_ patch: String, _ template: String, _ result: String, _ reason: String) throws {
        #expect(try Self.patched(patch, template) == YAML.parse(result)[0], "\(reason)")
    }
}
