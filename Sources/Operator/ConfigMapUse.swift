// Which ConfigMaps pods mount at this moment, or would mount when they are started anew.
// The controllers ask before they delete an earlier configuration; so does `sonde diff`.
// It never caches: what destroys is decided on live reads.

import JSON
import Kubernetes

enum ConfigMapUse {
    /// Names of ConfigMaps in volumes of pods, and of ReplicaSets that are to have pods.
    /// - Parameter labels: Of the pods.
    /// - Throws: `KubernetesError`.
    static func names(_ api: any KubernetesAPI, labels: [String: String], namespace: String?) async throws -> Set<String> {
        let selector = LabelSelector(matching: labels)
        let pods = try await api.listAll(.pods, namespace: namespace, labelSelector: selector).items
        let replicaSets = try await api.listAll(.replicaSets, namespace: namespace, labelSelector: selector).items
        let running = pods.filter { !["Succeeded", "Failed"].contains($0.at("status", "phase")?.string ?? "") }.compactMap { $0["spec"] }
        let wanted = replicaSets.filter { ($0.at("spec", "replicas")?.int ?? 1) > 0 }.compactMap { $0.at("spec", "template", "spec") }
        return Set((running + wanted).flatMap(mounted))
    }

    /// By one pod, or one template's `spec`.
    static func mounted(_ pod: JSONValue) -> [String] {
        (pod["volumes"]?.array ?? []).flatMap { volume -> [String] in
            let projected = volume.at("projected", "sources")?.array ?? []
            return ([volume] + projected).compactMap { $0.at("configMap", "name")?.string }
        }
    }
}
