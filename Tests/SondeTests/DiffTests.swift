// `sonde diff`: two versions of a file, a file and a cluster, and how both are printed.
// The cluster is the in-process server; the operator's part is played by applying what is rendered.
// It never looks at whole texts, apart from the line comparison's.

import JSON
import Kubernetes
import KubernetesTestServer
import Operator
import Rendering
import SondeAPI
import Testing
import YAML

@testable import sonde

@Suite struct DiffTests {
    static let facts = DiffFacts(collectorImage: "example.com/collector:1", agentImage: "example.com/agent:1")

    static func collector(_ more: String = "replicas: 2", timeout: String = "10s") throws -> JSONValue {
        let text = """
            apiVersion: opentelemetry.io/v1beta1
            kind: OpenTelemetryCollector
            metadata: {name: gateway, namespace: default}
            spec:
              \(more)
              config:
                receivers: {otlp: {protocols: {http: {}}}}
                processors: {batch: {timeout: \(timeout)}}
                exporters: {debug: {}}
                service: {pipelines: {metrics: {receivers: [otlp], processors: [batch], exporters: [debug]}}}
            """
        return try #require(try YAML.parse(text).first)
    }

    static let probe: JSONValue = [
        "apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe", "metadata": ["name": "nodes", "namespace": "default"],
        "spec": ["collectorRef": ["name": "gateway"]],
    ]

    private static func files(_ old: [JSONValue], _ new: [JSONValue]) -> [ResourceDiff] {
        FileDiff(old: old, new: new, namespace: "default", facts: facts).diffs
    }

    private static func actions(_ diff: ResourceDiff?) -> [String] {
        (diff?.changes ?? []).filter { $0.action != .unchanged }.map { "\($0.action) \($0.reference.type.kind)" }
    }

    // MARK: Files

    @Test func aFieldIsNamedWithEverythingThatComesOfIt() throws {
        let diffs = Self.files([try Self.collector()], [try Self.collector("replicas: 3", timeout: "1s")])
        let diff = try #require(diffs.first)
        #expect(Self.actions(diff) == ["create ConfigMap", "change Deployment", "keep ConfigMap"])
        let deployment = try #require(diff.changes.first { $0.reference.type == .deployments })
        #expect(diff.reasons(deployment).map(\.field) == ["spec.replicas", "spec.config.processors.batch.timeout"])
        #expect(deployment.restartedPods == 2 && diff.restartedPods == 2)
        let configMap = try #require(diff.changes.first { $0.action == .create })
        #expect(diff.reasons(configMap).map(\.field) == ["spec.config.processors.batch.timeout"])
        #expect(diff.effects.map(\.replacesPods) == [false, true])
        let text = DiffText.text(diffs)
        #expect(text.contains("OpenTelemetryCollector default/gateway: 2 objects change, 2 pods restart\n"))
        #expect(text.contains("~ Deployment default/gateway-collector, 2 pods restart\n"))
        #expect(text.contains("because of spec.replicas, spec.config.processors.batch.timeout\n"))
        #expect(text.contains("\n-  replicas: 2\n+  replicas: 3\n"))
    }

    @Test func equalVersionsChangeNothing() throws {
        let diffs = Self.files([try Self.collector(), Self.probe], [try Self.collector(), Self.probe])
        #expect(diffs.count == 2 && diffs.allSatisfy { !$0.isChange && !$0.hasErrors && $0.effects.isEmpty })
        #expect(DiffText.text(diffs).contains("EBPFProbe default/nodes: nothing changes"))
    }

    @Test func aFieldWithoutEffectIsSaidToHaveNone() throws {
        let diffs = Self.files([try Self.collector()], [try Self.collector("{replicas: 2, upgradeStrategy: none}".replacingBraces)])
        #expect(!diffs[0].isChange)
        #expect(DiffText.text(diffs).contains("spec.upgradeStrategy changes no object"))
    }

    @Test func newAndRemovedResourcesAreWhole() throws {
        let made = Self.files([], [try Self.collector()])
        #expect(made[0].changes.allSatisfy { $0.action == .create } && made[0].changes.count > 4 && made[0].restartedPods == 0)
        let gone = Self.files([try Self.collector()], [])
        #expect(gone[0].changes.allSatisfy { $0.action == .delete } && gone[0].title == "OpenTelemetryCollector default/gateway")
    }

    @Test func aProbesPodsAreThoseOfEveryNode() throws {
        var changed = Self.probe
        changed.set(["spec", "podLabels"], to: ["a": "b"])
        let diffs = Self.files([try Self.collector(), Self.probe], [try Self.collector(), changed])
        let diff = try #require(diffs.first { $0.title.hasPrefix("EBPFProbe") })
        #expect(diff.restartedPods == nil && diff.effects.map(\.field) == ["spec.podLabels"])
        #expect(DiffText.text(diffs).contains("1 object changes, the pods of every node restart"))
    }

    @Test func aResourceWithErrorsChangesNothing() throws {
        var broken = try Self.collector()
        broken.set(["spec", "config", "service", "pipelines", "metrics", "receivers"], to: ["otlpp"])
        let diffs = Self.files([try Self.collector()], [broken])
        #expect(diffs[0].hasErrors && diffs[0].changes.isEmpty)
        #expect(DiffText.text(diffs).contains("error spec.config.service.pipelines.metrics.receivers[0]"))
    }

    @Test func theDocumentHasEveryObject() throws {
        let document = DiffDocument.document(Self.files([try Self.collector()], [try Self.collector("replicas: 3")]))
        let resource = try #require(document["resources"]?[0])
        #expect(resource["resource"] == "OpenTelemetryCollector default/gateway" && resource["restartedPods"] == 0)
        #expect(resource["fields"]?[0]?["field"] == "spec.replicas")
        let objects = resource["objects"]?.array ?? []
        let deployment = try #require(objects.first { $0["kind"] == "Deployment" })
        #expect(deployment["action"] == "change" && deployment["because"] == ["spec.replicas"])
        #expect(deployment.at("before", "spec", "replicas") == 2 && deployment.at("after", "spec", "replicas") == 3)
        #expect(objects.filter { $0["action"] == "unchanged" }.count > 3)
    }

    // MARK: Cluster

    private static func server() async throws -> TestAPIServer {
        let server = TestAPIServer()
        for (_, definition) in CustomResourceDefinitions.all { try await server.apply(.customResourceDefinitions, definition, fieldManager: "t", force: true) }
        return server
    }

    private static func diff(_ server: TestAPIServer, _ documents: JSONValue...) async throws -> [ResourceDiff] {
        try await ClusterDiff(api: server, namespace: "default", facts: facts).diffs(documents)
    }

    /// Applies a collector and, as the operator does, its objects.
    private static func install(_ server: TestAPIServer, _ collector: JSONValue) async throws {
        let live = try await server.apply(.openTelemetryCollectors, collector, fieldManager: "kubectl", force: true)
        for manifest in CollectorRendering.render(try OpenTelemetryCollector(object: live), facts.collector) {
            try await server.apply(manifest.type, manifest.object, fieldManager: "sonde-operator", force: true)
        }
    }

    @Test func aNewResourceIsComparedWithNothing() async throws {
        let server = try await Self.server()
        let diffs = try await Self.diff(server, try Self.collector(), Self.probe)
        #expect(diffs.count == 2 && diffs.allSatisfy { $0.changes.allSatisfy { $0.action == .create } && $0.changes.count >= 3 })
        #expect(try await server.listAll(.deployments, namespace: "default").items.isEmpty)
    }

    @Test func theClusterIsComparedByDryRuns() async throws {
        let server = try await Self.server()
        try await Self.install(server, try Self.collector())
        #expect(try await Self.diff(server, try Self.collector())[0].changes.allSatisfy { $0.action == .unchanged })
        let writes = server.writeCount
        let diff = try #require(try await Self.diff(server, try Self.collector("replicas: 3", timeout: "1s")).first)
        #expect(server.writeCount == writes, "nothing was written")
        #expect(Self.actions(diff) == ["create ConfigMap", "change Deployment", "keep ConfigMap"])
        #expect(diff.restartedPods == 2)
        let deployment = try #require(diff.changes.first { $0.reference.type == .deployments })
        #expect(diff.reasons(deployment).map(\.field) == ["spec.replicas", "spec.config.processors.batch.timeout"])
        #expect(deployment.after?.at("spec", "template", "spec", "containers")?[0]?["terminationMessagePolicy"] == "File", "with what the server adds")
    }

    @Test func driftIsAReasonOfItsOwn() async throws {
        let server = try await Self.server()
        try await Self.install(server, try Self.collector())
        try await server.patch(
            .deployments, ObjectName(namespace: "default", name: "gateway-collector"), .merge(["spec": ["replicas": 7]]), fieldManager: "kubectl")
        let diffs = try await Self.diff(server, try Self.collector())
        #expect(Self.actions(diffs[0]) == ["change Deployment"])
        #expect(DiffText.text(diffs).contains("changed by somebody else"))
    }

    @Test(arguments: ["sonde.dev/paused", "managementState"]) func aPausedResourceIsLeftAlone(by field: String) async throws {
        let server = try await Self.server()
        var paused = try Self.collector("replicas: 9")
        if field == "managementState" { paused.set(["spec", field], to: "unmanaged") } else { paused.set(["metadata", "annotations"], to: [field: "true"]) }
        try await Self.install(server, try Self.collector())
        let diffs = try await Self.diff(server, paused)
        #expect(diffs[0].changes.isEmpty && DiffText.text(diffs).contains("paused or unmanaged"))
    }

    @Test func anObjectOfAnotherControllerIsAnError() async throws {
        let server = try await Self.server()
        let owner = try await server.create(.configMaps, ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "owner", "namespace": "default"]])
        let taken: JSONValue = [
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": [
                "name": "gateway-collector", "namespace": "default", "ownerReferences": [OwnerReference(controller: owner, type: .configMaps).jsonValue],
            ],
        ]
        try await server.create(.serviceAccounts, taken)
        let diffs = try await Self.diff(server, try Self.collector())
        #expect(diffs[0].hasErrors && DiffText.text(diffs).contains("! ServiceAccount default/gateway-collector"))
        #expect(DiffText.text(diffs).contains("is managed by ConfigMap owner"))
    }

    @Test func theImageThatRunsIsTheDefault() async throws {
        let server = try await Self.server()
        try await Self.install(server, try Self.collector())
        try await server.patch(
            .openTelemetryCollectors, ObjectName(namespace: "default", name: "gateway"), .merge(["status": ["image": "example.com/collector:1"]]),
            fieldManager: "t", subresource: "status")
        let other = DiffFacts(collectorImage: "example.com/other:2", agentImage: "a")
        let diffs = try await ClusterDiff(api: server, namespace: "default", facts: other).diffs([try Self.collector()])
        #expect(diffs[0].changes.allSatisfy { $0.action == .unchanged })
    }

    @Test func theResourceIsComparedAsTheServerWouldStoreIt() async throws {
        let server = try await Self.server()
        try await Self.install(server, try Self.collector())
        // The definition fills this in, so the stored resource has it and the file has not.
        var definition = try await server.get(.customResourceDefinitions, ObjectName(namespace: nil, name: "opentelemetrycollectors.opentelemetry.io"))
        let versions = (definition.at("spec", "versions")?.array ?? []).map { version -> JSONValue in
            var version = version
            let field = ["schema", "openAPIV3Schema", "properties", "spec", "properties", "priorityClassName"]
            if version.at(field) != nil { version.set(field + ["default"], to: "high") }
            return version
        }
        definition.set(["spec", "versions"], to: .array(versions))
        try await server.replace(.customResourceDefinitions, definition)
        let diff = try #require(try await Self.diff(server, try Self.collector()).first)
        let deployment = try #require(diff.changes.first { $0.reference.type == .deployments })
        #expect(deployment.after?.at("spec", "template", "spec", "priorityClassName") == "high")
        let stored = try await server.get(.openTelemetryCollectors, ObjectName(namespace: "default", name: "gateway"))
        #expect(stored.metadata.annotations.isEmpty && stored.metadata.generation == 1, "nothing was written")
    }

    @Test func aResourceThatTheServerRefusesIsAnError() async throws {
        let server = try await Self.server()
        try await Self.install(server, try Self.collector())
        let api = RefusingAPI(server) { request in
            guard request.path.contains("opentelemetrycollectors"), request.method == .put else { return nil }
            return KubernetesError(.forbidden, message: "admission webhook \"policy\" denied the request: no")
        }
        let diffs = try await ClusterDiff(api: api, namespace: "default", facts: Self.facts).diffs([try Self.collector("replicas: 3")])
        #expect(diffs[0].hasErrors && DiffText.text(diffs).contains("the API server refuses the resource: admission webhook \"policy\" denied"))
    }

    @Test func whatMayNotBeReadIsToldAndEndsNothing() async throws {
        let server = try await Self.server()
        var collector = try Self.collector("replicas: 3")
        collector.set(["spec", "config", "receivers", "k8s_events"], to: [:])
        collector.set(["spec", "config", "service", "pipelines", "logs"], to: ["receivers": ["k8s_events"], "exporters": ["debug"]])
        try await Self.install(server, try Self.collector())
        let api = RefusingAPI(server) { request in
            let isClusterRole = request.path.contains("/clusterroles") || request.path.contains("/clusterrolebindings")
            let isWrite = request.path.contains("opentelemetrycollectors") && request.method != .get
            return isClusterRole || isWrite ? KubernetesError(.forbidden, message: "\(request.path) is forbidden") : nil
        }
        let diffs = try await ClusterDiff(api: api, namespace: "default", facts: Self.facts).diffs([collector])
        let text = DiffText.text(diffs)
        #expect(!diffs[0].hasErrors && Self.actions(diffs[0]).contains("change Deployment"))
        #expect(text.contains("you may not read it, so it is not compared") && text.contains("you may not list them"))
        #expect(text.contains("you may not write it, so it is compared as the file has it"))
    }

    @Test func theOperatorsSettingsAreOptions() throws {
        let line = [
            "a.yaml", "--labels-filter", "^team$ ^app", "--annotations-filter", "x", "--collector-roles", "false", "--proxy", "HTTPS_PROXY=http://p:1",
            "--proxy",
            "no_proxy=.svc",
        ]
        let facts = try Diff.facts(in: line)
        #expect(facts.collector.labelsFilter == ["^team$", "^app"] && facts.collector.annotationsFilter == ["x"] && !facts.collector.grantsRoles)
        #expect(facts.collector.proxyVariables == ["HTTPS_PROXY": "http://p:1", "no_proxy": ".svc"] && facts.probe.proxyVariables.count == 2)
        var reading = try Self.collector()
        reading.set(["spec", "config", "receivers", "k8s_events"], to: [:])
        reading.set(["spec", "config", "service", "pipelines", "logs"], to: ["receivers": ["k8s_events"], "exporters": ["debug"]])
        let diff = try #require(FileDiff(old: [], new: [reading], namespace: "default", facts: facts).diffs.first)
        #expect(diff.findings.contains { $0.rule == "component-without-rbac" } && !Self.actions(diff).contains("create ClusterRole"))
        for wrong in [["--labels-filter", "["], ["--proxy", "PATH=/"], ["--proxy", "HTTPS_PROXY"]] {
            #expect(throws: (any Error).self) { try Diff.facts(in: ["a.yaml"] + wrong) }
        }
    }

    // MARK: Lines

    struct Lines: CustomTestStringConvertible, Sendable {
        let old: String
        let new: String
        let text: String
        var testDescription: String { "\(old.split(separator: "\n").count) → \(new.split(separator: "\n").count)" }
    }

    static let numbers = (1...20).map { "\($0)\n" }.joined()
    static let lines = [
        Lines(old: "a\n", new: "a\n", text: ""), Lines(old: "", new: "a\nb\n", text: "@@ -0,0 +1,2 @@\n+a\n+b\n"),
        Lines(old: "a\nb\n", new: "", text: "@@ -1,2 +0,0 @@\n-a\n-b\n"), Lines(old: "a\nb\nc\n", new: "a\nx\nc\n", text: "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"),
        Lines(
            old: numbers, new: numbers.split(separator: "\n").map { $0 == "2" || $0 == "18" ? "x\n" : "\($0)\n" }.joined(),
            text: "@@ -1,5 +1,5 @@\n 1\n-2\n+x\n 3\n 4\n 5\n@@ -15,6 +15,6 @@\n 15\n 16\n 17\n-18\n+x\n 19\n 20\n"),
        Lines(
            old: numbers, new: numbers.split(separator: "\n").map { $0 == "8" || $0 == "12" ? "x\n" : "\($0)\n" }.joined(),
            text: "@@ -5,11 +5,11 @@\n 5\n 6\n 7\n-8\n+x\n 9\n 10\n 11\n-12\n+x\n 13\n 14\n 15\n"),
    ]

    @Test(arguments: lines) func linesAreComparedAsDiffDoes(row: Lines) { #expect(LineDiff.unified(from: row.old, to: row.new) == row.text) }

    @Test func textsBeyondTheLimitAreShownWhole() {
        let many = String(repeating: "x\n", count: LineDiff.linesMax)
        let text = LineDiff.unified(from: many, to: "y\n")
        #expect(text.hasPrefix("@@ -1,\(LineDiff.linesMax) +1,1 @@\n-x\n") && text.hasSuffix("-x\n+y\n"))
    }
}

/// A server that refuses some requests.
private struct RefusingAPI: KubernetesAPI {
    private let api: any KubernetesAPI
    private let refusal: @Sendable (KubernetesRequest) -> KubernetesError?

    init(_ api: any KubernetesAPI, _ refusal: @escaping @Sendable (KubernetesRequest) -> KubernetesError?) {
        self.api = api
        self.refusal = refusal
    }

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        if let error = refusal(request) { throw error }
        return try await api.send(request)
    }

    func watch(_ request: KubernetesRequest) async throws -> WatchStream { try await api.watch(request) }
}

extension String {
    /// `{a: 1, b: 2}` as two lines of a mapping at the place where it stands.
    fileprivate var replacingBraces: String { String(dropFirst().dropLast()).split(separator: ", ").joined(separator: "\n  ") }
}
