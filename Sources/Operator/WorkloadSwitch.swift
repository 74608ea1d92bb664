// A change of mode without a gap: the new workload is made and available before the old one goes; Services select the pods of both.
// ResourcePlanner puts it into a plan when workloads of two kinds are there.
// It never waits for a workload that replaces nothing.

import JSON
import Kubernetes
import KubernetesRuntime
import Rendering

/// A workload that is to take the place of one of another kind.
struct WorkloadSwitch {
    let workload: Manifest
    let earlier: ObjectReference
    private let progress: String

    /// Nil when there is no pod to replace, or the new workload is available.
    init?(to workload: Manifest, inventory: [ChildObject]) {
        let others = inventory.filter {
            ResourcePlanner.workloadTypes.contains($0.type) && $0.type != workload.type && $0.object.metadata.name == workload.name.name
        }
        guard let earlier = others.first(where: { Self.podCount($0) > 0 && !$0.object.metadata.isBeingDeleted }) else { return nil }
        let live = inventory.first { $0.reference == workload.reference }?.object
        let state = WorkloadState(live, type: workload.type)
        if state.phase == .available { return nil }
        self.workload = workload
        self.earlier = earlier.reference
        progress = "\(state.ready) of its pods are ready"
    }

    func apply(to plan: inout ResourcePlan) {
        for reference in plan.prunes { plan.kept[reference] = .untilReplaced }
        plan.prunes = []
        plan.applies = plan.applies.map(withAnyNode)
        plan.waiting =
            "\(earlier) stays until \(workload.reference) is available (\(progress)); where both cannot run, as with the same host ports, delete "
            + "\(earlier.type.kind) \(earlier.name.name) to go on without waiting"
    }

    /// Nodes without a pod of the new DaemonSet are still served by the pods of other nodes.
    private func withAnyNode(_ manifest: Manifest) -> Manifest {
        guard manifest.type == .services, manifest.object.at("spec", "internalTrafficPolicy") == "Local" else { return manifest }
        var object = manifest.object
        object.set(["spec", "internalTrafficPolicy"], to: "Cluster")
        return Manifest(type: manifest.type, name: manifest.name, object: object)
    }

    private static func podCount(_ child: ChildObject) -> Int {
        let status = child.object["status"]
        return (child.type == .daemonSets ? status?["currentNumberScheduled"] : status?["replicas"])?.int ?? 0
    }
}
