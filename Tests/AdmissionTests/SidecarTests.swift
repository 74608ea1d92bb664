// Which pod gets which collector, what stands in it then, and what is said when it gets none.
// Pods go through the handler as reviews; the collectors stand in the in-process API server.
// It never runs a pod.

import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Logging
import SondeAPI
import Synchronization
import Testing

@testable import Admission
@testable import Rendering

@Suite struct SidecarTests {
    private static func collector(_ name: String, namespace: String = "default", _ spec: JSONValue = [:]) -> JSONValue {
        var out = Collectors.good
        out.set(["metadata"], to: ["name": .string(name), "namespace": .string(namespace)])
        out.set(["spec", "mode"], to: "sidecar")
        for (key, value) in spec.object ?? [:] { out.set(["spec", key], to: value) }
        return out
    }

    private static func pod(_ wish: String?, owner: JSONValue? = nil) -> JSONValue {
        var metadata: JSONValue = ["generateName": "app-"]
        if let wish { metadata["annotations"] = [SidecarWish.annotation: .string(wish)] }
        if let owner { metadata["ownerReferences"] = [owner] }
        return ["apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": ["containers": [["name": "app", "image": "app"]]]]
    }

    private static let owner: JSONValue = [
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-1", "uid": "rs-uid", "controller": true, "blockOwnerDeletion": true,
    ]

    private struct Outcome {
        let answer: AdmissionAnswer
        let pod: JSONValue
        let events: [EventNote]
    }

    private func server(_ collectors: [JSONValue], namespaceWish: String? = nil) async throws -> TestAPIServer {
        let server = TestAPIServer()
        try await server.create(.customResourceDefinitions, CustomResourceDefinitions.openTelemetryCollector)
        try await server.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "other"]])
        if let namespaceWish {
            let patch: JSONValue = ["metadata": ["annotations": [SidecarWish.annotation: .string(namespaceWish)]]]
            try await server.patch(.namespaces, ObjectName(namespace: nil, name: "default"), .merge(patch))
        }
        for collector in collectors { try await server.create(.openTelemetryCollectors, collector) }
        return server
    }

    private func inject(_ pod: JSONValue, _ server: TestAPIServer, dryRun: Bool = false) async throws -> Outcome {
        let events = Mutex<[EventNote]>([])
        let injection = SidecarInjection(api: server, facts: CollectorFacts()) { note, _ in events.withLock { $0.append(note) } }
        let request = try AdmissionRequest(decoding: review(kind: "Pod", object: pod, dryRun: dryRun, namespace: "default"))
        let answer = try await injection.answer(request)
        let changed = try answer.patch.map { patch throws(PatchError) in try patch.apply(to: pod) } ?? pod
        return Outcome(answer: answer, pod: changed, events: events.withLock { $0 })
    }

    // MARK: The choice

    struct Choice: CustomTestStringConvertible {
        let pod: String?
        let namespace: String?
        let wish: SidecarWish
        var testDescription: String { "pod \(pod ?? "-"), namespace \(namespace ?? "-")" }
    }

    static let choices: [Choice] = [
        Choice(pod: nil, namespace: nil, wish: .none), Choice(pod: "false", namespace: "true", wish: .none), Choice(pod: "FALSE", namespace: "a", wish: .none),
        Choice(pod: "true", namespace: nil, wish: .theOnlyOne), Choice(pod: nil, namespace: "true", wish: .theOnlyOne),
        Choice(pod: "true", namespace: "false", wish: .theOnlyOne), Choice(pod: nil, namespace: "false", wish: .none),
        Choice(pod: "a", namespace: "b", wish: .named(ObjectName(namespace: "default", name: "a"))),
        Choice(pod: "true", namespace: "b", wish: .named(ObjectName(namespace: "default", name: "b"))),
        Choice(pod: "x/a", namespace: "false", wish: .named(ObjectName(namespace: "x", name: "a"))),
        Choice(pod: "a", namespace: "false", wish: .named(ObjectName(namespace: "default", name: "a"))),
        Choice(pod: nil, namespace: "x/b", wish: .named(ObjectName(namespace: "x", name: "b"))),
    ]

    @Test(arguments: choices) func podAndNamespaceDecide(choice: Choice) {
        var namespace: JSONValue = ["metadata": ["name": "default"]]
        if let text = choice.namespace { namespace.set(["metadata", "annotations"], to: [SidecarWish.annotation: .string(text)]) }
        #expect(SidecarWish(pod: Self.pod(choice.pod), namespace: namespace) == choice.wish)
    }

    // MARK: The pod

    @Test func aPodGetsTheOnlySidecar() async throws {
        let server = try await server([Self.collector("side"), Self.collector("other", ["mode": "deployment"])])
        let outcome = try await inject(Self.pod("true"), server)
        let pod = outcome.pod
        #expect(pod.at("spec", "containers")?.array?.count == 1, "native sidecars are init containers")
        let container = try #require(pod.at("spec", "initContainers")?[0])
        #expect(container["name"] == "otc-container" && container["restartPolicy"] == "Always")
        #expect(container["args"] == ["--config=env:OTEL_CONFIG"])
        #expect(container["volumeMounts"] == nil)
        let names = container["env"]?.array?.compactMap { $0["name"]?.string }
        #expect(
            names == [
                "POD_NAME", "GOMEMLIMIT", "GOMAXPROCS", "OTEL_CONFIG", "OTEL_RESOURCE_ATTRIBUTES_POD_NAME", "OTEL_RESOURCE_ATTRIBUTES_POD_UID",
                "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME", "OTEL_RESOURCE_ATTRIBUTES",
            ])
        #expect(container["env"]?[3]?["value"]?.string?.contains("receivers:") == true)
        #expect(pod.metadata.labels == ["sidecar.opentelemetry.io/injected": "default.side"])
        #expect(pod.metadata.annotations[SidecarRendering.revisionAnnotation]?.count == 16)
        #expect(outcome.answer.warnings.isEmpty && outcome.events.isEmpty)
        // What the answer carries is what the API server applies.
        #expect(outcome.answer.review(uid: "u").at("response", "patchType") == "JSONPatch")
    }

    @Test func anOlderServerGetsAPlainContainer() async throws {
        let server = try await server([Self.collector("side")])
        let api = OlderServer(server)
        let injection = SidecarInjection(api: api, facts: CollectorFacts()) { _, _ in }
        let request = try AdmissionRequest(decoding: review(kind: "Pod", object: Self.pod("true"), namespace: "default"))
        let pod = try #require(try await injection.answer(request).patch).apply(to: Self.pod("true"))
        #expect(pod.at("spec", "initContainers") == nil)
        #expect(pod.at("spec", "containers")?.array?.compactMap { $0["name"]?.string } == ["app", "otc-container"])
        #expect(pod.at("spec", "containers")?[1]?["restartPolicy"] == nil)
    }

    @Test func whatTheResourceNamesComesAlong() async throws {
        let server = try await server([
            Self.collector(
                "side",
                [
                    "initContainers": [["name": "first", "image": "i"]], "volumes": [["name": "v", "emptyDir": [:]]], "args": ["b": "2", "a": "1"],
                    "configmaps": [["name": "extra", "mountpath": "/x"]], "env": [["name": "OTEL_RESOURCE_ATTRIBUTES", "value": "a=b"]],
                    "readinessProbe": ["periodSeconds": 7],
                    "config": [
                        "receivers": ["otlp": ["protocols": ["grpc": [:]]]], "exporters": ["debug": [:]], "extensions": ["health_check": [:]],
                        "service": ["extensions": ["health_check"], "pipelines": ["traces": ["receivers": ["otlp"], "exporters": ["debug"]]]],
                    ],
                ])
        ])
        let pod = try await inject(Self.pod("true"), server).pod
        #expect(pod.at("spec", "initContainers")?.array?.compactMap { $0["name"]?.string } == ["first", "otc-container"])
        #expect(pod.at("spec", "volumes")?.array?.compactMap { $0["name"]?.string } == ["v", "configmap-extra"])
        let container = try #require(pod.at("spec", "initContainers")?[1])
        #expect(container["args"] == ["--a=1", "--b=2", "--config=env:OTEL_CONFIG"])
        #expect(container["volumeMounts"]?.array?.compactMap { $0["name"]?.string } == ["configmap-extra"])
        #expect(container["env"]?.array?.count(where: { $0["name"]?.string?.hasPrefix("OTEL_RESOURCE") == true }) == 1)
        #expect(container.at("startupProbe", "httpGet") != nil)
    }

    @Test func ownersBecomeAttributes() async throws {
        let server = try await server([Self.collector("side")])
        var workload: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "app", "namespace": "default"],
            "spec": [
                "selector": ["matchLabels": ["a": "b"]],
                "template": ["metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "app", "image": "app"]]]],
            ],
        ]
        // The garbage collector takes a ReplicaSet whose owner does not exist.
        let uid = try await server.create(.deployments, workload).metadata.uid
        let above: JSONValue = ["apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "uid": .string(uid), "controller": true]
        workload["kind"] = "ReplicaSet"
        workload["metadata"] = ["name": "app-1", "namespace": "default", "ownerReferences": [above]]
        try await server.create(.replicaSets, workload)
        let pod = try await inject(Self.pod("true", owner: Self.owner), server).pod
        let variables = pod.at("spec", "initContainers")?[0]?["env"]?.array ?? []
        let attributes = variables.last?["value"]?.string?.split(separator: ",").map(String.init)
        #expect(
            attributes == [
                "k8s.deployment.name=app", "k8s.deployment.uid=\(uid)", "k8s.namespace.name=default",
                "k8s.node.name=$(OTEL_RESOURCE_ATTRIBUTES_NODE_NAME)", "k8s.pod.name=$(OTEL_RESOURCE_ATTRIBUTES_POD_NAME)",
                "k8s.pod.uid=$(OTEL_RESOURCE_ATTRIBUTES_POD_UID)", "k8s.replicaset.name=app-1", "k8s.replicaset.uid=rs-uid",
            ])
    }

    @Test func aSecondPassAddsNothing() async throws {
        let server = try await server([Self.collector("side")])
        let once = try await inject(Self.pod("true"), server).pod
        #expect(try await inject(once, server).answer.patch == nil)
    }

    @Test(arguments: [
        ("a $$ b", "a $$$ b"), ("${env:A}", "${env:A}"), ("$(A)", "$$(A)"), ("$$(A)", "$$$$(A)"), ("$", "$"), ("ä$$", "ä$$$"), ("$$$", "$$$$$"),
        ("$$$(", "$$$$$$("),
    ])
    func dollarsMeanWhatTheyMeanToTheCollector(text: String, escaped: String) {
        #expect(SidecarRendering.escaped(text) == escaped)
        #expect(Self.expanded(escaped) == text)
    }

    /// What the kubelet makes of a value that names no variable: `$$` is a dollar; a dollar before anything else, or at the end, stands for itself.
    private static func expanded(_ value: String) -> String { value.replacing("$$", with: "$") }

    // MARK: No sidecar

    private static let tooLong = String(repeating: "x", count: SidecarInjection.configurationBytesMax)

    @Test(
        arguments: [
            ("NoSidecarCollector", "true", []), ("SeveralSidecarCollectors", "true", [collector("a"), collector("b")]),
            ("SidecarCollectorNotFound", "gone", []), ("SidecarCollectorNotFound", "other/gone", []),
            ("SidecarCollectorMode", "d", [collector("d", ["mode": "deployment"])]),
            ("SidecarCollectorInvalid", "x", [collector("x", ["config": ["receivers": [:], "exporters": [:], "service": ["pipelines": [:]]]])]),
            (
                "SidecarConfigurationTooLong", "l",
                [
                    collector(
                        "l",
                        [
                            "config": [
                                "receivers": ["otlp": ["protocols": ["grpc": [:]]]],
                                "exporters": ["debug": [:]],
                                "processors": [
                                    "attributes": [
                                        "actions": [["key": "a", "action": "insert", "value": .string(tooLong)]]
                                    ]
                                ],
                                "service": ["pipelines": ["traces": ["receivers": ["otlp"], "processors": ["attributes"], "exporters": ["debug"]]]],
                            ]
                        ])
                ]
            ),
        ] as [(String, String, [JSONValue])]) func aWishThatCannotBeMetIsTold(reason: String, wish: String, collectors: [JSONValue]) async throws
    {
        let server = try await server(collectors)
        let outcome = try await inject(Self.pod(wish, owner: Self.owner), server)
        #expect(outcome.answer.isAllowed && outcome.answer.patch == nil)
        #expect(outcome.answer.warnings.first?.hasPrefix("no sidecar: ") == true)
        #expect(outcome.events.map(\.reason) == [reason])
        let dry = try await inject(Self.pod(wish, owner: Self.owner), server, dryRun: true)
        #expect(dry.answer.warnings.count == 1 && dry.events.isEmpty, "a dry run leaves no trace")
    }

    @Test(
        arguments: [
            ("containers", "otc-container", [:]), ("initContainers", "otc-container", [:]),
            ("containers", "first", ["initContainers": [["name": "first", "image": "i"]]]),
        ] as [(String, String, JSONValue)]) func aContainerOfThePodsOwnIsNotDoubled(list: String, name: String, spec: JSONValue) async throws
    {
        let server = try await server([Self.collector("side", spec)])
        var pod = Self.pod("true", owner: Self.owner)
        pod.set(["spec", list], to: [["name": "app", "image": "app"], ["name": .string(name), "image": "mine"]])
        let outcome = try await inject(pod, server)
        #expect(outcome.answer.isAllowed && outcome.answer.patch == nil)
        #expect(outcome.answer.warnings.first?.contains("has a container \(name) of its own") == true, "\(outcome.answer.warnings)")
        #expect(outcome.events.map(\.reason) == ["SidecarContainerNameTaken"])
    }

    @Test func aCollectorOfAnotherNamespaceMayBeNamed() async throws {
        let server = try await server([Self.collector("side", namespace: "other")])
        #expect(try await inject(Self.pod("other/side"), server).pod.metadata.labels.values.contains("other.side"))
    }

    @Test func theNamespacesWishCounts() async throws {
        let server = try await server([Self.collector("side")], namespaceWish: "true")
        #expect(try await inject(Self.pod(nil), server).answer.patch != nil)
        #expect(try await inject(Self.pod("false"), server).answer == .allowed())
    }

    @Test func podsThatWantNothingAreLeftAlone() async throws {
        let server = try await server([Self.collector("side")])
        #expect(try await inject(Self.pod(nil), server).answer == .allowed())
    }

    @Test func theRevisionFollowsTheConfiguration() throws {
        func revision(_ spec: JSONValue) throws -> String {
            SidecarRendering(try OpenTelemetryCollector(object: Self.collector("side", spec)), CollectorFacts()).revision
        }
        #expect(try revision([:]) == revision([:]))
        #expect(try revision([:]) != revision(["image": "other:1"]))
        #expect(try revision([:]) != revision(["env": [["name": "A", "value": "1"]]]))
    }
}

/// A server of Kubernetes 1.28.
private struct OlderServer: KubernetesAPI {
    let server: TestAPIServer
    init(_ server: TestAPIServer) { self.server = server }

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        request.path == "/version" ? ["major": "1", "minor": "28+"] : try await server.send(request)
    }
    func watch(_ request: KubernetesRequest) async throws -> WatchStream { try await server.watch(request) }
}
