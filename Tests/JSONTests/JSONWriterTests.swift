// The three styles of output, and that what is written reads back as the same value.
// Go's form is compared with what Go's encoding/json prints for the same numbers and strings.
// It never compares hashes: CollectorConfigTests does.

import JSON
import TestSupport
import Testing

@Suite struct JSONWriterTests {
    @Test func compactKeepsOrderAndAddsNothing() {
        let value: JSONValue = ["b": [1, true, nil], "a": ["c": "d"], "e": [], "f": [:]]
        #expect(value.text() == "{\"b\":[1,true,null],\"a\":{\"c\":\"d\"},\"e\":[],\"f\":{}}")
    }

    @Test func prettyIndentsByTwo() {
        let value: JSONValue = ["b": [1, ["x": 2]], "a": [], "c": [:]]
        #expect(value.text(.pretty) == "{\n  \"b\": [\n    1,\n    {\n      \"x\": 2\n    }\n  ],\n  \"a\": [],\n  \"c\": {}\n}")
    }

    @Test(arguments: [
        (1.0, "1.0"), (0.1, "0.1"), (-0.0, "-0.0"), (1e22, "1e+22"), (Double.leastNonzeroMagnitude, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"), (.nan, "null"), (.infinity, "null"),
    ])
    func doublesHaveTheirShortestForm(_ value: Double, _ text: String) {
        #expect(JSONValue.double(value).text() == text)
    }

    @Test(arguments: [
        ("a\"b\\c/", "\"a\\\"b\\\\c/\""), ("\u{8}\u{c}\n\r\t", "\"\\b\\f\\n\\r\\t\""), ("\u{0}\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""),
        ("<é&>\u{2028}", "\"<é&>\u{2028}\""), ("", "\"\""),
    ])
    func stringsEscapeOnlyWhatMustBe(_ value: String, _ text: String) {
        #expect(JSONValue.string(value).text() == text)
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "-0"), (1.0, "1"), (-1.5, "-1.5"), (100.0, "100"), (0.1, "0.1"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
        (1.5e21, "1.5e+21"), (1e-6, "0.000001"), (1e-7, "1e-7"),
        (1.25e-9, "1.25e-9"), (1e100, "1e+100"), (Double.leastNonzeroMagnitude, "5e-324"), (123456.789, "123456.789"), (9007199254740993.0, "9007199254740992"),
        (9223372036854775807.0, "9223372036854776000"), (0.00012, "0.00012"),
    ])
    func goWritesFloatsLikeEncodingJSON(_ value: Double, _ text: String) {
        #expect(JSONValue.double(value).text(.goSorted) == text)
    }

    @Test func goTreatsEveryNumberAsAFloat() {
        let value: JSONValue = [1, .int(.max), .uint(.max), .int(9_007_199_254_740_993), 1.0]
        #expect(value.text(.goSorted) == "[1,9223372036854776000,18446744073709552000,9007199254740992,1]")
    }

    @Test func goSortsByBytesAtEveryLevelAndEscapesHTML() {
        let value: JSONValue = ["b": ["z": 1, "a/x": 2, "a": 3], "B": "<a&b>", "é": "\u{2028}\u{2029}é\u{2027}", "_": nil]
        #expect(
            value.text(.goSorted) == "{\"B\":\"\\u003ca\\u0026b\\u003e\",\"_\":null,\"b\":{\"a\":3,\"a/x\":2,\"z\":1},\"é\":\"\\u2028\\u2029é\u{2027}\"}")
    }

    @Test func whatIsWrittenReadsBackTheSame() throws {
        var random = Seeded()
        for _ in 0..<500 {
            let value = JSONValue.random(depth: 4, using: &random)
            #expect(try JSONValue(parsing: value.bytes()) == value)
            #expect(try JSONValue(parsing: value.bytes(.pretty)) == value)
        }
    }
}

extension JSONValue {
    static func random(depth: Int, using random: inout Seeded) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
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
                JSONObject(
                    (0..<Int.random(in: 0..<20, using: &random)).map { _ in (randomText(using: &random), self.random(depth: depth - 1, using: &random)) }))
        }
    }

    private static func randomText(using random: inout Seeded) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let range: ClosedRange<UInt32> = [0...0x20, 0x21...0x7F, 0x80...0x2FFF, 0...0x10FFFF][Int.random(in: 0..<4, using: &random)]
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { text.unicodeScalars.append(scalar) }
        }
        return text
    }
}
