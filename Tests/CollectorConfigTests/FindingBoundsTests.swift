// Findings about resources with very long names: what they quote is cut, what they say is not.
// The rows are whole resources.
// It never measures a rule's own words.

import JSON
import SondeAPI
import Testing

@testable import CollectorConfig

@Suite struct FindingBoundsTests {
    private static let long = String(repeating: "x", count: 5000)

    @Test func whatAUserWroteIsCutInMessagePathAndRemedy() throws {
        var object = try collector(simple(receivers: "{}", receiver: "otlp"))
        // A key of this length is no YAML, and the API server takes it all the same.
        object.set(["spec", "config", "receivers", "otlp/\(Self.long)"], to: ["protocols": ["grpc": [:]]])
        object.set(["spec", "config", "service", "pipelines", "traces", "receivers"], to: [.string("otlp/\(Self.long)y")])
        let findings = Validation.findings(collector: object)
        #expect(findings.contains { $0.rule == "undefined-component" } && findings.contains { $0.rule == "unused-component" })
        for finding in findings {
            for text in [finding.message, finding.path, finding.remedy] {
                #expect(text.split(separator: " ").allSatisfy { $0.count <= 128 }, "\(text.count) characters of \(finding.rule)")
            }
        }
        let undefined = try #require(findings.first { $0.rule == "undefined-component" })
        #expect(undefined.message.hasPrefix("otlp/xxx") && undefined.message.hasSuffix("… is not defined"))
    }

    @Test func manyWordsAreCutToo() {
        let finding = Finding(.error, rule: "a", path: "b", message: String(repeating: "word ", count: 5000), remedy: "c").bounded
        #expect(finding.message.count == 2048 && finding.message.hasSuffix("…") && finding.remedy == "c")
    }

    @Test func moreContentThanIsWatchedIsTold() throws {
        let names = (0...100).map { "{name: c\($0)}" }.joined(separator: ", ")
        let plain = simple(receivers: "{otlp: {protocols: {grpc: {}}}}", receiver: "otlp")
        var object = try collector(plain, spec: "{configmaps: [\(names)]}")
        func found() -> Finding? { Validation.findings(collector: object).first { $0.rule == "content-not-watched" } }
        #expect(found() == nil, "nothing is watched without the annotation")
        object.set(["metadata", "annotations"], to: ["sonde.dev/roll-on-content": "true"])
        #expect(found()?.message.contains("101 ConfigMaps and Secrets") == true && found()?.message.contains("ConfigMap c99") == true)
        object = try collector(plain, spec: "{configmaps: [\(names.replacing("{name: c100}", with: "{name: c0}"))]}")
        object.set(["metadata", "annotations"], to: ["sonde.dev/roll-on-content": "true"])
        #expect(found() == nil)
    }
}
