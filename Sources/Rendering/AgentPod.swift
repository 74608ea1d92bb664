// The pod of an agent: two capabilities, two host folders, no token, a read-only root.
// ProbeRendering puts it into the DaemonSet.
// It never shares a namespace of the host unless the probe asks for it by name.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

struct AgentPod {
    static let configPath = "/etc/sonde/config"
    static let headersPath = "/etc/sonde/headers"
    static let caPath = "/etc/sonde/ca"
    static let clientPath = "/etc/sonde/client"

    let probe: EBPFProbe
    let facts: ProbeFacts
    private var resource: EBPFProbeSpec { probe.spec }

    static func texts(_ value: JSONValue?) -> [String: String] {
        Dictionary((value?.object ?? [:]).compactMap { key, value in value.string.map { (key, $0) } }, uniquingKeysWith: { $1 })
    }

    var spec: JSONValue {
        .members([
            ("serviceAccountName", .string(Names.probe(probe.name.name))), ("automountServiceAccountToken", false), ("enableServiceLinks", false),
            ("hostNetwork", Self.only(if: resource.hostNetwork, true)), ("hostPID", Self.only(if: resource.hostPID, true)),
            ("dnsPolicy", Self.only(if: resource.hostNetwork, "ClusterFirstWithHostNet")),
            // Capabilities of a user other than root are lost at exec: without them in the file, uid 0 is what keeps the two.
            ("securityContext", ["runAsUser": 0, "seccompProfile": ["type": "RuntimeDefault"]]),
            ("imagePullSecrets", resource["imagePullSecrets"]), ("nodeSelector", resource["nodeSelector"]), ("affinity", AgentAffinity(probe: probe).affinity),
            ("tolerations", resource["tolerations"]), ("priorityClassName", resource["priorityClassName"]), ("containers", [container]),
            ("volumes", .array(volumes.map(\.volume))),
        ])
    }

    /// A member that is left out otherwise. Not a `?:` with nil: nil is a JSON value too.
    private static func only(if condition: Bool, _ value: JSONValue) -> JSONValue? { condition ? .some(value) : .none }

    private var container: JSONValue {
        .members([
            ("name", "agent"), ("image", .string(resource["image"]?.string ?? facts.agentImage)), ("imagePullPolicy", resource["imagePullPolicy"]),
            ("args", [.string("--config=\(Self.configPath)/\(ProbeRendering.configKey)")]),
            ("env", .array([nodeName, statusAddress] + ProxyVariables.environment(facts.proxyVariables).map(\.entry))),
            ("ports", [["name": "status", "containerPort": JSONValue(AgentStatus.portDefault)]]),
            ("livenessProbe", Self.probe("/healthz", periodSeconds: 20)), ("readinessProbe", Self.probe("/readyz", periodSeconds: 5)), ("resources", resources),
            (
                "securityContext",
                [
                    "allowPrivilegeEscalation": false, "capabilities": ["add": ["BPF", "PERFMON"], "drop": ["ALL"]], "privileged": false,
                    "readOnlyRootFilesystem": true,
                ]
            ),
            ("volumeMounts", .array(volumes.map(\.mount))),
        ])
    }

    private var nodeName: JSONValue { ["name": "NODE_NAME", "valueFrom": ["fieldRef": ["fieldPath": "spec.nodeName"]]] }

    /// All addresses of the pod's own network namespace. In the host's, the pod's address alone: loopback is for the node's own.
    private var statusAddress: JSONValue {
        resource.hostNetwork
            ? ["name": "STATUS_ADDRESS", "valueFrom": ["fieldRef": ["fieldPath": "status.podIP"]]] : ["name": "STATUS_ADDRESS", "value": "*"]
    }

    private static func probe(_ path: String, periodSeconds: Int) -> JSONValue {
        ["httpGet": ["path": .string(path), "port": "status"], "periodSeconds": JSONValue(periodSeconds), "timeoutSeconds": 5]
    }

    /// The memory limit is the budget; a request may not exceed it.
    private var resources: JSONValue {
        let budget = resource.budget.memoryBytes
        var requests: JSONValue = ["cpu": "20m", "memory": .string(ByteQuantity.text(min(budget, Self.requestedBytes)))]
        var limits: JSONValue = ["memory": .string(ByteQuantity.text(budget))]
        for (key, value) in resource["resources"]?["requests"]?.object ?? [:] { requests[key] = value }
        for (key, value) in resource["resources"]?["limits"]?.object ?? [:] { limits[key] = value }
        var resources = resource["resources"] ?? [:]
        resources["requests"] = requests
        resources["limits"] = limits
        return resources
    }

    private static let requestedBytes = 32 << 20

    private var volumes: [(volume: JSONValue, mount: JSONValue)] {
        var volumes: [(JSONValue, JSONValue)] = [
            Self.volume("config", at: Self.configPath, ["configMap": ["name": .string(Names.probe(probe.name.name))]]),
            Self.hostFolder("cgroups", "/sys/fs/cgroup", at: "/host/cgroup"), Self.hostFolder("containers", "/var/log/containers", at: "/host/containers"),
        ]
        let secrets = [
            ("headers", resource.export.headersFrom, Self.headersPath), ("ca", resource.export.caSecret, Self.caPath),
            ("client-certificate", resource.export.clientCertSecret, Self.clientPath),
        ]
        for (name, secret, path) in secrets {
            if let secret { volumes.append(Self.volume(name, at: path, ["secret": ["secretName": .string(secret)]])) }
        }
        return volumes
    }

    private static func volume(_ name: String, at path: String, _ source: JSONObject) -> (JSONValue, JSONValue) {
        let volume = JSONObject([("name", .string(name))] + source.map { ($0, $1) })
        return (.object(volume), ["name": .string(name), "mountPath": .string(path), "readOnly": true])
    }

    /// Plain `readOnly` leaves the hierarchies below a cgroup v1 folder writable. The type is left out: a node without the folder must not block the pod.
    private static func hostFolder(_ name: String, _ folder: String, at path: String) -> (JSONValue, JSONValue) {
        let (volume, plain) = Self.volume(name, at: path, ["hostPath": ["path": .string(folder)]])
        var mount = plain
        mount["recursiveReadOnly"] = "IfPossible"
        return (volume, mount)
    }
}
