// One object of a plan with what would become of it.
// PlanPreview makes them from a cluster, PlanComparison from two versions of a file; `sonde diff` prints them.
// It never says that a pod restarts because an object is written: only a changed pod template replaces pods.

import JSON
import Kubernetes

/// One object of a plan.
public struct ObjectChange: Hashable, Sendable {
    public enum Action: String, Sendable, CaseIterable {
        case create, change
        /// Deleted without its pods and made anew.
        case replace
        case delete
        /// No longer rendered, and not deleted now.
        case keep
        /// Not touched for now.
        case hold
        case unchanged
        /// The server or another owner refuses it.
        case refuse
    }

    public let reference: ObjectReference
    public let action: Action
    /// Without what the server sets: status, versions, times. Nil when there is none.
    public let before: JSONValue?
    public let after: JSONValue?
    /// Pods that are replaced; nil when their number is not known.
    public let restartedPods: Int?
    /// Why it is kept, held, made anew or refused; empty for the rest.
    public let note: String

    public init(_ reference: ObjectReference, _ action: Action, before: JSONValue? = nil, after: JSONValue? = nil, restartedPods: Int? = 0, note: String = "") {
        self.reference = reference
        self.action = action
        self.before = before
        self.after = after
        self.restartedPods = restartedPods
        self.note = note
    }

    /// Whether the pods get another template, which replaces them.
    static func changesPods(_ before: JSONValue, _ after: JSONValue) -> Bool {
        let template = before.at("spec", "template")
        return template != nil && after.at("spec", "template") != nil && template != after.at("spec", "template")
    }

    /// Whether the cluster would be another one afterwards.
    public var isChange: Bool { [.create, .change, .replace, .delete].contains(action) }

    /// An object without what the server sets.
    public static func comparable(_ object: JSONValue) -> JSONValue {
        var out = object
        out["status"] = nil
        for key in ["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"] { out.set(["metadata", key], to: nil) }
        return out
    }

    /// Pods of a workload that a new template replaces.
    static func pods(of live: JSONValue, type: ResourceType) -> Int {
        if type == .daemonSets { return live.at("status", "currentNumberScheduled")?.int ?? 0 }
        return live.at("status", "replicas")?.int ?? live.at("spec", "replicas")?.int ?? 1
    }
}
