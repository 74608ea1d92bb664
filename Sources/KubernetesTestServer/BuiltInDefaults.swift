// The defaults that a real API server puts into objects of built-in kinds.
// Admission applies them, so that whoever compares a stored object with an undefaulted copy notices here and not in a cluster.
// It never overrides a value that was given.

import JSON
import Kubernetes

enum BuiltInDefaults {
    /// The object with defaults (k8s.io/kubernetes/pkg/apis/*/v1/defaults.go, as far as this server serves the kinds).
    static func apply(to object: JSONValue, kind: ResourceType, live: JSONValue?) -> JSONValue {
        var out = object
        switch kind.kind {
        case "Deployment": deployment(&out)
        case "DaemonSet": daemonSet(&out)
        case "StatefulSet": statefulSet(&out)
        case "ReplicaSet": out.fill(["spec", "replicas"], 1)
        case "Pod": pod(&out)
        case "Service": service(&out, live)
        case "Secret": secret(&out)
        case "Namespace": namespace(&out)
        case "HorizontalPodAutoscaler": autoscaler(&out)
        case "RoleBinding", "ClusterRoleBinding": binding(&out)
        case "PersistentVolumeClaim": out.fill(["spec", "volumeMode"], "Filesystem")
        default: break
        }
        if out.at("spec", "template", "spec") != nil { out.change(["spec", "template", "spec"], PodDefaults.apply) }
        return out
    }

    private static func deployment(_ out: inout JSONValue) {
        out.fill(["spec", "replicas"], 1)
        out.fill(["spec", "revisionHistoryLimit"], 10)
        out.fill(["spec", "progressDeadlineSeconds"], 600)
        out.fill(["spec", "strategy", "type"], "RollingUpdate")
        if out.at("spec", "strategy", "type") == "RollingUpdate" {
            out.fill(["spec", "strategy", "rollingUpdate", "maxUnavailable"], "25%")
            out.fill(["spec", "strategy", "rollingUpdate", "maxSurge"], "25%")
        }
    }

    private static func daemonSet(_ out: inout JSONValue) {
        out.fill(["spec", "revisionHistoryLimit"], 10)
        out.fill(["spec", "updateStrategy", "type"], "RollingUpdate")
        if out.at("spec", "updateStrategy", "type") == "RollingUpdate" {
            out.fill(["spec", "updateStrategy", "rollingUpdate", "maxSurge"], 0)
            out.fill(["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"], 1)
        }
    }

    private static func statefulSet(_ out: inout JSONValue) {
        out.fill(["spec", "replicas"], 1)
        out.fill(["spec", "revisionHistoryLimit"], 10)
        out.fill(["spec", "podManagementPolicy"], "OrderedReady")
        out.fill(["spec", "updateStrategy", "type"], "RollingUpdate")
        if out.at("spec", "updateStrategy", "type") == "RollingUpdate" { out.fill(["spec", "updateStrategy", "rollingUpdate", "partition"], 0) }
        out.fill(["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"], "Retain")
        out.fill(["spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"], "Retain")
        out.changeEach(["spec", "volumeClaimTemplates"]) { claim in
            claim.fill(["kind"], "PersistentVolumeClaim")
            claim.fill(["apiVersion"], "v1")
            claim.fill(["spec", "volumeMode"], "Filesystem")
            claim.fill(["status", "phase"], "Pending")
        }
    }

    private static func pod(_ out: inout JSONValue) {
        guard out["spec"]?.object != nil else { return }
        out.change(["spec"]) { spec in
            PodDefaults.apply(to: &spec)
            spec.fill(["serviceAccountName"], "default")
            spec.fill(["serviceAccount"], spec["serviceAccountName"] ?? "default")
            spec.fill(["enableServiceLinks"], true)
            spec.fill(["preemptionPolicy"], "PreemptLowerPriority")
            spec.fill(["priority"], 0)
        }
        out.fill(["status", "phase"], "Pending")
        out.fill(["status", "qosClass"], "BestEffort")
    }

    private static func service(_ out: inout JSONValue, _ live: JSONValue?) {
        out.fill(["spec", "type"], "ClusterIP")
        out.fill(["spec", "sessionAffinity"], "None")
        out.changeEach(["spec", "ports"]) { port in
            port.fill(["protocol"], "TCP")
            if let number = port["port"] { port.fill(["targetPort"], number) }
        }
        if out.at("spec", "type") == "ExternalName" { return }
        out.fill(["spec", "internalTrafficPolicy"], "Cluster")
        if out.at("spec", "type") != "ClusterIP" { out.fill(["spec", "externalTrafficPolicy"], "Cluster") }
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if let kept = live?.at("spec", key) { out.fill(["spec", key], kept) }
        }
        if let address = out.at("spec", "clusterIP") { out.fill(["spec", "clusterIPs"], [address]) }
        out.fill(["spec", "ipFamilies"], ["IPv4"])
        out.fill(["spec", "ipFamilyPolicy"], "SingleStack")
        out.fill(["status", "loadBalancer"], [:])
    }

    private static func secret(_ out: inout JSONValue) {
        out.fill(["type"], "Opaque")
        for (key, value) in out["stringData"]?.object ?? [:] {
            if let text = value.string { out.set(["data", key], to: .string(Base64.encode(Array(text.utf8)))) }
        }
        out["stringData"] = nil
    }

    private static func namespace(_ out: inout JSONValue) {
        out.set(["metadata", "labels", "kubernetes.io/metadata.name"], to: .string(out.metadata.name))
        if !out.metadata.isBeingDeleted { out.fill(["spec", "finalizers"], ["kubernetes"]) }
        out.fill(["status", "phase"], "Active")
    }

    /// k8s.io/kubernetes/pkg/apis/autoscaling/v2/defaults.go
    private static func autoscaler(_ out: inout JSONValue) {
        out.fill(["spec", "minReplicas"], 1)
        if (out.at("spec", "metrics")?.array ?? []).isEmpty {
            let cpu: JSONValue = ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]]
            out.set(["spec", "metrics"], to: [["type": "Resource", "resource": cpu]])
        }
        guard out.at("spec", "behavior") != nil else { return }
        let percent: JSONValue = ["type": "Percent", "value": 100, "periodSeconds": 15]
        for (direction, policies) in [("scaleUp", [["type": "Pods", "value": 4, "periodSeconds": 15], percent]), ("scaleDown", [percent])]
            as [(String, JSONValue)]
        {
            out.fill(["spec", "behavior", direction, "selectPolicy"], "Max")
            out.fill(["spec", "behavior", direction, "policies"], policies)
        }
        out.fill(["spec", "behavior", "scaleUp", "stabilizationWindowSeconds"], 0)
    }

    private static func binding(_ out: inout JSONValue) {
        out.fill(["roleRef", "apiGroup"], "rbac.authorization.k8s.io")
        out.changeEach(["subjects"]) { subject in
            if subject["kind"] == "User" || subject["kind"] == "Group" { subject.fill(["apiGroup"], "rbac.authorization.k8s.io") }
        }
    }
}

extension JSONValue {
    /// Sets a value where there is none.
    mutating func fill(_ path: [String], _ value: JSONValue) {
        if at(path) == nil { set(path, to: value) }
    }

    /// Changes the value at a path, when there is one.
    mutating func change(_ path: [String], _ body: (inout JSONValue) -> Void) {
        guard var value = at(path) else { return }
        body(&value)
        set(path, to: value)
    }

    /// Changes each element of the list at a path.
    mutating func changeEach(_ path: [String], _ body: (inout JSONValue) -> Void) {
        change(path) { list in
            guard let elements = list.array else { return }
            list = .array(
                elements.map { element in
                    var changed = element
                    if element.object != nil { body(&changed) }
                    return changed
                })
        }
    }
}
