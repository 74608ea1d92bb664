// The generated definitions: structural, bounded, complete, small enough for a plain apply.
// They are walked as documents, the way an API server reads them.
// It never needs a cluster; hack/test registers the same documents with a real one when there is one.

import JSON
import Kubernetes
import Testing

@testable import SondeAPI

@Suite struct CustomResourceDefinitionTests {
    static let files = CustomResourceDefinitions.all.map(\.fileName)

    private func definition(_ file: String) throws -> JSONValue { try #require(CustomResourceDefinitions.all.first { $0.fileName == file }?.object) }

    /// Every schema of a definition with its path.
    private func schemas(_ definition: JSONValue) -> [(path: String, schema: JSONValue)] {
        var found: [(String, JSONValue)] = []
        func walk(_ schema: JSONValue, _ path: String) {
            found.append((path, schema))
            for (key, value) in schema["properties"]?.object ?? [:] { walk(value, "\(path).\(key)") }
            if let items = schema["items"] { walk(items, path + "[]") }
            if let values = schema["additionalProperties"] { walk(values, path + "{}") }
        }
        for version in definition.at("spec", "versions")?.array ?? [] {
            if let root = version.at("schema", "openAPIV3Schema") { walk(root, "") }
        }
        return found
    }

    @Test(arguments: files) func everySchemaIsStructural(_ file: String) throws {
        for (path, schema) in schemas(try definition(file)) {
            let isOpen = schema["x-kubernetes-preserve-unknown-fields"]?.bool == true || schema["x-kubernetes-int-or-string"]?.bool == true
            #expect(schema["type"] != nil || isOpen, "\(path) has no type")
            if schema["type"]?.string == "array" {
                #expect(schema["items"] != nil && schema["maxItems"] != nil && schema["x-kubernetes-list-type"] != nil, "\(path)")
            }
            if schema["properties"] != nil { #expect(schema["additionalProperties"] == nil, "\(path)") }
        }
    }

    @Test(arguments: files) func everyStringAndMapOfOursIsBounded(_ file: String) throws {
        for (path, schema) in schemas(try definition(file)) where ![".apiVersion", ".kind"].contains(path) {
            if schema["type"]?.string == "string" { #expect(schema["maxLength"] != nil || schema["enum"] != nil, "\(path)") }
            if schema["additionalProperties"] != nil { #expect(schema["maxProperties"] != nil, "\(path)") }
        }
    }

    @Test(arguments: files) func everyFieldIsDescribed(_ file: String) throws {
        for (path, schema) in schemas(try definition(file)) where path != "" && path != ".metadata" && !path.hasSuffix("[]") {
            let description = schema["description"]?.string ?? ""
            #expect(!description.isEmpty, "\(path)")
        }
    }

    @Test func everyDefaultFitsItsOwnSchema() {
        func walk(_ schema: Schema, _ path: String) {
            if let value = schema.defaultValue { #expect(schema.findings(for: schema.completing(value), at: path).isEmpty, "\(path)") }
            for field in schema.fields { walk(field.schema, "\(path).\(field.name)") }
        }
        walk(CollectorSchema.spec, "spec")
        walk(EBPFProbeSchema.spec, "spec")
    }

    @Test func listKeysAreRequiredFields() {
        for (path, schema) in CustomResourceDefinitions.all.map(\.object).flatMap(schemas) {
            for key in schema["x-kubernetes-list-map-keys"]?.array ?? [] {
                #expect(schema.at("items", "required")?.array?.contains(key) == true, "\(path)")
            }
        }
    }

    @Test func collectorHasThe58FieldsOfTheExistingAPI() {
        #expect(CollectorSchema.spec.fields.count == 58)
        #expect(Set(CollectorSchema.spec.fields.map(\.name)).count == 58)
        #expect(CollectorSchema.spec.rules.count == 4)
    }

    @Test func onlyReplicasAndPortProtocolHaveDefaultsInTheCollector() {
        let defaults = schemas(CustomResourceDefinitions.openTelemetryCollector).filter { $0.schema["default"] != nil }.map(\.path)
        #expect(defaults.sorted() == [".spec.ports[].protocol", ".spec.replicas"])
    }

    @Test func collectorSurfaceIsTheExistingOne() {
        let definition = CustomResourceDefinitions.openTelemetryCollector
        #expect(definition.metadata.name == "opentelemetrycollectors.opentelemetry.io")
        #expect(definition.at("spec", "names", "shortNames") == ["otelcol", "otelcols"])
        let version = definition.at("spec", "versions")?[0]
        #expect(version?["name"] == "v1beta1")
        #expect(version?.at("subresources", "scale", "specReplicasPath") == ".spec.replicas")
        #expect(version?.at("subresources", "status") == [:])
        let columns = version?["additionalPrinterColumns"]?.array?.compactMap { $0["name"]?.string }
        #expect(columns == ["Mode", "Version", "Ready", "Age", "Image", "Management"])
    }

    @Test func probeSurfaceIsTheDocumentedOne() {
        let definition = CustomResourceDefinitions.ebpfProbe
        #expect(definition.at("spec", "names", "categories") == ["sonde"])
        #expect(definition.at("spec", "names", "shortNames") == ["ebp"])
        let columns = definition.at("spec", "versions")?[0]?["additionalPrinterColumns"]?.array?.compactMap { $0["name"]?.string }
        #expect(columns == ["Ready", "Nodes", "Degraded", "Collector", "Reason", "Age"])
        #expect(EBPFProbeSchema.spec.rules.map(\.expression) == ["has(self.collectorRef) != has(self.endpoint)"])
    }
}
