// The checkout as the repository's own tests see it: where it is and which files it holds.
// Every test of this target reads files through it.
// It never changes a file.

import Foundation

enum Repository {
    /// The folder that holds Package.swift. Symbolic links are kept, so that a package that links to our sources checks those.
    static let root: URL = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Paths, relative to the root, of every file that git would commit: tracked ones and new ones that are not ignored.
    static func files() throws -> [String] {
        let (status, output) = try run("git", "-C", root.path, "ls-files", "--cached", "--others", "--exclude-standard")
        guard status == 0 else { throw CommandFailed(text: output) }
        return output.split(separator: "\n").map(String.init).filter { FileManager.default.fileExists(atPath: root.appending(path: $0).path) }
    }

    static func files(under folder: String, suffix: String) throws -> [String] {
        try files().filter { $0.hasPrefix(folder + "/") && $0.hasSuffix(suffix) }
    }

    struct CommandFailed: Error { let text: String }

    /// Runs a command found by PATH; returns its exit status and what it printed on both streams.
    static func run(_ command: String...) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
