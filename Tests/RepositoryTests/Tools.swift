// The programs that hack/lib/tools installs, for tests that check files with them.
// Chart and image tests run them.
// It never installs anything: a missing tool fails the test and says how to get it.

import Foundation
import TestSupport
import Testing

enum Tools {
    /// SONDE_TOOLS, else .build-tools/bin of the checkout.
    static var folder: URL {
        ProcessInfo.processInfo.environment["SONDE_TOOLS"].map { URL(filePath: $0) } ?? Repository.root.appending(path: ".build-tools/bin")
    }

    /// Runs a tool; returns its exit status and what it printed on both streams.
    static func run(_ name: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let tool = folder.appending(path: name).path
        try #require(FileManager.default.isExecutableFile(atPath: tool), "\(tool) is missing: run hack/test, or hack/lib/tools \(name)")
        let result = try ChildProcess.run(tool, arguments, errors: .output)
        return (result.status, result.output)
    }

    /// What a tool prints; it must end with status 0.
    static func output(_ name: String, _ arguments: String...) throws -> String {
        let (status, output) = try run(name, arguments)
        try #require(status == 0, "\(name) \(arguments.joined(separator: " ")): \(output)")
        return output
    }
}
