// The comparison of resources as text: a summary for each, then each object's lines that differ.
// `sonde diff` prints it.
// It never prints an object that does not change.

import JSON
import Kubernetes
import Operator
import Rendering
import SondeAPI
import YAML

enum DiffText {
    static func text(_ diffs: [ResourceDiff]) -> String {
        diffs.map { text($0) }.joined(separator: "\n")
    }

    private static func text(_ diff: ResourceDiff) -> String {
        var text = "\(diff.title): \(summary(diff))\n"
        if !diff.remark.isEmpty { text += "  \(diff.remark)\n" }
        for finding in diff.findings.errors { text += "  error \(finding.description)\n" }
        for change in diff.changes where change.action != .unchanged { text += line(change, diff) }
        for effect in diff.effects where effect.objects.isEmpty { text += "  \(effect.field) changes no object\n" }
        for change in diff.changes where change.isChange { text += lines(change) }
        return text
    }

    private static func summary(_ diff: ResourceDiff) -> String {
        if !diff.note.isEmpty { return diff.note }
        if !diff.findings.errors.isEmpty { return diff.findings.errors.count == 1 ? "1 error" : "\(diff.findings.errors.count) errors" }
        let count = diff.changes.count(where: \.isChange)
        if count == 0 { return "nothing changes" }
        return (count == 1 ? "1 object changes" : "\(count) objects change") + ", " + restarts(diff.restartedPods, none: "no pod restarts")
    }

    private static func restarts(_ pods: Int?, none: String) -> String {
        switch pods {
        case 0?: none
        case 1?: "1 pod restarts"
        case let count?: "\(count) pods restart"
        case nil: "the pods of every node restart"
        }
    }

    private static func sign(_ action: ObjectChange.Action) -> String {
        switch action {
        case .create: "+"
        case .change: "~"
        case .replace: "±"
        case .delete: "-"
        case .keep, .hold, .unchanged: "="
        case .refuse: "!"
        }
    }

    private static func line(_ change: ObjectChange, _ diff: ResourceDiff) -> String {
        let restarts = change.restartedPods == 0 ? "" : ", " + restarts(change.restartedPods, none: "")
        var text = "  \(sign(change.action)) \(change.reference)\(restarts)\n"
        if !change.note.isEmpty { text += "      \(change.note)\n" }
        let reasons = diff.reasons(change).map(\.field)
        if change.isChange, !diff.effects.isEmpty || change.action == .change {
            text += reasons.isEmpty ? drift(change) : "      because of \(reasons.joined(separator: ", "))\n"
        }
        return text
    }

    /// A change that no field of the resource asks for.
    private static func drift(_ change: ObjectChange) -> String {
        change.action == .change
            ? "      the resource is the same here: the object was changed by somebody else, or is rendered differently by this version\n" : ""
    }

    private static func lines(_ change: ObjectChange) -> String {
        func text(_ object: JSONValue?) -> String { object.map { YAML.text($0, keys: .sorted) } ?? "" }
        return
            "\n--- \(change.before == nil ? "nothing" : change.reference.description)\n+++ \(change.after == nil ? "nothing" : change.reference.description)\n"
            + LineDiff.unified(from: text(change.before), to: text(change.after))
    }
}
