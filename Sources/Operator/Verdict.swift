// Why a resource's objects could not be brought to their desired form, as a condition says it.
// Reconcilers make one from a finding or an error; StatusConditions writes it.
// It never carries an error that a user cannot act on: cancellation and a lost lease are no verdicts.

import Kubernetes
import KubernetesRuntime
import SondeAPI

/// What keeps a resource from being ready, apart from its pods.
struct Verdict: Hashable, Sendable {
    let reason: ConditionReason
    let message: String
    /// True when nothing goes on until somebody changes something (kstatus `Stalled`).
    let isStalled: Bool

    init(_ reason: ConditionReason, _ message: String, isStalled: Bool) {
        self.reason = reason
        self.message = message
        self.isStalled = isStalled
    }

    /// The verdict for errors in a spec; nil when there is none.
    init?(errors findings: [Finding]) {
        guard !findings.isEmpty else { return nil }
        self.init(.invalidConfig, Self.text(findings), isStalled: true)
    }

    /// The verdict for a failed apply or prune; nil for errors that say nothing about the resource.
    init?(_ error: any Error) {
        switch error {
        case let error as ApplyError where error.code == .controlledByOther: self.init(.conflictingOperator, error.message, isStalled: true)
        case let error as ApplyError where error.code == .beingDeleted: self.init(.rollingOut, error.message, isStalled: false)
        case let error as ApplyError where error.code == .immutableField: self.init(.immutableField, error.message, isStalled: true)
        case let error as ApplyError: self.init(.applyFailed, error.message, isStalled: true)
        case let error as KubernetesError where error.code == .conflict:
            self.init(.rollingOut, "an object changed or went while it was written: \(error)", isStalled: false)
        case let error as KubernetesError: self.init(.applyFailed, "the API server refused an object: \(error)", isStalled: error.retry == .never)
        default: return nil
        }
    }

    /// When to look again after an error that is only a matter of time; nil for errors that are told as such.
    static func pause(after error: any Error) -> Duration? {
        switch error {
        case let error as ApplyError where error.code == .beingDeleted: .seconds(5)
        case let error as KubernetesError where error.code == .conflict: .seconds(5)
        default: nil
        }
    }

    /// Findings one a line, as many as a condition can hold (32 KiB, meta/v1 Condition).
    static func text(_ findings: [Finding]) -> String {
        let shown = findings.prefix(20).map(\.description)
        let rest = findings.count > shown.count ? ["and \(findings.count - shown.count) more"] : []
        return String((shown + rest).joined(separator: "\n").prefix(30_000))
    }
}
