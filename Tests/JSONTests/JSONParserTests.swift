// Offsets, limits, what is left out while parsing, and the shared keys.
// The conformance table stands in JSONConformanceTests.
// It never measures time except against a bound that only a quadratic parser would miss.

import JSON
import TestSupport
import Testing

@Suite struct JSONParserTests {
    struct Offset: Sendable {
        let text: String
        let offset: Int
        let reason: String
    }

    @Test(arguments: [
        Offset(text: "[1,2,x]", offset: 5, reason: "at the letter"),
        Offset(text: "{\"a\": tru }", offset: 6, reason: "at the start of the word"),
        Offset(text: "[1", offset: 2, reason: "at the end when the text ends"),
        Offset(text: "{} {}", offset: 3, reason: "at what follows the document"),
        Offset(text: "{\"a\":1, \"b\":2, \"a\":3}", offset: 15, reason: "at the second of two equal keys"),
        Offset(text: "[\"ab\\ud800\"]", offset: 4, reason: "at the escape of the half surrogate"),
        Offset(text: "[10e999]", offset: 1, reason: "at the number's first digit"),
        Offset(text: "[\"a\u{1}\"]", offset: 3, reason: "at the control character"),
    ])
    func errorsNameTheByte(_ row: Offset) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: row.text) }
        #expect(error?.byteOffset == row.offset, "\(row.reason)")
    }

    @Test func invalidUTF8IsNamedByItsFirstBadByte() {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array("[\"grün ".utf8) + [0xFF, 0x22, 0x5D]) }
        #expect(error?.byteOffset == 8)
        #expect(error?.code == .invalidText)
    }

    @Test func depthIsLimited() throws {
        let limits = JSONLimits(depthMax: 3, sizeBytesMax: 100)
        #expect(try JSONValue(parsing: "[[[1]]]", limits: limits) == [[[1]]])
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "[{\"a\":[[1]]}]", limits: limits) }
        #expect(error?.code == .tooDeep)
    }

    @Test func hundredThousandBracketsAreRefusedNotFollowed() {
        let bytes = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
        let dropped = Array("{\"metadata\":{\"x\":".utf8) + bytes
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: dropped, dropping: ["x"]) }
        #expect(error?.code == .tooDeep)
    }

    @Test func sizeIsLimited() {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "[1,2,3]", limits: JSONLimits(depthMax: 9, sizeBytesMax: 6)) }
        #expect(error?.code == .tooLarge)
    }

    @Test func orderOfKeysIsKept() throws {
        let object = try #require(try JSONValue(parsing: "{\"z\":1,\"a\":{\"y\":2,\"b\":3}}").object)
        #expect(object.keys == ["z", "a"])
        #expect(object["a"]?.object?.keys == ["y", "b"])
    }

    @Test func managedFieldsAreLeftOutOfMetadataOnly() throws {
        let text = """
            {"metadata":{"name":"a","managedFields":[{"fieldsV1":{"f:spec":{"k:{\\"name\\":\\"x\\"}":{}}},"n":-1.5e3}],"labels":{"b":"c"}},
             "spec":{"managedFields":"kept","template":{"metadata":{"managedFields":true}}}}
            """
        let value = try JSONValue(parsing: text, dropping: ["managedFields"])
        #expect(value == ["metadata": ["name": "a", "labels": ["b": "c"]], "spec": ["managedFields": "kept", "template": ["metadata": [:]]]])
    }

    @Test func leftOutMembersAloneAndLastLeaveAnObject() throws {
        #expect(try JSONValue(parsing: "{\"metadata\":{\"x\":1}}", dropping: ["x"]) == ["metadata": [:]])
        #expect(try JSONValue(parsing: "{\"metadata\":{\"a\":1,\"x\":[]}}", dropping: ["x"]) == ["metadata": ["a": 1]])
    }

    @Test(arguments: ["tru", "[1,]", "{\"a\" 1}", "{1:2}", "\"a", "\"\u{1}\"", "01", "[1}", "{\"a\":1,}", ""])
    func leftOutMembersMustStillBeJSON(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: "{\"metadata\":{\"x\":" + text + "}}", dropping: ["x"]) }
    }

    @Test func largeObjectsFindTheirKeysAndDuplicates() throws {
        let members = (0..<2000).map { "\"a-rather-long-key-\($0)\":\($0)" }
        let value = try JSONValue(parsing: "{" + members.joined(separator: ",") + "}")
        #expect(value["a-rather-long-key-1999"] == 1999)
        #expect(value.object?.count == 2000)
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{" + members.joined(separator: ",") + ",\"a-rather-long-key-7\":0}") }
        #expect(error?.code == .duplicateKey)
    }

    @Test func objectsWithTheSameKeysKeepTheirOwnValues() throws {
        let value = try JSONValue(parsing: "[{\"a\":1,\"b\":{\"a\":2,\"b\":3}},{\"a\":4,\"b\":5},{\"b\":6,\"a\":7}]")
        #expect(value == [["a": 1, "b": ["a": 2, "b": 3]], ["a": 4, "b": 5], ["b": 6, "a": 7]])
        #expect(value[2]?.object?.keys == ["b", "a"])
    }

    /// Flips, cuts and doubles bytes of a document: whatever comes out is a value or an error, and a value survives a second pass.
    @Test func damagedDocumentsNeverTrap() throws {
        var random = Seeded()
        let document = Array("{\"metadata\":{\"name\":\"é\\u00e9\\ud83d\\ude39\",\"x\":[1,-2.5e3]},\"b\":[true,false,null,{}],\"c\":18446744073709551615}".utf8)
        for _ in 0..<3000 {
            var bytes = document
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place...)
                default: bytes.insert(bytes[place], at: place)
                }
                if bytes.isEmpty { break }
            }
            guard let value = try? JSONValue(parsing: bytes, dropping: ["x"]) else { continue }
            #expect(try JSONValue(parsing: value.bytes()) == value)
        }
    }
}
