// What plain, quoted and tagged scalars mean: the values that sigs.k8s.io/yaml gives for the same text.
// One row for each scalar that some reader of YAML takes for something else.
// It never tests structure: YAMLReaderTests does.

import JSON
import Testing
import YAML

@Suite struct YAMLScalarTests {
    static let rows: [(String, JSONValue)] = [
        ("y", true), ("Y", true), ("yes", true), ("NO", false), ("n", false), ("on", true), ("Off", false), ("true", true), ("yEs", "yEs"), ("~", nil),
        ("null", nil), ("Null", nil), ("nULL", "nULL"),
        ("\"\"", ""), ("''", ""), ("012", 10), ("0o14", 12), ("0O14", 12), ("08", 8.0), ("0x1f", 31), ("0X1F", 31), ("0b101", 5), ("0B101", 5), ("1_000", 1000),
        ("-0x1F", -31), ("-1_0", -10), ("+5", 5),
        ("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("-.5", -0.5), ("1e3", 1000.0), ("1E+3", 1000.0), ("1.e3", 1000.0), ("1e", "1e"), ("1:30", "1:30"),
        ("12:30:45", "12:30:45"), ("2026-11-22", "2026-11-22"),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"), ("1.2.3", "1.2.3"), ("0777", 511), ("00", 0), ("0", 0), ("-0", 0),
        ("9223372036854775807", .int(.max)), ("9223372036854775808", .uint(1 << 63)),
        ("-9223372036854775808", .int(.min)), ("18446744073709551615", .uint(.max)), ("18446744073709551616", 18446744073709551616.0),
        ("0xFFFFFFFFFFFFFFFF", .uint(.max)), ("-9223372036854775809", -9223372036854775809.0),
        ("+18446744073709551615", 18446744073709551615.0), ("0.1", 0.1), ("1.0", 1.0), ("100000000000000000000.0", 1e20), ("3.14e-10", 3.14e-10), ("'='", "="),
        ("<<", "<<"), ("\"yes\"", "yes"), ("!!str 123", "123"),
        ("!!int \"7\"", 7), ("!!float 7", 7.0), ("!!bool \"yes\"", true), ("!!null ''", nil), ("! 7", "7"), ("1__0", 10), ("_1", "_1"), ("0x_1", 1),
        ("\"0x1F\"", "0x1F"), ("e5", "e5"), (".5e3", 500.0), (".5_0", ".5_0"), (".", "."),
        ("-", [nil]), ("\"-\"", "-"), ("0b12", "0b12"), ("1.5_0", 1.5), ("0.0", 0.0), ("010.5", 10.5), ("0x", "0x"), ("--1", "--1"), ("+-1", "+-1"),
        ("0x-1", "0x-1"), ("1e400", "1e400"), ("099", 99.0), ("-012", -10), ("0e12", 0.0),
        ("10s", "10s"), ("0.0.0.0:4317", "0.0.0.0:4317"), ("!!timestamp 2026-11-22", "2026-11-22"),
    ]

    @Test func eachScalarMeansWhatKubernetesTakesItFor() throws {
        for (text, value) in Self.rows where text != "-" {
            #expect(try YAML.parse("a: \(text)\n") == [["a": value]], "\(text)")
            #expect(try YAML.parse("[\(text), 1]") == [[value, 1]], "\(text) in a list")
        }
        #expect(try YAML.parse("-") == [[nil]])
    }

    @Test func integersAndDoublesAreKeptApart() throws {
        #expect(try YAML.parse("[1, 1.0]") == [[.int(1), .double(1)]])
    }

    @Test(arguments: [".inf", "-.Inf", "+.INF", ".nan", "!!float .inf"])
    func infinityIsRefusedBecauseJSONCannotSayIt(_ text: String) {
        let error = #expect(throws: YAMLError.self) { try YAML.parse("a: 1\nb: \(text)") }
        #expect(error?.line == 2)
        #expect(error?.column == 4)
    }

    @Test(arguments: ["!!int abc", "!!int 1.5", "!!bool 1", "!!null x", "!!float x", "!!binary aGk=", "!custom x", "!custom [1]", "!!set {a, b}"])
    func tagsWithoutAJSONFormAreRefused(_ text: String) {
        #expect(throws: YAMLError.self) { try YAML.parse("a: \(text)") }
    }

    @Test func keysThatAreNoStringsBecomeText() throws {
        let value = try YAML.parse("7: a\ntrue: b\n1.5: c\n1.0: d\n0x10: e\noff: f\n!!str 2: g\n18446744073709551615: h")
        #expect(value.first?.object?.keys == ["7", "true", "1.5", "1", "16", "false", "2", "18446744073709551615"])
    }
}
