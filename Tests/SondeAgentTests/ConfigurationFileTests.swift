// The configuration file: what is refused and how a change is noticed.

import Foundation
import OTLPExport
import OTLPMessages
import SondeAPI
import TestSupport
import Testing
import YAML

@testable import sonde_agent

@Suite struct ConfigurationFileTests {
    static func text(interval: Int) -> String { "destination:\n  endpoint: http://localhost:4318\nintervalSeconds: \(interval)\n" }

    @Test(arguments: [
        ("no YAML", "destination: [", "f: line"), ("nothing", "", "f: holds 0 YAML documents"),
        ("two documents", "a: 1\n---\nb: 2\n", "f: holds 2 YAML documents"),
        ("no destination", "intervalSeconds: 5\n", "f: destination"), ("a bad interval", text(interval: 0), "f: intervalSeconds"),
        ("a path for gRPC", "destination:\n  endpoint: http://h:4317/v1\n  protocol: GRPC\n", "f: destination.endpoint: http://h:4317/v1 has a path"),
        ("an unknown transport", "destination:\n  endpoint: http://h:4317\n  protocol: Thrift\n", "f: destination.protocol"),
    ])
    func brokenFilesAreRefusedWithTheirPath(reason: String, text: String, message: String) throws {
        do {
            _ = try ConfigurationFile.parse(Array(text.utf8), path: "f")
            Issue.record("\(reason): accepted")
        } catch {
            #expect(error.messages.contains { $0.hasPrefix(message) }, "\(reason): \(error.messages)")
        }
    }

    @Test func damagedFilesAreReadOrRefusedWithAReason() throws {
        var random = Seeded()
        func next(_ bound: Int) -> Int { random.below(bound) }
        let valid = Array(YAML.text(AgentConfiguration(endpoint: "http://gateway:4318").document).utf8)
        let marks = Array(" :-[]{}#&*!|>'\"%@`,?\n\t\u{0}".utf8)
        var read = 0
        for _ in 0..<Seeded.rounds(1500) {
            var bytes = valid
            for _ in 0...next(3) {
                let place = next(bytes.count)
                if next(2) == 0 { bytes[place] = next(3) == 0 ? UInt8(next(256)) : marks[next(marks.count)] } else { bytes.remove(at: place) }
            }
            do {
                let (configuration, _) = try ConfigurationFile.parse(bytes, path: "f")
                read += 1
                #expect(try AgentConfiguration(document: configuration.document) == configuration, "what was read is written as it is")
            } catch let failure as ConfigurationFailure {
                #expect(!failure.messages.isEmpty && failure.messages.allSatisfy { $0.hasPrefix("f: ") }, "\(failure.messages)")
            }
        }
        #expect(read > 0)
    }

    @Test func everyErrorIsNamed() throws {
        do {
            _ = try ConfigurationFile.parse(Array("intervalSeconds: 999\n".utf8), path: "f")
            Issue.record("accepted")
        } catch {
            #expect(error.messages.count == 2)
        }
    }

    @Test func aConfigMapsSwapIsAChangeAndABrokenFileKeepsBeingAsked() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.url
        // As the kubelet mounts it: agent.yaml -> ..data/agent.yaml, ..data -> a folder with the version.
        for (version, text) in [("..1", Self.text(interval: 5)), ("..2", Self.text(interval: 6)), ("..3", "destination: 7\n")] {
            try FileManager.default.createDirectory(at: folder.appending(path: version), withIntermediateDirectories: true)
            try text.write(to: folder.appending(path: "\(version)/agent.yaml"), atomically: false, encoding: .utf8)
        }
        func turn(to version: String) throws {
            let link = folder.appending(path: "..data").path
            try? FileManager.default.removeItem(atPath: link)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: version)
        }
        try turn(to: "..1")
        try FileManager.default.createSymbolicLink(atPath: folder.appending(path: "agent.yaml").path, withDestinationPath: "..data/agent.yaml")
        var file = ConfigurationFile(path: folder.appending(path: "agent.yaml").path)
        #expect(try file.read().configuration.intervalSeconds == 5)
        guard case .none = file.change() else { return #expect(Bool(false), "unchanged") }
        try turn(to: "..2")
        guard case .changed(let changed, _) = file.change() else { return #expect(Bool(false), "changed") }
        #expect(changed.intervalSeconds == 6)
        try turn(to: "..3")
        guard case .broken = file.change() else { return #expect(Bool(false), "broken") }
        // Told once; a file that is not there for a moment is no change either.
        guard case .none = file.change() else { return #expect(Bool(false), "told once") }
        try FileManager.default.removeItem(at: folder.appending(path: "..data"))
        guard case .none = file.change() else { return #expect(Bool(false), "missing") }
        try turn(to: "..1")
        guard case .changed = file.change() else { return #expect(Bool(false), "mended") }
    }

    @Test func headersComeFromTheFileAndFromAMountedSecret() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.url
        try "secret\n".write(to: folder.appending(path: "x-token"), atomically: false, encoding: .utf8)
        try "no header".write(to: folder.appending(path: ".hidden"), atomically: false, encoding: .utf8)
        var configuration = AgentConfiguration(endpoint: "http://localhost:4318")
        configuration.destination.headers = [.init(name: "x-tenant", value: "a")]
        configuration.destination.headersDirectory = folder.path
        let destination = try ExportDestination(configuration.destination)
        #expect(destination.headers.map(\.0) == ["x-tenant", "x-token"] && destination.headers.map(\.1) == ["a", "secret"])
        #expect(destination.transport == .http && destination.userAgent == "sonde-agent/\(AgentVersion.text)")
        configuration.destination.protocol = .grpc
        #expect(try ExportDestination(configuration.destination).transport == .grpc)
        configuration.destination.headersDirectory = "/does/not/exist"
        #expect(throws: FileFailure.self) { try ExportDestination(configuration.destination) }
    }

    @Test func aFileThatIsTooLargeIsRefused() throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.url
        let path = folder.appending(path: "large").path
        try Data(count: SmallFile.sizeMax + 1).write(to: URL(filePath: path))
        #expect(throws: FileFailure.self) { try SmallFile.read(path) }
        #expect(throws: FileFailure.self) { try SmallFile.read("/does/not/exist") }
    }

    @Test func requestsAreSplitBetweenResources() {
        func group(_ points: Int) -> ResourceMetrics {
            let point = NumberPoint(time: TimeSpan(startUnixNanoseconds: 0, endUnixNanoseconds: 1), value: .int(1))
            let metric = Metric(name: "m", unit: "1", data: .gauge([NumberPoint](repeating: point, count: points)))
            return ResourceMetrics(resource: Resource([]), scope: Scope(name: "s", version: "1"), metrics: [metric])
        }
        let limit = AgentLoop.pointsPerRequestMax
        #expect(AgentLoop.requests([group(limit - 1), group(1), group(1)]).map(\.pointCount) == [limit, 1])
        #expect(AgentLoop.requests([group(limit + 5), group(1)]).map(\.pointCount) == [limit + 5, 1])
        #expect(AgentLoop.requests([]).isEmpty)
    }
}
