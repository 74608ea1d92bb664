// Which texts are JSON: a table after the categories of JSONTestSuite (y must be read, n must be refused, i is left to the reader and decided here).
// Each row has the text, what becomes of it, and why.
// It never looks at how errors are worded.

import JSON
import Testing

struct JSONCase: Sendable, CustomTestStringConvertible {
    let reason: String
    let bytes: [UInt8]
    /// Nil: refused.
    let value: JSONValue?
    let code: JSONError.Code?
    var testDescription: String { reason }

    static func reads(_ text: String, as value: JSONValue, _ reason: String) -> JSONCase {
        JSONCase(reason: reason, bytes: Array(text.utf8), value: value, code: nil)
    }
    static func refuses(_ text: String, _ reason: String, _ code: JSONError.Code = .syntax) -> JSONCase {
        JSONCase(reason: reason, bytes: Array(text.utf8), value: nil, code: code)
    }
    static func refuses(bytes: [UInt8], _ reason: String, _ code: JSONError.Code) -> JSONCase {
        JSONCase(reason: reason, bytes: bytes, value: nil, code: code)
    }
}

private func quoted(_ bytes: [UInt8]) -> [UInt8] { Array("[\"".utf8) + bytes + Array("\"]".utf8) }

@Suite struct JSONConformanceTests {
    static let accepted: [JSONCase] = [
        .reads("[]", as: [], "empty array"),
        .reads("{}", as: [:], "empty object"),
        .reads(" [ ] ", as: [], "space around an empty array"),
        .reads("\t\n\r {\r\n}\t", as: [:], "all four kinds of white space"),
        .reads("[[]   ]", as: [[]], "space after an inner array"),
        .reads("[\"\"]", as: [""], "empty string"),
        .reads("[\"a\"]", as: ["a"], "array that ends in a string"),
        .reads("[false]", as: [false], "false"),
        .reads("[true]", as: [true], "true"),
        .reads("[null]", as: [nil], "null"),
        .reads("[null, 1, \"1\", {}]", as: [nil, 1, "1", [:]], "mixed kinds"),
        .reads("[1\n]", as: [1], "line end before the bracket"),
        .reads(" [1]", as: [1], "leading space"),
        .reads("[2] ", as: [2], "trailing space"),
        .reads("[1,null,null,null,2]", as: [1, nil, nil, nil, 2], "several nulls"),
        .reads("42", as: 42, "lonely integer"),
        .reads("-0.1", as: -0.1, "lonely negative fraction"),
        .reads("null", as: nil, "lonely null"),
        .reads("true", as: true, "lonely true"),
        .reads("false", as: false, "lonely false"),
        .reads("\"asd\"", as: "asd", "lonely string"),
        .reads("\"\"", as: "", "lonely empty string"),
        .reads("[\"a\"]\n", as: ["a"], "final line end"),
        .reads("[123]", as: [123], "integer"),
        .reads("[-1]", as: [-1], "negative integer"),
        .reads("[-0]", as: [0], "negative zero is the integer 0"),
        .reads("[-123]", as: [-123], "negative integer of several digits"),
        .reads("[0]", as: [0], "zero"),
        .reads("[0e+1]", as: [0.0], "zero with an exponent"),
        .reads("[0e1]", as: [0.0], "zero with an exponent without sign"),
        .reads("[ 4]", as: [4], "number after a space"),
        .reads("[20e1]", as: [200.0], "integer with an exponent"),
        .reads("[123e65]", as: [123e65], "large exponent"),
        .reads("[1E22]", as: [1e22], "capital E"),
        .reads("[1E-2]", as: [0.01], "capital E, negative exponent"),
        .reads("[1E+2]", as: [100.0], "capital E, signed exponent"),
        .reads("[1e-2]", as: [0.01], "negative exponent"),
        .reads("[1e+2]", as: [100.0], "positive exponent"),
        .reads("[123.456e78]", as: [123.456e78], "fraction and exponent"),
        .reads("[123.456789]", as: [123.456789], "fraction"),
        .reads("[1.0]", as: [1.0], "a whole number with a point stays a double"),
        .reads("[-0.0]", as: [-0.0], "negative zero as a double"),
        .reads("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]", as: [-1e-78], "close to zero"),
        .reads("[9223372036854775807]", as: [.int(.max)], "greatest Int64"),
        .reads("[-9223372036854775808]", as: [.int(.min)], "least Int64"),
        .reads("[9223372036854775808]", as: [.uint(1 << 63)], "one above Int64"),
        .reads("[18446744073709551615]", as: [.uint(.max)], "greatest UInt64"),
        .reads("[18446744073709551616]", as: [18446744073709551616.0], "one above UInt64 is a double"),
        .reads("[-9223372036854775809]", as: [-9223372036854775809.0], "one below Int64 is a double"),
        .reads("[123123123123123123123123123123]", as: [123123123123123123123123123123.0], "i: huge integer is a double"),
        .reads("[1e-400]", as: [0.0], "i: underflow is zero"),
        .reads("[0.4e-00669999999999999999999999999999999999999999999999999999999999999999999969999999006]", as: [0.0], "i: enormous negative exponent"),
        .reads("{\"asd\":\"sdf\"}", as: ["asd": "sdf"], "one member"),
        .reads("{\"a\":\"b\",\"c\":\"d\"}", as: ["a": "b", "c": "d"], "two members"),
        .reads("{\"\":0}", as: ["": 0], "empty key"),
        .reads("{\"foo\\u0000bar\": 42}", as: ["foo\u{0}bar": 42], "escaped NUL in a key"),
        .reads("{\"a\":[]}", as: ["a": []], "empty array as a member"),
        .reads("{\"min\": -1.0e+28, \"max\": 1.0e+28}", as: ["min": -1e28, "max": 1e28], "extreme numbers"),
        .reads("{\"x\":[{\"id\": \"xx\"}], \"id\": \"xx\"}", as: ["x": [["id": "xx"]], "id": "xx"], "one key in two objects"),
        .reads("{\n\"a\": \"b\"\n}", as: ["a": "b"], "line ends between members"),
        .reads("{\"title\":\"\\u041f\\u043e\"}", as: ["title": "По"], "escaped Cyrillic"),
        .reads("{\"a\\tb\":1,\"a\\nb\":2}", as: ["a\tb": 1, "a\nb": 2], "keys with escapes"),
        .reads("[\"\\u0060\\u012a\\u12AB\"]", as: ["`\u{12a}\u{12ab}"], "escapes of one, two and three bytes"),
        .reads("[\"\\uD801\\udc37\"]", as: ["\u{10437}"], "surrogate pair"),
        .reads("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]", as: ["😹💍"], "two surrogate pairs"),
        .reads("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", as: ["\"\\/\u{8}\u{c}\n\r\t"], "every short escape"),
        .reads("[\"\\\\u0000\"]", as: ["\\u0000"], "escaped backslash before u"),
        .reads("[\"\\\"\"]", as: ["\""], "escaped quote"),
        .reads("[\"a/*b*/c/*d//e\"]", as: ["a/*b*/c/*d//e"], "comment signs inside a string"),
        .reads("[\"\\\\a\"]", as: ["\\a"], "escaped backslash before a letter"),
        .reads("[\"\\u0012\"]", as: ["\u{12}"], "escaped control character"),
        .reads("[\"\\uFFFF\"]", as: ["\u{ffff}"], "escaped non-character"),
        .reads("[\"asd \"]", as: ["asd "], "string that ends in a space"),
        .reads("[\"\\uDBFF\\uDFFF\"]", as: ["\u{10ffff}"], "last code point"),
        .reads("[\"new\\u00A0line\"]", as: ["new\u{a0}line"], "escaped no-break space"),
        .reads("[\"\u{10ffff}\"]", as: ["\u{10ffff}"], "raw last code point"),
        .reads("[\"\u{ffff}\"]", as: ["\u{ffff}"], "raw non-character"),
        .reads("[\"\\u0000\"]", as: ["\u{0}"], "escaped NUL"),
        .reads("[\"\\u002c\"]", as: [","], "escaped comma"),
        .reads("[\"π\"]", as: ["π"], "raw two bytes"),
        .reads("[\"𛿿\"]", as: ["𛿿"], "raw four bytes"),
        .reads("[\"\\uA66D\"]", as: ["\u{a66d}"], "escaped three bytes"),
        .reads("[\"\u{2028}\u{2029}\"]", as: ["\u{2028}\u{2029}"], "raw line separators"),
        .reads("[\"\u{7f}\"]", as: ["\u{7f}"], "raw delete character"),
        .reads("[\"⍂㈴⍂\"]", as: ["⍂㈴⍂"], "raw three bytes"),
        .reads("[\"\\u0022\"]", as: ["\""], "escaped quote by number"),
        .reads("[\"\\u005C\"]", as: ["\\"], "escaped backslash by number"),
        .reads("[\"\\u200B\\u2064\"]", as: ["\u{200b}\u{2064}"], "escaped invisible characters"),
        .reads("[\"a\u{e9}\\u00e9\"]", as: ["aéé"], "raw and escaped mixed"),
    ]

    static let refused: [JSONCase] = [
        .refuses("", "nothing"), .refuses(" ", "only space"),
        .refuses("[1 true]", "no comma"), .refuses("[\"\": 1]", "colon in an array"), .refuses("[\"\"],", "comma after the document"),
        .refuses("[,1]", "comma first"), .refuses("[1,,2]", "two commas"), .refuses("[\"x\",,]", "two commas at the end"),
        .refuses("[\"x\"]]", "one bracket too many"), .refuses("[\"\",]", "comma last"), .refuses("[\"x\"", "not closed"), .refuses("[x", "bare word"),
        .refuses("[3[ 4]]", "array after a number"), .refuses("[1:2]", "colon between numbers"), .refuses("[,]", "comma alone"), .refuses("[-]", "minus alone"),
        .refuses("[   , \"\"]", "missing element"), .refuses("[\"a\",\n4\n,1,", "not closed after a comma"), .refuses("[1,]", "comma after a number"),
        .refuses("[*]", "star"), .refuses("[\"\"", "not closed after a string"), .refuses("[1,\n1\n,1", "not closed after lines"),
        .refuses("[{}", "object in an open array"),
        .refuses("[fals]", "cut false"), .refuses("[nul]", "cut null"), .refuses("[tru]", "cut true"), .refuses("[True]", "capital true"),
        .refuses("nulls", "more than null"),
        .refuses("[++1234]", "two signs"), .refuses("[+1]", "plus sign"), .refuses("[+Inf]", "plus Inf"), .refuses("[-01]", "leading zero after minus"),
        .refuses("[-1.0.]", "two points"), .refuses("[-2.]", "point without digits after minus"), .refuses("[-NaN]", "minus NaN"),
        .refuses("[.-1]", "point first, then minus"),
        .refuses("[.2e-3]", "point first"), .refuses("[0.1.2]", "two fractions"), .refuses("[0.3e+]", "exponent sign alone"),
        .refuses("[0.3e]", "exponent alone"),
        .refuses("[0.e1]", "exponent behind a bare point"), .refuses("[0E+]", "capital exponent sign alone"), .refuses("[0E]", "capital exponent alone"),
        .refuses("[1.0e+]", "exponent sign behind a fraction"),
        .refuses("[1.0e-]", "negative exponent sign alone"), .refuses("[1.0e]", "exponent alone behind a fraction"), .refuses("[1 000.0]", "space in a number"),
        .refuses("[1eE2]", "two exponents"),
        .refuses("[2.e+3]", "bare point before an exponent"), .refuses("[2.e3]", "bare point, exponent"), .refuses("[9.e+]", "bare point, bare exponent"),
        .refuses("[Inf]", "Inf"), .refuses("[NaN]", "NaN"),
        .refuses("[１]", "full-width digit"), .refuses("[1+2]", "expression"), .refuses("[0x1]", "hexadecimal"), .refuses("[0x42]", "hexadecimal of two digits"),
        .refuses("[Infinity]", "Infinity"),
        .refuses("[-Infinity]", "minus Infinity"), .refuses("[- 1]", "space after minus"), .refuses("[-012]", "octal after minus"),
        .refuses("[-.123]", "minus, point first"), .refuses("[-1x]", "letter after a number"),
        .refuses("[1ea]", "letter in an exponent"), .refuses("[1.]", "point last"), .refuses("[.123]", "point first without minus"),
        .refuses("[1.2a-3]", "letter in a number"), .refuses("[012]", "leading zero"),
        .refuses("[00]", "two zeros"), .refuses("[1_000]", "underscore"),
        .refuses("[1e400]", "i: overflow", .numberOutOfRange), .refuses("[-1e400]", "i: negative overflow", .numberOutOfRange),
        .refuses("[\"x\", truth]", "wrong word"), .refuses("{[: \"x\"}\n", "bracket as a key"), .refuses("{\"x\", null}", "comma in place of a colon"),
        .refuses("{\"x\"::\"b\"}", "two colons"),
        .refuses("{\"a\":\"a\" 123}", "value after a value"), .refuses("{key: 'value'}", "single quotes"),
        .refuses("{\"a\" b}", "bare word in place of a colon"), .refuses("{:\"b\"}", "no key"),
        .refuses("{\"a\" \"b\"}", "no colon"), .refuses("{\"a\":", "no value"), .refuses("{\"a\"", "key alone"), .refuses("{1:1}", "number as a key"),
        .refuses("{null:null,null:null}", "null as a key"),
        .refuses("{\"id\":0,,,,,}", "several commas"), .refuses("{'a':0}", "single-quoted key"), .refuses("{\"id\":0,}", "comma last in an object"),
        .refuses("{\"a\":\"b\"}/**/", "comment behind"),
        .refuses("{\"a\":/*c*/1}", "comment inside"), .refuses("{\"a\":\"b\"}//", "line comment"),
        .refuses("{\"a\":\"b\",,\"c\":\"d\"}", "two commas in an object"), .refuses("{a: \"b\"}", "unquoted key"),
        .refuses("{\"a\":\"a", "open string"), .refuses("{ \"foo\" : \"bar\", \"a\" }", "key without a value"), .refuses("{\"a\":\"b\"}#", "hash behind"),
        .refuses("{\"a\":true} \"x\"", "two documents"),
        .refuses("[\"\\uD800\\\"]", "escape cut after a surrogate", .invalidText), .refuses("[\"\\uD800\\u\"]", "no digits in the second half"),
        .refuses("[\"\\uD800\\u1x\"]", "bad digits in the second half"),
        .refuses("[é]", "bare accented letter"), .refuses("[\"\\x00\"]", "hexadecimal escape"), .refuses("[\"\\\\\\\"]", "escaped quote never closed"),
        .refuses("[\"\\\t\"]", "escaped tab character"),
        .refuses("[\"\\🌀\"]", "escaped emoji"), .refuses("[\"\\\"]", "backslash before the end"), .refuses("[\"\\u00A\"]", "three digits"),
        .refuses("[\"\\a\"]", "unknown short escape"),
        .refuses("[\"\\uqqqq\"]", "letters in place of digits"), .refuses("[\\u0020\"asd\"]", "escape outside of a string"),
        .refuses("[\\n]", "escaped line end outside of a string"), .refuses("\"", "quote alone"),
        .refuses("['single quote']", "single-quoted string"), .refuses("abc", "bare word alone"), .refuses("[\"a\u{0}a\"]", "raw NUL in a string"),
        .refuses("[\"new\nline\"]", "raw line end in a string"),
        .refuses("[\"\t\"]", "raw tab in a string"), .refuses("\"\\UA66D\"", "capital U escape"), .refuses("\"x\"x", "text after a string"),
        .refuses("<.>", "angle brackets"), .refuses("[<null>]", "angle brackets in an array"),
        .refuses("[1]x", "text after an array"), .refuses("[1]]", "bracket after an array"), .refuses("[\"asd]", "string not closed"),
        .refuses("aå", "letters"), .refuses("{\"a\":true,", "object cut after a comma"),
        .refuses("[\u{c}]", "form feed as space"), .refuses("[\u{2060}]", "word joiner"), .refuses("2@", "sign after a number"),
        .refuses("{}}", "brace after an object"), .refuses("{\"\":", "object cut after a colon"),
        .refuses("{\"a\": 4}}", "two braces"), .refuses("{,", "comma in an open object"), .refuses("[}", "wrong bracket"),
        .refuses("[\"\\{", "cut inside an escape"), .refuses("*", "star alone"), .refuses("&", "ampersand"),
        .refuses("{\"a\":1,\"a\":2}", "duplicate key", .duplicateKey), .refuses("{\"a\":1,\"\\u0061\":1}", "duplicate key, one of them escaped", .duplicateKey),
        .refuses("[\"\\uDADA\"]", "i: high half alone", .invalidText), .refuses("[\"\\uD888\\u1234\"]", "i: high half before another character", .invalidText),
        .refuses("[\"\\uDd1ea\"]", "i: low half alone", .invalidText), .refuses("[\"\\uD800\\n\"]", "i: high half before an escape", .invalidText),
        .refuses("[\"\\uDd1e\\uD834\"]", "i: halves in the wrong order", .invalidText),
        .refuses(bytes: quoted([0xFF]), "byte FF", .invalidText), .refuses(bytes: quoted([0x81]), "continuation byte alone", .invalidText),
        .refuses(bytes: quoted([0xC0, 0xAF]), "overlong two bytes", .invalidText),
        .refuses(bytes: quoted([0xE0, 0xFF]), "broken three bytes", .invalidText),
        .refuses(bytes: quoted([0xED, 0xA0, 0x80]), "encoded surrogate", .invalidText),
        .refuses(bytes: quoted([0xF4, 0xBF, 0xBF, 0xBF]), "beyond the last code point", .invalidText),
        .refuses(bytes: quoted([0xFC, 0x80, 0x80, 0x80, 0x80, 0x80]), "overlong six bytes", .invalidText),
        .refuses(bytes: quoted([0x61, 0xE9, 0x62]), "Latin-1", .invalidText), .refuses(bytes: [0x5B, 0xE5, 0x5D], "bad byte outside of a string", .syntax),
        .refuses(bytes: [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], "i: byte-order mark", .syntax),
        .refuses(bytes: [0x5B, 0x00, 0x22, 0x00], "UTF-16", .syntax), .refuses(bytes: [0x5B, 0x31, 0x5D, 0x00], "NUL behind the document", .syntax),
    ]

    @Test(arguments: accepted) func readsWhatRFC8259Allows(_ row: JSONCase) throws {
        let value = try JSONValue(parsing: row.bytes)
        #expect(value == row.value, "\(row.reason)")
    }

    @Test(arguments: refused) func refusesEverythingElse(_ row: JSONCase) {
        let error = #expect(throws: JSONError.self, "\(row.reason)") { try JSONValue(parsing: row.bytes) }
        #expect(error?.code == row.code, "\(row.reason): \(error.map(String.init(describing:)) ?? "")")
        #expect((0...row.bytes.count).contains(error?.byteOffset ?? -1), "\(row.reason)")
    }

    @Test func theTableIsNoSmallerThanItWas() {
        #expect(Self.accepted.count >= 80)
        #expect(Self.refused.count >= 150)
    }
}
