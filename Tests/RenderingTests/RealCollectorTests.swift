// Configurations of the golden files, read by a real collector.
// Runs where SONDE_COLLECTOR names one (an otelcol program); hack/test has none, and says so.
// It never starts a pipeline: `validate` reads the configuration as a start does.

import Foundation
import JSON
import Kubernetes
import TestSupport
import Testing
import YAML

/// The otelcol program.
private let collector = ProcessInfo.processInfo.environment["SONDE_COLLECTOR"]

@Suite(.enabled(if: collector != nil, "SONDE_COLLECTOR names no otelcol program (CONTRIBUTING.md says how to run it)"))
struct RealCollectorTests {
    /// Variables that rendered configurations read.
    private static let environment = ["POD_IP": "127.0.0.1", "MY_POD_IP": "127.0.0.1", "K8S_NODE_NAME": "node", "SHARD": "0"]

    @Test(arguments: GoldenTests.names) func aRealCollectorTakesWhatIsRendered(_ name: String) throws {
        let program = try #require(collector)
        let golden = try Data(contentsOf: GoldenTests.folder.appending(path: "\(name).golden.yaml"))
        for object in try YAML.parse(Array(golden)) where object.kind == "ConfigMap" {
            guard let text = object.at("data", "collector.yaml")?.string else { continue }
            let file = FileManager.default.temporaryDirectory.appending(path: "sonde-\(UUID().uuidString).yaml")
            defer { try? FileManager.default.removeItem(at: file) }
            try text.write(to: file, atomically: true, encoding: .utf8)
            let result = try ChildProcess.run(program, ["validate", "--config=\(file.path)"], environment: Self.environment, errors: .output)
            // A build without a component says nothing about its settings.
            if result.status != 0, result.output.contains("unknown type:") {
                print("\(name): this collector lacks a component: \(result.output.split(separator: "\n").last ?? "")")
                continue
            }
            #expect(result.status == 0, "\(object.metadata.name): \(result.output)")
        }
    }
}
