// Makes a workload anew whose fixed fields must change, one request at a time.
// ReconcilerContext calls it after the API server refused an apply.
// It never deletes a workload with its pods, and never one whose controller is not the resource.

import JSON
import Kubernetes
import KubernetesRuntime
import Rendering

struct WorkloadReplacement {
    let context: ReconcilerContext
    let owner: JSONValue
    let manifest: Manifest

    /// - Returns: The answer to an apply; nil when the old workload is not gone yet, which the watch will tell.
    /// - Throws: The refusal, with a better remedy where there is one, when nothing can be done.
    func perform(after refusal: ApplyError) async throws -> JSONValue? {
        guard let live = try await live() else { return try await apply(manifest.object) }
        guard live.metadata.controller?.uid == owner.metadata.uid else { throw refusal }
        if live.metadata.isBeingDeleted { return nil }
        switch ImmutableChange.way(from: live, to: manifest.object, type: manifest.type) {
        case .refused(let remedy): throw ApplyError(immutable: "spec", manifest.reference, remedy: remedy)
        case .bridge(let bridge): return try await apply(bridge)
        case .release(let growing):
            for growth in growing { try await grow(growth) }
            try await context.applier.releasePods(of: manifest.reference, live: live)
            // A server that lets go of the pods in the background still has it; its end is an event.
            return try await self.live() == nil ? apply(withReplicas(of: live)) : nil
        }
    }

    /// A number that is another's to choose goes on as it was.
    private func withReplicas(of live: JSONValue) -> JSONValue {
        guard manifest.type != .daemonSets, manifest.object.at("spec", "replicas") == nil, let replicas = live.at("spec", "replicas") else {
            return manifest.object
        }
        var object = manifest.object
        object.set(["spec", "replicas"], to: replicas)
        return object
    }

    private func live() async throws -> JSONValue? { try await context.api.getIfFound(manifest.type, manifest.name) }

    private func apply(_ object: JSONValue) async throws -> JSONValue? {
        guard case .applied(let answer) = try await context.applier.apply(object, type: manifest.type, ownerUID: owner.metadata.uid) else { return nil }
        return answer
    }

    /// Claims grow before the templates say so: once the StatefulSet is made anew, nothing tells any more that they are too small.
    private func grow(_ growth: ClaimGrowth) async throws {
        for name in growth.claimNames(of: manifest.name.name) {
            let claim = ObjectName(namespace: manifest.name.namespace, name: name)
            guard let live = try await context.api.getIfFound(.persistentVolumeClaims, claim), let patch = VolumeClaims.patch(live, growth) else { continue }
            do {
                try await context.api.patch(.persistentVolumeClaims, claim, .merge(patch), fieldManager: context.configuration.fieldManager)
            } catch let error as KubernetesError where [.forbidden, .invalid].contains(error.code) {
                let remedy =
                    "the claim \(name) cannot grow to \(growth.storage): \(error.message). Use a storage class with allowVolumeExpansion, or undo the change"
                throw ApplyError(immutable: "spec.volumeClaimTemplates", manifest.reference, remedy: remedy)
            }
        }
    }
}
