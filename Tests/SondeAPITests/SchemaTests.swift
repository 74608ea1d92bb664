// The schema as data against the two other places that know the same fields: the typed structs, and patterns for an API server.
// Fields are compared by name, formats by a table of texts.
// It never compares descriptions.

import JSON
import Testing
import _StringProcessing

@testable import SondeAPI

@Suite struct SchemaTests {
    /// Paths of all leaves: `tcp.enabled`.
    private func leaves(_ value: JSONValue, _ path: String = "") -> Set<String> {
        guard let members = value.object, !members.isEmpty else { return [path] }
        return members.reduce(into: []) { $0.formUnion(leaves($1.1, Schema.join(path, $1.0))) }
    }

    private func leaves(_ schema: Schema, _ path: String = "") -> Set<String> {
        schema.fields.isEmpty ? [path] : schema.fields.reduce(into: []) { $0.formUnion(leaves($1.schema, Schema.join(path, $1.name))) }
    }

    @Test func typedFormsHaveExactlyTheFieldsOfTheSchema() {
        let configuration = AgentConfiguration(endpoint: "http://a")
        #expect(leaves(configuration.signals.document) == leaves(ProbeSchema.signals))
        #expect(leaves(configuration.namespaces.document) == leaves(ProbeSchema.namespaces))
        #expect(leaves(configuration.budget.document) == leaves(ProbeSchema.budget))
        #expect(leaves(configuration.attributes.document) == leaves(ProbeSchema.attributes))
    }

    @Test func defaultsOfTheSchemaAreThoseOfTheTypedForms() {
        let configuration = AgentConfiguration(endpoint: "http://a")
        let completed = ProbeSchema.signals.completing([:])
        #expect(completed["syscalls"] == configuration.signals.document["syscalls"])
        #expect(completed["scheduler"] == configuration.signals.document["scheduler"])
        #expect(ProbeSchema.budget.completing([:]) == configuration.budget.document)
    }

    @Test func familiesAreTheFieldsOfSignals() {
        #expect(AgentConfiguration(endpoint: "http://a").signals.families.map(\.name) == ProbeSchema.signals.fields.map(\.name))
    }

    static let texts = [
        "", "a", "A", "a-b", "-a", "a-", "a.b", "a..b", ".a", "a_b", "_a", "1a", "http://h", "https://h:1/p", "http://", "ftp://h", "http://u@h", "http://h?q",
        "http://h#f",
        "http://h/p q", "read", "epoll_wait", "READ", "9p", "x-tenant", "X Y", "a:b", "héllo", "http://[::1]:4318",
    ]

    @Test(arguments: TextRule.allCases) func patternAndCodeAgree(_ rule: TextRule) throws {
        guard let pattern = rule.pattern else { return }
        let expression = try Regex(pattern)
        for text in Self.texts {
            let matches = try expression.wholeMatch(in: text) != nil
            #expect(rule.accepts(text) == matches, "\(rule) on \"\(text)\"")
        }
        #expect(rule.accepts(rule.example))
    }

    @Test func entriesOfPlainListsMayRepeat() {
        let object: JSONValue = [
            "apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": ["name": "a"],
            "spec": ["command": ["a", "a"], "config": ["receivers": [:], "exporters": [:], "service": ["pipelines": [:]]]],
        ]
        #expect(OpenTelemetryCollector.findings(for: object).isEmpty)
    }

    @Test func limitsAreReachable() {
        let list = Schema(.list(Schema(.string(.free, maxLength: 3), ""), maxItems: 2, .atomic), "")
        #expect(list.findings(for: ["a", "b", "c"], at: "x").map(\.rule) == ["too-many"])
        #expect(list.findings(for: ["abcd"], at: "x").map(\.rule) == ["too-long"])
        let map = Schema(.map(Schema(.boolean, ""), maxProperties: 1), "")
        #expect(map.findings(for: ["a": true, "b": 1], at: "x").map(\.rule) == ["wrong-type", "too-many"])
    }
}
