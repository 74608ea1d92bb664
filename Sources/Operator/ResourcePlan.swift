// What is done with the objects of a resource, decided from what is rendered and what is there: apply, leave for now, keep, delete.
// The controllers do exactly what it says, and `sonde diff` tells it.
// It never asks a server and never decides whether an apply changes anything: the server does.

import JSON
import Kubernetes
import KubernetesRuntime
import Rendering

/// The steps of one resource, in the order in which they are taken: applies, then deletes.
public struct ResourcePlan: Hashable, Sendable {
    /// Why an object that is no longer rendered stays.
    public enum KeepReason: Hashable, Sendable {
        /// One of the newest earlier configurations, `spec.configVersions`.
        case earlierVersion
        /// A pod mounts it, or may be started anew with it.
        case mounted
        /// Its successor is not available yet.
        case untilReplaced

        public var text: String {
            switch self {
            case .earlierVersion: "one of the earlier configurations that spec.configVersions keeps"
            case .mounted: "a pod mounts it"
            case .untilReplaced: "goes when its successor is available"
            }
        }
    }

    /// Applied by server-side apply, in this order.
    public internal(set) var applies: [Manifest]
    /// Not touched for now.
    public internal(set) var held: [Manifest] = []
    /// Not rendered, and not deleted.
    public internal(set) var kept: [ObjectReference: KeepReason] = [:]
    /// Deleted after every apply succeeded.
    public internal(set) var prunes: [ObjectReference] = []
    /// What the rest of the plan waits for, for people; nil when nothing is left to do after it.
    public internal(set) var waiting: String?

    /// The labels of the pods of each workload that is rendered.
    private var podLabels: [[String: String]] {
        (applies + held).filter { ResourcePlanner.workloadTypes.contains($0.type) }.compactMap { workload in
            guard let labels = workload.object.at("spec", "selector", "matchLabels")?.object else { return nil }
            return Dictionary(labels.compactMap { key, value in value.string.map { (key, $0) } }, uniquingKeysWith: { $1 })
        }
    }

    /// Keeps ConfigMaps that pods mount, whatever `configVersions` says. Where pods cannot be looked at, all are kept.
    /// - Throws: `KubernetesError`.
    mutating func keepMounted(_ api: any KubernetesAPI, namespace: String?) async throws {
        let candidates = prunes.filter { $0.type == .configMaps }
        let podLabels = podLabels
        guard !candidates.isEmpty, !podLabels.isEmpty else { return }
        var mounted = candidates
        do {
            var names: Set<String> = []
            for labels in podLabels { names.formUnion(try await ConfigMapUse.names(api, labels: labels, namespace: namespace)) }
            mounted = candidates.filter { names.contains($0.name.name) }
        } catch let error as KubernetesError where error.code == .forbidden {}
        for reference in mounted { kept[reference] = .mounted }
        prunes.removeAll(where: mounted.contains)
    }
}

/// Makes plans.
public enum ResourcePlanner {
    /// Kinds that run pods.
    static let workloadTypes: Set<ResourceType> = [.deployments, .statefulSets, .daemonSets]
    /// What finds pods by the same labels as the workload.
    private static let selectingTypes: Set<ResourceType> = [.services, .podDisruptionBudgets]

    /// - Parameters:
    ///   - desired: Everything that is rendered, in the order of its applies.
    ///   - inventory: The objects that belong to the resource, workloads as a whole. One that is missing here is not deleted.
    ///   - keptVersions: Earlier ConfigMaps to keep.
    public static func plan(_ desired: [Manifest], inventory: [ChildObject], keptVersions: Int) -> ResourcePlan {
        var plan = ResourcePlan(applies: desired)
        let wanted = Set(desired.map(\.reference))
        let leftovers = inventory.filter { !wanted.contains($0.reference) && !$0.object.metadata.isBeingDeleted }
        for reference in earlierVersions(leftovers, keptVersions) { plan.kept[reference] = .earlierVersion }
        plan.prunes = leftovers.map(\.reference).filter { plan.kept[$0] == nil }
        guard let workload = desired.first(where: { workloadTypes.contains($0.type) }) else { return plan }
        holdSelectors(&plan, workload, inventory)
        if let change = WorkloadSwitch(to: workload, inventory: inventory) { change.apply(to: &plan) }
        TierSwitch.apply(to: &plan, workload: workload, second: desired.first(where: TierSwitch.isSecond), inventory: inventory)
        return plan
    }

    /// The newest earlier ConfigMaps, of each tier of pods as many: pods of the version before still mount one.
    private static func earlierVersions(_ leftovers: [ChildObject], _ count: Int) -> [ObjectReference] {
        let versions = Dictionary(grouping: leftovers.filter { $0.type == .configMaps }) { $0.object.metadata.labels["app.kubernetes.io/component"] }
        return versions.values.flatMap { newest($0, count) }
    }

    private static func newest(_ versions: [ChildObject], _ count: Int) -> [ObjectReference] {
        let newestFirst = versions.sorted { left, right in
            let (a, b) = (left.object.metadata.creationTimestamp, right.object.metadata.creationTimestamp)
            guard let a, let b, a != b else { return left.object.metadata.name > right.object.metadata.name }
            return a > b
        }
        return newestFirst.prefix(count).map(\.reference)
    }

    /// While the workload's pods do not have the new labels yet, what selects pods goes on with the old ones.
    private static func holdSelectors(_ plan: inout ResourcePlan, _ workload: Manifest, _ inventory: [ChildObject]) {
        guard let live = inventory.first(where: { $0.reference == workload.reference })?.object, !live.metadata.isBeingDeleted else { return }
        guard let old = live.at("spec", "selector"), let new = workload.object.at("spec", "selector"), old != new else { return }
        // Pods that match both are found by either; from here on what selects goes first, or an operator that ends now would leave it behind.
        if ImmutableChange.isBridged(live, to: workload.object, type: workload.type) { return }
        plan.held = plan.applies.filter { selectingTypes.contains($0.type) }
        plan.applies.removeAll { selectingTypes.contains($0.type) }
        plan.waiting = "the selector of \(workload.reference) changes: its pods get the new labels first, then Services and budgets follow"
    }
}
