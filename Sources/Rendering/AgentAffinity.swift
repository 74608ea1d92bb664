// Where an agent's pod may run: what the probe asks for, and never beside the agent of another probe.
// AgentPod puts it into the pod.
// It never looks at the cluster: the scheduler compares labels, so that two agents on one node are impossible and not just noticed.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

struct AgentAffinity {
    let probe: EBPFProbe

    /// The labels of an agent's pod by which those of other probes know it.
    static let name = "sonde-agent"

    /// The probe's own affinity with our terms beside its own.
    var affinity: JSONValue {
        var affinity = probe.spec["affinity"] ?? [:]
        let path = ["podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]
        affinity.set(path, to: .array((affinity.at(path)?.array ?? []) + terms))
        return affinity
    }

    /// A probe's name is unique in its namespace only: other names here, and all names elsewhere.
    private var terms: [JSONValue] {
        let agents: JSONValue = ["key": "app.kubernetes.io/name", "operator": "In", "values": [.string(Self.name)]]
        let others: JSONValue = [
            "key": "app.kubernetes.io/instance", "operator": "NotIn", "values": [.string(Names.labelValue(probe.name.name))],
        ]
        let here = term([agents, others], namespaces: nil)
        guard let namespace = probe.name.namespace else { return [here] }
        let elsewhere: JSONValue = [
            "matchExpressions": [["key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [.string(namespace)]]]
        ]
        return [here, term([agents], namespaces: elsewhere)]
    }

    private func term(_ expressions: [JSONValue], namespaces: JSONValue?) -> JSONValue {
        .members([
            ("labelSelector", ["matchExpressions": .array(expressions)]), ("namespaceSelector", namespaces), ("topologyKey", "kubernetes.io/hostname"),
        ])
    }
}
