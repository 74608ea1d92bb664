// The agents' pods as far as the operator cares: where each runs, for which DaemonSet, and at which address.
// OperatorScope watches them through `projection`; AgentWatcher reads the store with `agents`.
// It never keeps a pod's spec: 5,000 of them would weigh more than everything else in the process.

import JSON
import Kubernetes
import KubernetesRuntime
import Rendering

/// One node's agent that can be asked.
struct RunningAgent: Hashable, Sendable {
    let node: String
    let podUID: String
    let isReady: Bool
    let address: AgentAddress
}

enum AgentPods {
    static let selector = LabelSelector(matching: [ProbeRendering.agentLabel.key: ProbeRendering.agentLabel.value])

    /// What the store keeps of a pod.
    static let projection: Informer.Transform = { pod in
        var metadata: JSONValue = [:]
        for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"] {
            if let text = pod["metadata"]?[key] { metadata[key] = text }
        }
        if let owner = pod.metadata.controller { metadata["ownerReferences"] = [owner.jsonValue] }
        let isReady = Conditions(decoding: pod.at("status", "conditions")).isTrue("Ready")
        return [
            "metadata": metadata, "spec": ["nodeName": pod.at("spec", "nodeName") ?? ""],
            "status": [
                "phase": pod.at("status", "phase") ?? "", "podIP": pod.at("status", "podIP") ?? "",
                "conditions": [["type": "Ready", "status": .string(isReady ? "True" : "False")]],
            ],
        ]
    }

    /// Whether an event can change who is asked. A kubelet writes much else into a pod's status.
    static func isRelevant(_ event: StoreEvent) -> Bool {
        guard case .updated(let old, let new) = event else { return true }
        return agent(old) != agent(new)
    }

    /// The agents that a DaemonSet runs, one a node: while one replaces another, the ready one, else the younger.
    static func agents(of daemonSet: JSONValue, in pods: ObjectStore) -> [RunningAgent] {
        var chosen: [String: (agent: RunningAgent, created: Timestamp)] = [:]
        for pod in pods.owned(byUID: daemonSet.metadata.uid) where pod.metadata.controller?.uid == daemonSet.metadata.uid {
            guard let agent = agent(pod) else { continue }
            let created = pod.metadata.creationTimestamp ?? Timestamp(secondsSinceEpoch: 0)
            if let other = chosen[agent.node], (other.agent.isReady ? 1 : 0, other.created) >= (agent.isReady ? 1 : 0, created) { continue }
            chosen[agent.node] = (agent, created)
        }
        return chosen.values.map(\.agent).sorted { $0.node < $1.node }
    }

    private static func agent(_ pod: JSONValue) -> RunningAgent? {
        guard !pod.metadata.isBeingDeleted, pod.at("status", "phase")?.string == "Running", let node = pod.at("spec", "nodeName")?.string, !node.isEmpty,
            let address = AgentAddress(podIP: pod.at("status", "podIP")?.string ?? "")
        else { return nil }
        let isReady = Conditions(decoding: pod.at("status", "conditions")).isTrue("Ready")
        return RunningAgent(node: node, podUID: pod.metadata.uid, isReady: isReady, address: address)
    }
}
