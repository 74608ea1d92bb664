// A pod before and after a sidecar is put into it, as a JSON patch.
// SidecarInjection makes one for each pod that gets a sidecar.
// It never changes what the pod's author wrote: it adds a container, volumes, a label and an annotation.

import JSON
import Kubernetes
import Rendering

struct SidecarPod {
    private let pod: JSONValue

    init(_ pod: JSONValue) { self.pod = pod }

    /// A second call for the same pod, after other webhooks changed it, adds nothing. A container of that name without the label is the pod's own.
    static func carriesSidecar(_ pod: JSONValue) -> Bool {
        pod.metadata.labels[SidecarRendering.label] != nil && names(of: pod).contains(SidecarRendering.containerName)
    }

    /// The first container that both have; the API server would refuse the pod.
    func conflict(with parts: SidecarRendering) -> String? {
        let own = Self.names(of: pod)
        return ([SidecarRendering.containerName] + parts.initContainers.compactMap { $0["name"]?.string }).first { own.contains($0) }
    }

    private static func names(of pod: JSONValue) -> Set<String> {
        Set(["containers", "initContainers"].flatMap { pod.at("spec", $0)?.array ?? [] }.compactMap { $0["name"]?.string })
    }

    func adding(_ parts: SidecarRendering, attributes: [JSONValue], isNative: Bool) -> JSONPatch {
        var container = parts.container(attributes: attributes)
        var first = parts.initContainers
        if isNative {
            container["restartPolicy"] = "Always"
            // The pod's own containers wait for the sidecar only if it has a startup probe.
            if container["startupProbe"] == nil { container["startupProbe"] = container["readinessProbe"] }
            first.append(container)
        }
        var operations: [JSONPatch.Operation] = []
        operations += append(first, to: "initContainers")
        if !isNative { operations += append([container], to: "containers") }
        let taken = Set((pod.at("spec", "volumes")?.array ?? []).compactMap { $0["name"]?.string })
        operations += append(parts.volumes.filter { !taken.contains($0["name"]?.string ?? "") }, to: "volumes")
        operations += set("labels", SidecarRendering.label, parts.instance)
        operations += set("annotations", SidecarRendering.revisionAnnotation, parts.revision)
        return JSONPatch(operations)
    }

    private func append(_ elements: [JSONValue], to list: String) -> [JSONPatch.Operation] {
        if elements.isEmpty { return [] }
        guard pod.at("spec", list)?.array != nil else { return [.add(JSONPointer(["spec", list]), .array(elements))] }
        return elements.map { .add(JSONPointer(["spec", list, "-"]), $0) }
    }

    private func set(_ map: String, _ key: String, _ value: String) -> [JSONPatch.Operation] {
        guard pod.at("metadata", map)?.object != nil else { return [.add(JSONPointer(["metadata", map]), [key: .string(value)])] }
        return [.add(JSONPointer(["metadata", map, key]), .string(value))]
    }

    // MARK: Attributes

    /// The resource attributes of the pod, as OpenTelemetry names them (semantic conventions for Kubernetes), as variables of the container.
    static func attributes(namespace: String, owners: [OwnerReference]) -> [JSONValue] {
        let prefix = "OTEL_RESOURCE_ATTRIBUTES_"
        var texts = [
            "k8s.namespace.name": namespace, "k8s.node.name": "$(\(prefix)NODE_NAME)", "k8s.pod.name": "$(\(prefix)POD_NAME)",
            "k8s.pod.uid": "$(\(prefix)POD_UID)",
        ]
        for owner in owners {
            guard let kind = kinds[owner.kind] else { continue }
            texts["k8s.\(kind).name"] = owner.name
            texts["k8s.\(kind).uid"] = owner.uid
        }
        let all = texts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return [
            field("\(prefix)POD_NAME", "metadata.name"), field("\(prefix)POD_UID", "metadata.uid"), field("\(prefix)NODE_NAME", "spec.nodeName"),
            ["name": "OTEL_RESOURCE_ATTRIBUTES", "value": .string(all)],
        ]
    }

    private static let kinds = [
        "Deployment": "deployment", "ReplicaSet": "replicaset", "StatefulSet": "statefulset", "DaemonSet": "daemonset", "Job": "job", "CronJob": "cronjob",
    ]

    private static func field(_ name: String, _ path: String) -> JSONValue {
        ["name": .string(name), "valueFrom": ["fieldRef": ["fieldPath": .string(path)]]]
    }
}
