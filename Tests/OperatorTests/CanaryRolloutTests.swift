// Steps of a rollout from a resource and what is there: what is applied, what is held, what survives in annotations.
// The collector is rendered as the operator does it; the cluster is a table of objects.
// It never asks a server: EndToEndTests does.

import JSON
import Kubernetes
import KubernetesRuntime
import Rendering
import SondeAPI
import Testing

@testable import Operator

@Suite struct CanaryRolloutTests {
    private static func collector(
        _ trial: String = "one", annotations: JSONValue = ["sonde.dev/rollout": "canary"], mode: String = "deployment", replicas: Int = 2
    )
        throws -> OpenTelemetryCollector
    {
        let pipelines: JSONValue = ["traces": ["receivers": ["otlp"], "exporters": ["debug"]]]
        let config: JSONValue = [
            "receivers": ["otlp": ["protocols": ["grpc": [:]]]], "exporters": ["debug": ["verbosity": .string(trial)]], "service": ["pipelines": pipelines],
        ]
        return try OpenTelemetryCollector(object: [
            "apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector",
            "metadata": ["name": "gateway", "namespace": "n", "uid": "u", "annotations": annotations],
            "spec": ["mode": .string(mode), "replicas": JSONValue(replicas), "config": config],
        ])
    }

    /// Objects that are there, after what was applied.
    private struct Cluster {
        var objects: [ObjectReference: JSONValue] = [:]
        var seconds: Int64 = 0
        var pods: [CollectorPod] = []
        var comparison: CanaryComparison?

        func rollout(_ collector: OpenTelemetryCollector) -> CanaryRollout {
            CanaryRollout(
                CanaryFacts(
                    collector: collector, manifests: CollectorRendering.render(collector, CollectorFacts()), live: { objects[$0] }, pods: pods,
                    now: Timestamp(secondsSinceEpoch: 1_800_000_000 + seconds), compare: { _, _ in comparison }))
        }

        /// Applies what a rollout says and deletes what its plan deletes.
        mutating func apply(_ collector: OpenTelemetryCollector) -> CanaryRollout {
            let rollout = rollout(collector)
            var plan = ResourcePlanner.plan(
                rollout.manifests, inventory: objects.map { ChildObject($0.key.type, $0.value) }, keptVersions: collector.spec.configVersions)
            rollout.adjust(&plan)
            for manifest in plan.applies { objects[manifest.reference] = manifest.object }
            for reference in plan.prunes { objects[reference] = nil }
            return rollout
        }

        func trial(_ name: String = "gateway-collector") -> String? {
            let volumes = objects[ObjectReference(.deployments, ObjectName(namespace: "n", name: name))]?.at("spec", "template", "spec", "volumes")?.array ?? []
            guard let config = volumes.compactMap({ $0.at("configMap", "name")?.string }).first else { return nil }
            let text = objects[ObjectReference(.configMaps, ObjectName(namespace: "n", name: config))]?.at("data", "collector.yaml")?.string ?? "gone"
            return ["one", "two", "three"].first(where: text.contains) ?? text
        }

        var canary: JSONValue? { objects[ObjectReference(.deployments, ObjectName(namespace: "n", name: "gateway-collector-canary"))] }

        /// The canary's pod as a kubelet says it.
        mutating func run(isReady: Bool = true, restarts: Int = 0) {
            let revision = canary?.at("spec", "template", "metadata", "labels", CanaryRolloutTests.revisionLabel)?.string ?? ""
            pods = [CollectorPod(name: "c", uid: revision, isReady: isReady, restarts: restarts, isCanary: true, revision: revision, address: nil)]
        }
    }

    private static let revisionLabel = CollectorRendering.revisionLabel

    @Test func withoutTheAnnotationNothingIsDifferent() throws {
        let collector = try Self.collector(annotations: [:])
        var cluster = Cluster()
        #expect(cluster.apply(collector).phase == .none)
        let changed = try Self.collector("two", annotations: [:])
        #expect(cluster.rollout(changed).manifests == CollectorRendering.render(changed, CollectorFacts()))
        for mode in ["daemonset", "sidecar"] {
            let collector = try Self.collector(mode: mode)
            #expect(cluster.rollout(collector).manifests == CollectorRendering.render(collector, CollectorFacts()), "\(mode)")
        }
    }

    @Test func theAnnotationChangesNoPod() throws {
        let plain = try Self.collector(annotations: [:])
        var cluster = Cluster()
        _ = cluster.apply(plain)
        let before = cluster.objects
        let rollout = cluster.apply(try Self.collector())
        #expect(rollout.phase == .settled)
        for (reference, object) in cluster.objects {
            if reference.type == .deployments {
                #expect(object["spec"] == before[reference]?["spec"])
                #expect(object.metadata.annotations.count == (before[reference]?.metadata.annotations.count ?? 0) + 1)
            } else {
                #expect(object == before[reference], "\(reference)")
            }
        }
    }

    @Test func aChangeIsTriedInOnePodAndThenRolledOut() throws {
        var cluster = Cluster()
        _ = cluster.apply(try Self.collector())
        let service = ObjectReference(.services, ObjectName(namespace: "n", name: "gateway-collector"))
        let changed = try Self.collector("two", replicas: 5)
        let rollout = cluster.apply(changed)
        #expect(rollout.isTrying && rollout.verdict?.reason == .canaryRunning && rollout.verdict?.isStalled == false)
        #expect(cluster.trial() == "one" && cluster.trial("gateway-collector-canary") == "two")
        let canary = try #require(cluster.canary)
        #expect(canary.at("spec", "replicas") == 1 && canary.at("spec", "selector", "matchLabels", "sonde.dev/canary") == "true")
        let labels = canary.at("spec", "template", "metadata", "labels")?.object ?? [:]
        for (key, value) in cluster.objects[service]?.at("spec", "selector")?.object ?? [:] { #expect(labels[key] == value, "Services find it") }
        #expect(rollout.held.contains { $0.reference == service } && cluster.objects[service] != nil)
        let deployment = ObjectReference(.deployments, ObjectName(namespace: "n", name: "gateway-collector"))
        #expect(cluster.objects[deployment]?.at("spec", "replicas") == 5, "scale follows at once")
        cluster.run()
        cluster.seconds = 10
        #expect(cluster.apply(changed).isTrying)
        cluster.seconds = 129
        #expect(cluster.apply(changed).isTrying)
        cluster.seconds = 130
        #expect(cluster.apply(changed).phase == .settled)
        #expect(cluster.trial() == "two" && cluster.canary == nil)
        cluster.pods = []
        #expect(cluster.apply(changed).phase == .settled && cluster.objects[deployment]?.metadata.annotations[CanaryState.annotation] == nil)
    }

    @Test func aFailedTrialIsTakenBackAndStaysSo() throws {
        var cluster = Cluster()
        _ = cluster.apply(try Self.collector())
        let changed = try Self.collector("two")
        _ = cluster.apply(changed)
        cluster.run(restarts: 1)
        let rollout = cluster.apply(changed)
        let verdict = try #require(rollout.verdict)
        #expect(verdict.reason == .rolledBack && verdict.isStalled && verdict.message.contains("restarted once"))
        let rendered = try #require(CollectorRendering.render(changed, CollectorFacts()).first { $0.type == .deployments })
        #expect(verdict.message.contains(CanaryState.revision(of: rendered)), "it names the revision")
        #expect(cluster.trial() == "one" && cluster.canary == nil)
        cluster.pods = []
        cluster.seconds = 100_000
        #expect(cluster.apply(changed).verdict == verdict, "what failed once is not tried again by itself")
        let scaled = try Self.collector("two", replicas: 7)
        #expect(cluster.apply(scaled).verdict == verdict && cluster.trial() == "one")
        #expect(cluster.apply(try Self.collector("three")).isTrying && cluster.trial("gateway-collector-canary") == "three")
        #expect(cluster.apply(try Self.collector("one")).phase == .settled && cluster.canary == nil && cluster.trial() == "one")
        #expect(cluster.apply(changed).isTrying, "it changed in between")
        #expect(cluster.apply(try Self.collector("two", annotations: [:])).phase == .none)
        #expect(cluster.trial() == "two" && cluster.canary == nil, "without the annotation it is rolled out all the same")
    }

    @Test func theNewestChangeWins() throws {
        var cluster = Cluster()
        _ = cluster.apply(try Self.collector())
        _ = cluster.apply(try Self.collector("two"))
        cluster.run()
        cluster.seconds = 10
        _ = cluster.apply(try Self.collector("two"))
        cluster.seconds = 500
        let three = try Self.collector("three")
        #expect(cluster.apply(three).isTrying, "the pod of the second revision says nothing about the third")
        #expect(cluster.trial("gateway-collector-canary") == "three" && cluster.trial() == "one")
        cluster.run(isReady: false)
        cluster.seconds = 1101
        #expect(cluster.apply(three).verdict?.message.contains("it was not ready within 600 s") == true)
    }

    @Test func metricsThatAreWorseEndATrial() throws {
        var cluster = Cluster()
        _ = cluster.apply(try Self.collector())
        let changed = try Self.collector("two")
        _ = cluster.apply(changed)
        cluster.run()
        cluster.comparison = CanaryComparison(canary: .init(intervals: 1, good: 50, lost: 50), others: .init(intervals: 2, good: 900))
        #expect(cluster.apply(changed).verdict?.message.contains("it loses 50 % of what it counts (50 items), the other pods none") == true)
        #expect(cluster.trial() == "one")
    }

    @Test func configurationsOfRunningPodsOutliveManyFailures() throws {
        var cluster = Cluster()
        _ = cluster.apply(try Self.collector())
        for trial in ["two", "three", "four", "five", "six", "seven"] {
            let changed = try Self.collector(trial)
            _ = cluster.apply(changed)
            cluster.run(restarts: 1)
            _ = cluster.apply(changed)
            cluster.pods = []
        }
        #expect(cluster.trial() == "one")
        #expect(cluster.objects.keys.count { $0.type == .configMaps } <= 5, "earlier ones are not kept for ever")
    }

    @Test func aStateThatCannotBeReadBeginsAnew() throws {
        var cluster = Cluster()
        _ = cluster.apply(try Self.collector())
        let changed = try Self.collector("two")
        _ = cluster.apply(changed)
        let deployment = ObjectReference(.deployments, ObjectName(namespace: "n", name: "gateway-collector"))
        for text in ["", "{}", "[]", "{\"revision\":\"x\",\"phase\":\"odd\",\"startedAt\":\"2026-01-01T00:00:00Z\"}", "{\"revision\":1}"] {
            cluster.objects[deployment]?.set(["metadata", "annotations", CanaryState.annotation], to: .string(text))
            #expect(cluster.rollout(changed).isTrying, "\(text)")
        }
        var state = CanaryState(revision: "r", startedAt: Timestamp(secondsSinceEpoch: 1_800_000_000, nanoseconds: 5000))
        state.readyAt = Timestamp(secondsSinceEpoch: 1_800_000_001)
        let failed = state.failed(String(repeating: "ä", count: 5000))
        #expect(failed.reason.utf8.count <= CanaryState.reasonBytesMax + 3)
        #expect(CanaryState(of: ["metadata": ["annotations": ["sonde.dev/canary-state": .string(failed.text)]]]) == failed)
    }

    @Test func nothingThatRunsMeansNothingToTry() throws {
        var cluster = Cluster()
        #expect(cluster.apply(try Self.collector()).phase == .settled, "the first one")
        let deployment = ObjectReference(.deployments, ObjectName(namespace: "n", name: "gateway-collector"))
        cluster.objects[deployment]?.set(["spec", "replicas"], to: 0)
        #expect(cluster.rollout(try Self.collector("two")).phase == .settled)
        cluster.objects[deployment]?.set(["spec", "replicas"], to: 1)
        cluster.objects[deployment]?.set(["metadata", "deletionTimestamp"], to: "2026-01-01T00:00:00Z")
        #expect(cluster.rollout(try Self.collector("two")).phase == .settled)
    }

    @Test func aStatefulSetTriesAChangeByItsPartition() throws {
        let reference = ObjectReference(.statefulSets, ObjectName(namespace: "n", name: "gateway-collector"))
        var cluster = Cluster()
        _ = cluster.apply(try Self.collector(mode: "statefulset", replicas: 3))
        let before = try #require(cluster.objects[reference]?.at("spec", "template"))
        let changed = try Self.collector("two", mode: "statefulset", replicas: 3)
        #expect(cluster.apply(changed).isTrying)
        #expect(cluster.objects[reference]?.at("spec", "updateStrategy", "rollingUpdate", "partition") == 2)
        #expect(cluster.objects[reference]?.at("spec", "template") != before)
        cluster.objects[reference]?["status"] = ["observedGeneration": 1, "updateRevision": "new"]
        cluster.pods = [2, 1].map {
            CollectorPod(
                name: "gateway-collector-\($0)", uid: "\($0)", isReady: $0 == 2, restarts: 3 * (2 - $0), isCanary: false, revision: "",
                controllerRevision: $0 == 2 ? "new" : "old", address: nil)
        }
        let trying = cluster
        #expect(cluster.apply(changed).isTrying, "the other pod's restarts are its own")
        #expect(trying.objects.keys.count { $0.type == .configMaps } == 2, "both configurations are there")
        cluster.objects[reference]?["status"] = ["observedGeneration": 1, "updateRevision": "new"]
        cluster.seconds = 120
        #expect(cluster.apply(changed).phase == .settled)
        #expect(cluster.objects[reference]?.at("spec", "updateStrategy") == nil && cluster.objects[reference]?.at("spec", "template") != before)
        cluster = trying
        cluster.pods[0] = CollectorPod(
            name: "gateway-collector-2", uid: "2", isReady: true, restarts: 1, isCanary: false, revision: "", controllerRevision: "new", address: nil)
        let failed = cluster.apply(changed)
        #expect(failed.verdict?.reason == .rolledBack && cluster.objects[reference]?.at("spec", "template") == before)
        #expect(cluster.objects[reference]?.metadata.annotations[CanaryState.templateAnnotation] == nil)
        cluster.pods = []
        #expect(cluster.apply(changed).verdict == failed.verdict && cluster.objects[reference]?.at("spec", "template") == before)
        var fixed = try Self.collector("three", mode: "statefulset", replicas: 3).object
        fixed.set(["spec", "serviceName"], to: "other")
        #expect(cluster.rollout(try OpenTelemetryCollector(object: fixed)).phase == .settled, "it is made anew in a way of its own")
    }

    @Test func rightsOfBothAreKeptWhileAChangeIsTried() throws {
        func reading(_ receiver: String, _ settings: JSONValue) throws -> OpenTelemetryCollector {
            var object = try Self.collector().object
            object.set(["spec", "config", "receivers", receiver], to: settings)
            object.set(["spec", "config", "service", "pipelines", "traces", "receivers"], to: ["otlp", .string(receiver)])
            return try OpenTelemetryCollector(object: object)
        }
        var cluster = Cluster()
        let before = try reading("k8s_events", [:])
        _ = cluster.apply(before)
        func rules() -> [JSONValue] { cluster.objects.first { $0.key.type == .clusterRoles }?.value["rules"]?.array ?? [] }
        let old = rules()
        try #require(!old.isEmpty)
        let changed = try reading("kubeletstats", [:])
        let new = CollectorRendering.render(changed, CollectorFacts()).first { $0.type == .clusterRoles }?.object["rules"]?.array ?? []
        try #require(!new.isEmpty && new != old)
        #expect(cluster.apply(changed).isTrying)
        #expect(Set(rules()) == Set(old + new))
        cluster.run(restarts: 1)
        #expect(cluster.apply(changed).verdict?.reason == .rolledBack)
        #expect(Set(rules()) == Set(old + new), "the old pods' rights stay")
    }
}
