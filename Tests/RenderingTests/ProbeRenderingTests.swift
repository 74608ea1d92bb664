// Rules of an agent's objects: what its pod may do, what its file says, and which change restarts it.
// Probes are built in place; whole objects are in GoldenTests.
// It never starts an agent.

import JSON
import Kubernetes
import SondeAPI
import Testing
import YAML

@testable import Rendering

@Suite struct ProbeRenderingTests {
    private func probe(_ spec: String = "{}") throws -> EBPFProbe {
        var object: JSONValue = [
            "apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe", "metadata": ["name": "nodes", "namespace": "observability", "uid": "abc"],
        ]
        object["spec"] = try YAML.parse(spec).first
        object.set(["spec", "endpoint"], to: "http://a:4318")
        return try EBPFProbe(object: object)
    }

    private func render(_ spec: String = "{}") throws -> [Manifest] { ProbeRendering.render(try probe(spec), destination: "http://a:4318", .init()) }

    private func pod(_ spec: String = "{}") throws -> JSONValue { try #require(try render(spec).last?.object.at("spec", "template", "spec")) }

    @Test func agentHasTwoCapabilitiesAndNothingOfTheHostBeyondTwoFolders() throws {
        let pod = try pod()
        let security = pod["containers"]?[0]?["securityContext"]
        #expect(security?["capabilities"] == ["add": ["BPF", "PERFMON"], "drop": ["ALL"]])
        #expect(security?["privileged"] == false)
        #expect(security?["allowPrivilegeEscalation"] == false)
        #expect(security?["readOnlyRootFilesystem"] == true)
        #expect(pod["securityContext"]?.at("seccompProfile", "type") == "RuntimeDefault")
        #expect(pod["automountServiceAccountToken"] == false)
        #expect(pod["hostNetwork"] == nil && pod["hostPID"] == nil && pod["hostIPC"] == nil)
        #expect(pod["volumes"]?.array?.compactMap { $0.at("hostPath", "path")?.string } == ["/sys/fs/cgroup", "/var/log/containers"])
        #expect(pod["tolerations"] == [["operator": "Exists"]])
    }

    @Test func mountsAreWhereTheFileSaysAndTrulyReadOnly() throws {
        let mounts = try pod()["containers"]?[0]?["volumeMounts"]?.array ?? []
        let paths = ProbeRendering.agentConfiguration(try probe(), destination: "http://a:4318").paths
        for path in [paths.cgroups, paths.containers] {
            let mount = try #require(mounts.first { $0["mountPath"]?.string == path })
            #expect(mount["readOnly"] == true && mount["recursiveReadOnly"] == "IfPossible")
        }
    }

    @Test func fileReadsBackAsTheProbesSettings() throws {
        let manifests = try render(
            "{export: {intervalSeconds: 7}, signals: {syscalls: {enabled: true, names: [futex]}}, namespaces: {exclude: [a]}, "
                + "budget: {seriesPerPod: 5}}")
        let text = try #require(manifests.first { $0.type == .configMaps }?.object.at("data", "agent.yaml")?.string)
        let configuration = try AgentConfiguration(document: try #require(try YAML.parse(text).first))
        #expect(configuration.destination.endpoint == "http://a:4318")
        #expect(configuration.intervalSeconds == 7)
        #expect(configuration.signals.syscalls.names == ["futex"])
        #expect(configuration.namespaces.exclude == ["a"])
        #expect(configuration.budget.seriesPerPod == 5)
    }

    @Test func theOperatorsProxiesReachItsAgents() throws {
        let facts = ProbeFacts(proxyVariables: ["https_proxy": "p", "NO_PROXY": ".svc"])
        let pod = try #require(ProbeRendering.render(try probe(), destination: "http://a:4318", facts).last?.object.at("spec", "template", "spec"))
        let added: JSONValue = [["name": "NO_PROXY", "value": ".svc"], ["name": "https_proxy", "value": "p"]]
        #expect(pod["containers"]?[0]?["env"]?.array?.suffix(2).map { $0 } == added.array)
        #expect(try self.pod()["containers"]?[0]?["env"]?.array?.count == 2)
    }

    @Test func gRPCStandsInTheFile() throws {
        let text = try #require(try render("{export: {protocol: GRPC}}").first { $0.type == .configMaps }?.object.at("data", "agent.yaml")?.string)
        #expect(try AgentConfiguration(document: try #require(try YAML.parse(text).first)).destination.protocol == .grpc)
    }

    @Test(arguments: [
        "{export: {intervalSeconds: 7}}", "{export: {protocol: GRPC}}", "{signals: {tcp: {enabled: false}}}", "{budget: {cpuMillicores: 50}}",
        "{namespaces: {include: [a]}}",
    ])
    func settingsReachAgentsWithoutARestart(_ spec: String) throws {
        #expect(try render(spec).last == render().last)
        #expect(try render(spec)[1] != render()[1])
        #expect(try render(spec)[1].name == render()[1].name)
    }

    @Test(arguments: ["{budget: {memory: 128Mi}}", "{image: other}", "{hostNetwork: true}", "{podAnnotations: {a: b}}"]) func podsChangeWithTheirOwnFields(
        _ spec: String
    ) throws {
        #expect(try render(spec).last != render().last)
    }

    @Test func memoryFollowsTheBudget() throws {
        #expect(try pod()["containers"]?[0]?["resources"] == ["requests": ["cpu": "20m", "memory": "32Mi"], "limits": ["memory": "96Mi"]])
        #expect(try pod("{budget: {memory: 16Mi}}")["containers"]?[0]?["resources"]?.at("requests", "memory") == "16Mi", "a request above the limit is refused")
    }

    @Test func secretsAreMountedAndNeverWritten() throws {
        let spec = "{export: {headersFrom: tokens, tls: {caSecret: ca, clientCertSecret: client}}}"
        #expect(try pod(spec)["volumes"]?.array?.compactMap { $0.at("secret", "secretName")?.string } == ["tokens", "ca", "client"])
        let destination = ProbeRendering.agentConfiguration(try probe(spec), destination: "https://a").destination
        #expect(destination.headers.isEmpty)
        #expect(destination.headersDirectory == "/etc/sonde/headers")
        #expect(destination.tls.clientKeyFile == "/etc/sonde/client/tls.key")
    }

    @Test func userLabelsNeverBreakTheSelector() throws {
        let daemonSet = try #require(try render("{podLabels: {app.kubernetes.io/name: other, team: a}}").last?.object)
        let labels = daemonSet.at("spec", "template", "metadata", "labels")
        #expect(labels?["app.kubernetes.io/name"] == "sonde-agent")
        #expect(labels?["team"] == "a")
        #expect(labels?["sonde.dev/owner-uid"] == nil)
        #expect(daemonSet.metadata.labels["sonde.dev/owner-uid"] == "abc")
        for (key, value) in daemonSet.at("spec", "selector", "matchLabels")?.object ?? [:] { #expect(labels?[key] == value) }
    }

    @Test func statusIsAnsweredWhereKubeletAndTheOperatorAsk() throws {
        let container = try #require(try pod()["containers"]?[0])
        let port = try #require(container["ports"]?[0])
        #expect(port == ["name": "status", "containerPort": 9464])
        let file = ProbeRendering.agentConfiguration(try probe(), destination: "http://a:4318")
        #expect(port["containerPort"]?.int == file.statusPort)
        #expect(container.at("livenessProbe", "httpGet") == ["path": "/healthz", "port": "status"])
        #expect(container.at("readinessProbe", "httpGet") == ["path": "/readyz", "port": "status"])
        #expect(container["env"]?.array?.contains(["name": "STATUS_ADDRESS", "value": "*"]) == true)
        let shared = try pod("{hostNetwork: true}")["containers"]?[0]?["env"]?.array ?? []
        #expect(
            shared.contains(["name": "STATUS_ADDRESS", "valueFrom": ["fieldRef": ["fieldPath": "status.podIP"]]]), "in the host's network, not on all addresses"
        )
    }

    /// What the scheduler does with a term: labels and the namespace of another pod.
    private func repels(_ affinity: JSONValue?, _ labels: [String: String], namespace: String) throws -> Bool {
        let terms = affinity?.at("podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")?.array ?? []
        return try terms.contains { term in
            guard term["topologyKey"] == "kubernetes.io/hostname", let selector = term["labelSelector"] else { return false }
            let isInNamespace = try term["namespaceSelector"].map { try LabelSelector(decoding: $0).matches(["kubernetes.io/metadata.name": namespace]) }
            return try (isInNamespace ?? (namespace == "observability")) && LabelSelector(decoding: selector).matches(labels)
        }
    }

    @Test(arguments: [
        ("another probe here", "other", "observability", "sonde-agent", true), ("a probe of the same name elsewhere", "nodes", "b", "sonde-agent", true),
        ("its own pod, while it is replaced", "nodes", "observability", "sonde-agent", false),
        ("a pod of somebody else", "other", "observability", "postgres", false), ("somebody else's elsewhere", "x", "b", "postgres", false),
    ]) func noAgentStandsBesideThatOfAnotherProbe(reason: String, instance: String, namespace: String, name: String, expected: Bool) throws {
        let labels = ["app.kubernetes.io/instance": instance, "app.kubernetes.io/name": name, "app.kubernetes.io/component": "agent"]
        #expect(try repels(try pod()["affinity"], labels, namespace: namespace) == expected)
    }

    @Test func theProbesOwnAffinityStays() throws {
        let own = "{affinity: {nodeAffinity: {a: 1}, podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone}]}}}"
        let affinity = try pod(own)["affinity"]
        #expect(affinity?["nodeAffinity"] == ["a": 1])
        let terms = affinity?.at("podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")?.array ?? []
        #expect(terms.count == 3 && terms[0] == ["topologyKey": "zone"])
    }
}
