// Rendered objects of whole resources against files in Golden: full equality, every field.
// Each <name>.input.yaml has its <name>.golden.yaml beside it; SONDE_UPDATE_GOLDEN=1 writes them anew, and a review reads the difference.
// It never compares parts.

import Foundation
import JSON
import Kubernetes
import SondeAPI
import Testing
import YAML

@testable import Rendering

@Suite struct GoldenTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    /// Every resource of the folder.
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".input.yaml") }
        .map { String($0.dropLast(".input.yaml".count)) }.sorted()

    private static func render(_ name: String) throws -> (text: String, reports: [DocumentReport]) {
        let documents = try YAML.parse(Array(Data(contentsOf: folder.appending(path: "\(name).input.yaml"))))
        let (manifests, reports) = ResourceFile(documents: documents).render(
            .init(collectorImage: "example.com/collector:1"), .init(agentImage: "example.com/agent:1"))
        return (YAML.documents(manifests.map(\.object)), reports)
    }

    @Test(arguments: names) func renderedObjectsAreTheGoldenOnes(_ name: String) throws {
        let (text, reports) = try Self.render(name)
        #expect(reports.flatMap(\.findings).errors.isEmpty, "\(reports.flatMap(\.findings))")
        let file = Self.folder.appending(path: "\(name).golden.yaml")
        if ProcessInfo.processInfo.environment["SONDE_UPDATE_GOLDEN"] == "1" { try text.write(to: file, atomically: true, encoding: .utf8) }
        let golden = try String(contentsOf: file, encoding: .utf8)
        let difference = zip(text.split(separator: "\n"), golden.split(separator: "\n")).first { $0 != $1 }
        #expect(text == golden, "first different line: \(String(describing: difference))")
    }

    @Test func everyGoldenFileHasItsResource() throws {
        #expect(Self.names.count >= 16)
        let golden = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { $0.hasSuffix(".golden.yaml") }
        #expect(Set(golden) == Set(Self.names.map { "\($0).golden.yaml" }))
    }

    @Test(arguments: names) func namesFitAndPortsAreUnique(_ name: String) throws {
        for object in try YAML.parse(try Self.render(name).text) {
            #expect(object.metadata.name.utf8.count <= 63, "\(object.kind) \(object.metadata.name)")
            for (key, value) in object.metadata.labels { #expect(value.utf8.count <= 63, "\(object.kind) \(key)") }
            for list in [object.at("spec", "ports")] + (object.at("spec", "template", "spec", "containers")?.array ?? []).map({ $0["ports"] }) {
                let ports = list?.array ?? []
                #expect(Set(ports.compactMap { $0["name"]?.string }).count == ports.count, "\(object.kind) \(object.metadata.name)")
            }
        }
    }
}
