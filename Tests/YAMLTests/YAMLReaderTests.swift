// Structure: documents, merge keys, duplicates, aliases, limits, and the place that errors name.
// Scalars are tested in YAMLScalarTests.
// It never depends on libyaml's wording.

import JSON
import Testing
import YAML

@Suite struct YAMLReaderTests {
    @Test func documentsAreSplitAndEmptyOnesLeftOut() throws {
        #expect(try YAML.parse("") == [])
        #expect(try YAML.parse("# only a comment\n") == [])
        #expect(try YAML.parse("---\n---\n# comment\n---\na: 1\n---\n") == [["a": 1]])
        #expect(try YAML.parse("a: 1\n---\nb: 2\n...\n---\n- 3\n") == [["a": 1], ["b": 2], [3]])
        #expect(try YAML.parse("--- null\n--- ''\n") == [nil, ""])
        #expect(try YAML.parse("\u{feff}a: 1") == [["a": 1]], "a byte-order mark")
    }

    @Test func theCollectorOfADeploymentReads() throws {
        let text = """
            receivers:
              otlp:
                protocols: {grpc: , http: {endpoint: 0.0.0.0:4318}}
            exporters:
              debug/x: {verbosity: detailed, headers: {"api-key": "${env:KEY}", yes: "no"}}
            text: |
              line1
                line2
            service: {pipelines: {traces: {receivers: [otlp], exporters: [debug/x]}}}
            """
        let value = try #require(try YAML.parse(text).first)
        #expect(value.at("receivers", "otlp", "protocols") == ["grpc": nil, "http": ["endpoint": "0.0.0.0:4318"]])
        #expect(value.at("exporters", "debug/x", "headers") == ["api-key": "${env:KEY}", "true": "no"])
        #expect(value["text"] == "line1\n  line2\n")
        #expect(value.object?.keys == ["receivers", "exporters", "text", "service"])
    }

    @Test func mergedKeysGiveWayToOwnAndEarlierOnes() throws {
        let text = "a: &a {x: 1, w: 1}\nb: &b {w: 2, z: 2}\nc: {w: 3, <<: [*a, *b]}\nd: {<<: *b, z: 9}\ne: {\"<<\": 1}"
        let value = try #require(try YAML.parse(text).first)
        #expect(value["c"] == ["w": 3, "x": 1, "z": 2])
        #expect(value["d"] == ["w": 2, "z": 9])
        #expect(value["e"] == ["<<": 1])
    }

    @Test func anchorsAreCopiesAndEndWithTheirDocument() throws {
        #expect(try YAML.parse("a: &x [1, {b: 2}]\nc: *x\nd: &x 3\ne: *x") == [["a": [1, ["b": 2]], "c": [1, ["b": 2]], "d": 3, "e": 3]])
        #expect(throws: YAMLError.self) { try YAML.parse("a: &x 1\n---\nb: *x") }
        #expect(throws: YAMLError.self) { try YAML.parse("a: &x [*x]") }
    }

    struct Refused: Sendable {
        let text: String
        let line: Int
        let column: Int
        let reason: String
    }

    @Test(arguments: [
        Refused(text: "a: 1\nb: 2\na: 3\n", line: 3, column: 1, reason: "duplicate key"),
        Refused(text: "1: a\n\"1\": b\n", line: 2, column: 1, reason: "two keys that become the same text"),
        Refused(text: "a:\n  b: [1, 2\nc: 3\n", line: 3, column: 2, reason: "open list"),
        Refused(text: "a: b: c\n", line: 1, column: 5, reason: "mapping on one line"),
        Refused(text: "a:\n\t- 1\n", line: 2, column: 1, reason: "tab as indentation"),
        Refused(text: "? [1]\n: 2\n", line: 1, column: 3, reason: "list as a key"),
        Refused(text: "~: 2\n", line: 1, column: 1, reason: "null as a key"),
        Refused(text: "a: 1\nb:\n  c: {<<: 5}\n", line: 3, column: 11, reason: "merge of a number"),
        Refused(text: "a: {<<: [1]}\n", line: 1, column: 9, reason: "merge of a list of numbers"),
        Refused(text: "a: *nowhere\n", line: 1, column: 4, reason: "unknown anchor"),
        Refused(text: "a: \"x\\qy\"\n", line: 1, column: 4, reason: "unknown escape"),
        Refused(text: "a: 1\nb: x\u{1}y\n", line: 2, column: 5, reason: "control character"),
        Refused(text: "a: @x\n", line: 1, column: 4, reason: "reserved indicator"),
    ])
    func errorsNameLineAndColumn(_ row: Refused) {
        let error = #expect(throws: YAMLError.self, "\(row.reason)") { try YAML.parse(row.text) }
        #expect(error?.line == row.line, "\(row.reason): \(error?.description ?? "")")
        if row.reason != "unknown escape" { #expect(error?.column == row.column, "\(row.reason): \(error?.description ?? "")") }
    }

    @Test func invalidUTF8IsRefusedWithItsPlace() {
        let error = #expect(throws: YAMLError.self) { try YAML.parse(Array("a: 1\nb: ".utf8) + [0xFF, 0x0A]) }
        #expect(error?.line == 2)
        #expect(error?.column == 4)
    }

    @Test func aliasBombsAreRefused() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 { text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n" }
        let error = #expect(throws: YAMLError.self) { try YAML.parse(text) }
        #expect(error?.message.contains("aliases") == true)
    }

    @Test func mergeBombsAreRefused() {
        var text = "a: &a {" + (0..<1000).map { "k\($0): 1" }.joined(separator: ", ") + "}\n"
        text += "b: {<<: [" + Array(repeating: "*a", count: 2000).joined(separator: ", ") + "]}\n"
        #expect(throws: YAMLError.self) { try YAML.parse(text) }
    }

    @Test func nestingIsLimitedThroughAliasesToo() {
        #expect(throws: YAMLError.self) { try YAML.parse(String(repeating: "[", count: 100_000)) }
        #expect(throws: YAMLError.self) { try YAML.parse(String(repeating: "{a: ", count: 600) + "1" + String(repeating: "}", count: 600)) }
        var chain = "a0: &a0 [x]\n"
        for level in 1...600 { chain += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        let error = #expect(throws: YAMLError.self) { try YAML.parse(chain) }
        #expect(error?.message.contains("nested") == true)
    }

    @Test func sizeIsLimited() {
        #expect(throws: YAMLError.self) { try YAML.parse([UInt8](repeating: UInt8(ascii: "#"), count: 33 << 20)) }
    }
}
