// What happened to a resource, as events for `kubectl describe`: conditions that came, went or changed their reason, and findings that are new.
// ReconcilerContext compares the status before with the one that it has written; other parts record what no condition tells.
// It never repeats itself while nothing changes, and never makes a reconcile wait: the recorder queues, limits and drops.

import JSON
import Kubernetes
import KubernetesRuntime
import SondeAPI

struct ResourceEvents: Sendable {
    /// Findings of one transition that are told one by one.
    static let findingsMax = 10

    let recorder: EventRecorder

    func record(_ note: EventNote, about resource: JSONValue, type: ResourceType) {
        recorder.record(note, about: EventSubject(resource, type: type))
    }

    /// Tells what is new in a status. Call it once after the status was written.
    func transition(from old: JSONValue?, to new: JSONValue?, of resource: JSONValue, type: ResourceType) {
        for note in Self.notes(from: Conditions(decoding: old?["conditions"]), to: Conditions(decoding: new?["conditions"])) {
            record(note, about: resource, type: type)
        }
    }

    /// Conditions that say the same as Ready in other words, for kstatus.
    private static let silent: Set<String> = [ConditionType.reconciling, ConditionType.stalled]
    /// Conditions that are good when they are True; all others are there only while something is wrong.
    private static let positive: Set<String> = [ConditionType.ready, ConditionType.destinationResolved]

    /// One note for each change, in the order of the conditions; what has gone comes last.
    static func notes(from old: Conditions, to new: Conditions) -> [EventNote] {
        var notes: [EventNote] = []
        for condition in new.all where !silent.contains(condition.type) {
            if condition.type == ConditionType.configHealthy {
                notes += findings(from: old[condition.type], to: condition)
            } else if old[condition.type]?.status != condition.status || old[condition.type]?.reason != condition.reason {
                notes += change(of: condition, wasThere: old[condition.type] != nil)
            }
        }
        for condition in old.all where new[condition.type] == nil && !silent.contains(condition.type) {
            if condition.type == ConditionType.configHealthy {
                notes.append(EventNote(.normal, reason: "ConfigHealthy", action: "Validate", note: "the spec has no errors and no warnings any more"))
            } else if !positive.contains(condition.type) {
                notes.append(EventNote(.normal, reason: "Recovered", action: "Observe", note: "\(condition.type) is over; it was: \(condition.message)"))
            }
        }
        return notes
    }

    private static func change(of condition: Condition, wasThere: Bool) -> [EventNote] {
        // Each error of the spec is told by itself, from ConfigHealthy.
        if condition.reason == ConditionReason.invalidConfig.rawValue { return [] }
        // A destination that is found at once is no news.
        if condition.type == ConditionType.destinationResolved, condition.status == .true, !wasThere { return [] }
        let isUnderWay = [ConditionReason.rollingOut, .canaryRunning].map(\.rawValue).contains(condition.reason)
        let isGood = positive.contains(condition.type) && condition.status == .true || isUnderWay
        return [EventNote(isGood ? .normal : .warning, reason: condition.reason, action: "Reconcile", note: condition.message)]
    }

    private static func findings(from old: Condition?, to new: Condition) -> [EventNote] {
        let known = Set(FindingsText.lines(of: old?.message ?? ""))
        let lines = FindingsText.lines(of: new.message).filter { !known.contains($0) }
        let notes = lines.prefix(findingsMax).map { line in
            let reason = line.hasPrefix("error ") ? ConditionReason.invalidConfig : .configWarnings
            return EventNote(.warning, reason: reason.rawValue, action: "Validate", note: String(line))
        }
        if lines.count <= notes.count { return notes }
        let rest = "and \(lines.count - notes.count) more findings, see the condition \(ConditionType.configHealthy)"
        return notes + [EventNote(.warning, reason: new.reason, action: "Validate", note: rest)]
    }
}
