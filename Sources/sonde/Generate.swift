// `sonde generate crds`: writes the custom resource definitions into folders. Hidden: hack/gen-crds runs it.
// Developers run it after a change of the schemas; a test compares what is committed.
// It never deletes a file.

import ArgumentParser
import Glibc
import Rendering

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Writes generated files.", shouldDisplay: false, subcommands: [Definitions.self])

    struct Definitions: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "crds", abstract: "Writes the custom resource definitions.",
            discussion: "Example: sonde generate crds --output crds --output charts/sonde/files/crds")

        @Option(help: "A folder to write to; may be given several times. It must exist.")
        var output: [String]

        func run() throws {
            do throws(UnusableInput) {
                for folder in output {
                    for (name, text) in DefinitionFiles.all { try write(text, to: "\(folder)/\(name)") }
                }
            } catch {
                Output.error("error: \(error)")
                throw ExitStatus.unusable
            }
        }

        private func write(_ text: String, to path: String) throws(UnusableInput) {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw UnusableInput(description: "\(path): \(String(cString: strerror(errno)))") }
            defer { close(descriptor) }
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw UnusableInput(description: "\(path): \(String(cString: strerror(errno)))") }
                bytes = bytes.dropFirst(count)
            }
        }
    }
}
