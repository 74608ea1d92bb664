// Rendered objects of whole resources against files in Golden: full equality, every field.
// Each <name>.input.yaml has its <name>.golden.yaml beside it; SONDE_UPDATE_GOLDEN=1 writes them anew, and a review reads the difference.
// It never compares parts.

import Foundation
import JSON
import SondeAPI
import Testing
import YAML

@testable import Rendering

@Suite struct GoldenTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    @Test(arguments: ["deployment", "daemonset", "probe"]) func renderedObjectsAreTheGoldenOnes(_ name: String) throws {
        let documents = try YAML.parse(Array(Data(contentsOf: Self.folder.appending(path: "\(name).input.yaml"))))
        let (manifests, reports) = ResourceFile(documents: documents).render(
            .init(collectorImage: "example.com/collector:1"), .init(agentImage: "example.com/agent:1"))
        #expect(reports.flatMap(\.findings).errors.isEmpty, "\(reports.flatMap(\.findings))")
        let text = YAML.documents(manifests.map(\.object))
        let file = Self.folder.appending(path: "\(name).golden.yaml")
        if ProcessInfo.processInfo.environment["SONDE_UPDATE_GOLDEN"] == "1" { try text.write(to: file, atomically: true, encoding: .utf8) }
        let golden = try String(contentsOf: file, encoding: .utf8)
        let difference = zip(text.split(separator: "\n"), golden.split(separator: "\n")).first { $0 != $1 }
        #expect(text == golden, "first different line: \(String(describing: difference))")
    }
}
