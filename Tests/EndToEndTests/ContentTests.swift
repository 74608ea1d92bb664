// Pods are rolled when the ConfigMaps and Secrets that they take in change, for resources that ask for it, and for no others.
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never looks at more than the pods' annotations.

import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import Operator
import Rendering
import SondeAPI
import Testing

@Suite(.timeLimit(.minutes(5))) struct ContentTests {
    private static let asking = Example.collector(
        more: "env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: tokens, key: t}}}]\n  configmaps: [{name: extra, mountpath: x}]"
    ).replacing("annotations: {", with: "annotations: {sonde.dev/roll-on-content: \"true\", ")

    private static func make(_ world: World) async throws {
        try await world.api.create(
            .secrets, ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "tokens", "namespace": .string(world.namespace)], "data": ["t": "YQ=="]])
        try await world.api.create(
            .configMaps, ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "extra", "namespace": .string(world.namespace)], "data": ["a": "1"]])
    }

    private static func hash(_ world: World) async throws -> String? {
        try await world.find(.deployments, "gateway-collector")?.at("spec", "template", "metadata", "annotations")?[CollectorRendering.contentAnnotation]?
            .string
    }

    @Test func changedContentRollsThePods() async throws {
        try await World.with { world in
            try await Self.make(world)
            try await world.withOperator { _ in
                try await world.apply(Self.asking)
                try await world.written("gateway")
                let first = try #require(try await Self.hash(world))
                try await world.merge(.secrets, "tokens", ["data": ["t": "Yg=="]])
                try await world.eventually("the Secret's change is seen") { try await Self.hash(world) != first }
                let second = try await Self.hash(world)
                try await world.merge(.configMaps, "extra", ["data": ["a": "2"]])
                try await world.eventually("the ConfigMap's change is seen") { try await Self.hash(world) != second }
                let third = try await Self.hash(world)
                try await world.merge(.secrets, "tokens", ["data": ["t": "YQ=="]])
                try await world.merge(.configMaps, "extra", ["data": ["a": "1"]])
                try await world.eventually("the same content has the same hash") { try await Self.hash(world) == first }
                #expect(third != first)
            }
        }
    }

    @Test func whatIsMissingForAMomentRollsNothing() async throws {
        try await World.with { world in
            try await Self.make(world)
            let api = InterceptingAPI(world.api)
            try await world.withOperator(world.environment(api)) { _ in
                try await world.apply(Self.asking)
                try await world.written("gateway")
                let first = try await Self.hash(world)
                let looks = api.requests.count { $0.path.hasSuffix("/secrets/tokens") }
                try await world.api.delete(.secrets, world.name("tokens"))
                try await world.eventually("it was looked for") { api.requests.count { $0.path.hasSuffix("/secrets/tokens") } > looks }
                try await world.written("gateway")
                #expect(try await Self.hash(world) == first)
            }
        }
    }

    @Test func nothingIsWatchedUnlessAsked() async throws {
        try await World.with { world in
            try await Self.make(world)
            let api = InterceptingAPI(world.api)
            try await world.withOperator(world.environment(api)) { _ in
                try await world.apply(Self.asking.replacing("sonde.dev/roll-on-content: \"true\", ", with: ""))
                try await world.written("gateway")
                #expect(try await Self.hash(world) == nil)
                #expect(api.requests.allSatisfy { !$0.path.contains("/secrets") })
            }
        }
    }

    @Test func whatMayNotBeReadIsACondition() async throws {
        try await World.with { world in
            guard let server = world.server else { return print("whatMayNotBeReadIsACondition: only the in-process server refuses on request") }
            try await Self.make(world)
            server.faults.add(.forbidden(verb: nil, pathContains: "/secrets"))
            try await world.withOperator { _ in
                try await world.apply(Self.asking)
                let condition = try await world.condition("Degraded", .true, .contentNotReadable, of: .openTelemetryCollectors, "gateway")
                #expect(condition.message.contains("Secret \(world.namespace)/tokens") && condition.message.contains("rbac.readSecrets"))
                #expect(try await Self.hash(world) != nil, "the rest goes on")
            }
        }
    }
}
