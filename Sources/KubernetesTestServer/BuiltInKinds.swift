// The built-in kinds of this server, with their short names, subresources and columns.
// The registry starts with them.
// It never serves a kind by halves: a built-in kind that is missing here is answered with 404.

import JSON
import Kubernetes

enum BuiltInKinds {
    static let all: [ServedKind] = (core + apps + others).map { kind in
        var out = kind
        if inAll.contains(kind.type.kind) { out.categories = ["all"] }
        return out
    }

    /// What `kubectl get all` lists.
    private static let inAll: Set<String> = ["Pod", "Service", "Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "HorizontalPodAutoscaler"]

    private static func kind(
        _ group: String, _ version: String, _ kind: String, _ plural: String, type: String? = nil, shortNames: [String] = [], namespaced: Bool = true,
        status: Bool = false, generation: Bool = false, columns: [(name: String, path: String)] = [], fields: [String] = []
    ) -> ServedKind {
        let resource = ResourceType(group: group, version: version, kind: kind, plural: plural, isNamespaced: namespaced)
        let typeGroup = group.isEmpty ? "core" : String(group.prefix { $0 != "." })
        var out = ServedKind(resource, schema: BuiltInSchemas.shared.schemas[type ?? "\(typeGroup).\(kind)"] ?? .any)
        out.schema.properties["apiVersion"] = Schema(.string)
        out.schema.properties["kind"] = Schema(.string)
        out.shortNames = shortNames
        out.hasStatus = status
        out.generation = generation ? .outsideStatus : .none
        out.columns = columns.map { ServedKind.Column(name: $0.name, type: $0.path.hasPrefix("#") || isCount($0.name) ? "integer" : "string", path: $0.path) }
        out.selectableFields = fields
        return out
    }

    private static func isCount(_ name: String) -> Bool { ["Desired", "Current", "Ready", "Up-to-date", "Available"].contains(name) }

    /// Columns take paths; `#path` counts the members found there.
    private static let core: [ServedKind] = [
        kind(
            "", "v1", "Namespace", "namespaces", shortNames: ["ns"], namespaced: false, status: true, columns: [("Status", ".status.phase")],
            fields: ["status.phase"]),
        kind(
            "", "v1", "Node", "nodes", shortNames: ["no"], namespaced: false, status: true,
            columns: [("Status", #".status.conditions[?(@.type=="Ready")].reason"#), ("Version", ".status.nodeInfo.kubeletVersion")],
            fields: ["spec.unschedulable"]),
        kind(
            "", "v1", "Pod", "pods", shortNames: ["po"], status: true, generation: true,
            columns: [
                ("Status", ".status.phase"), ("Restarts", ".status.containerStatuses[0].restartCount"), ("IP", ".status.podIP"), ("Node", ".spec.nodeName"),
            ],
            fields: ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase", "status.podIP"]),
        kind("", "v1", "ConfigMap", "configmaps", shortNames: ["cm"], columns: [("Data", "#.data")]),
        kind("", "v1", "Secret", "secrets", columns: [("Type", ".type"), ("Data", "#.data")], fields: ["type"]),
        kind(
            "", "v1", "Service", "services", shortNames: ["svc"], status: true,
            columns: [("Type", ".spec.type"), ("Cluster-IP", ".spec.clusterIP"), ("Port(s)", ".spec.ports[*].port")], fields: ["spec.clusterIP", "spec.type"]),
        kind("", "v1", "ServiceAccount", "serviceaccounts", shortNames: ["sa"]),
        kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", shortNames: ["pvc"], status: true, columns: [("Status", ".status.phase")]),
        kind(
            "", "v1", "Event", "events", type: "core.Event", shortNames: ["ev"],
            columns: [("Type", ".type"), ("Reason", ".reason"), ("Object", ".involvedObject.name"), ("Message", ".message")],
            fields: [
                "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
                "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
            ]),
    ]

    private static let apps: [ServedKind] = {
        let ready = [("Ready", ".status.readyReplicas"), ("Up-to-date", ".status.updatedReplicas"), ("Available", ".status.availableReplicas")]
        let daemons = [
            ("Desired", ".status.desiredNumberScheduled"), ("Current", ".status.currentNumberScheduled"), ("Ready", ".status.numberReady"),
            ("Up-to-date", ".status.updatedNumberScheduled"), ("Available", ".status.numberAvailable"),
        ]
        var kinds = [
            kind("apps", "v1", "Deployment", "deployments", shortNames: ["deploy"], status: true, generation: true, columns: ready),
            kind("apps", "v1", "StatefulSet", "statefulsets", shortNames: ["sts"], status: true, generation: true, columns: ready),
            kind(
                "apps", "v1", "ReplicaSet", "replicasets", shortNames: ["rs"], status: true, generation: true,
                columns: [("Desired", ".spec.replicas"), ("Ready", ".status.readyReplicas")]),
            kind("apps", "v1", "DaemonSet", "daemonsets", shortNames: ["ds"], status: true, generation: true, columns: daemons),
        ]
        for index in 0..<3 {
            kinds[index].scale = ServedKind.Scale(specReplicas: ["spec", "replicas"], statusReplicas: ["status", "replicas"], selector: ["spec", "selector"])
        }
        return kinds
    }()

    private static let others: [ServedKind] = [
        kind("coordination.k8s.io", "v1", "Lease", "leases", columns: [("Holder", ".spec.holderIdentity")]),
        kind(
            "events.k8s.io", "v1", "Event", "events", shortNames: ["ev"],
            columns: [("Type", ".type"), ("Reason", ".reason"), ("Object", ".regarding.name"), ("Message", ".note")],
            fields: ["regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "reason", "reportingController", "type"]),
        kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
        kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", columns: [("Role", ".roleRef.name")]),
        kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced: false),
        kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced: false, columns: [("Role", ".roleRef.name")]),
        kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", shortNames: ["hpa"], status: true, generation: true),
        kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", shortNames: ["pdb"], status: true, generation: true),
        kind("networking.k8s.io", "v1", "Ingress", "ingresses", shortNames: ["ing"], status: true, generation: true),
        kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", shortNames: ["netpol"], generation: true),
        kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", generation: true),
        kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", shortNames: ["pc"], namespaced: false, generation: true),
        kind(
            "admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", namespaced: false, generation: true),
        kind("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", namespaced: false, generation: true),
        definitions,
    ]

    private static let definitions: ServedKind = {
        var out = ServedKind(.customResourceDefinitions, schema: .any)
        out.schema = Schema(.object)
        out.schema.properties = [
            "apiVersion": Schema(.string), "kind": Schema(.string), "metadata": BuiltInSchemas.shared.schemas["meta.ObjectMeta"] ?? .any, "spec": .any,
            "status": .any,
        ]
        out.shortNames = ["crd", "crds"]
        out.hasStatus = true
        out.generation = .outsideStatus
        return out
    }()
}
