// The rules of custom resource definitions: values, errors, positions, and what a failed rule is reported as.
// Messages and places are those of a kube-apiserver 1.36, except for syntax errors, whose words are this server's own.
// It never goes through a server: the parser, the evaluator and the schema are called directly.

import JSON
import Testing

@testable import KubernetesTestServer

@Suite struct CELTests {
    private static let value: JSONValue = [
        "n": 7, "f": 2.5, "s": "hello", "e": "", "b": true, "l": [1, 2, 3], "t": ["x", "y"], "m": ["a": 1, "b": 2], "o": ["in": ["k": "v"]], "x-y": 4,
        "nul": .null,
    ]

    private static func evaluate(_ text: String, old: JSONValue? = nil) throws(CELError) -> JSONValue {
        var variables = ["self": value]
        variables["oldSelf"] = old
        return try CELEvaluator(variables: variables).value(try CELParser.parse(text))
    }

    @Test(
        arguments: [
            ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("7 / 2", 3), ("-7 % 3", -1), ("2 - 3 - 4", -5), ("self.f * 2.0", 5.0), ("'a' + 'b'", "ab"),
            ("[1] + [2]", [1, 2]),
            ("-self.n", -7), ("self.n > 5 ? 'big' : 'small'", "big"), ("true ? false ? 1 : 2 : 3", 2), ("!(self.n == 7)", false), ("!!self.b", true),
            ("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && 1 != 2", true), ("1 == 1.0", true), ("'a' < 'b'", true), ("[1, 2] == [1, 2]", true),
            ("null == self.nul", true),
            ("self.l[1]", 2), ("self['s']", "hello"), ("self.o.in['k']", "v"), ("self.x__dash__y", 4), ("has(self.s)", true), ("has(self.nope)", false),
            ("has(self.o.in.z)", false), ("2 in self.l", true), ("'a' in self.m", true), ("'z' in self.m", false), ("size(self.s)", 5), ("self.l.size()", 3),
            ("self.m.size()", 2), ("self.s.startsWith('he')", true), ("self.s.endsWith('lo')", true), ("self.s.contains('ell')", true),
            ("self.s.contains('')", true),
            ("self.s.matches('^h.*o$')", true), ("self.s.matches('^e')", false), ("'HeY'.lowerAscii()", "hey"), ("' a '.trim()", "a"), ("string(7)", "7"),
            ("int('12') + 1", 13), ("double('1.5')", 1.5), ("self.l.all(x, x > 0)", true), ("self.l.exists(x, x == 2)", true),
            ("self.l.exists_one(x, x > 1)", false),
            ("self.l.map(x, x * 2)", [2, 4, 6]), ("self.l.filter(x, x > 1)", [2, 3]), ("self.m.all(k, k in ['a', 'b'])", true), ("[].all(x, x)", true),
            ("self.t.all(x, self.l.exists(y, y > 2))", true), (#"'it\'s' == "it's""#, true), ("'a\\nb'.size()", 3),
            ("true || self.nope", true), ("self.nope || true", true), ("false && self.nope == 1", false), ("self.nope == 1 && false", false),
        ] as [(String, JSONValue)])
    func expressionHasValue(text: String, expected: JSONValue) throws {
        let value = try Self.evaluate(text)
        #expect(value.double != nil && value.double == expected.double || value == expected)
    }

    @Test(arguments: [
        ("self.nope", "no such key: nope"), ("self.l[3]", "index out of bounds: 3"), ("1 / 0", "division by zero"), ("1 % 0", "modulus by zero"),
        ("9223372036854775807 + 1", "integer overflow"), ("self.s > 1", "no such overload"), ("self.s && true", "no such overload"),
        ("self.n.size()", "no such overload"),
        ("false || self.nope", "no such key: nope"), ("self.s.matches('[')", "regular expression"), ("self.n.all(x, true)", "needs a list or a map"),
    ])
    func expressionFails(text: String, message: String) throws {
        let error = try #require(throws: CELError.self) { try Self.evaluate(text) }
        #expect(error.message.contains(message))
    }

    @Test(arguments: [
        ("self.foo ==", "1:10", "ends too early"), ("nofn(self)", "1:1", "undeclared reference to 'nofn'"),
        ("self.nope()", "1:6", "undeclared reference to 'nope'"),
        ("self.a b", "1:8", "unexpected 'b'"), ("self.a == 'x", "1:11", "not closed"), ("a ~ b", "1:3", "unexpected character '~'"),
        ("(1 + 2", "1:6", "')' is expected"),
        ("1 +\n  * 2", "2:3", "unexpected '*'"), ("has(self)", "1:9", "selection of a field"), ("self.l.all(1, true)", "1:12", "needs a variable"),
        ("", "1:1", "ends too early"), ("self.a.", "1:7", "ends too early"),
    ])
    func errorOfSyntaxHasPosition(text: String, position: String, message: String) throws {
        let error = try #require(throws: CELError.self) { try CELParser.parse(text) }
        #expect(error.position == position && error.message.contains(message), "\(error)")
    }

    @Test func deepNestingIsRefused() throws {
        #expect(throws: Never.self) { try CELParser.parse(String(repeating: "(", count: 50) + "1" + String(repeating: ")", count: 50)) }
        for text in [String(repeating: "(", count: 300), String(repeating: "!", count: 300) + "true"] {
            let error = try #require(throws: CELError.self) { try CELParser.parse(text) }
            #expect(error.message.contains("nested"))
        }
    }

    private static func schema(_ rules: JSONValue, _ properties: JSONValue = ["n": ["type": "integer"], "d": ["type": "integer"]]) -> (Schema, [FieldError]) {
        var reader = SchemaReader()
        let spec: JSONValue = ["type": "object", "x-kubernetes-validations": rules, "properties": properties]
        let schema = reader.schema(["type": "object", "properties": ["spec": spec]], path: "root", isRoot: true)
        return (schema, reader.errors)
    }

    @Test(
        arguments: [
            (["rule": "self.n < 5", "message": "too many"], "spec", "FieldValueInvalid", "Invalid value: too many"),
            (["rule": "self.n < 5"], "spec", "FieldValueInvalid", "Invalid value: failed rule: self.n < 5"),
            (["rule": "self.n < 5", "message": "m", "reason": "FieldValueForbidden", "fieldPath": ".n"], "spec.n", "FieldValueForbidden", "Forbidden: m"),
            (["rule": "self.n < 5", "reason": "FieldValueRequired"], "spec", "FieldValueRequired", "Required value: failed rule: self.n < 5"),
            (["rule": "self.n < 5", "messageExpression": "'n is ' + string(self.n)"], "spec", "FieldValueInvalid", "Invalid value: n is 7"),
            (["rule": "self.d < 5"], "spec", "FieldValueInvalid", #"Invalid value: "object": no such key: d evaluating rule: self.d < 5"#),
            (["rule": "self.d < 5", "message": "m"], "spec", "FieldValueInvalid", #"Invalid value: "object": no such key: d evaluating rule: m"#),
        ] as [(JSONValue, String, String, String)])
    func failedRuleIsReportedAsAServerDoes(rule: JSONValue, field: String, reason: String, message: String) throws {
        let (schema, errors) = Self.schema([rule])
        #expect(errors.isEmpty)
        let found = try #require(schema.celErrors(["spec": ["n": 7]], old: nil, path: "").first)
        #expect((found.field, found.reason.rawValue, found.message) == (field, reason, message))
    }

    @Test func exactlyOneOfTwoFields() {
        let (schema, _) = Self.schema([["rule": "has(self.n) != has(self.d)", "message": "exactly one"]])
        #expect(schema.celErrors(["spec": ["n": 1]], old: nil, path: "").isEmpty)
        #expect(schema.celErrors(["spec": ["n": 1, "d": 1]], old: nil, path: "").count == 1 && schema.celErrors(["spec": [:]], old: nil, path: "").count == 1)
    }

    @Test func transitionRuleNeedsAnOldValue() {
        let (schema, _) = Self.schema([], ["im": ["type": "string", "x-kubernetes-validations": [["rule": "self == oldSelf", "message": "immutable"]]]])
        let new: JSONValue = ["spec": ["im": "b"]]
        #expect(schema.celErrors(new, old: nil, path: "").isEmpty && schema.celErrors(new, old: ["spec": [:]], path: "").isEmpty)
        #expect(schema.celErrors(new, old: ["spec": ["im": "a"]], path: "").map(\.message) == [#"Invalid value: "b": immutable"#])
        #expect(schema.celErrors(new, old: new, path: "").isEmpty)
    }

    @Test func elementsOfKeyedListsAreComparedWithTheirOldSelves() {
        let rule: JSONValue = [["rule": "self.v == oldSelf.v", "message": "fixed"]]
        let item: JSONValue = [
            "type": "object", "required": ["name"], "x-kubernetes-validations": rule, "properties": ["name": ["type": "string"], "v": ["type": "integer"]],
        ]
        let list: JSONValue = ["type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": item]
        let (schema, errors) = Self.schema([], ["l": list])
        #expect(errors.isEmpty)
        let old: JSONValue = ["spec": ["l": [["name": "a", "v": 1], ["name": "b", "v": 2]]]]
        let moved: JSONValue = ["spec": ["l": [["name": "b", "v": 2], ["name": "new", "v": 9], ["name": "a", "v": 3]]]]
        #expect(schema.celErrors(moved, old: old, path: "").map(\.field) == ["spec.l[2]"])
    }

    @Test(
        arguments: [
            (["rule": "self.nope == 1"], "undefined field 'nope'"), (["rule": "other.n == 1"], "undeclared reference to 'other'"),
            (["rule": "self.n =="], "<input>:1:8: "),
            (["rule": ""], "rule is required"), (["rule": "x(self)"], "<input>:1:1: undeclared reference to 'x'"),
            (["rule": "true", "messageExpression": "self.("], "<input>:1:6: "),
            (["rule": "true", "optionalOldSelf": true], "optionalOldSelf is not supported"),
        ] as [(JSONValue, String)])
    func ruleThatDoesNotCompileIsRefused(rule: JSONValue, message: String) throws {
        let (_, errors) = Self.schema([rule])
        let error = try #require(errors.first)
        #expect(error.field == "root.properties[spec].x-kubernetes-validations[0].rule" && error.message.contains(message), "\(error.message)")
    }
}
