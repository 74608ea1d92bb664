// A second tier of pods that comes or goes without a gap: what takes data in changes hands only when the pods that are to take it in are there.
// ResourcePlanner puts it into a plan when a resource begins or ends to have managed trace routing.
// It never waits for a resource that is new, and never when only the content of a tier changes.

import JSON
import Kubernetes
import KubernetesRuntime
import Rendering

/// A change between one tier of pods and two.
enum TierSwitch {
    /// - Parameters:
    ///   - workload: Of the pods that were there first.
    ///   - second: Of the pods in front of them, when they are rendered.
    static func apply(to plan: inout ResourcePlan, workload: Manifest, second: Manifest?, inventory: [ChildObject]) {
        guard let live = inventory.first(where: { $0.reference == workload.reference })?.object, !live.metadata.isBeingDeleted else { return }
        if let second {
            begin(&plan, live, second, inventory)
        } else if let leaving = inventory.first(where: { isSecond($0, besides: workload) }) {
            end(&plan, live, workload, leaving.reference)
        }
    }

    /// Only what is new, and the second tier itself, until its pods are available.
    private static func begin(_ plan: inout ResourcePlan, _ live: JSONValue, _ second: Manifest, _ inventory: [ChildObject]) {
        let state = WorkloadState(inventory.first { $0.reference == second.reference }?.object, type: second.type)
        guard tier(of: live) == nil, state.phase != .available else { return }
        let known = Set(inventory.map(\.reference))
        plan.held += plan.applies.filter { known.contains($0.reference) && $0.reference != second.reference }
        plan.applies.removeAll { known.contains($0.reference) && $0.reference != second.reference }
        keep(&plan)
        plan.waiting = "what takes data in stays as it is until \(second.reference) is available (\(state.ready) of its pods are ready)"
    }

    /// Services find the second tier until the pods that were there first take data in again.
    private static func end(_ plan: inout ResourcePlan, _ live: JSONValue, _ workload: Manifest, _ leaving: ObjectReference) {
        guard tier(of: live) != nil || WorkloadState(live, type: workload.type).phase != .available else { return }
        plan.held += plan.applies.filter { $0.type == .services }
        plan.applies.removeAll { $0.type == .services }
        keep(&plan)
        plan.waiting = "\(leaving) stays until the pods of \(workload.reference) take data in themselves"
    }

    private static func keep(_ plan: inout ResourcePlan) {
        for reference in plan.prunes { plan.kept[reference] = .untilReplaced }
        plan.prunes = []
    }

    /// Whether a rendered object is the workload of the pods in front.
    static func isSecond(_ manifest: Manifest) -> Bool { ResourcePlanner.workloadTypes.contains(manifest.type) && tier(of: manifest.object) == "routing" }

    private static func isSecond(_ child: ChildObject, besides workload: Manifest) -> Bool {
        ResourcePlanner.workloadTypes.contains(child.type) && child.object.metadata.name != workload.name.name && !child.object.metadata.isBeingDeleted
            && tier(of: child.object) == "routing"
    }

    private static func tier(of workload: JSONValue) -> String? {
        workload.at("spec", "template", "metadata", "labels")?[CollectorRendering.tierLabel]?.string
    }
}
