// Schemas of custom kinds: what is refused, defaulted, pruned and found invalid.
// The expected texts were taken from the answers of a kube-apiserver 1.36 to the same schemas and values.
// It never goes through a server: DefinitionTests do.

import JSON
import Testing

@testable import KubernetesTestServer

@Suite struct StructuralSchemaTests {
    private static func read(_ spec: JSONValue, required: JSONValue = []) -> (schema: Schema, errors: [FieldError]) {
        var reader = SchemaReader()
        let schema = reader.schema(["type": "object", "required": required, "properties": ["spec": spec]], path: "root", isRoot: true)
        return (schema, reader.errors)
    }

    private static func errors(_ field: JSONValue, _ value: JSONValue) -> [String] {
        let (schema, refused) = read(["type": "object", "properties": ["f": field]])
        #expect(refused.isEmpty)
        return schema.errors(["spec": ["f": value]], path: "").map { "\($0.reason.rawValue.dropFirst("FieldValue".count)) \($0.field) \($0.message)" }
    }

    @Test(
        arguments: [
            (["description": "x"], ".type", "Required value: must not be empty for specified object fields"),
            (["type": "stringy"], ".type", #"Unsupported value: "stringy": supported values: "array", "boolean", "integer", "number", "object", "string""#),
            (["type": "array"], ".items", "Required value: must be specified"),
            (
                ["type": "object", "additionalProperties": ["type": "string"], "properties": ["a": ["type": "string"]]], ".additionalProperties",
                "Forbidden: additionalProperties and properties are mutual exclusive"
            ),
            (["type": "object", "$ref": "#/x"], ".$ref", "Forbidden: $ref is not supported"),
            (["type": "string", "pattern": "(["], ".pattern", "must be a valid regular expression"),
            (["type": "integer", "default": "x"], ".default", "must be of type integer"),
            (["type": "object", "default": ["zz": 1], "properties": ["a": ["type": "string"]]], ".default", "must not have unknown fields"),
            (
                [
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                    "items": ["type": "object", "properties": ["k": ["type": "string"]]],
                ],
                ".items.properties[k].default", "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            ),
            (
                ["type": "array", "x-kubernetes-list-type": "bag", "items": ["type": "string"]], ".x-kubernetes-list-type",
                #"supported values: "atomic", "map", "set""#
            ),
        ] as [(JSONValue, String, String)])
    func whatIsNotStructuralIsRefused(schema: JSONValue, place: String, message: String) throws {
        let errors = Self.read(schema).errors
        let error = try #require(errors.first { $0.field == "root.properties[spec]" + place }, "\(errors)")
        #expect(error.message.contains(message))
    }

    @Test(
        arguments: [
            (["type": "integer"], "x", #"TypeInvalid spec.f Invalid value: "string": spec.f in body must be of type integer: "string""#),
            (["type": "string"], 1, #"TypeInvalid spec.f Invalid value: "integer": spec.f in body must be of type string: "integer""#),
            (["type": "object"], [], #"TypeInvalid spec.f Invalid value: "array": spec.f in body must be of type object: "array""#),
            (["type": "integer", "minimum": 0], -1, "Invalid spec.f Invalid value: -1: spec.f in body should be greater than or equal to 0"),
            (["type": "integer", "maximum": 10], 11, "Invalid spec.f Invalid value: 11: spec.f in body should be less than or equal to 10"),
            (["type": "integer", "minimum": 0, "exclusiveMinimum": true], 0, "Invalid spec.f Invalid value: 0: spec.f in body should be greater than 0"),
            (["type": "number", "minimum": 0.5], 0.25, "Invalid spec.f Invalid value: 0.25: spec.f in body should be greater than or equal to 0.5"),
            (["type": "integer", "multipleOf": 3], 4, "Invalid spec.f Invalid value: 4: spec.f in body should be a multiple of 3"),
            (["type": "string", "maxLength": 5], "abcdef", "TooLong spec.f Too long: may not be more than 5 bytes"),
            (
                ["type": "string", "minLength": 2, "pattern": "^[a-z]+$"], "A",
                #"Invalid spec.f Invalid value: "A": spec.f in body should be at least 2 chars long"#
            ),
            (["type": "string", "pattern": "^[a-z]+$"], "a\n", #"Invalid spec.f Invalid value: "a\n": spec.f in body should match '^[a-z]+$'"#),
            (["type": "string", "enum": ["a", "b"]], "c", #"NotSupported spec.f Unsupported value: "c": supported values: "a", "b""#),
            (["type": "integer", "enum": [1, 2]], 3, #"NotSupported spec.f Unsupported value: 3: supported values: "1", "2""#),
            (["type": "string", "format": "date-time"], "x", #"TypeInvalid spec.f Invalid value: "x": spec.f in body must be of type date-time: "x""#),
            (
                ["type": "array", "items": ["type": "string"], "minItems": 1], [],
                "Invalid spec.f Invalid value: 0: spec.f in body should have at least 1 items"
            ),
            (["type": "array", "items": ["type": "string"], "maxItems": 1], ["a", "b"], "TooMany spec.f Too many: 2: must have at most 1 items"),
            (
                ["type": "object", "additionalProperties": ["type": "string"], "maxProperties": 1], ["a": "", "b": ""],
                "TooMany spec.f Too many: 2: must have at most 1 items"
            ),
            (["type": "object", "minProperties": 1], [:], "Invalid spec.f Invalid value: 0: spec.f in body should have at least 1 properties"),
            (["type": "object", "required": ["a"], "properties": ["a": ["type": "string"]]], [:], "Required spec.f.a Required value"),
            (["type": "array", "items": ["type": "string"], "x-kubernetes-list-type": "set"], ["a", "b", "a"], #"Duplicate spec.f[2] Duplicate value: "a""#),
            (
                ["x-kubernetes-int-or-string": true], true,
                #"TypeInvalid spec.f Invalid value: "boolean": spec.f in body must be of type integer,string: "boolean""#
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string"], "b": ["type": "string"]], "oneOf": [["required": ["a"]], ["required": ["b"]]]],
                ["a": "", "b": ""],
                #"Invalid <nil> Invalid value: "": "spec.f" must validate one and only one schema (oneOf). Found 2 valid alternatives"#
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string"]], "anyOf": [["required": ["a"]]]], [:],
                #"Invalid <nil> Invalid value: "": "spec.f" must validate at least one schema (anyOf)"#
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string"]], "not": ["required": ["a"]]], ["a": ""],
                #"Invalid <nil> Invalid value: "": "spec.f" must not validate the schema (not)"#
            ),
        ] as [(JSONValue, JSONValue, String)])
    func invalidValueIsReportedAsAServerDoes(schema: JSONValue, value: JSONValue, expected: String) {
        #expect(Self.errors(schema, value) == [expected])
    }

    @Test(
        arguments: [
            (["type": "integer", "format": "int32", "minimum": 0], 0, "a bound is inside"), (["type": "integer"], 1.0, "a whole number is an integer"),
            (["type": "number"], 1, "an integer is a number"), (["type": "string", "nullable": true], .null, "nullable"),
            (["type": "string", "maxLength": 2], "éé", "characters count"),
            (["x-kubernetes-int-or-string": true, "anyOf": [["type": "integer"], ["type": "string"]]], "50%", "int or string"),
            (["x-kubernetes-int-or-string": true, "anyOf": [["type": "integer"], ["type": "string"]], "pattern": "^[0-9]+$"], 5, "a pattern is for strings"),
            (["x-kubernetes-preserve-unknown-fields": true], [1, "a"], "anything"),
            (["type": "string", "format": "date-time"], "2026-01-02T03:04:05Z", "a time"),
            (["type": "string", "pattern": "b"], "abc", "patterns are not anchored"),
        ] as [(JSONValue, JSONValue, String)])
    func validValueHasNoErrors(schema: JSONValue, value: JSONValue, reason: String) {
        #expect(Self.errors(schema, value).isEmpty, "\(reason)")
    }

    @Test func duplicateKeysOfAListAreReportedAtTheSecond() {
        let item: JSONValue = ["type": "object", "required": ["name"], "properties": ["name": ["type": "string"], "v": ["type": "integer"]]]
        let list: JSONValue = ["type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": item]
        #expect(Self.errors(list, [["name": "a"], ["name": "b"], ["name": "a", "v": 2]]) == [#"Duplicate spec.f[2] Duplicate value: {"name":"a"}"#])
    }

    @Test func defaultsFillWhatIsAbsentParentsFirst() {
        let inner: JSONValue = ["type": "object", "properties": ["z": ["type": "string", "default": "zz"]]]
        let (schema, errors) = Self.read([
            "type": "object",
            "properties": [
                "def": ["type": "object", "default": [:], "properties": ["x": ["type": "integer", "default": 4], "y": inner]],
                "dn": ["type": "string", "default": "dd"],
                "dnn": ["type": "string", "default": "dd", "nullable": true], "s": ["type": "string"], "keep": ["type": "string", "default": "no"],
                "l": ["type": "array", "items": inner], "m": ["type": "object", "additionalProperties": inner],
            ],
        ])
        #expect(errors.isEmpty)
        let given: JSONValue = ["spec": ["dn": .null, "dnn": .null, "s": .null, "keep": "yes", "l": [[:]], "m": ["k": [:], "n": .null]]]
        let expected: JSONValue = [
            "spec": ["def": ["x": 4], "dn": "dd", "dnn": .null, "keep": "yes", "l": [["z": "zz"]], "m": ["k": ["z": "zz"]]]
        ]
        #expect(schema.defaulted(given) == expected)
    }

    @Test func unknownFieldsArePrunedAndNamed() {
        let (schema, errors) = Self.read([
            "type": "object",
            "properties": [
                "keep": [
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": ["k": ["type": "object", "properties": ["a": ["type": "string"]]]],
                ],
                "emb": ["type": "object", "x-kubernetes-embedded-resource": true, "properties": ["spec": ["type": "object"]]],
                "lm": ["type": "array", "items": ["type": "object", "properties": ["name": ["type": "string"]]]],
                "m": ["type": "object", "additionalProperties": ["type": "string"]],
            ],
        ])
        #expect(errors.isEmpty)
        let given: JSONValue = [
            "apiVersion": "v1", "kind": "K", "metadata": ["name": "x"],
            "spec": [
                "keep": ["zz": 1, "k": ["a": "x", "unk": 1]],
                "emb": ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "x"], "bar": 1, "spec": ["x": 1]],
                "lm": [["name": "a", "zz": 1]], "m": ["any": "x"], "unk": 1,
            ],
        ]
        var dropped: [String] = []
        let pruned = schema.pruned(given, path: "", dropped: &dropped)
        #expect(Set(dropped) == ["spec.keep.k.unk", "spec.emb.bar", "spec.emb.spec.x", "spec.lm[0].zz", "spec.unk"])
        #expect(
            pruned["spec"]?["keep"] == ["zz": 1, "k": ["a": "x"]] && pruned.at("spec", "emb", "metadata", "name") == "x" && pruned.at("spec", "m", "any") == "x"
        )
        #expect(pruned["kind"] == "K" && pruned.at("metadata", "name") == "x")
    }

    @Test(arguments: [
        ("^a$", "a", true, "plain"), ("^a$", "a\n", false, "RE2's $ is the end of the text"), (#"^\d+$"#, "１２", false, "digits are ASCII"),
        ("[$]", "$", true, "$ in a class"),
        (#"^a\$$"#, "a$", true, "an escaped $"), ("b", "abc", true, "not anchored"), ("^.$", "é", true, "one character"), ("^(?:x|y)+$", "xyx", true, "groups"),
        ("^[-!#$%&'*+.^_`|~A-Za-z0-9]+$", "x-Tenant_1", true, "a header's name"), ("^[-!#$%&'*+.^_`|~A-Za-z0-9]+$", "a b", false, "a space"),
    ])
    func patternsMatchAsInRE2(pattern: String, text: String, expected: Bool, reason: String) {
        #expect(RegularExpression(pattern)?.matches(text) == expected, "\(reason)")
    }
}
