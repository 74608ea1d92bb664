// Findings that a resource's owner has read and does not want to hear again, named in an annotation.
// Validation takes the findings of both resources through it at the end.
// It never silences an error, and never keeps quiet about a name that it does not know.

import SondeAPI

/// The rules named in `sonde.dev/ignore-findings`, separated by commas or blanks.
struct SilencedRules: Sendable {
    static let annotation = "sonde.dev/ignore-findings"
    private static let path = CollectorAnnotations.path(annotation)

    private let names: [String]

    init(_ annotations: [String: String]) {
        names = (annotations[Self.annotation] ?? "").split { $0 == "," || $0.isWhitespace }.map(String.init)
    }

    /// The findings that are left, and what is wrong with the annotation itself.
    func applied(to findings: [Finding]) -> [Finding] {
        if names.isEmpty { return findings }
        let silenced = Set(names)
        return findings.filter { $0.severity == .error || !silenced.contains($0.rule) } + names.compactMap(problem)
    }

    private func problem(_ name: String) -> Finding? {
        guard let rule = FindingRule.named(name) else {
            let remedy = Spelling.nearest(to: name, in: FindingRule.all.map(\.name)).map { "did you mean \($0)?" } ?? "docs/validation.md lists the rules"
            return Finding(.warning, rule: "unknown-rule", path: Self.path, message: "\"\(name)\" is no rule, so nothing is silenced by it", remedy: remedy)
        }
        if rule.canBeSilenced { return nil }
        return Finding(
            .warning, rule: "unknown-rule", path: Self.path, message: "\(name) is an error, which cannot be silenced", remedy: "remove it from the annotation")
    }
}
