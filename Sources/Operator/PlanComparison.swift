// What becomes of a resource's objects between two versions of its file, without a cluster.
// `sonde diff OLD NEW` prints it.
// It never knows what a server adds: objects are compared as they are rendered.

import JSON
import Kubernetes
import KubernetesRuntime
import Rendering

public enum PlanComparison {
    /// By the same planner as the controller's, with the old version's objects as what is there.
    /// - Parameter keptVersions: Of the new version.
    public static func changes(from old: [Manifest], to new: [Manifest], keptVersions: Int) -> [ObjectChange] {
        let plan = ResourcePlanner.plan(new, inventory: old.map { ChildObject($0.type, $0.object) }, keptVersions: keptVersions)
        let before = Dictionary(old.map { ($0.reference, $0.object) }, uniquingKeysWith: { first, _ in first })
        var changes = (plan.applies + plan.held).map { change(before[$0.reference], $0) }
        changes += plan.prunes.map { ObjectChange($0, .delete, before: before[$0]) }
        changes += plan.kept.sorted { "\($0.key)" < "\($1.key)" }.map { ObjectChange($0.key, .keep, note: $0.value.text) }
        return changes
    }

    private static func change(_ old: JSONValue?, _ new: Manifest) -> ObjectChange {
        guard let old else { return ObjectChange(new.reference, .create, after: new.object) }
        if old == new.object { return ObjectChange(new.reference, .unchanged, before: old, after: new.object) }
        let isRestart = ObjectChange.changesPods(old, new.object)
        // A DaemonSet has as many pods as there are nodes.
        let pods: Int? = new.type == .daemonSets ? .none : .some(old.at("spec", "replicas")?.int ?? 1)
        let restarted: Int? = isRestart ? pods : .some(0)
        guard isFixed(old, new) else { return ObjectChange(new.reference, .change, before: old, after: new.object, restartedPods: restarted) }
        let note = "deleted without its pods and made anew; the new one adopts them"
        return ObjectChange(new.reference, .replace, before: old, after: new.object, restartedPods: restarted, note: note)
    }

    /// Whether a field differs that cannot change on a live workload.
    private static func isFixed(_ old: JSONValue, _ new: Manifest) -> Bool {
        guard ResourcePlanner.workloadTypes.contains(new.type) else { return false }
        var fields = ["selector"]
        if new.type == .statefulSets { fields += ["serviceName", "podManagementPolicy", "volumeClaimTemplates"] }
        return fields.contains { old.at("spec", $0) != new.object.at("spec", $0) }
    }
}
