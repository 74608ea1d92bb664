// Label and field selectors: what the texts mean and which are refused.

import JSON
import Kubernetes
import Testing

@Suite struct SelectorTests {
    static let labels = ["app": "a", "tier": "web", "sonde.dev/owner-uid": "u-1", "empty": ""]

    static let matches: [(text: String, isMatch: Bool, why: String)] = [
        ("", true, "an empty selector matches everything"),
        ("app=a", true, "equal"), ("app==a", true, "double equals is equals"), ("app = a", true, "spaces do not count"), ("app=b", false, "other value"),
        ("app!=b", true, "not equal"), ("missing!=b", true, "an absent label is not equal to anything"), ("app!=a", false, "not equal to itself"),
        ("app in (a,b)", true, "one of"), ("app in (b, c)", false, "none of"), ("app notin (b)", true, "not in"),
        ("missing notin (b)", true, "absent is not in"),
        ("app notin (a)", false, "in"), ("app", true, "exists"), ("missing", false, "does not exist"), ("!missing", true, "absent"),
        ("! app", false, "present"),
        ("app=a,tier=web", true, "both"), ("app=a,tier=db", false, "only one of both"), ("empty=", true, "an empty value"),
        ("app in ()", false, "the empty value only"),
        ("sonde.dev/owner-uid=u-1", true, "a key with a prefix"), ("in", false, "a key may be called in"),
    ]

    @Test(arguments: matches) func textMatches(_ row: (text: String, isMatch: Bool, why: String)) throws {
        #expect(try LabelSelector(parsing: row.text).matches(Self.labels) == row.isMatch, "\(row.why)")
    }

    @Test(arguments: matches) func renderedTextMeansTheSame(_ row: (text: String, isMatch: Bool, why: String)) throws {
        let selector = try LabelSelector(parsing: row.text)
        #expect(try LabelSelector(parsing: selector.text) == selector, "\(row.text) became \(selector.text)")
    }

    @Test(arguments: [
        "=a", "a>1", "a in b", "a in (b", "a,,b", "a=b c", "-a=b", "a=b/c", "/a", "A B", "a=\(String(repeating: "x", count: 64))", "UPPER.example/a", "a,",
    ])
    func otherTextsAreRefused(_ text: String) { #expect(throws: SelectorError.self) { try LabelSelector(parsing: text) } }

    @Test func expressionsAreRead() throws {
        let selector = try LabelSelector(decoding: [
            "matchLabels": ["app": "a"],
            "matchExpressions": [["key": "tier", "operator": "In", "values": ["web"]], ["key": "x", "operator": "DoesNotExist"]],
        ])
        #expect(selector.matches(Self.labels))
        #expect(selector.text == "app=a,tier=web,!x")
        #expect(throws: SelectorError.self) { try LabelSelector(decoding: ["matchExpressions": [["key": "x", "operator": "In", "values": []]]]) }
        #expect(throws: SelectorError.self) { try LabelSelector(decoding: ["matchExpressions": [["key": "x", "operator": "Gt", "values": ["1"]]]]) }
        #expect(throws: SelectorError.self) { try LabelSelector(decoding: ["matchExpressions": [["key": "x", "operator": "Exists", "values": ["1"]]]]) }
    }

    @Test func labelsBecomeAStableText() {
        #expect(LabelSelector(matching: ["b": "2", "a": "1"]).text == "a=1,b=2")
    }

    @Test func fieldSelectorsMatchNameAndNamespace() throws {
        let object: JSONValue = ["metadata": ["name": "x", "namespace": "n"]]
        #expect(try FieldSelector(parsing: "metadata.name=x,metadata.namespace!=other").matches(object))
        #expect(try !FieldSelector(parsing: "metadata.name==y").matches(object))
        #expect(FieldSelector.name("x").text == "metadata.name=x")
        #expect(throws: SelectorError.self) { try FieldSelector(parsing: "status.phase=Running") }
        #expect(throws: SelectorError.self) { try FieldSelector(parsing: "metadata.name") }
    }
}
