// A credential plugin of a kubeconfig's `exec` user: what is run, what it is told, and what it answers (client.authentication.k8s.io/v1 and v1beta1).
// ExecCredentials runs it and keeps its answer.
// It never writes a credential into an error.

import Glibc
import JSON
import Kubernetes

/// What a plugin answered: a token, a client certificate, or both.
struct ExecCredential: Hashable, Sendable {
    var token: String?
    var clientCertificatePEM: [UInt8]?
    var clientKeyPEM: [UInt8]?
    /// Nil: good until the server answers 401, or this process ends.
    var expiration: Timestamp?
}

struct ExecPlugin: Sendable {
    static let versions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]

    let place: String
    let process: ChildProcess
    let apiVersion: String
    let installHint: String?

    /// - Parameters:
    ///   - entry: The `exec` object.
    ///   - cluster: What the plugin is told when it asks for `provideClusterInfo`.
    ///   - environment: Of this process; the plugin's `env` comes on top.
    init(_ entry: Kubeconfig.Entry, cluster: Kubeconfig.Entry, server: String, environment: [String: String], hasTerminal: Bool = isatty(0) == 1)
        throws(ClientConfigurationError)
    {
        place = entry.place
        guard let version = try entry.string("apiVersion"), Self.versions.contains(version) else {
            throw ClientConfigurationError(
                .unsupported, "\(entry.place).apiVersion must be one of \(Self.versions.joined(separator: ", ")). Update the kubeconfig or the plugin.")
        }
        apiVersion = version
        guard let command = try entry.string("command") else {
            throw ClientConfigurationError(.invalid, "\(entry.place).command is missing. Set it to the plugin's path or name.")
        }
        installHint = try entry.string("installHint")
        let isInteractive = try Self.interactive(entry, version: version, hasTerminal: hasTerminal)
        var child = ChildProcess(command: command.contains("/") ? entry.absolute(command) : command, deadline: isInteractive ? .seconds(300) : .seconds(60))
        child.isInteractive = isInteractive
        child.arguments = (entry.value["args"]?.array ?? []).compactMap(\.string)
        child.environment = environment
        for item in entry.value["env"]?.array ?? [] {
            guard let name = item["name"]?.string, let value = item["value"]?.string else {
                throw ClientConfigurationError(.invalid, "\(entry.place).env must be a list of {name, value} with string values.")
            }
            child.environment[name] = value
        }
        var spec: JSONValue = ["interactive": .bool(isInteractive)]
        if try entry.bool("provideClusterInfo") { spec["cluster"] = try Self.clusterInfo(cluster, server: server) }
        let info: JSONValue = ["kind": "ExecCredential", "apiVersion": .string(version), "spec": spec]
        child.environment["KUBERNETES_EXEC_INFO"] = info.text(.compact)
        process = child
    }

    private static func interactive(_ entry: Kubeconfig.Entry, version: String, hasTerminal: Bool) throws(ClientConfigurationError) -> Bool {
        switch try entry.string("interactiveMode") {
        case "Never": return false
        case "IfAvailable": return hasTerminal
        case "Always":
            guard hasTerminal else {
                throw ClientConfigurationError(
                    .unsupported, "\(entry.place).interactiveMode is Always, but standard input is no terminal. Run this in a terminal or use another user.")
            }
            return true
        case nil where version == versions[1]: return hasTerminal
        default:
            throw ClientConfigurationError(.invalid, "\(entry.place).interactiveMode must be Never, IfAvailable or Always.")
        }
    }

    private static func clusterInfo(_ cluster: Kubeconfig.Entry, server: String) throws(ClientConfigurationError) -> JSONValue {
        var info: JSONValue = ["server": .string(server)]
        for key in ["tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url", "disable-compression"] {
            if let value = cluster.value[key], !value.isNull { info[key] = value }
        }
        if info["certificate-authority-data"] == nil, let path = try cluster.path("certificate-authority") {
            info["certificate-authority-data"] = .string(Base64.encode(try SmallFile.read(path)))
        }
        let extensions = cluster.value["extensions"]?.array ?? []
        if let own = extensions.first(where: { $0["name"] == "client.authentication.k8s.io/exec" })?["extension"] { info["config"] = own }
        return info
    }

    /// Blocks until the plugin has answered, at most its deadline.
    func run() throws(ClientConfigurationError) -> ExecCredential {
        let output: ChildProcess.Output
        do {
            output = try process.run()
        } catch {
            throw failure(error)
        }
        guard output.exitStatus == 0 else {
            let said = String(decoding: output.standardError.prefix(500), as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " ")
            throw ClientConfigurationError(
                .plugin,
                "\(place): the plugin `\(process.command)` ended with status \(output.exitStatus)\(said.isEmpty ? "" : ": \(said)"). Run it by hand to see why."
            )
        }
        return try decode(output.standardOutput)
    }

    private func failure(_ failure: ChildProcess.Failure) -> ClientConfigurationError {
        let what =
            switch failure {
            case .notStarted(let code): "cannot be started: \(String(cString: strerror(code))). \(installHint ?? "Install it, or correct the command")"
            case .deadlineExceeded: "did not end within \(process.deadline). Run it by hand to see what it waits for"
            case .outputTooLong: "wrote more than \(process.outputBytesMax) bytes. Check that it is a credential plugin"
            }
        return ClientConfigurationError(.plugin, "\(place): the plugin `\(process.command)` \(what).")
    }

    private func decode(_ bytes: [UInt8]) throws(ClientConfigurationError) -> ExecCredential {
        guard let answer = try? JSONValue(parsing: bytes), answer["kind"] == "ExecCredential", let status = answer["status"], status.object != nil else {
            throw ClientConfigurationError(
                .plugin, "\(place): the plugin `\(process.command)` did not write an ExecCredential with a status. Check that it is a credential plugin.")
        }
        guard answer["apiVersion"]?.string == apiVersion else {
            throw ClientConfigurationError(
                .plugin,
                "\(place): the plugin `\(process.command)` answered with another apiVersion than \(apiVersion). Set apiVersion to the one that it speaks.")
        }
        var credential = ExecCredential()
        credential.token = status["token"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        credential.clientCertificatePEM = status["clientCertificateData"]?.string.map { Array($0.utf8) }
        credential.clientKeyPEM = status["clientKeyData"]?.string.map { Array($0.utf8) }
        guard credential.token != nil || credential.clientCertificatePEM != nil, (credential.clientCertificatePEM == nil) == (credential.clientKeyPEM == nil)
        else {
            throw ClientConfigurationError(
                .plugin, "\(place): the plugin `\(process.command)` gave neither a token nor a client certificate with its key. Log in with it first.")
        }
        if let text = status["expirationTimestamp"]?.string {
            guard let time = Timestamp(rfc3339: text) else {
                throw ClientConfigurationError(.plugin, "\(place): the plugin `\(process.command)` gave an expirationTimestamp that is no RFC 3339 time.")
            }
            credential.expiration = time
        }
        return credential
    }
}
