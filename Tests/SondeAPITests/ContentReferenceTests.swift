// Which ConfigMaps and Secrets a collector's pods take in.

import JSON
import Testing
import YAML

@testable import SondeAPI

@Suite struct ContentReferenceTests {
    private static func references(_ yaml: String) throws -> [ContentReference] {
        OpenTelemetryCollectorSpec(try YAML.parse(yaml).first ?? .null).contentReferences
    }

    static let rows: [(String, [ContentReference])] = [
        ("configmaps: [{name: a, mountpath: x}]", [ContentReference(.configMap, "a")]),
        ("volumes: [{name: v, configMap: {name: a}}]", [ContentReference(.configMap, "a")]),
        ("volumes: [{name: v, secret: {secretName: s, optional: true}}]", [ContentReference(.secret, "s", isOptional: true)]),
        (
            "volumes: [{name: v, projected: {sources: [{configMap: {name: a}}, {secret: {name: s}}, {downwardAPI: {}}]}}]",
            [ContentReference(.configMap, "a"), ContentReference(.secret, "s")]
        ),
        ("env: [{name: V, valueFrom: {configMapKeyRef: {name: a, key: k}}}, {name: W, value: x}]", [ContentReference(.configMap, "a")]),
        ("env: [{name: V, valueFrom: {secretKeyRef: {name: s, key: k}}}]", [ContentReference(.secret, "s")]),
        (
            "envFrom: [{configMapRef: {name: a}}, {secretRef: {name: s, optional: true}}]",
            [ContentReference(.configMap, "a"), ContentReference(.secret, "s", isOptional: true)]
        ),
        (
            "{envFrom: [{secretRef: {name: s, optional: true}}], env: [{name: V, valueFrom: {secretKeyRef: {name: s, key: k}}}]}",
            [ContentReference(.secret, "s")]
        ),
        ("{volumes: [{name: v, emptyDir: {}}], configmaps: [{name: ''}]}", []),
    ]

    @Test(arguments: rows) func everyPlaceIsLookedAt(yaml: String, expected: [ContentReference]) throws { #expect(try Self.references(yaml) == expected) }

    @Test func thereIsALimit() throws {
        let many = (0..<150).map { "{name: m\($0)}" }.joined(separator: ", ")
        #expect(try Self.references("configmaps: [\(many)]").count == OpenTelemetryCollectorSpec.contentReferencesMax)
    }
}
