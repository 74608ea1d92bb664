// The roles of a collector over its life: made, changed, gone when nothing needs them, and gone with the resource.
// Runs in process only: an operator that makes ClusterRoles works in all namespaces, and would meet other tests' resources on a real cluster.
// It never looks at single rules: CollectorConfigTests does.

import Foundation
import JSON
import Kubernetes
import KubernetesRuntime
import Operator
import SondeAPI
import Testing

/// False, with a word to the reader, on a real cluster.
private let isInProcess: Bool = {
    let isReal = ProcessInfo.processInfo.environment["KUBECONFIG"]?.isEmpty == false
    if isReal { print("AccessTests: not run, because an operator for all namespaces would meet the other tests' resources on this cluster") }
    return !isReal
}()

@Suite(.enabled(if: isInProcess), .timeLimit(.minutes(5))) struct AccessTests {
    static let finalizer = "opentelemetrycollector.opentelemetry.io/finalizer"

    private static func collector(_ receivers: String, name: String = "gateway") -> String {
        """
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: \(name)}
        spec:
          config:
            receivers: {\(receivers), zipkin: {}}
            exporters: {debug: {}}
            service:
              pipelines:
                logs: {receivers: [\(receivers.prefix { $0 != ":" })], exporters: [debug]}
                traces: {receivers: [zipkin], exporters: [debug]}
        """
    }

    private static let events = collector("k8s_events: {}")
    private static func discovery(_ namespace: String) -> String {
        collector("prometheus: {config: {scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, namespaces: {names: [\(namespace)]}}]}]}}")
            .replacing("logs:", with: "metrics:")
    }

    private static func with(_ body: @Sendable (World) async throws -> Void) async throws {
        try await World.with { world in
            let everywhere = OperatorEnvironment(
                api: world.api, agents: NoAgents(),
                configuration: OperatorConfiguration(collectorImage: "localhost/busybox:1", agentImage: "localhost/busybox:1"),
                gate: .withoutElection(), logger: World.quiet)
            try await world.withOperator(everywhere) { _ in try await body(world) }
        }
    }

    private static func cluster(_ world: World, _ type: ResourceType, _ name: String) async throws -> JSONValue? {
        try await world.api.getIfFound(type, ObjectName(namespace: nil, name: name))
    }

    private static func role(_ world: World) -> String { "gateway-\(world.namespace)-cluster-role" }
    private static func binding(_ world: World) -> String { "gateway-\(world.namespace)-collector" }

    @Test func aNamespaceThatIsNotThereIsToldAndKeepsNothingElseFromBeingWritten() async throws {
        try await Self.with { world in
            let missing = "\(world.namespace)-later"
            try await world.apply(Self.discovery("\(world.namespace), \(missing)"))
            try await world.written("gateway")
            #expect(try await world.find(.roles, Self.binding(world)) != nil)
            #expect(try await world.find(.deployments, "gateway-collector") != nil)
            let degraded = try await world.condition("Degraded", .true, .namespaceMissing, of: .openTelemetryCollectors, "gateway")
            #expect(degraded.message.contains(missing))
            try await world.api.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(missing)]])
            try await world.merge(.openTelemetryCollectors, "gateway", ["metadata": ["labels": ["touched": "yes"]]])
            try await world.eventually("the Role is there, and nothing is said any more") {
                let role = try await world.api.getIfFound(.roles, ObjectName(namespace: missing, name: Self.binding(world)))
                let degraded = try await world.conditions(.openTelemetryCollectors, "gateway")["Degraded"]
                return role != nil && degraded == nil
            }
        }
    }

    @Test func aRoleThatSomebodyElseMadeStaysAsItIs() async throws {
        try await Self.with { world in
            let other = "\(world.namespace)-other"
            try await world.api.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(other)]])
            let name = ObjectName(namespace: other, name: Self.binding(world))
            let theirs: JSONValue = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": ["name": .string(name.name), "namespace": .string(other)],
                "rules": [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]]],
            ]
            try await world.api.create(.roles, theirs)
            try await world.apply(Self.discovery(other))
            let condition = try await world.condition("Ready", .false, .conflictingOperator, of: .openTelemetryCollectors, "gateway")
            #expect(condition.message.contains("Role") && condition.message.contains("has no owner"))
            try await world.api.delete(.openTelemetryCollectors, world.name("gateway"))
            try await world.eventually("the resource is gone") { try await world.find(.openTelemetryCollectors, "gateway") == nil }
            #expect(try await world.api.get(.roles, name)["rules"] == theirs["rules"], "and it is not deleted either")
        }
    }

    @Test func rolesComeWithTheNeedAndGoWithIt() async throws {
        try await Self.with { world in
            try await world.apply(Self.events)
            try await world.written("gateway")
            #expect(try await Self.cluster(world, .clusterRoles, Self.role(world))?["rules"]?.array?.count == 1)
            #expect(try await Self.cluster(world, .clusterRoleBindings, Self.binding(world)) != nil)
            #expect(try await world.get(.openTelemetryCollectors, "gateway").metadata.finalizers == [Self.finalizer])

            try await world.apply(Self.discovery(world.namespace))
            try await world.eventually("the ClusterRole is gone, and the Role is there") {
                let roles = try await world.find(.roles, Self.binding(world)), cluster = try await Self.cluster(world, .clusterRoles, Self.role(world))
                return roles != nil && cluster == nil
            }
            try await world.eventually("nothing is outside the namespace, so the finalizer is gone") {
                try await world.get(.openTelemetryCollectors, "gateway").metadata.finalizers.isEmpty
            }
            #expect(try await Self.cluster(world, .clusterRoleBindings, Self.binding(world)) == nil)
        }
    }

    @Test func rolesGoWithTheResource() async throws {
        try await Self.with { world in
            try await world.api.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "elsewhere"]])
            try await world.apply(Self.discovery("elsewhere"))
            try await world.written("gateway")
            let elsewhere = ObjectName(namespace: "elsewhere", name: Self.binding(world))
            #expect(try await world.api.getIfFound(.roles, elsewhere) != nil)
            try await world.api.delete(.openTelemetryCollectors, world.name("gateway"))
            try await world.eventually("the resource is gone") { try await world.find(.openTelemetryCollectors, "gateway") == nil }
            #expect(try await world.api.getIfFound(.roles, elsewhere) == nil)
            #expect(try await world.api.getIfFound(.roleBindings, elsewhere) == nil)
        }
    }

    @Test func rolesOfAnEarlierOperatorGoWithTheResource() async throws {
        try await Self.with { world in
            // A resource that asks for nothing, as the earlier operator left it: with its finalizer and a ClusterRole that nobody labelled.
            try await world.apply(Self.collector("k8s_events: {}", name: "paused"))
            try await world.written("paused")
            let name = ObjectName(namespace: nil, name: "paused-\(world.namespace)-cluster-role")
            try await world.merge(.openTelemetryCollectors, "paused", ["spec": ["managementState": "unmanaged"]])
            try await world.api.patch(.clusterRoles, name, .merge(["metadata": ["labels": ["sonde.dev/owner-uid": nil]]]), fieldManager: "earlier")
            #expect(try await world.get(.openTelemetryCollectors, "paused").metadata.finalizers == [Self.finalizer])
            try await world.api.delete(.openTelemetryCollectors, world.name("paused"))
            try await world.eventually("the resource is gone") { try await world.find(.openTelemetryCollectors, "paused") == nil }
            #expect(try await world.api.getIfFound(.clusterRoles, name) == nil)
        }
    }

    @Test func aDeletedClusterRoleIsMadeAgain() async throws {
        try await Self.with { world in
            try await world.apply(Self.events)
            try await world.written("gateway")
            let name = ObjectName(namespace: nil, name: Self.role(world))
            let uid = try await world.api.get(.clusterRoles, name).metadata.uid
            try await world.api.delete(.clusterRoles, name)
            try await world.eventually("it is there again") {
                let live = try await world.api.getIfFound(.clusterRoles, name)
                return live != nil && live?.metadata.uid != uid
            }
        }
    }

    @Test func aNameThatAnotherCollectorHasIsNotTaken() async throws {
        try await Self.with { world in
            // "gateway" in "<namespace>" and "gateway-<namespace first part>" in the rest give one name; a label of a live resource stands for the other one.
            try await world.apply(Self.collector("k8s_events: {}", name: "other"))
            try await world.written("other")
            let uid = try await world.get(.openTelemetryCollectors, "other").metadata.uid
            let taken: JSONValue = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": [
                    "name": .string(Self.role(world)), "labels": ["sonde.dev/owner-uid": .string(uid)], "annotations": ["sonde.dev/owner": "none/none"],
                ],
                "rules": [],
            ]
            // Made after the last round of "other", which would prune it.
            try await world.merge(.openTelemetryCollectors, "other", ["spec": ["managementState": "unmanaged"]])
            try await world.api.create(.clusterRoles, taken)
            try await world.apply(Self.events)
            let ready = try await world.condition("Ready", .false, .conflictingOperator, of: .openTelemetryCollectors, "gateway")
            #expect(ready.message.contains("belongs to OpenTelemetryCollector \(world.namespace)/other"))
            let role = try #require(try await Self.cluster(world, .clusterRoles, Self.role(world)))
            #expect(role["rules"]?.array?.first == nil, "the other one is written over")
        }
    }

    @Test func anOperatorForSomeNamespacesMakesNone() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Self.events)
                try await world.written("gateway")
                #expect(try await Self.cluster(world, .clusterRoles, Self.role(world)) == nil)
                #expect(try await world.get(.openTelemetryCollectors, "gateway").metadata.finalizers.isEmpty)
                let warning = try await world.conditions(.openTelemetryCollectors, "gateway")["ConfigHealthy"]
                #expect(warning?.message.contains("this operator makes no roles") == true)
            }
        }
    }
}
