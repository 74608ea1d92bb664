// What a change of a resource does that the new resource alone does not tell.
// Validation calls it where the resource before the change is known: at admission, and for two versions of a file.
// It never refuses a change: what the existing operator refuses, Sonde carries out and says so.

import JSON
import SondeAPI

enum ChangeRules {
    static func findings(_ spec: OpenTelemetryCollectorSpec, replacing old: JSONValue?) -> [Finding] {
        guard let old = old?["spec"], old.object != nil, let before = OpenTelemetryCollectorSpec(old).mode, let mode = spec.mode, before != mode else {
            return []
        }
        return [
            Finding(
                .warning, rule: "mode-change", path: "spec.mode",
                message: "changes from \(before.rawValue) to \(mode.rawValue): \(effect(from: before, to: mode))",
                remedy: "nothing, if that is meant; otherwise write mode: \(before.rawValue), or make a second collector and move the senders first")
        ]
    }

    private static func effect(from old: OpenTelemetryCollectorSpec.Mode, to new: OpenTelemetryCollectorSpec.Mode) -> String {
        if new == .sidecar { return "the pods and Services of this collector go, and only pods that are made from now on get it as a sidecar" }
        if old == .sidecar { return "pods that have it as a sidecar keep it until they are made anew" }
        let volumes = old == .statefulset ? "; queues on its volumes are left behind" : ""
        return "new pods take the place of the old ones, which flush what they hold as they end\(volumes)"
    }
}
