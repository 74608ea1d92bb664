// Kinds of other products that come and go while the operator runs: their objects follow without a restart, and nothing else waits for them.
// Runs in process only: definitions are the whole cluster's, and that is not a test's.
// It never looks into the objects: RenderingTests does.

import JSON
import Kubernetes
import KubernetesRuntime
import Operator
import SondeAPI
import Testing

@Suite(.timeLimit(.minutes(5))) struct NeighbourTests {
    private static func definition(_ type: ResourceType) -> JSONValue {
        let names: JSONValue = ["kind": .string(type.kind), "plural": .string(type.plural), "singular": .string(type.kind.lowercased())]
        let version: JSONValue = [
            "name": .string(type.version), "served": true, "storage": true,
            "schema": ["openAPIV3Schema": ["type": "object", "x-kubernetes-preserve-unknown-fields": true]],
        ]
        let metadata: JSONValue = [
            "name": .string("\(type.plural).\(type.group)"), "annotations": ["api-approved.kubernetes.io": "unapproved, a stand-in for tests"],
        ]
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata,
            "spec": ["group": .string(type.group), "scope": "Namespaced", "names": names, "versions": [version]],
        ]
    }

    private static let monitored = "observability: {metrics: {enableMetrics: true}}"
    private static let monitor = "gateway-monitoring-collector"

    /// In process, with an operator that asks often.
    private static func with(_ body: @escaping @Sendable (World) async throws -> Void) async throws {
        try await World.with { world in
            guard world.server != nil else { return print("NeighbourTests: left out, because definitions are the whole cluster's") }
            var environment = world.environment()
            environment.configuration.neighbourPause = .milliseconds(20)
            try await world.withOperator(environment) { _ in try await body(world) }
        }
    }

    private static func isThere(_ type: ResourceType, _ name: String, _ world: World) async throws -> Bool {
        do {
            return try await world.find(type, name) != nil
        } catch let error as KubernetesError where error.code == .notFound {
            return false
        }
    }

    @Test func aKindThatComesIsWrittenAndOneThatGoesIsNamed() async throws {
        try await Self.with { world in
            try await world.apply(Example.collector(more: Self.monitored))
            let missing = try await world.condition("Degraded", .true, .kindNotInstalled, of: .openTelemetryCollectors, "gateway")
            #expect(missing.message.contains("ServiceMonitor \(Self.monitor)") && missing.message.contains("servicemonitors.monitoring.coreos.com"))
            try await world.written("gateway")
            #expect(try await world.find(.deployments, "gateway-collector") != nil, "nothing else waits")
            for round in 1...2 {
                try await world.api.create(.customResourceDefinitions, Self.definition(.serviceMonitors))
                try await world.eventually("the ServiceMonitor is there, round \(round)") { try await Self.isThere(.serviceMonitors, Self.monitor, world) }
                try await world.eventually("the condition goes") {
                    try await world.conditions(.openTelemetryCollectors, "gateway")["Degraded"] == nil
                }
                try await world.api.delete(.serviceMonitors, world.name(Self.monitor))
                try await world.eventually("it is watched and made again") { try await Self.isThere(.serviceMonitors, Self.monitor, world) }
                try await world.api.delete(.customResourceDefinitions, ObjectName(namespace: nil, name: "servicemonitors.monitoring.coreos.com"))
                try await world.condition("Degraded", .true, .kindNotInstalled, of: .openTelemetryCollectors, "gateway")
            }
        }
    }

    @Test func whatIsNoLongerAskedForIsPruned() async throws {
        try await Self.with { world in
            for type in [ResourceType.serviceMonitors, .httpRoutes, .routes] { try await world.api.create(.customResourceDefinitions, Self.definition(type)) }
            let route = "httpRoute: {enabled: true, gateway: edge}"
            try await world.apply(Example.collector(more: Self.monitored + "\n  " + route + "\n  ingress: {type: route}"))
            let objects: [(ResourceType, String)] = [
                (.serviceMonitors, Self.monitor), (.httpRoutes, "gateway-otlp-http-httproute"), (.routes, "otlp-grpc-gateway-route"),
            ]
            for (type, name) in objects { try await world.eventually("\(name) is there") { try await Self.isThere(type, name, world) } }
            #expect(try await Self.isThere(.httpRoutes, "gateway-otlp-grpc-httproute", world) == false)
            try await world.apply(Example.collector())
            for (type, name) in objects { try await world.eventually("\(name) is gone") { try await !Self.isThere(type, name, world) } }
        }
    }

    @Test func alertsAreMadeWhereTheyAreAskedForAndServed() async throws {
        try await Self.with { world in
            try await world.apply(Example.collector(more: Self.monitored).replacing("x\"}", with: "x\", sonde.dev/prometheus-rule: \"true\"}"))
            let missing = try await world.condition("Degraded", .true, .kindNotInstalled, of: .openTelemetryCollectors, "gateway")
            #expect(missing.message.contains("PrometheusRule gateway-collector"))
            for type in [ResourceType.serviceMonitors, .prometheusRules] { try await world.api.create(.customResourceDefinitions, Self.definition(type)) }
            try await world.eventually("the rule is there") { try await Self.isThere(.prometheusRules, "gateway-collector", world) }
            try await world.eventually("the condition goes") { try await world.conditions(.openTelemetryCollectors, "gateway")["Degraded"] == nil }
            try await world.merge(.openTelemetryCollectors, "gateway", ["metadata": ["annotations": ["sonde.dev/prometheus-rule": .null]]])
            try await world.eventually("the rule is gone") { try await !Self.isThere(.prometheusRules, "gateway-collector", world) }
            #expect(try await Self.isThere(.serviceMonitors, Self.monitor, world))
        }
    }

    @Test func theRightToAKindMayBeMissing() async throws {
        try await World.with { world in
            guard let server = world.server else { return }
            try await world.api.create(.customResourceDefinitions, Self.definition(.serviceMonitors))
            try await world.withOperator(world.environment(ForbiddingAPI(api: server, type: .serviceMonitors))) { _ in
                try await world.apply(Example.collector(more: Self.monitored))
                let condition = try await world.condition("Degraded", .true, .kindNotInstalled, of: .openTelemetryCollectors, "gateway")
                #expect(condition.message.contains("may not list it"))
            }
        }
    }
}

/// An API whose caller may do nothing with one kind.
private struct ForbiddingAPI: KubernetesAPI {
    let api: any KubernetesAPI
    let type: ResourceType

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        try check(request)
        return try await api.send(request)
    }

    func watch(_ request: KubernetesRequest) async throws -> WatchStream {
        try check(request)
        return try await api.watch(request)
    }

    private func check(_ request: KubernetesRequest) throws {
        guard request.path.contains("/\(type.plural)") else { return }
        throw KubernetesError(.forbidden, status: 403, reason: "Forbidden", message: "\(type.plural) is forbidden")
    }
}
