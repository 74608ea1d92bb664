// Traces of the operator that managed these resources before: its field managers, its finalizer, and objects that lack our inventory's label.
// The collector's reconciler adopts with it what it finds.
// It never adopts an object whose controller is another resource.

import JSON
import Kubernetes
import KubernetesRuntime
import Logging

enum EarlierOperator {
    /// Names under which it wrote: its binary's, and its own.
    static let fieldManagers: Set<String> = ["manager", "opentelemetry-operator"]

    /// Workloads of a resource that the inventory does not have; asked for only while it has none, as for a new resource.
    static func workloads(_ name: ObjectName, ownerUID: String, in context: ReconcilerContext) async throws -> [ChildObject] {
        let types = ResourcePlanner.workloadTypes.filter { context.stores[$0] != nil }.sorted { $0.plural < $1.plural }
        if types.contains(where: { context.store($0).get(name) != nil }) { return [] }
        var found: [ChildObject] = []
        for type in types {
            guard let live = try await context.api.getIfFound(type, name), live.metadata.controller?.uid == ownerUID else { continue }
            found.append(ChildObject(type, live))
        }
        return found
    }

    /// Puts the inventory's label on earlier ConfigMaps and workloads that are not rendered, so that they go when they are no longer needed.
    /// - Parameter labels: Of the resource's objects.
    static func adoptLeftovers(
        _ workloads: [ChildObject], keeping wanted: Set<ObjectReference>, labels: [String: String], owner: JSONValue, in context: ReconcilerContext
    ) async throws {
        guard !workloads.isEmpty else { return }
        let namespace = owner.metadata.namespace
        let list = try await context.api.listAll(.configMaps, namespace: namespace, labelSelector: LabelSelector(matching: labels), content: .metadataOnly)
        let configMaps = list.items.filter { $0.metadata.controller?.uid == owner.metadata.uid }.map { ChildObject(.configMaps, $0) }
        for child in workloads + configMaps where !wanted.contains(child.reference) && child.object.metadata.labels[Inventory.ownerLabel] == nil {
            var metadata: JSONValue = ["name": .string(child.object.metadata.name), "labels": [Inventory.ownerLabel: .string(owner.metadata.uid)]]
            if let namespace { metadata["namespace"] = .string(namespace) }
            let mark: JSONValue = ["apiVersion": .string(child.type.apiVersion), "kind": .string(child.type.kind), "metadata": metadata]
            try await context.api.apply(child.type, mark, fieldManager: context.configuration.fieldManager, force: true)
            context.logger.info("Took an object of an earlier operator into the inventory", metadata: ["object": "\(child.reference)"])
        }
    }
}
