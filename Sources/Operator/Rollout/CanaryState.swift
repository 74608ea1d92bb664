// How far the trial of a change has come, as it stands in annotations of the workload: an operator that starts anew goes on from there.
// CanaryRollout reads and writes it.
// It never says what is tried: that is rendered from the resource, and recognized by its revision.

import Crypto
import JSON
import Kubernetes
import Rendering

/// The trial of one pod template.
struct CanaryState: Hashable, Sendable {
    enum Phase: String, Hashable, Sendable {
        case trying
        /// Taken back; stays until another template is rendered.
        case failed
    }

    /// On the workload: the state.
    static let annotation = "sonde.dev/canary-state"
    /// On the workload: the revision that all its pods have or get.
    static let revisionAnnotation = "sonde.dev/revision"
    /// On a StatefulSet whose template is the one that is tried: the one that the other pods keep.
    static let templateAnnotation = "sonde.dev/stable-template"
    static let reasonBytesMax = 1000

    let revision: String
    var phase = Phase.trying
    /// Since when it is waited for the canary to become ready.
    var startedAt: Timestamp
    /// How often it was ready and then no longer.
    var interruptions = 0
    /// Since when the canary is ready without a break.
    var readyAt: Timestamp?
    /// Why it was taken back.
    var reason = ""

    init(revision: String, startedAt: Timestamp) {
        self.revision = revision
        self.startedAt = startedAt
    }

    /// Nil when the annotation is missing, or no state of ours: a trial then begins anew.
    init?(of workload: JSONValue) {
        guard let text = workload.metadata.annotations[Self.annotation], let value = try? JSONValue(parsing: text),
            let revision = value["revision"]?.string, let phase = value["phase"]?.string.flatMap(Phase.init),
            let startedAt = value["startedAt"]?.string.flatMap(Timestamp.init(rfc3339:))
        else { return nil }
        self.init(revision: revision, startedAt: startedAt)
        self.phase = phase
        readyAt = value["readyAt"]?.string.flatMap(Timestamp.init(rfc3339:))
        interruptions = max(0, value["interruptions"]?.int ?? 0)
        reason = value["reason"]?.string ?? ""
    }

    var text: String {
        var value: JSONValue = ["revision": .string(revision), "phase": .string(phase.rawValue), "startedAt": .string(startedAt.rfc3339Micro)]
        if let readyAt { value["readyAt"] = .string(readyAt.rfc3339Micro) }
        if interruptions > 0 { value["interruptions"] = JSONValue(interruptions) }
        if !reason.isEmpty { value["reason"] = .string(reason) }
        return value.text()
    }

    func failed(_ reason: String) -> CanaryState {
        var state = self
        state.phase = .failed
        state.reason = String(decoding: reason.utf8.prefix(Self.reasonBytesMax), as: UTF8.self)
        return state
    }

    /// The template that is kept, as the workload has it.
    static func stableTemplate(of workload: JSONValue) -> JSONValue {
        if let text = workload.metadata.annotations[templateAnnotation], let template = try? JSONValue(parsing: text), template.object != nil {
            return template
        }
        var template = workload.at("spec", "template") ?? [:]
        // Null in what servers send, and no opinion of ours.
        template.set(["metadata", "creationTimestamp"], to: nil)
        return template
    }

    /// Names a pod template, as rendered.
    static func revision(of workload: Manifest) -> String {
        String(SHA256.hexadecimal((workload.object.at("spec", "template") ?? .null).bytes(.goSorted)).prefix(10))
    }
}
