// The documents against the code: what they list must be there, and the other way round.
// They read sources as text where a target is an executable, and the code itself elsewhere.
// They never judge prose.

import CollectorComponents
import CollectorConfig
import ProbePrograms
import Rendering
import SondeAPI
import Testing

@Suite struct DocumentTests {
    @Test(arguments: ConditionReason.allCases) func aReasonHasARunbookLine(reason: ConditionReason) throws {
        #expect(try Repository.text("docs/runbook.md").contains("| `\(reason.rawValue)` |"), "docs/runbook.md has no line for \(reason.rawValue)")
    }

    @Test func theRunbookListsNoReasonThatIsGone() throws {
        let known = Set(ConditionReason.allCases.map(\.rawValue))
        for match in try Repository.text("docs/runbook.md").matches(of: /\n\| `([A-Za-z]+)` \|/) {
            #expect(known.contains(String(match.output.1)), "\(match.output.1) is no reason")
        }
    }

    @Test func everyAnnotationIsDocumentedAndNoOther() throws {
        let listed = try Repository.text("docs/collectors.md").matches(of: /\n\| `(sonde\.dev\/[a-z-]+)` \|/).map { String($0.output.1) }
        #expect(listed.sorted() == CollectorAnnotations.Name.allCases.map(\.key).sorted())
    }

    @Test(arguments: FindingRule.all) func aRuleIsDocumentedWithItsSeverities(rule: FindingRule) throws {
        let severities = rule.severities.map { $0 == .info ? "note" : $0.rawValue }.joined(separator: ", ")
        #expect(
            try Repository.text("docs/validation.md").contains("\n| `\(rule.name)` | \(severities) | "),
            "docs/validation.md has no line for \(rule.name), \(severities)")
    }

    @Test func validationDocumentsNoRuleThatIsGone() throws {
        for match in try Repository.text("docs/validation.md").matches(of: /\n\| `([a-z0-9-]+)` \|/) {
            #expect(FindingRule.named(String(match.output.1)) != nil, "\(match.output.1) is no rule")
        }
    }

    @Test func rulesAreThoseThatTheSourcesName() throws {
        let files = try Repository.files(under: "Sources", suffix: ".swift").filter { !$0.hasSuffix("/FindingRule.swift") }
        let text = try files.map(Repository.text).joined(separator: "\n")
        for rule in FindingRule.all { #expect(text.contains("\"\(rule.name)\""), "no source names the rule \(rule.name)") }
        for match in text.matches(of: /(?:rule: |(?:error|warning)\(\s*)"([a-z0-9]+(?:-[a-z0-9]+)+)"/) {
            #expect(FindingRule.named(String(match.output.1)) != nil, "FindingRule does not list \(match.output.1)")
        }
    }

    @Test(arguments: ProbeProgram.all.map(\.name)) func aProgramIsDocumentedWithItsHooksAndMetrics(name: String) throws {
        let text = try Repository.text("docs/signals.md")
        let program = try #require(ProbeProgram.all.first { $0.name == name })
        #expect(text.contains("| `\(name)` |"))
        for word in program.hooks.map(\.place) + program.metricNames {
            #expect(text.contains("`\(word)`"), "docs/signals.md does not name \(word) of \(name)")
        }
    }

    @Test func everySettingOfTheOperatorIsDocumented() throws {
        let text = try Repository.text("docs/configuration.md")
        let keys = try Repository.text("Sources/sonde-operator/OperatorSettings.swift").matches(of: /Setting\(\s*key: "(\w+)", defaultValue: ("[^"]*")?/)
        #expect(keys.count >= 8)
        for key in keys {
            #expect(text.contains("| `\(key.output.1)` |"), "docs/configuration.md does not list \(key.output.1)")
            if let value = key.output.2?.dropFirst().dropLast(), !value.isEmpty, !value.contains("\\(") {
                #expect(text.contains("`\(value)`"), "docs/configuration.md does not give the default of \(key.output.1): \(value)")
            }
        }
    }

    @Test func theVersionIsTheSameEverywhere() throws {
        let version = try #require(try Repository.text("Sources/sonde-operator/OperatorVersion.swift").firstMatch(of: /text = "([^"]+)"/)?.output.1)
        let chart = try Repository.text("charts/sonde/Chart.yaml")
        #expect(
            chart.contains("appVersion: \"\(version)\"") || chart.contains("appVersion: \(version)"),
            "charts/sonde/Chart.yaml has another appVersion than \(version)")
        #expect(try Repository.text("docs/configuration.md").contains("sonde-agent:\(version)"))
    }

    @Test func theCollectorImageIsTheSameEverywhere() throws {
        let image = CollectorImage.pinned
        #expect(CollectorFacts.defaultImage == image)
        #expect(try Repository.text("Sources/sonde-operator/OperatorSettings.swift").contains("defaultValue: CollectorImage.pinned"))
        #expect(try Repository.text("docs/configuration.md").contains("`\(image)`"))
    }
}
