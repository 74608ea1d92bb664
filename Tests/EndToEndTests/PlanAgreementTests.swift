// The preview of a change says what the controller then does, object by object.
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never compares texts: actions on objects are compared with what became of the objects.

import JSON
import Kubernetes
import KubernetesRuntime
import Operator
import Rendering
import SondeAPI
import Testing
import YAML

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct PlanAgreementTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let after: String
        var before = Example.collector(more: "configVersions: 1")
        /// What somebody else does in between.
        var meddle: @Sendable (World) async throws -> Void = { _ in }
        /// Pods that restart; the Deployment has one.
        var restarts = 0
        /// It ends with an error that waits for its next try, which empties no queue.
        var isRetried = false
    }

    static let rows = [
        Row(testDescription: "nothing", after: Example.collector(more: "configVersions: 1")),
        Row(testDescription: "replicas", after: Example.collector(more: "replicas: 3")),
        Row(testDescription: "the configuration", after: Example.collector(interval: "1s", more: "configVersions: 1"), restarts: 1),
        Row(testDescription: "a label", after: Example.collector(more: "configVersions: 1").replacing("payments", with: "billing"), restarts: 1),
        Row(testDescription: "the mode", after: Example.collector(mode: "daemonset")),
        Row(testDescription: "an account of the user's", after: Example.collector(more: "serviceAccount: mine"), restarts: 1),
        Row(testDescription: "a port of the user's", after: Example.collector(more: "ports: [{name: extra, port: 9999}]"), restarts: 1),
        Row(
            testDescription: "no receiver's port",
            after: Example.scraper.replacing("zipkin: {}", with: "filelog: {include: [/a]}").replacing("zipkin", with: "filelog").replacing(
                "traces", with: "logs"),
            restarts: 1),
        Row(
            testDescription: "drift",
            after: Example.collector(more: "configVersions: 1"),
            meddle: { try await $0.merge(.services, "gateway-collector", ["metadata": ["labels": ["app.kubernetes.io/part-of": "nothing"]]]) }),
        Row(
            testDescription: "a deleted object",
            after: Example.collector(more: "configVersions: 1"), meddle: { try await $0.api.delete(.serviceAccounts, $0.name("gateway-collector")) }),
        Row(
            testDescription: "an object of somebody else's",
            after: Example.collector(more: "configVersions: 1"),
            meddle: { world in
                let owner = try await world.api.create(
                    .configMaps, ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "owner", "namespace": .string(world.namespace)]])
                let reference = OwnerReference(controller: owner, type: .configMaps).jsonValue
                try await world.merge(.services, "gateway-collector-extension", ["metadata": ["ownerReferences": [reference]]])
            },
            isRetried: true),
    ]

    @Test(arguments: rows) func thePreviewIsWhatHappens(row: Row) async throws {
        try await World.with { world in
            try await world.withOperator { sonde in
                try await world.apply(row.before)
                try await world.written("gateway")
                try await WriteTests.settle(sonde, world)
            }
            // One earlier configuration, so that a further one deletes it.
            try await world.withOperator { sonde in
                let between = row.before.replacing("10s", with: "7s")
                try await Task.sleep(for: .milliseconds(1050))
                try await world.apply(between)
                try await world.written("gateway")
                try await world.apply(row.before)
                try await world.written("gateway")
                try await WriteTests.settle(sonde, world)
            }
            try await row.meddle(world)
            try await agree(world, row)
        }
    }

    private func agree(_ world: World, _ row: Row) async throws {
        let before = try await objects(world)
        let preview = try await preview(row.after, world)
        #expect(preview.compactMap(\.restartedPods).reduce(0, +) == row.restarts || world.hasControllers)
        try await world.apply(row.after)
        try await world.withOperator { sonde in
            let settle = row.isRetried ? WriteTests.settleUntilRetry : WriteTests.settle
            if row.isRetried { try await world.condition("Ready", .false, .conflictingOperator, of: .openTelemetryCollectors, "gateway") }
            try await settle(sonde, world)
            var happened: [String: String] = [:]
            try await world.eventually("what was foretold has happened: \(preview.filter(\.isChange).map { "\($0.action) \($0.reference)" })") {
                happened = actions(from: before, to: try await objects(world)).filter { !waits(preview, $0.key, world) }
                return happened == foretold(preview)
            }
            try await settle(sonde, world)
            let done = actions(from: before, to: try await objects(world)).filter { !waits(preview, $0.key, world) }
            #expect(done == foretold(preview), "and nothing else")
        }
    }

    /// What waits for pods goes on where a cluster's controllers bring some.
    private func waits(_ preview: [ObjectChange], _ reference: String, _ world: World) -> Bool {
        world.hasControllers && preview.contains { "\($0.reference)" == reference && [.keep, .hold].contains($0.action) }
    }

    private func foretold(_ preview: [ObjectChange]) -> [String: String] {
        Dictionary(preview.filter(\.isChange).map { ("\($0.reference)", $0.action.rawValue) }, uniquingKeysWith: { $1 })
    }

    private func preview(_ yaml: String, _ world: World) async throws -> [ObjectChange] {
        var object = try #require(try YAML.parse(yaml).first)
        object.set(["metadata", "namespace"], to: .string(world.namespace))
        object.set(["metadata", "uid"], to: .string(try await world.get(.openTelemetryCollectors, "gateway").metadata.uid))
        let collector = try OpenTelemetryCollector(object: object)
        let manifests = CollectorRendering.render(collector, CollectorFacts(collectorImage: "localhost/busybox:1"))
        let api = InterceptingAPI(world.api)
        let changes = try await PlanPreview(api: api, logger: World.quiet).changes(of: collector, manifests: manifests)
        let real = api.requests.filter { $0.method != .get && !$0.query.contains(KubernetesRequest.QueryItem("dryRun", "All")) }
        #expect(real.isEmpty, "a preview writes nothing: \(real.map(\.path))")
        return changes
    }

    private func objects(_ world: World) async throws -> [String: JSONValue] {
        var found: [String: JSONValue] = [:]
        for type in OperatorScope.alwaysRendered {
            for item in try await world.api.listAll(type, namespace: world.namespace).items where item.metadata.name.hasPrefix("gateway") {
                found["\(ObjectReference(type, item.metadata.objectName))"] = item
            }
        }
        return found
    }

    private func actions(from before: [String: JSONValue], to after: [String: JSONValue]) -> [String: String] {
        var actions: [String: String] = [:]
        for name in Set(before.keys).union(after.keys) {
            switch (before[name], after[name]) {
            case (nil, _?): actions[name] = "create"
            case (_?, nil): actions[name] = "delete"
            case (let old?, let new?) where old.metadata.uid != new.metadata.uid: actions[name] = "replace"
            case (let old?, let new?) where ObjectChange.comparable(old) != ObjectChange.comparable(new): actions[name] = "change"
            default: break
            }
        }
        return actions
    }

    @Test func adoptionIsForetold() async throws {
        try await World.with { world in
            try await world.apply(Example.collector())
            let owner = try await world.get(.openTelemetryCollectors, "gateway")
            try await EarlierObjects(world: world, owner: owner).create()
            let before = try await objects(world)
            let preview = try await preview(Example.collector(), world)
            #expect(preview.allSatisfy { $0.restartedPods == 0 } && preview.contains { $0.action == .change })
            try await world.withOperator { sonde in
                try await world.written("gateway")
                try await WriteTests.settle(sonde, world)
            }
            let after = try await objects(world)
            for change in preview where change.action != .keep {
                let now = try #require(after["\(change.reference)"])
                var item = change.after ?? .null
                // Items of lists carry neither.
                item["kind"] = nil
                item["apiVersion"] = nil
                #expect(ObjectChange.comparable(now) == item, "\(change.reference) is as foretold")
                #expect((before["\(change.reference)"] == nil) == (change.action == .create))
            }
        }
    }

    @Test func aChangeOfAnImmutableFieldIsForetold() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.collector())
                try await world.written("gateway")
            }
            let labels: JSONValue = ["app": "old"]
            var live = try await world.get(.deployments, "gateway-collector")
            live["metadata"] = [
                "name": "gateway-collector", "namespace": .string(world.namespace), "ownerReferences": live.at("metadata", "ownerReferences") ?? [],
            ]
            live["status"] = nil
            live.set(["spec", "selector"], to: ["matchLabels": labels])
            live.set(["spec", "template", "metadata", "labels"], to: labels)
            try await world.api.delete(.deployments, world.name("gateway-collector"))
            try await world.eventually("the old one is gone") { try await world.find(.deployments, "gateway-collector") == nil }
            try await world.api.create(.deployments, live)
            let changes = try await preview(Example.collector(), world)
            let deployment = try #require(changes.first { $0.reference.type == .deployments })
            #expect(deployment.action == .change && deployment.note.contains("selector"))
            #expect(changes.filter { $0.reference.type == .services }.allSatisfy { $0.action == .hold })
        }
    }
}
