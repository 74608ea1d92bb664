// One node's last answer in the little that is kept of it.
// ProbeAgents holds one for each node; AgentSurvey adds them up.
// It never keeps more than some 4 KiB, whatever an agent answers.

import SondeAPI

struct AgentRecord: Hashable, Sendable {
    struct Signal: Hashable, Sendable {
        let name: String
        let state: AgentStatus.State
        /// Empty when active.
        let reasons: [String]
    }

    private enum Limits {
        static let reasons = 2, steps = 8, classes = 24
        static let nameBytes = 63, textBytes = 120
    }

    let kernel: String
    let signals: [Signal]
    let kernelMillicores: Double
    let agentMillicores: Double
    let isOverBudget: Bool
    let steps: [String]
    let export: AgentStatus.ExportState
    let exportMessage: String
    /// Since the agent's start, by class.
    let losses: [String: UInt64]

    /// - Parameter status: From the network: bounded by its parser, and further here.
    init(_ status: AgentStatus) {
        func text(_ text: String) -> String { UntrustedText.clean(text, maxBytes: Limits.textBytes) }
        kernel = status.kernelRelease
        // A name comes once (the parser sees to it), so there are no more than families.
        signals = status.signals.filter { ProbeSignals.familyNames.contains($0.name) }.map { signal in
            let state = signal.state
            return Signal(
                name: signal.name, state: state,
                reasons: state == .active ? [] : signal.reasons(max: Limits.reasons, maxBytes: Limits.textBytes))
        }
        kernelMillicores = status.overhead.kernelMillicores
        agentMillicores = status.overhead.agentMillicores
        isOverBudget = status.budget.isOver
        steps = status.budget.steps.prefix(Limits.steps).map(text)
        export = status.export.state
        exportMessage = text(status.export.message)
        let few = status.losses.filter { $0.value > 0 }.sorted { $0.key < $1.key }.prefix(Limits.classes)
        losses = Dictionary(few.map { (UntrustedText.clean($0.key, maxBytes: Limits.nameBytes), $0.value) }, uniquingKeysWith: { max($0, $1) })
    }

    /// What can be taken on this node: nothing when every family is unsupported. A node that has not tried its programs yet counts as active.
    var state: AgentStatus.State {
        if signals.allSatisfy({ $0.state == .active }) { return .active }
        return signals.allSatisfy { $0.state == .unsupported } ? .unsupported : .degraded
    }
}
