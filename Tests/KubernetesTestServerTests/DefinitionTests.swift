// Custom resource definitions: registration, validation, defaults, pruning, CEL rules, and what is refused.
// hack/test runs it.
// It never tests Sonde's own definitions: those have tests of their own.

import JSON
import Kubernetes
import KubernetesTestServer
import Testing

@Suite struct DefinitionTests {
    private func server(_ specSchema: String) async throws -> TestAPIServer {
        let server = TestAPIServer()
        _ = try await server.create(.customResourceDefinitions, try definition(specSchema))
        return server
    }

    @Test func definitionIsEstablishedAndServed() async throws {
        let server = try await server("type: object\nproperties: {mode: {type: string}}")
        let stored = try await server.get(.customResourceDefinitions, ObjectName(namespace: nil, name: "things.test.dev"))
        let conditions = Conditions(decoding: stored.at("status", "conditions"))
        #expect(conditions.isTrue("Established"))
        #expect(conditions.isTrue("NamesAccepted"))
        let created = try await server.create(things, thing("a", ["mode": "x"]))
        #expect(created.metadata.generation == 1)
        #expect(try await server.list(things).items.first?.kind == "Thing")
    }

    @Test func deletedDefinitionTakesItsObjectsAlong() async throws {
        let server = try await server("type: object\nproperties: {mode: {type: string}}")
        _ = try await server.create(things, thing("a", ["mode": "x"]))
        let stream = try await server.watch(.watch(things, resourceVersion: server.resourceVersion))
        _ = try await server.delete(.customResourceDefinitions, ObjectName(namespace: nil, name: "things.test.dev"))
        #expect(try await events(1, of: stream).map(\.summary) == ["DELETED a"])
        #expect(await failure { _ = try await server.list(things) }?.code == .notFound)
    }

    struct Row: CustomTestStringConvertible {
        let reason: String
        let schema: String
        let good: JSONValue
        let bad: JSONValue
        let field: String
        var testDescription: String { reason }
    }

    static let rows: [Row] = [
        Row(reason: "type", schema: "{type: integer}", good: 1, bad: "x", field: "spec.v"),
        Row(reason: "whole number", schema: "{type: integer}", good: 1, bad: 1.5, field: "spec.v"),
        Row(reason: "enum", schema: "{type: string, enum: [a, b]}", good: "a", bad: "c", field: "spec.v"),
        Row(reason: "minimum", schema: "{type: integer, minimum: 1}", good: 1, bad: 0, field: "spec.v"),
        Row(reason: "maximum", schema: "{type: integer, maximum: 5}", good: 5, bad: 6, field: "spec.v"),
        Row(reason: "exclusive maximum", schema: "{type: integer, maximum: 5, exclusiveMaximum: true}", good: 4, bad: 5, field: "spec.v"),
        Row(reason: "int32", schema: "{type: integer, format: int32}", good: 2_147_483_647, bad: 2_147_483_648, field: "spec.v"),
        Row(reason: "pattern", schema: "{type: string, pattern: '^a+$'}", good: "aa", bad: "ab", field: "spec.v"),
        Row(reason: "maxLength counts characters", schema: "{type: string, maxLength: 2}", good: "äö", bad: "abc", field: "spec.v"),
        Row(reason: "minLength", schema: "{type: string, minLength: 1}", good: "a", bad: "", field: "spec.v"),
        Row(reason: "maxItems", schema: "{type: array, maxItems: 1, items: {type: string}}", good: ["a"], bad: ["a", "b"], field: "spec.v"),
        Row(reason: "items", schema: "{type: array, items: {type: string}}", good: ["a"], bad: [1], field: "spec.v[0]"),
        Row(reason: "required", schema: "{type: object, required: [x], properties: {x: {type: string}}}", good: ["x": "1"], bad: [:], field: "spec.v.x"),
        Row(reason: "values of a map", schema: "{type: object, additionalProperties: {type: string}}", good: ["x": "1"], bad: ["x": 1], field: "spec.v.x"),
        Row(
            reason: "maxProperties", schema: "{type: object, maxProperties: 1, additionalProperties: {type: string}}", good: ["x": "1"],
            bad: ["x": "1", "y": "2"], field: "spec.v"),
        Row(reason: "int or string", schema: "{x-kubernetes-int-or-string: true}", good: "10%", bad: true, field: "spec.v"),
        Row(reason: "null in a list; null fields are dropped", schema: "{type: array, items: {type: string}}", good: ["a"], bad: [nil], field: "spec.v[0]"),
        Row(reason: "date-time", schema: "{type: string, format: date-time}", good: "2026-01-02T03:04:05Z", bad: "today", field: "spec.v"),
        Row(
            reason: "set", schema: "{type: array, x-kubernetes-list-type: set, items: {type: string}}", good: ["a", "b"], bad: ["a", "a"], field: "spec.v[1]"),
        Row(
            reason: "list map keys",
            schema:
                "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object, required: [k], properties: {k: {type: string}}}}",
            good: [["k": "a"], ["k": "b"]], bad: [["k": "a"], ["k": "a"]], field: "spec.v[1]"),
        Row(reason: "anyOf", schema: "{type: string, anyOf: [{pattern: '^a'}, {pattern: '^b'}]}", good: "bx", bad: "c", field: "<nil>"),
        Row(reason: "oneOf", schema: "{type: string, oneOf: [{pattern: '^a'}, {pattern: 'b$'}]}", good: "ac", bad: "ab", field: "<nil>"),
        Row(reason: "not", schema: "{type: string, not: {pattern: '^a'}}", good: "b", bad: "a", field: "<nil>"),
        Row(
            reason: "CEL",
            schema:
                "{type: object, properties: {a: {type: string}, b: {type: string}}, x-kubernetes-validations: [{rule: 'has(self.a) != has(self.b)', message: one}]}",
            good: ["a": "1"], bad: ["a": "1", "b": "2"], field: "spec.v"),
    ]

    @Test(arguments: rows) func schemaIsEnforced(row: Row) async throws {
        let server = try await server("type: object\nproperties:\n  v: \(row.schema)")
        _ = try await server.create(things, thing("good", ["v": row.good]))
        let error = await failure { _ = try await server.create(things, thing("bad", ["v": row.bad])) }
        #expect(error?.code == .invalid, "\(row.reason)")
        #expect(error?.causes.first?.field == row.field, "\(row.reason): \(String(describing: error))")
        #expect(error?.message.hasPrefix("Thing.test.dev \"bad\" is invalid: ") == true)
    }

    @Test func unknownFieldsArePrunedOrRefused() async throws {
        let server = try await server(
            """
            type: object
            properties:
              known: {type: string}
              open: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {typed: {type: object, properties: {a: {type: string}}}}}
            """)
        let spec: JSONValue = ["known": "1", "unknown": "2", "open": ["any": ["thing": 1], "typed": ["a": "1", "b": "2"]]]
        let created = try await server.create(things, thing("a", spec))
        #expect(created["spec"] == ["known": "1", "open": ["any": ["thing": 1], "typed": ["a": "1"]]])
        var strict = KubernetesRequest.create(things, thing("b", spec))
        strict.query.append(.init("fieldValidation", "Strict"))
        let error = await failure { _ = try await server.send(strict) }
        #expect(error?.code == .badRequest)
        #expect(error?.message.contains("unknown field \"spec.unknown\", unknown field \"spec.open.typed.b\"") == true)
    }

    @Test func defaultsFillWhatIsAbsent() async throws {
        let server = try await server(
            """
            type: object
            properties:
              mode: {type: string, default: deployment}
              nested: {type: object, default: {}, properties: {count: {type: integer, default: 3}}}
              list: {type: array, items: {type: object, properties: {protocol: {type: string, default: TCP}}}}
            """)
        let created = try await server.create(things, thing("a", ["list": [[:]]]))
        #expect(created["spec"] == ["mode": "deployment", "nested": ["count": 3], "list": [["protocol": "TCP"]]])
        let given = try await server.create(things, thing("b", ["mode": "daemonset", "nested": ["count": 0]]))
        #expect(given["spec"] == ["mode": "daemonset", "nested": ["count": 0]])
    }

    @Test func transitionRuleComparesWithTheOldValue() async throws {
        let server = try await server(
            "type: object\nproperties:\n  mode: {type: string, x-kubernetes-validations: [{rule: self == oldSelf, message: is immutable}]}")
        _ = try await server.create(things, thing("a", ["mode": "x"]))
        _ = try await server.apply(things, thing("a", ["mode": "x"]), fieldManager: "t", force: true)
        let error = await failure { _ = try await server.patch(things, .inDefault("a"), .merge(["spec": ["mode": "y"]])) }
        #expect(error?.causes.first?.message == "Invalid value: \"y\": is immutable")
    }

    struct Broken: CustomTestStringConvertible {
        let reason: String
        let schema: String
        var testDescription: String { reason }
    }

    static let broken = [
        Broken(reason: "no type", schema: "{properties: {a: {type: string}}}"),
        Broken(reason: "unknown type", schema: "{type: text}"),
        Broken(reason: "array without items", schema: "{type: array}"),
        Broken(
            reason: "map key that no item has", schema: "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [n], items: {type: object}}"),
        Broken(reason: "bad pattern", schema: "{type: string, pattern: '('}"),
        Broken(reason: "default of another type", schema: "{type: string, default: 1}"),
        Broken(reason: "additionalProperties false", schema: "{type: object, additionalProperties: false}"),
        Broken(reason: "CEL syntax", schema: "{type: object, x-kubernetes-validations: [{rule: 'self.a =='}]}"),
        Broken(reason: "CEL field that is not there", schema: "{type: object, x-kubernetes-validations: [{rule: 'has(self.nothing)'}]}"),
        Broken(reason: "CEL function that is not there", schema: "{type: object, x-kubernetes-validations: [{rule: 'frobnicate(self)'}]}"),
        Broken(reason: "CEL name that is not there", schema: "{type: object, x-kubernetes-validations: [{rule: 'other == 1'}]}"),
    ]

    @Test(arguments: broken) func brokenDefinitionIsRefused(row: Broken) async throws {
        let server = TestAPIServer()
        let proposed = try definition("type: object\nproperties:\n  v: \(row.schema)")
        let error = await failure { _ = try await server.create(.customResourceDefinitions, proposed) }
        #expect(error?.code == .invalid, "\(row.reason)")
        #expect(
            error?.causes.first?.field.hasPrefix("spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[v]") == true,
            "\(String(describing: error))")
        #expect(await failure { _ = try await server.list(things) }?.code == .notFound)
    }

    @Test func tableHasThePrinterColumns() async throws {
        let server = try await server("type: object\nproperties: {mode: {type: string}}")
        _ = try await server.create(things, thing("a", ["mode": "sidecar"]))
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
        let table = try await server.send(KubernetesRequest(.get, things.path(namespace: "default"), accept: accept))
        #expect(table["columnDefinitions"]?.array?.map { $0["name"]?.string } == ["Name", "Mode"])
        #expect(table["rows"]?[0]?["cells"]?[1] == "sidecar")
    }
}
