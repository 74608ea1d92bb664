// Objects of a collector that no owner reference reaches: ClusterRoles and Roles in other namespaces. Made, found again, and deleted by us.
// CollectorReconciler calls it before it applies, after it has applied, and when a resource goes.
// It never puts the finalizer on a resource that has no such object: an uninstalled operator must not leave resources stuck.

import CollectorConfig
import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Rendering
import SondeAPI

extension CollectorReconciler {
    /// Names the resource that an object outside its namespace belongs to.
    static let ownerAnnotation = "sonde.dev/owner"

    /// The collector that a detached object belongs to, before and after a change.
    static func detachedOwners(in event: StoreEvent) -> [ObjectName] {
        var objects = [event.object]
        if case .updated(let old, _) = event { objects.append(old) }
        return objects.compactMap { object in
            guard let text = object.metadata.annotations[ownerAnnotation], let slash = text.firstIndex(of: "/") else { return nil }
            return ObjectName(namespace: String(text[..<slash]), name: String(text[text.index(after: slash)...]))
        }
    }

    private static func isDetached(_ manifest: Manifest, from collector: JSONValue) -> Bool {
        manifest.name.namespace != collector.metadata.namespace
    }

    /// Makes sure that the resource outlives its detached objects, before the first one is made.
    /// - Throws: `ApplyError` when another collector that still exists has an object of that name: names join name and namespace with a hyphen.
    func prepareDetached(_ collector: JSONValue, _ manifests: [Manifest]) async throws {
        let detached = manifests.filter { Self.isDetached($0, from: collector) }
        for manifest in detached {
            guard let live = context.stores[manifest.type]?.get(manifest.name), let uid = live.metadata.labels[Inventory.ownerLabel],
                uid != collector.metadata.uid
            else { continue }
            let other = context.store(.openTelemetryCollectors).list().first { $0.metadata.uid == uid }
            if let other { throw ApplyError.claimedByOther(manifest.reference, owner: "OpenTelemetryCollector \(other.metadata.objectName)") }
        }
        guard !detached.isEmpty, let patch = ResourceAnnotations.addition(of: ResourceAnnotations.earlierFinalizer, to: collector) else { return }
        try await context.api.patch(
            .openTelemetryCollectors, collector.metadata.objectName, .json(patch), fieldManager: context.configuration.fieldManager)
    }

    /// Deletes roles that are no longer rendered, wherever they are; without a detached object the finalizer goes too.
    func pruneDetached(_ collector: JSONValue, _ manifests: [Manifest]) async throws {
        guard context.configuration.grantsRoles else { return }
        try await context.applier.prune(ownerUID: collector.metadata.uid, kinds: CollectorAccess.types, keeping: Set(manifests.map(\.reference)))
        if !manifests.contains(where: { Self.isDetached($0, from: collector) }) { try await removeFinalizer(collector) }
    }

    /// Deletes what the resource leaves behind, its roles of an earlier operator included, and lets the resource go.
    func releaseDetached(_ collector: JSONValue) async throws {
        if context.configuration.grantsRoles, !collector.metadata.uid.isEmpty {
            try await context.applier.prune(ownerUID: collector.metadata.uid, kinds: CollectorAccess.types, keeping: [])
            if collector.metadata.finalizers.contains(ResourceAnnotations.earlierFinalizer) { try await deleteEarlierRoles(collector) }
        }
        try await removeFinalizer(collector)
    }

    private func removeFinalizer(_ collector: JSONValue) async throws {
        guard let patch = ResourceAnnotations.removal(of: ResourceAnnotations.earlierFinalizer, from: collector) else { return }
        do {
            try await context.api.patch(
                .openTelemetryCollectors, collector.metadata.objectName, .json(patch), fieldManager: context.configuration.fieldManager)
            context.logger.info("Removed the finalizer", metadata: ["object": "\(collector.metadata.objectName)"])
        } catch let error as KubernetesError where error.code == .notFound {
            return
        }
    }

    /// The finalizer promised to delete these; an object that somebody has labelled for another resource stays.
    private func deleteEarlierRoles(_ collector: JSONValue) async throws {
        let name = collector.metadata.name, namespace = collector.metadata.namespace ?? "default"
        let instance = Names.instance(namespace: namespace, name: name)
        let objects: [(ResourceType, String)] = [
            (.clusterRoleBindings, Names.clusterRoleBinding(name, namespace: namespace)), (.clusterRoles, Names.clusterRole(name, namespace: namespace)),
        ]
        for (type, name) in objects {
            let reference = ObjectName(namespace: nil, name: name)
            guard let live = try await context.api.getIfFound(type, reference, content: .metadataOnly) else { continue }
            let metadata = live.metadata, labels = metadata.labels
            guard labels[Inventory.ownerLabel] == nil, labels["app.kubernetes.io/instance"] == instance, !metadata.isBeingDeleted,
                labels["app.kubernetes.io/managed-by"] == "opentelemetry-operator"
            else { continue }
            let preconditions = Preconditions(uid: metadata.uid, resourceVersion: metadata.resourceVersion)
            do {
                try await context.api.delete(type, reference, preconditions: preconditions)
            } catch let error as KubernetesError where error.code == .notFound {
                continue
            }
        }
    }
}
