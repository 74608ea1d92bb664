// The NetworkPolicy of a collector: every port that its container names, each with its own protocol, from anywhere.
// CollectorRendering renders it unless the resource says `networkPolicy: {enabled: false}`.
// It never limits what the collector itself connects to.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

extension CollectorContext {
    var networkPolicy: Manifest? {
        guard spec.hasNetworkPolicy else { return nil }
        let name = tier == .routing ? Names.routingNetworkPolicy(collector.name.name) : Names.networkPolicy(collector.name.name)
        let ports = (ContainerPorts(context: self).ports.array ?? []).map { port in
            JSONValue.members([("port", port["containerPort"]), ("protocol", port["protocol"])])
        }
        let content: JSONValue = [
            "podSelector": ["matchLabels": .texts(metadata.selector)], "policyTypes": ["Ingress"], "ingress": [["ports": .array(ports)]],
        ]
        return builder.manifest(
            .networkPolicies, name: name, labels: metadata.labels(name: name), annotations: metadata.annotations, content: [("spec", content)])
    }
}
