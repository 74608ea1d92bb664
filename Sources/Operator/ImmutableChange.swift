// How a change that the API server refuses on a live workload is made without a gap.
// ReconcilerContext does what it says after a refusal; `sonde diff` shows it after the refusal of a dry run.
// It never deletes pods or claims, and never takes the way of deletion where another object of ours could be left without an owner.

import CollectorConfig
import JSON
import Kubernetes
import KubernetesRuntime
import Rendering

/// The way around a field that is fixed on a live workload.
///
/// Each step starts from what is there, so that it may be interrupted after any request and goes on from what it finds.
enum ImmutableChange: Hashable {
    /// The workload is deleted alone; the one that is made next adopts its pods by their labels.
    case release(growing: [ClaimGrowth])
    /// The pods first get labels that both selectors match; `release` follows when all of them have.
    case bridge(JSONValue)
    /// There is no way without a gap; the text says what a user can do, as an imperative.
    case refused(remedy: String)

    /// - Parameters:
    ///   - live: The workload as it is, ours.
    ///   - desired: The manifest that was refused.
    static func way(from live: JSONValue, to desired: JSONValue, type: ResourceType) -> ImmutableChange {
        guard ResourcePlanner.workloadTypes.contains(type) else { return .refused(remedy: "delete it and it is made anew, or undo the change") }
        let selector = live.at("spec", "selector"), wanted = desired.at("spec", "selector")
        if selector == wanted {
            let added = VolumeClaims.added(from: live, to: desired)
            if !added.isEmpty { return .refused(remedy: claimsRemedy(live, added)) }
            return .release(growing: VolumeClaims.growing(from: live, to: desired))
        }
        if isBridged(live, to: desired, type: type) { return .release(growing: VolumeClaims.growing(from: live, to: desired)) }
        return bridged(live, desired) ?? .refused(remedy: selectorRemedy(live, type))
    }

    /// True once every pod of the live workload has the labels of both selectors.
    static func isBridged(_ live: JSONValue, to desired: JSONValue, type: ResourceType) -> Bool {
        let podLabels = live.at("spec", "template", "metadata", "labels")?.object ?? [:]
        let wantedLabels = desired.at("spec", "selector", "matchLabels")?.object ?? [:]
        return wantedLabels.allSatisfy { key, value in podLabels[key] == value } && WorkloadState(live, type: type).phase == .available
    }

    /// The desired workload with the live selector, its pods labelled for both; nil where the two contradict each other.
    private static func bridged(_ live: JSONValue, _ desired: JSONValue) -> ImmutableChange? {
        var bridge = desired
        let path = ["spec", "template", "metadata", "labels"]
        var labels = desired.at(path)?.object ?? [:]
        for (key, value) in live.at("spec", "selector", "matchLabels")?.object ?? [:] {
            if let other = labels[key], other != value { return nil }
            labels[key] = value
        }
        bridge.set(path, to: .object(labels))
        bridge.set(["spec", "selector"], to: live.at("spec", "selector"))
        return .bridge(bridge)
    }

    private static func selectorRemedy(_ live: JSONValue, _ type: ResourceType) -> String {
        "its pods cannot match the old and the new selector at once; delete it with: kubectl delete \(type.plural) \(live.metadata.name) "
            + "-n \(live.metadata.namespace ?? "default"), and it is made anew (no pod runs meanwhile)"
    }

    private static func claimsRemedy(_ live: JSONValue, _ added: [String]) -> String {
        "the volume claim template \(added.joined(separator: ", ")) is new, and running pods cannot get a volume; delete it with: kubectl delete "
            + "statefulset \(live.metadata.name) -n \(live.metadata.namespace ?? "default"), and it is made anew with the claims that exist (no pod runs "
            + "meanwhile)"
    }
}
