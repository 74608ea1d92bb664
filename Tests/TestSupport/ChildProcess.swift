// Programs that tests run: to their end, or beside the test until its value goes away.
// Tests of binaries, and of what only another program can judge or serve, start them.
// They never outlive the test: what still runs is killed, since threads of tests block SIGTERM and children inherit that.

import Foundation

/// A program that could not be run, or that failed where it must not.
public struct ChildFailure: Error, CustomStringConvertible {
    public let description: String
}

public final class ChildProcess {
    public struct Result: Sendable {
        public let status: Int32
        /// Standard output, and standard error where that was asked for.
        public let output: String
    }

    public enum ErrorsTo {
        case nowhere, output
        /// The test's own standard error.
        case test
    }

    private let process = Process()
    private let output = Pipe()

    /// Starts a program whose standard output the test reads.
    public init(
        _ program: String, _ arguments: [String], environment: [String: String]? = nil, folder: String? = nil, errors: ErrorsTo = .nowhere
    ) throws {
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        if let environment { process.environment = environment }
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        process.standardOutput = output
        switch errors {
        case .nowhere: process.standardError = FileHandle.nullDevice
        case .output: process.standardError = output
        case .test: break
        }
        try process.run()
    }

    deinit { end() }

    /// Kills it, if it runs.
    public func end() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    public var isRunning: Bool { process.isRunning }
    public var identifier: Int32 { process.processIdentifier }

    /// What it prints until it has said all that is wanted, or ends.
    public func read(until isEnough: (String) -> Bool) -> String {
        var said = Data()
        while !isEnough(String(decoding: said, as: UTF8.self)) {
            let piece = output.fileHandleForReading.availableData
            if piece.isEmpty { break }
            said += piece
        }
        return String(decoding: said, as: UTF8.self)
    }

    /// Waits for its end.
    public func finish() -> Result {
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: String(decoding: said, as: UTF8.self))
    }

    /// Runs a program to its end.
    public static func run(
        _ program: String, _ arguments: [String], environment: [String: String]? = nil, folder: String? = nil, errors: ErrorsTo = .nowhere
    ) throws -> Result {
        try ChildProcess(program, arguments, environment: environment, folder: folder, errors: errors).finish()
    }

    /// The same for a program that must end with status 0; gives what it printed.
    @discardableResult
    public static func output(_ program: String, _ arguments: [String], environment: [String: String]? = nil, folder: String? = nil) throws -> String {
        let result = try run(program, arguments, environment: environment, folder: folder, errors: .output)
        guard result.status == 0 else {
            throw ChildFailure(description: "\(program) \(arguments.joined(separator: " ")) ended with \(result.status): \(result.output)")
        }
        return result.output
    }

    /// A program of this package as the tests were built with it.
    public static func built(_ name: String) throws -> String {
        let besides = URL(filePath: CommandLine.arguments.first ?? "").deletingLastPathComponent().appending(path: name).path
        let places = [besides, FileManager.default.currentDirectoryPath + "/.build/debug/" + name]
        guard let path = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            throw ChildFailure(description: "\(name) was not built beside the tests: swift build --build-tests")
        }
        return path
    }
}
