// The agent's configuration file: read, checked, and looked at again for changes.
// SondeAgent reads it once at the start; AgentLoop asks every few seconds whether it changed.
// It never applies anything, and a file that cannot be used never replaces the configuration that is in force.

import JSON
import SondeAPI
import YAML

/// A file that cannot be used: what is wrong, one line for each error, each with its path in the file.
struct ConfigurationFailure: Error {
    let messages: [String]
}

struct ConfigurationFile {
    let path: String
    private var signature: SmallFile.Signature?

    init(path: String) { self.path = path }

    enum Change {
        case none
        case changed(AgentConfiguration, warnings: [String])
        case broken(ConfigurationFailure)
    }

    /// Reads and checks the file now.
    mutating func read() throws(ConfigurationFailure) -> (configuration: AgentConfiguration, warnings: [String]) {
        // Taken before the content: a change in between is then seen as one.
        signature = SmallFile.Signature(path)
        let bytes: [UInt8]
        do { bytes = try SmallFile.read(path) } catch { throw ConfigurationFailure(messages: [error.message]) }
        return try Self.parse(bytes, path: path)
    }

    /// Reads the file again when it is another one than last time. A file that is missing for a moment, as while it is replaced, is no change.
    mutating func change() -> Change {
        guard let now = SmallFile.Signature(path), now != signature else { return .none }
        do {
            let (configuration, warnings) = try read()
            return .changed(configuration, warnings: warnings)
        } catch {
            return .broken(error)
        }
    }

    static func parse(_ bytes: [UInt8], path: String) throws(ConfigurationFailure) -> (configuration: AgentConfiguration, warnings: [String]) {
        let documents: [JSONValue]
        do { documents = try YAML.parse(bytes) } catch { throw ConfigurationFailure(messages: ["\(path): \(error)"]) }
        guard let document = documents.first, documents.count == 1 else {
            throw ConfigurationFailure(messages: ["\(path): holds \(documents.count) YAML documents; write exactly one"])
        }
        let findings = AgentConfiguration.findings(for: document)
        do {
            let configuration = try AgentConfiguration(document: document)
            return (configuration, findings.warnings.map { "\(path): \($0)" })
        } catch {
            throw ConfigurationFailure(messages: error.findings.map { "\(path): \($0)" })
        }
    }
}
