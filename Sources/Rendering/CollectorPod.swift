// The pod of a collector: volumes, scheduling, and the fields of the resource that are copied as they are.
// The Deployment, StatefulSet and DaemonSet of a collector share it.
// It never writes a field that neither the resource sets nor the existing operator writes: a difference would restart adopted pods.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

struct CollectorPod {
    let context: CollectorContext
    private var resource: OpenTelemetryCollectorSpec { context.spec }

    /// Fields of the resource with their names in a pod. All are copied as they are.
    private static let copied: [(field: String, podField: String)] = [
        ("podSecurityContext", "securityContext"), ("nodeSelector", "nodeSelector"), ("tolerations", "tolerations"), ("affinity", "affinity"),
        ("topologySpreadConstraints", "topologySpreadConstraints"), ("priorityClassName", "priorityClassName"),
        ("terminationGracePeriodSeconds", "terminationGracePeriodSeconds"), ("hostNetwork", "hostNetwork"), ("hostPID", "hostPID"),
        ("hostUsers", "hostUsers"), ("hostAliases", "hostAliases"),
    ]

    /// Annotations of the resource with their names in a pod.
    private static let annotated: [(name: CollectorAnnotations.Name, podField: String)] = [
        (.imagePullSecrets, "imagePullSecrets"), (.runtimeClassName, "runtimeClassName"), (.schedulerName, "schedulerName"),
        (.automountServiceAccountToken, "automountServiceAccountToken"),
    ]

    var spec: JSONValue {
        var pod: JSONValue = ["serviceAccountName": .string(context.serviceAccountName)]
        if let initContainers = resource["initContainers"] { pod["initContainers"] = initContainers }
        pod["containers"] = .array([CollectorContainer(context: context).container] + (resource["additionalContainers"]?.array ?? []))
        pod["volumes"] = .array([configVolume] + (resource["volumes"]?.array ?? []) + extraConfigMaps.map(\.volume))
        pod["dnsPolicy"] = .string(dnsPolicy)
        // Both stand in every existing pod template, empty or not.
        pod["dnsConfig"] = resource["podDnsConfig"] ?? [:]
        pod["shareProcessNamespace"] = .bool(resource["shareProcessNamespace"]?.bool ?? false)
        for (field, podField) in Self.copied {
            guard let value = resource[field], field != "topologySpreadConstraints" || resource.mode != .daemonset else { continue }
            pod[podField] = value
        }
        for (name, podField) in Self.annotated {
            if let value = context.annotations[name] { pod[podField] = value }
        }
        if context.tier == .routing, context.annotations[.automountServiceAccountToken] == nil, !needsAPIServer { pod["automountServiceAccountToken"] = false }
        return pod
    }

    /// Whether a component of this configuration asks the API server for something.
    private var needsAPIServer: Bool {
        !AccessRules.rules(of: context.configuration, namespace: context.collector.name.namespace ?? "default").isEmpty
    }

    private var dnsPolicy: String {
        if let given = resource["dnsPolicy"]?.string, !given.isEmpty { return given }
        if resource["podDnsConfig"]?["nameservers"]?.array?.isEmpty == false { return "None" }
        return resource.hostNetwork ? "ClusterFirstWithHostNet" : "ClusterFirst"
    }

    private var configVolume: JSONValue {
        [
            "name": "otc-internal",
            "configMap": ["name": .string(context.configMapName), "items": [["key": "collector.yaml", "path": "collector.yaml"]]],
        ]
    }

    /// `spec.configmaps` as volumes and mounts.
    var extraConfigMaps: [(volume: JSONValue, mount: JSONValue)] {
        (resource["configmaps"]?.array ?? []).compactMap { entry in
            guard let name = entry["name"]?.string else { return nil }
            let volume = Names.configMapVolume(name)
            let folder = (entry["mountpath"]?.string ?? "").split(separator: "/").joined(separator: "/")
            let path = folder.isEmpty ? "/var/conf/\(volume)" : "/var/conf/\(folder)/\(volume)"
            return (["name": .string(volume), "configMap": ["name": .string(name)]], ["name": .string(volume), "mountPath": .string(path)])
        }
    }
}
