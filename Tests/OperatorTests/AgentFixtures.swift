// Pods, answers and a table of agents for the tests about what agents say.
// The suites of this target share them.
// They never open a connection.

import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import SondeAPI
import Synchronization

@testable import Operator

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func seconds(_ count: Int) -> MonotonicTime { MonotonicTime(sinceOrigin: .seconds(count)) }

enum Fixture {
    static func address(_ index: Int) -> String { "10.\(index >> 16 & 255).\(index >> 8 & 255).\(index & 255)" }
    static func node(_ index: Int) -> String { "node-\(index)" }

    static func agent(_ index: Int, uid: String? = nil, isReady: Bool = true) -> RunningAgent {
        guard let address = AgentAddress(podIP: address(index)) else { preconditionFailure("an address of the test is none") }
        return RunningAgent(node: node(index), podUID: uid ?? "pod-\(index)", isReady: isReady, address: address)
    }

    static func pod(_ index: Int, of daemonSet: String = "ds", uid: String? = nil, created: Int64 = 1_800_000_000, more: [([String], JSONValue)] = [])
        -> JSONValue
    {
        let owner = OwnerReference(apiVersion: "apps/v1", kind: "DaemonSet", name: "nodes-agent", uid: daemonSet)
        var pod: JSONValue = [
            "metadata": [
                "name": .string("agent-\(uid ?? "\(index)")"), "namespace": "n", "uid": .string(uid ?? "pod-\(index)"), "resourceVersion": "5",
                "creationTimestamp": .string(Timestamp(secondsSinceEpoch: created).rfc3339), "ownerReferences": [owner.jsonValue],
                "labels": ["a": "b"],
            ], "spec": ["nodeName": .string(node(index)), "containers": [["name": "agent"]]],
            "status": ["phase": "Running", "podIP": .string(address(index)), "conditions": [["type": "Ready", "status": "True"]]],
        ]
        for (path, value) in more { pod.set(path, to: value) }
        return pod
    }

    static func probe(_ spec: JSONValue = [:], status: JSONValue? = nil) -> JSONValue {
        var spec = spec
        spec["endpoint"] = "http://collector:4318"
        var probe: JSONValue = [
            "apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe",
            "metadata": ["name": "nodes", "namespace": "n", "uid": "probe", "generation": 1, "resourceVersion": "7"], "spec": spec,
        ]
        if let status { probe["status"] = status }
        return probe
    }

    static func daemonSet() -> JSONValue {
        let owner = OwnerReference(apiVersion: "sonde.dev/v1alpha1", kind: "EBPFProbe", name: "nodes", uid: "probe")
        return [
            "metadata": [
                "name": "nodes-agent", "namespace": "n", "uid": "ds", "resourceVersion": "6", "generation": 1, "labels": [Inventory.ownerLabel: "probe"],
                "ownerReferences": [owner.jsonValue],
            ]
        ]
    }

    static let reasons = ["tcp": "no tracepoint"]

    /// An answer in which families are active but for those that are named.
    static func status(
        _ node: String = "n", kernel: String = "6.1.0", missing: [String: AgentStatus.State] = [:], cost: (Double, Double) = (3, 12),
        budget: AgentStatus.Budget = .init(), losses: [String: UInt64] = [:], export: AgentStatus.Export = .init(state: .working, message: "")
    ) -> AgentStatus {
        let signals = ["scheduler", "tcp", "drops"].map { name -> AgentStatus.Signal in
            let metric = AgentStatus.Metric(name: "\(name).a", state: .active)
            switch missing[name] {
            case nil, .active?: return .init(name: name, metrics: [metric])
            case .degraded?: return .init(name: name, metrics: [metric, .init(name: "\(name).b", state: .unsupported, reason: "no \(name)")])
            case .unsupported?: return .init(name: name, metrics: [.init(name: "\(name).a", state: .unsupported, reason: "no \(name)")])
            }
        }
        return AgentStatus(
            node: node, version: "0.1.0", kernelRelease: kernel, signals: signals,
            overhead: .init(kernelMillicores: cost.0, agentMillicores: cost.1), budget: budget, losses: losses, export: export)
    }
}

/// Agents as a function of their address.
final class FakeAgents: AgentStatusSource {
    private struct State {
        var asked: [String] = []
        var running = 0
        var runningMax = 0
    }

    private let state = Mutex(State())
    private let answer: @Sendable (AgentAddress) async throws -> AgentStatus

    init(_ answer: @escaping @Sendable (AgentAddress) async throws -> AgentStatus) { self.answer = answer }

    var asked: [String] { state.withLock { $0.asked } }
    var running: Int { state.withLock { $0.running } }
    var runningMax: Int { state.withLock { $0.runningMax } }

    func status(at address: AgentAddress) async throws -> AgentStatus {
        state.withLock { state in
            state.asked.append(address.host)
            state.running += 1
            state.runningMax = max(state.running, state.runningMax)
        }
        defer { state.withLock { $0.running -= 1 } }
        return try await answer(address)
    }
}
