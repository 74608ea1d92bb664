// What the plan of a resource would do in a cluster, found by dry runs: which objects are made, changed, made anew or deleted, and which pods are replaced.
// `sonde diff` prints it; a test compares it with what the controller then does.
// It never writes: every request but reads is a dry run.

import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Rendering
import SondeAPI

/// Asks a cluster what a plan would do.
public struct PlanPreview: Sendable {
    private let api: any KubernetesAPI
    private let fieldManager: String
    private let takeover = FieldTakeover(managers: EarlierOperator.fieldManagers)
    private let applier: Applier

    /// - Parameter fieldManager: The operator's; another one would meet conflicts that the operator does not.
    public init(api: any KubernetesAPI, fieldManager: String = "sonde-operator", logger: Logger) {
        self.api = api
        self.fieldManager = fieldManager
        // Its gate stays closed: nothing can be written through it.
        applier = Applier(api: api, fieldManager: fieldManager, gate: WriteGate(), logger: logger)
    }

    /// What rendering a collector needs from the cluster. - Throws: `KubernetesError`.
    public func facts(_ base: CollectorFacts, for collector: OpenTelemetryCollector) async throws -> CollectorFacts {
        var facts = base
        let autoscalers = try await api.listAll(.horizontalPodAutoscalers, namespace: collector.name.namespace).items
        facts.scale = CollectorScales.scale(of: collector, autoscalers: autoscalers)
        if facts.scale.isOwnedByOthers, let type = CollectorRendering.workloadType(of: collector.spec.mode),
            try await api.getIfFound(type, CollectorScales.workloadName(of: collector), content: .metadataOnly) != nil
        {
            facts.scale.initialReplicas = nil
        }
        facts.contentHash = try await ContentHash(api: api).answer(for: collector)?.hash
        return facts
    }

    /// What applying a collector would do. - Throws: `KubernetesError`.
    public func changes(of collector: OpenTelemetryCollector, manifests: [Manifest]) async throws -> [ObjectChange] {
        let kinds = OperatorScope.alwaysRendered + CollectorAccess.types + CollectorRendering.neighbours
        return try await changes(of: collector.object, manifests: manifests, kinds: kinds, keptVersions: collector.spec.configVersions) { inventory in
            let found = Dictionary(inventory.map { ($0.reference, $0.object) }, uniquingKeysWith: { first, _ in first })
            // Without a look at pods: what is foretold is the step that the next reconcile takes, and a trial is not ended in it.
            return CanaryRollout(CanaryFacts(collector: collector, manifests: manifests, live: { found[$0] }, now: SystemTime().wallClock))
        }
    }

    /// What applying a probe would do. - Throws: `KubernetesError`.
    public func changes(ofProbe probe: JSONValue, manifests: [Manifest]) async throws -> [ObjectChange] {
        try await changes(of: probe, manifests: manifests, kinds: ProbeReconciler.prunableKinds, keptVersions: 0)
    }

    private func changes(
        of owner: JSONValue, manifests: [Manifest], kinds: [ResourceType], keptVersions: Int, rollout: ([ChildObject]) -> CanaryRollout? = { _ in nil }
    )
        async throws -> [ObjectChange]
    {
        let uid = owner.metadata.uid, namespace = owner.metadata.namespace
        var inventory: [ChildObject] = []
        var unseen: [ObjectChange] = []
        // A resource that is not in the cluster has no objects there.
        for kind in kinds where !uid.isEmpty {
            do {
                inventory += try await applier.inventory(ownerUID: uid, kinds: [kind], namespace: namespace, content: .full)
            } catch let error as KubernetesError where error.code == .notFound && CollectorRendering.neighbours.contains(kind) {
                continue  // A kind that is not served has no objects.
            } catch let error as KubernetesError where error.code == .forbidden && !kind.isNamespaced {
                // Who may see one namespace sees what changes there.
                let all = ObjectReference(kind, ObjectName(namespace: nil, name: "*"))
                unseen.append(ObjectChange(all, .keep, note: "you may not list them: whether one is left over is not known"))
            }
        }
        if let workload = manifests.first(where: { ResourcePlanner.workloadTypes.contains($0.type) }),
            !inventory.contains(where: { $0.reference == workload.reference }),
            let live = try await api.getIfFound(workload.type, workload.name)
        {
            inventory.append(ChildObject(workload.type, live))
        }
        let rollout = rollout(inventory)
        var plan = ResourcePlanner.plan(rollout?.manifests ?? manifests, inventory: inventory, keptVersions: keptVersions)
        rollout?.adjust(&plan)
        try await plan.keepMounted(api, namespace: namespace)
        let found = Dictionary(inventory.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
        var changes = unseen
        for manifest in plan.applies { changes.append(try await preview(manifest, ownerUID: uid)) }
        for manifest in plan.held { changes.append(ObjectChange(manifest.reference, .hold, note: plan.waiting ?? "")) }
        let isRefused = changes.contains { $0.action == .refuse }
        for reference in plan.prunes {
            let stays = ObjectChange(reference, .keep, note: "stays until every object could be applied")
            changes.append(isRefused ? stays : Self.deletion(found[reference], reference))
        }
        for (reference, reason) in plan.kept.sorted(by: { "\($0.key)" < "\($1.key)" }) { changes.append(ObjectChange(reference, .keep, note: reason.text)) }
        return changes
    }

    private static func deletion(_ child: ChildObject?, _ reference: ObjectReference) -> ObjectChange {
        var object = child?.object
        // Items of lists carry neither.
        object?["apiVersion"] = .string(reference.type.apiVersion)
        object?["kind"] = .string(reference.type.kind)
        return ObjectChange(reference, .delete, before: object.map(ObjectChange.comparable))
    }

    private func preview(_ manifest: Manifest, ownerUID: String) async throws -> ObjectChange {
        let reference = manifest.reference
        let live: JSONValue?
        do {
            live = try await api.getIfFound(manifest.type, manifest.name)
        } catch let error as KubernetesError where error.code == .forbidden && !manifest.type.isNamespaced {
            return ObjectChange(reference, .hold, note: "you may not read it, so it is not compared")
        }
        if let live, let refusal = ApplyError.refusal(of: live, for: manifest.object, reference, ownerUID: ownerUID) {
            return ObjectChange(reference, .refuse, note: refusal.message)
        }
        if live?.metadata.isBeingDeleted == true { return ObjectChange(reference, .hold, note: "it is being deleted") }
        do {
            let merged = try await api.apply(manifest.type, manifest.object, fieldManager: fieldManager, force: true, dryRun: true)
            guard let live else { return ObjectChange(reference, .create, after: ObjectChange.comparable(merged)) }
            return change(manifest, from: live, to: try await adopted(manifest, live, merged, ownerUID))
        } catch let error as KubernetesError where error.code == .notFound && CollectorRendering.neighbours.contains(manifest.type) {
            return ObjectChange(reference, .hold, note: "the cluster does not serve this kind")
        } catch let error as KubernetesError where live == nil && error.code == .notFound {
            return ObjectChange(reference, .create, after: manifest.object, note: "the namespace \(manifest.name.namespace ?? "") is not there yet")
        } catch let error as KubernetesError where [.invalid, .badRequest, .forbidden, .conflict].contains(error.code) {
            return try await refused(manifest, live, error, ownerUID)
        }
    }

    /// The result with the earlier operator's fields gone that a real apply would take away.
    private func adopted(_ manifest: Manifest, _ live: JSONValue, _ merged: JSONValue, _ ownerUID: String) async throws -> JSONValue {
        guard live.metadata.labels[Inventory.ownerLabel] != ownerUID,
            let forecast = takeover.forecast(live, merged: merged, manifest: manifest.object)
        else { return merged }
        do {
            return try await api.replace(manifest.type, forecast, fieldManager: fieldManager, dryRun: true)
        } catch is KubernetesError {
            return merged  // Who may not replace sees what an apply alone would do.
        }
    }

    private func change(_ manifest: Manifest, from live: JSONValue, to result: JSONValue, action: ObjectChange.Action = .change, note: String = "")
        -> ObjectChange
    {
        let before = ObjectChange.comparable(live), after = ObjectChange.comparable(result)
        if before == after { return ObjectChange(manifest.reference, .unchanged, before: before, after: after) }
        let isRestart = ObjectChange.changesPods(before, after)
        return ObjectChange(
            manifest.reference, action, before: before, after: after, restartedPods: isRestart ? ObjectChange.pods(of: live, type: manifest.type) : 0,
            note: note)
    }

    private func refused(_ manifest: Manifest, _ live: JSONValue?, _ error: KubernetesError, _ ownerUID: String) async throws -> ObjectChange {
        let reference = manifest.reference
        guard let refusal = ApplyError(classifying: error, reference), let live, refusal.code == .immutableField,
            live.metadata.controller?.uid == ownerUID
        else { return ObjectChange(reference, .refuse, note: ApplyError(classifying: error, reference)?.message ?? "the API server refuses it: \(error)") }
        switch ImmutableChange.way(from: live, to: manifest.object, type: manifest.type) {
        case .refused(let remedy): return ObjectChange(reference, .refuse, note: ApplyError(immutable: "spec", reference, remedy: remedy).message)
        case .bridge(let bridge):
            let merged = try await api.apply(manifest.type, bridge, fieldManager: fieldManager, force: true, dryRun: true)
            return change(manifest, from: live, to: merged, note: "first its pods get labels that the old and the new selector match, then it is made anew")
        case .release(let growing):
            let claims = growing.isEmpty ? "" : "; its claims grow to \(growing.map { "\($0.name) \($0.storage)" }.joined(separator: ", "))"
            let note = "deleted without its pods and made anew; the new one adopts them" + claims
            return change(manifest, from: live, to: try await madeAnew(manifest), action: .replace, note: note)
        }
    }

    /// As the server would store it: made under a name that is free, in a dry run.
    private func madeAnew(_ manifest: Manifest) async throws -> JSONValue {
        var object = manifest.object
        object.set(["metadata", "name"], to: .string("\(manifest.name.name.prefix(40))-dry-run-of-sonde"))
        var made = try await api.apply(manifest.type, object, fieldManager: fieldManager, force: true, dryRun: true)
        made.set(["metadata", "name"], to: .string(manifest.name.name))
        return made
    }
}
