// The scale subresource: a kind's replicas as an autoscaling/v1 Scale.
// Reads and writes of `/scale` go through it.
// It never touches any other field.

import JSON
import Kubernetes

enum ScaleView {
    static func scale(of object: JSONValue, _ kind: ServedKind) throws(KubernetesError) -> JSONValue {
        guard let paths = kind.scale else { throw .unknownSubresource(kind, "scale") }
        var metadata: JSONValue = [:]
        for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            if let value = object.at("metadata", key) { metadata[key] = value }
        }
        var status: JSONValue = ["replicas": object.at(paths.statusReplicas) ?? 0]
        if let selector = paths.selector.flatMap({ object.at($0) }) {
            status["selector"] = selector.string != nil ? selector : (try? LabelSelector(decoding: selector)).map { .string($0.text) }
        }
        return [
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": ["replicas": object.at(paths.specReplicas) ?? 0], "status": status,
        ]
    }

    /// The object with the replicas of a Scale.
    static func applying(_ scale: JSONValue, to object: JSONValue, _ kind: ServedKind) throws(KubernetesError) -> JSONValue {
        guard let paths = kind.scale else { throw .unknownSubresource(kind, "scale") }
        guard let replicas = scale.at("spec", "replicas")?.int else {
            throw .invalid(kind, object.metadata.name, [.required("spec.replicas")])
        }
        guard replicas >= 0 else {
            throw .invalid(kind, object.metadata.name, [.invalid("spec.replicas", .int(Int64(replicas)), "must be greater than or equal to 0")])
        }
        var out = object
        out.set(paths.specReplicas, to: .int(Int64(replicas)))
        return out
    }
}
