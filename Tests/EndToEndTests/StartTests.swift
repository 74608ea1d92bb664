// Start and stop of the operator: missing definitions, missing rights, a clean end.
// Needs a server without our definitions, so it runs in process only.
// It never starts a process: sonde-operator adds flags and signals to what is tested here.

import Foundation
import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import SondeAPI
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(1))) struct StartTests {
    private func environment(_ server: TestAPIServer) -> OperatorEnvironment {
        OperatorEnvironment(
            api: server, agents: NoAgents(), configuration: OperatorConfiguration(collectorImage: "a:1", agentImage: "b:1"), gate: .withoutElection(),
            logger: World.quiet)
    }

    @Test func missingDefinitionsAreReportedAndWaitedFor() async throws {
        let server = TestAPIServer()
        let time = ManualTime()
        var environment = environment(server)
        environment.time = time
        let sonde = SondeOperator(environment)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sonde.run() }
            try await World.eventually("it says what is missing", within: .seconds(30)) {
                guard case .waiting(let reason) = sonde.readiness else { return false }
                return reason.contains("opentelemetrycollectors.opentelemetry.io") && reason.contains("kubectl apply")
            }
            try await World.installDefinitions(server)
            try await World.eventually("it goes on by itself", within: .seconds(30)) {
                if sonde.readiness != .ready { time.advance(by: .seconds(1)) }
                return sonde.readiness == .ready
            }
            sonde.stop()
            try await group.waitForAll()
        }
    }

    @Test func stopBeforeTheStartEndsAtOnce() async throws {
        let sonde = SondeOperator(environment(TestAPIServer()))
        sonde.stop()
        try await sonde.run()
    }

    @Test func stopWhileNotLeadingEndsAtOnce() async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        let sonde = SondeOperator(environment(server))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sonde.run { try await Task.sleep(for: .seconds(3600)) } }
            try await World.eventually("ready without leading", within: .seconds(30)) { sonde.readiness == .ready }
            sonde.stop()
            try await group.waitForAll()
        }
        try await World.eventually("no watch is left open", within: .seconds(30)) { server.openWatches == 0 }
    }

    @Test func stopLetsARunningReconcileEnd() async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        try await server.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "a"]])
        let sonde = SondeOperator(environment(server))
        server.faults.add(Fault(.delay(.milliseconds(300)), verb: "patch", pathContains: "/configmaps/"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sonde.run() }
            try await World.eventually("ready", within: .seconds(30)) { sonde.readiness == .ready }
            let world = World(api: server, namespace: "a", server: server, hasControllers: false, nodeCount: 0)
            try await world.apply(Example.collector())
            try await world.eventually("a reconcile runs") { sonde.scopes[0].collectors.queue.runningCount > 0 }
            sonde.stop()
            try await group.waitForAll()
            #expect(try await world.find(.deployments, "gateway-collector") != nil, "it wrote what it had begun")
            #expect(try await world.conditions(.openTelemetryCollectors, "gateway")["Ready"] != nil)
        }
    }

    @Test func namespacedOperatorReadsAndWritesNowhereElse() async throws {
        let server = TestAPIServer()
        try await World.installDefinitions(server)
        for name in ["a", "b", "c"] { try await server.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]) }
        // The path of a list of all namespaces ends like this; in the path of one namespace's list its name stands in between.
        for path in ["/v1beta1/opentelemetrycollectors", "/v1alpha1/ebpfprobes", "/v1/services", "/v1/deployments", "/v1/configmaps"] {
            server.faults.add(.forbidden(verb: "list", pathContains: path))
        }
        var environment = environment(server)
        environment.configuration.namespaces = ["a", "b"]
        let sonde = SondeOperator(environment)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sonde.run() }
            try await World.eventually("ready", within: .seconds(30)) { sonde.readiness == .ready }
            for name in ["a", "b", "c"] {
                let world = World(api: server, namespace: name, server: server, hasControllers: false, nodeCount: 0)
                try await world.apply(Example.collector())
                if name != "c" { try await world.written("gateway") }
            }
            #expect(try await server.getIfFound(.deployments, ObjectName(namespace: "c", name: "gateway-collector")) == nil)
            sonde.stop()
            try await group.waitForAll()
        }
    }
}
