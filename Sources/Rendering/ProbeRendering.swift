// Every object of a probe as partial manifests: a service account without rights, the agent's file, and the DaemonSet of agents.
// The probe controller applies them; `sonde render` prints them.
// It never gives an agent an API token, a host folder beyond two, or a capability beyond two.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI
import YAML

/// What rendering a probe needs to know beside the resource.
public struct ProbeFacts: Hashable, Sendable {
    /// The agent's image of this release.
    public static let defaultImage = "ghcr.io/sonde-dev/sonde-agent:0.1.0"

    /// The image of agents whose probe names none.
    public var agentImage: String
    /// The operator's own proxy variables, which its agents get too, as its collectors do.
    public var proxyVariables: [String: String]

    public init(agentImage: String = ProbeFacts.defaultImage, proxyVariables: [String: String] = [:]) {
        self.agentImage = agentImage
        self.proxyVariables = proxyVariables
    }
}

/// Renders EBPFProbes.
public enum ProbeRendering {
    /// The key of the agent's file in its ConfigMap.
    public static let configKey = "agent.yaml"
    /// The label by which the pods of all agents are known.
    public static let agentLabel = (key: "app.kubernetes.io/name", value: AgentAffinity.name)

    /// The probe's objects in the order in which they are applied.
    ///
    /// - Parameter destination: The OTLP base URL: `spec.endpoint`, or what `OTLPDestination` found for `spec.collectorRef`.
    public static func render(_ probe: EBPFProbe, destination: String, _ facts: ProbeFacts) -> [Manifest] {
        let builder = ManifestBuilder(owner: probe.object, ownerType: .ebpfProbes)
        let name = Names.probe(probe.name.name)
        let labels = labels(probe)
        let file = YAML.text(agentConfiguration(probe, destination: destination).document)
        return [
            builder.manifest(.serviceAccounts, name: name, labels: labels, content: [("automountServiceAccountToken", false)]),
            builder.manifest(.configMaps, name: name, labels: labels, content: [("data", .texts([configKey: file]))]),
            builder.manifest(.daemonSets, name: name, labels: labels, content: [("spec", daemonSet(probe, facts))]),
        ]
    }

    /// The file that the agents read. Its ConfigMap keeps its name, so that a change reaches running agents without a restart.
    public static func agentConfiguration(_ probe: EBPFProbe, destination: String) -> AgentConfiguration {
        let export = probe.spec.export
        var configuration = AgentConfiguration(endpoint: destination)
        configuration.destination.protocol = export.protocol
        configuration.destination.compression = export.compression
        configuration.destination.headersDirectory = export.headersFrom.map { _ in AgentPod.headersPath }
        configuration.destination.tls = .init(
            caFile: export.caSecret.map { _ in "\(AgentPod.caPath)/ca.crt" },
            clientCertificateFile: export.clientCertSecret.map { _ in "\(AgentPod.clientPath)/tls.crt" },
            clientKeyFile: export.clientCertSecret.map { _ in "\(AgentPod.clientPath)/tls.key" }, serverName: export.serverName,
            insecureSkipVerify: export.insecureSkipVerify)
        configuration.intervalSeconds = export.intervalSeconds
        configuration.signals = probe.spec.signals
        configuration.namespaces = probe.spec.namespaces
        configuration.budget = probe.spec.budget
        configuration.attributes = probe.spec.attributes
        configuration.hostNetwork = probe.spec.hostNetwork
        return configuration
    }

    private static func selector(_ probe: EBPFProbe) -> [String: String] {
        [agentLabel.key: agentLabel.value, "app.kubernetes.io/instance": Names.labelValue(probe.name.name)]
    }

    private static func labels(_ probe: EBPFProbe) -> [String: String] {
        let ours = ["app.kubernetes.io/component": "agent", "app.kubernetes.io/part-of": "sonde", "app.kubernetes.io/managed-by": "sonde-operator"]
        return selector(probe).merging(ours) { selector, _ in selector }
    }

    private static func daemonSet(_ probe: EBPFProbe, _ facts: ProbeFacts) -> JSONValue {
        var metadata: JSONValue = ["labels": .texts(AgentPod.texts(probe.spec["podLabels"]).merging(labels(probe)) { _, ours in ours })]
        let annotations = AgentPod.texts(probe.spec["podAnnotations"])
        if !annotations.isEmpty { metadata["annotations"] = .texts(annotations) }
        return .members([
            ("selector", ["matchLabels": .texts(selector(probe))]), ("updateStrategy", probe.spec["updateStrategy"]),
            ("template", ["metadata": metadata, "spec": AgentPod(probe: probe, facts: facts).spec]),
        ])
    }
}
