// What YAML text looks like, and that it reads back as the value it was written from.
// The property test prints its seed.
// It never compares more text than a reviewer can read.

import JSON
import TestSupport
import Testing
import YAML

@Suite struct YAMLWriterTests {
    @Test func blockStyleWithIndentedLists() {
        let value: JSONValue = [
            "service": ["pipelines": ["traces": ["receivers": ["otlp"], "processors": []]], "telemetry": [:]], "list": [["a": 1, "b": [2, [3, 4]]], [[:]]],
            "empty": nil,
        ]
        let text = """
            service:
              pipelines:
                traces:
                  receivers:
                    - otlp
                  processors: []
              telemetry: {}
            list:
              - a: 1
                b:
                  - 2
                  - - 3
                    - 4
              - - {}
            empty: null

            """
        #expect(YAML.text(value) == text)
    }

    @Test func keysAreSortedByBytesOnRequest() {
        #expect(YAML.text(["b": ["d": 1, "C": 2], "a": 3], keys: .sorted) == "a: 3\nb:\n  C: 2\n  d: 1\n")
    }

    @Test(arguments: [
        "yes", "NO", "on", "y", "null", "~", "", "1", "0644", "0e12", "1_000", "1e3", "0x1F", "0o14", "0b1", ".5", "1.", ".inf", ".nan", "12:30", "1:30:45.5",
        "2026-11-22", "=", "<<", " a", "a ", "- a", "-", "a: b", "a:",
        "a #b", "#a", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a`", "'a'", "\"a\"", "[a]", "{a}", "a\\b", "?", "? a", ":a", "a\tb", "a\u{7f}b", "a\u{85}b",
        "a\u{2028}b", "\u{feff}a", "a\u{0}b", "a\rb", "\u{a0}", "---", "...", "--- a", "+1", "18446744073709551615",
    ])
    func whatCouldBeTakenForSomethingElseIsQuoted(_ text: String) throws {
        let written = YAML.text(.string(text))
        #expect(written.hasPrefix("\"") && written.hasSuffix("\"\n"), "\(written)")
        #expect(try YAML.parse("a: " + written) == [["a": .string(text)]])
    }

    @Test(arguments: [
        "otlp", "debug/x", "0.0.0.0:4317", "10s", "${env:KEY}", "http://a.b:80/c?d=e", "a-b_c.d", "a, b", "x{y}[z]", "é😹", "a'b\"c", "1.2.3", "/var/log/*.log",
        "(?P<a>b)", "v1.2-rc1",
    ])
    func ordinaryTextIsPlain(_ text: String) throws {
        #expect(YAML.text(.string(text)) == text + "\n")
        #expect(try YAML.parse("- a: " + text) == [[["a": .string(text)]]])
    }

    @Test func linesBecomeALiteralBlock() {
        #expect(YAML.text(["a": "x\n  y: #\n\nz\n", "b": ["1\n2", "3\n\n"]]) == "a: |\n  x\n    y: #\n\n  z\nb:\n  - |-\n    1\n    2\n  - |+\n    3\n\n")
    }

    @Test(arguments: ["\nx", " x\ny", "\tx\ny", "x\r\ny", "x\n \ny", "x\n\u{1}", "\n", "x\u{85}\ny"])
    func linesThatABlockCannotHoldAreQuoted(_ text: String) throws {
        #expect(YAML.text(.string(text)).hasPrefix("\""))
        #expect(try YAML.parse(YAML.text(["a": .string(text)])) == [["a": .string(text)]])
    }

    @Test func numbersKeepTheirKind() throws {
        let value: JSONValue = [.int(.min), .uint(.max), 1.0, -0.0, 1e22, .double(.leastNonzeroMagnitude), 0]
        #expect(YAML.text(value) == "- -9223372036854775808\n- 18446744073709551615\n- 1.0\n- -0.0\n- 1e+22\n- 5e-324\n- 0\n")
        #expect(try YAML.parse(YAML.text(value)) == [value])
    }

    @Test func longKeysTakeTheirExplicitForm() throws {
        let long = String(repeating: "key: ", count: 400)
        let value: JSONValue = ["a": [.object([long: 1, "b": 2])], "c": .object([long: ["d": [3]]])]
        #expect(try YAML.parse(YAML.text(value)) == [value])
    }

    @Test func documentsAreSeparated() throws {
        let values: [JSONValue] = [["a": 1], "x\n\n", ["b"], nil]
        #expect(YAML.documents([["a": 1], ["b": 2]]) == "a: 1\n---\nb: 2\n")
        #expect(try YAML.parse(YAML.documents(values)) == values)
    }

    @Test func whatIsWrittenReadsBackTheSame() throws {
        var random = Seeded()
        for _ in 0..<1500 {
            let value = JSONValue.random(depth: 4, using: &random)
            let text = YAML.text(value)
            #expect(try YAML.parse(text) == [value], "\(text)")
            #expect(
                try YAML.parse("x:\n  - " + YAML.text(.array([value])).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n    "))
                    == [["x": [[value]]]])
        }
    }
}

extension JSONValue {
    static func random(depth: Int, using random: inout Seeded) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 10 : 7), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return JSONValue(Int64(bitPattern: random.next()) >> Int64.random(in: 0..<64, using: &random))
        case 3: return JSONValue(random.next())
        case 4, 5: return .string(randomText(using: &random))
        case 6:
            let double = Double(bitPattern: random.next())
            return .double(double.isFinite ? double : 0.5)
        case 7: return .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in self.random(depth: depth - 1, using: &random) })
        default:
            return .object(
                JSONObject((0..<Int.random(in: 0..<5, using: &random)).map { _ in (randomText(using: &random), self.random(depth: depth - 1, using: &random)) })
            )
        }
    }

    /// Text from the characters and words that mean something in YAML, mixed with any others.
    private static func randomText(using random: inout Seeded) -> String {
        let pieces = [
            " ", "\n", "  ", ":", "-", "#", "'", "\"", "\\", "[", "]", "{", "}", ",", "&", "*", "!", "|", ">", "%", "@", "`", "?", "=", "~", "a", "b", "yes",
            "null", "0", "1", "9", "_", ".", "e", "x", "<<", "\t", "\r", "---", "...",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0..<7, using: &random) {
            if Int.random(in: 0..<8, using: &random) > 0 {
                text += pieces[Int.random(in: 0..<pieces.count, using: &random)]
            } else if let scalar = Unicode.Scalar(UInt32.random(in: Bool.random(using: &random) ? 0...0x2100 : 0...0x10FFFF, using: &random)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
