// An agent's status as lines for people.
// `sonde-agent status` prints it.
// It never shows a text that was not cleaned: AgentStatus was read by its parser.

import SondeAPI

struct StatusTable {
    let status: AgentStatus

    private static let reasonsMax = 4
    private static let reasonBytesMax = 200

    var text: String { (facts + [""] + signals).joined(separator: "\n") }

    private var facts: [String] {
        let cost = status.overhead, budget = status.budget, export = status.export
        let isOver = budget.isOver ? "exceeded, and nothing is left to take back" : "held"
        let losses = status.losses.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return [
            "node      \(status.node), kernel \(status.kernelRelease), sonde-agent \(status.version)",
            "export    \(export.state.rawValue)\(export.message.isEmpty ? "" : ": \(export.message)")",
            "overhead  "
                + (cost == AgentStatus.Overhead()
                    ? "not measured yet" : "\(Self.millicores(cost.kernelMillicores)) in the kernel, \(Self.millicores(cost.agentMillicores)) the agent"),
            "budget    \(isOver)\(budget.steps.isEmpty ? "" : "; \(budget.steps.joined(separator: "; "))")",
            "lost      \(losses.isEmpty ? "nothing" : losses.joined(separator: ", "))",
        ]
    }

    /// One decimal below ten, as most agents are there.
    private static func millicores(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return value < 10 ? "\(tenths / 10).\(tenths % 10)m" : "\(Int(value.rounded()))m"
    }

    private var signals: [String] {
        let rows = status.signals.map { signal in
            let active = signal.metrics.count { $0.state == .active }
            let reasons = signal.state == .active ? [] : signal.reasons(max: Self.reasonsMax, maxBytes: Self.reasonBytesMax)
            return [signal.name, signal.state.rawValue, "\(active)/\(signal.metrics.count)", reasons.joined(separator: "; ")]
        }
        let all = [["SIGNAL", "STATE", "METRICS", "WHY"]] + rows
        let widths = (0..<3).map { column in all.map { $0[column].count }.max() ?? 0 }
        let lines = all.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) } + row.dropFirst(widths.count).filter { !$0.isEmpty }
            return cells.joined(separator: "  ")
        }
        return lines.map { line in String(line[..<(line.lastIndex { $0 != " " }.map { line.index(after: $0) } ?? line.startIndex)]) }
    }
}
