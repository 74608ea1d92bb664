// Findings as the condition ConfigHealthy has them: every rule by name, then one line for each finding.
// StatusConditions writes it; ResourceEvents reads it again, to tell which findings are new.
// It never grows beyond what a condition holds (32 KiB, meta/v1 Condition), however many findings there are.

import SondeAPI

enum FindingsText {
    static let linesMax = 30
    static let lineLengthMax = 900

    /// `2 warnings (hubble-selector, missing-memory-limiter)`, then `warning spec.…: message; remedy (hubble-selector)` for each. Notes are left out.
    static func text(_ findings: [Finding]) -> String {
        let (errors, warnings) = (findings.errors, findings.warnings)
        let counts = [(errors.count, "error"), (warnings.count, "warning")].filter { $0.0 > 0 }.map { $0.0 == 1 ? "1 \($0.1)" : "\($0.0) \($0.1)s" }
        let rules = Set((errors + warnings).map(\.rule)).sorted().joined(separator: ", ")
        let shown = (errors + warnings).prefix(linesMax).map(line)
        let more = errors.count + warnings.count - shown.count
        return (["\(counts.joined(separator: ", ")) (\(rules))"] + shown + (more > 0 ? ["and \(more) more"] : [])).joined(separator: "\n")
    }

    static func line(_ finding: Finding) -> String {
        let text = finding.description.split(separator: "\n").joined(separator: " ")
        return "\(finding.severity.rawValue) \(text.prefix(lineLengthMax)) (\(finding.rule))"
    }

    /// The lines of findings in a condition's message.
    static func lines(of message: String) -> [Substring] {
        message.split(separator: "\n").dropFirst().filter { $0.hasPrefix("error ") || $0.hasPrefix("warning ") }
    }
}
