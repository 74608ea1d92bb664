// A kubeconfig (client-go, clientcmd/api v1) as values, merged from one or more files by kubectl's rules.
// ClientConfiguration resolves one context of it.
// It never reads the files that it names: paths are made absolute, their content is read when it is used.

import JSON
import Kubernetes
import YAML

/// The parts of a kubeconfig that a client reads. Names are unique: the first file that defines one wins.
public struct Kubeconfig: Sendable {
    struct Entry: Sendable {
        let value: JSONValue
        /// Where it stands, for messages: `/home/me/.kube/config: users[alice].user`.
        let place: String
        /// The folder against which relative paths in it count.
        let folder: String
    }

    private(set) var clusters: [String: Entry] = [:]
    private(set) var users: [String: Entry] = [:]
    private(set) var contexts: [String: Entry] = [:]
    private(set) var currentContext = ""

    public init() {}

    /// Reads one document.
    /// - Parameters:
    ///   - text: YAML or JSON.
    ///   - file: For messages, and its folder for relative paths.
    /// - Throws: `ClientConfigurationError` (`invalid`).
    public init(parsing text: [UInt8], file: String) throws(ClientConfigurationError) {
        let documents: [JSONValue]
        do {
            documents = try YAML.parse(text)
        } catch {
            throw ClientConfigurationError(.invalid, "\(file) is no YAML: \(error). Check the file at that place.")
        }
        guard documents.count <= 1 else {
            throw ClientConfigurationError(.invalid, "\(file) holds \(documents.count) documents; a kubeconfig is one. Remove the others.")
        }
        guard let document = documents.first else { return }
        guard document.object != nil, document["kind"] == nil || document["kind"] == "Config" else {
            throw ClientConfigurationError(.invalid, "\(file) is no kubeconfig: its kind is not Config. Check the path.")
        }
        clusters = try Self.entries(document, "clusters", "cluster", file)
        users = try Self.entries(document, "users", "user", file)
        contexts = try Self.entries(document, "contexts", "context", file)
        currentContext = document["current-context"]?.string ?? ""
    }

    /// Loads the files of `KUBECONFIG` in order; those that do not exist are left out, as kubectl does.
    public init(files: [String]) throws(ClientConfigurationError) {
        for file in files where !file.isEmpty && SmallFile.exists(file) {
            merge(try Kubeconfig(parsing: SmallFile.read(file), file: file))
        }
    }

    public var isEmpty: Bool { clusters.isEmpty && users.isEmpty && contexts.isEmpty && currentContext.isEmpty }
    public var contextNames: [String] { contexts.keys.sorted() }

    /// Takes over what this one does not define.
    mutating func merge(_ later: Kubeconfig) {
        clusters.merge(later.clusters) { first, _ in first }
        users.merge(later.users) { first, _ in first }
        contexts.merge(later.contexts) { first, _ in first }
        if currentContext.isEmpty { currentContext = later.currentContext }
    }

    private static func entries(_ document: JSONValue, _ list: String, _ member: String, _ file: String) throws(ClientConfigurationError) -> [String: Entry] {
        guard let value = document[list], !value.isNull else { return [:] }
        guard let items = value.array else { throw ClientConfigurationError(.invalid, "\(file): \(list) must be a list of {name, \(member)}.") }
        var entries: [String: Entry] = [:]
        for (index, item) in items.enumerated() {
            guard let name = item["name"]?.string, item[member]?.object != nil || item[member]?.isNull ?? true else {
                throw ClientConfigurationError(.invalid, "\(file): \(list)[\(index)] must have a `name` and an object `\(member)`.")
            }
            guard entries[name] == nil else { continue }
            entries[name] = Entry(value: item[member] ?? [:], place: "\(file): \(list)[\(name)].\(member)", folder: folder(of: file))
        }
        return entries
    }

    private static func folder(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }
}

extension Kubeconfig.Entry {
    /// A non-empty string; nil when it is not there.
    func string(_ key: String) throws(ClientConfigurationError) -> String? {
        guard let value = value[key], !value.isNull else { return nil }
        guard let text = value.string else { throw ClientConfigurationError(.invalid, "\(place).\(key) must be a string. Put its value in quotes.") }
        return text.isEmpty ? nil : text
    }

    func bool(_ key: String) throws(ClientConfigurationError) -> Bool {
        guard let value = value[key], !value.isNull else { return false }
        guard let bool = value.bool else { throw ClientConfigurationError(.invalid, "\(place).\(key) must be true or false.") }
        return bool
    }

    /// A path, absolute or made so against the kubeconfig's folder.
    func path(_ key: String) throws(ClientConfigurationError) -> String? { try string(key).map(absolute) }

    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }

    /// The bytes of a `*-data` field.
    func data(_ key: String) throws(ClientConfigurationError) -> [UInt8]? {
        guard let text = try string(key) else { return nil }
        guard let bytes = Base64.decode(text) else {
            throw ClientConfigurationError(.invalid, "\(place).\(key) is not base64. Encode the PEM file with `base64 -w0`.")
        }
        return bytes
    }
}
