// The command-line tool: its name, its subcommands and what they share.
// People run it on their own machine and in pipelines; only `diff` asks a cluster.
// It never holds logic of a subcommand: each has a file of its own.

import ArgumentParser
import Glibc
import JSON
import YAML

@main
struct Sonde: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sonde",
        abstract: "Checks and renders Sonde's resources, and shows what the kernel of this machine has to say.",
        discussion: """
            Sonde has two resources. An OpenTelemetryCollector is a pipeline: what it takes, what it does with it, where it sends it. An EBPFProbe says which \
            signals of the kernels go to which collector.

            Start here:
              sonde validate collector.yaml             is this resource right, and will it do what I mean?
              sonde render collector.yaml probe.yaml    what would be applied to the cluster?
              sonde diff collector.yaml                 what would that change, and which pods would restart?
              sudo sonde doctor                         what can the kernel of this machine give?
              sudo sonde top                            what does it count right now?
            """,
        subcommands: [Validate.self, Render.self, Diff.self, Top.self, Doctor.self, Generate.self])
}

/// Why a command could not begin: printed as it is, exit status 2.
struct UnusableInput: Error, CustomStringConvertible {
    let description: String
}

enum ExitStatus {
    /// Errors were found.
    static let findings = ExitCode(1)
    /// The input could not be read as what it should be.
    static let unusable = ExitCode(2)
}

/// Reads files for commands.
enum InputFile {
    private static let sizeMax = 16 << 20

    /// The documents of several files, in order.
    /// - Throws: `ExitStatus.unusable` after saying why on standard error.
    static func documents(_ paths: [String]) throws(ExitCode) -> [JSONValue] {
        var all: [JSONValue] = []
        for path in paths {
            do throws(UnusableInput) {
                all += try documents(path)
            } catch {
                Output.error("error: \(error)")
                throw ExitStatus.unusable
            }
        }
        return all
    }

    /// The documents of a YAML or JSON file; `-` is standard input.
    /// - Throws: `UnusableInput` with the file's name, and the line and column of a syntax error.
    static func documents(_ path: String) throws(UnusableInput) -> [JSONValue] {
        let bytes = try read(path)
        do throws(YAMLError) {
            let documents = try YAML.parse(bytes)
            if documents.isEmpty { throw YAMLError(message: "there is no document in it", line: 1, column: 1) }
            return documents
        } catch {
            throw UnusableInput(description: "\(path): \(error)")
        }
    }

    private static func read(_ path: String) throws(UnusableInput) -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw UnusableInput(description: "\(path): \(String(cString: strerror(errno)))") }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw UnusableInput(description: "\(path): \(String(cString: strerror(errno)))") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= sizeMax else { throw UnusableInput(description: "\(path): is larger than 16 MiB") }
        }
    }
}

/// The environment of this process.
enum ProcessEnvironment {
    static var variables: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let parts = String(cString: pointer).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return variables
    }
}

/// Writes to standard output and standard error.
enum Output {
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }
    static func text(_ text: String) { write(text, to: STDOUT_FILENO) }
    static func error(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }  // The reader is gone; there is nobody left to tell.
            bytes = bytes.dropFirst(count)
        }
    }
}
