// JSON Patch and JSON Merge Patch: the examples of RFC 6902 appendix A and RFC 7386 appendix A, and the limits.

import JSON
import Kubernetes
import Testing

@Suite struct PatchTests {
    static let jsonPatches: [(document: String, patch: String, result: String?, why: String)] = [
        (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#, #"{"baz":"qux","foo":"bar"}"#, "A.1 add a member"),
        (#"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#, #"{"foo":["bar","qux","baz"]}"#, "A.2 add an element"),
        (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#, #"{"foo":"bar"}"#, "A.3 remove a member"),
        (#"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#, #"{"foo":["bar","baz"]}"#, "A.4 remove an element"),
        (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#, #"{"baz":"boo","foo":"bar"}"#, "A.5 replace"),
        (
            #"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#, #"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
            #"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#, "A.6 move a value"
        ),
        (
            #"{"foo":["all","grass","cows","eat"]}"#, #"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#, #"{"foo":["all","cows","eat","grass"]}"#,
            "A.7 move an element"
        ),
        (
            #"{"baz":"qux","foo":["a",2,"c"]}"#, #"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2.0}]"#,
            #"{"baz":"qux","foo":["a",2,"c"]}"#, "A.8 test, numbers by value"
        ),
        (#"{"baz":"qux"}"#, #"[{"op":"test","path":"/baz","value":"bar"}]"#, nil, "A.9 test fails"),
        (
            #"{"foo":"bar"}"#, #"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#, #"{"foo":"bar","child":{"grandchild":{}}}"#,
            "A.10 add a nested object"
        ),
        (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#, #"{"foo":"bar","baz":"qux"}"#, "A.11 unknown members are ignored"),
        (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz/bat","value":"qux"}]"#, nil, "A.12 add to a missing target"),
        (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":10}]"#, #"{"/":9,"~1":10}"#, "A.14 escapes"),
        (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":"10"}]"#, nil, "A.15 a string is no number"),
        (#"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#, #"{"foo":["bar",["abc","def"]]}"#, "A.16 append"),
        (#"{"a":{"b":1}}"#, #"[{"op":"copy","from":"/a","path":"/c"}]"#, #"{"a":{"b":1},"c":{"b":1}}"#, "copy"),
        (#"{"a":1}"#, #"[{"op":"replace","path":"","value":[1]}]"#, "[1]", "the whole document"),
        (#"{"a":{"b":1}}"#, #"[{"op":"move","from":"/a","path":"/a/c"}]"#, nil, "into itself"),
        (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/2","value":1}]"#, nil, "beyond the end"),
        (#"{"a":[1]}"#, #"[{"op":"remove","path":"/a/01"}]"#, nil, "an index with a leading zero"),
        (#"{"a":[1]}"#, #"[{"op":"replace","path":"/b","value":1}]"#, nil, "replace what is missing"),
        (#"{"a":1}"#, #"[{"op":"add","path":"/a/b/c","value":1}]"#, nil, "through a number"),
        (#"{}"#, #"[{"op":"remove","path":"/a"}]"#, nil, "remove what is missing"),
    ]

    @Test(arguments: jsonPatches) func jsonPatchGives(_ row: (document: String, patch: String, result: String?, why: String)) throws {
        let document = try JSONValue(parsing: row.document)
        let patch = try JSONPatch(decoding: JSONValue(parsing: row.patch))
        guard let result = row.result else {
            #expect(throws: PatchError.self, "\(row.why)") { try patch.apply(to: document) }
            return
        }
        #expect(try patch.apply(to: document) == JSONValue(parsing: result), "\(row.why)")
        #expect(try JSONPatch(decoding: patch.jsonValue) == patch, "\(row.why)")
    }

    @Test(arguments: [
        #"{}"#, #"[{"op":"spam","path":"/a"}]"#, #"[{"op":"add","path":"/a"}]"#, #"[{"op":"add","path":"a","value":1}]"#, #"[{"op":"remove"}]"#,
        #"[{"op":"move","path":"/a"}]"#, #"[{"op":"remove","path":"/~2"}]"#, #"[{"op":"remove","path":"/~"}]"#,
    ])
    func malformedPatchesAreRefused(_ text: String) throws {
        let document = try JSONValue(parsing: text)
        let error = #expect(throws: PatchError.self) { try JSONPatch(decoding: document) }
        #expect(error?.code == .malformed)
    }

    @Test func tooManyOperationsAreRefused() {
        let operation: JSONValue = ["op": "remove", "path": "/a"]
        #expect(throws: PatchError.self) { try JSONPatch(decoding: .array(Array(repeating: operation, count: JSONPatch.operationsMax + 1))) }
    }

    @Test func failedTestIsToldFromMissingPath() throws {
        let document: JSONValue = ["metadata": ["finalizers": ["a"]]]
        let pointer = try JSONPointer(parsing: "/metadata/finalizers/0")
        let failed = #expect(throws: PatchError.self) { try JSONPatch([.test(pointer, "b"), .remove(pointer)]).apply(to: document) }
        #expect(failed?.code == .testFailed)
        let missing = #expect(throws: PatchError.self) { try JSONPatch([.remove(JSONPointer(["x"]))]).apply(to: document) }
        #expect(missing?.code == .missingPath)
    }

    static let mergePatches: [(String, String, String)] = [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#), (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#),
        (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#), (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#), (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
        (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#), (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"),
        (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
        (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#), ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
        ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ]

    @Test(arguments: mergePatches) func mergePatchGives(_ row: (String, String, String)) throws {
        let result = try MergePatch.apply(JSONValue(parsing: row.1), to: JSONValue(parsing: row.0))
        #expect(try result == JSONValue(parsing: row.2))
    }
}
