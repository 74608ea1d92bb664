// One context of a kubeconfig turned into a client configuration: cluster, user, and the checks that clientcmd makes.
// ClientConfiguration calls it.
// It never runs a credential plugin.

import HTTPClient
import JSON

struct KubeconfigResolver {
    let config: Kubeconfig
    let environment: [String: String]

    func resolve(context requested: String?) throws(ClientConfigurationError) -> ClientConfiguration {
        let name = requested ?? config.currentContext
        let known = config.contextNames.isEmpty ? "It defines none" : "It has: \(config.contextNames.joined(separator: ", "))"
        guard !name.isEmpty else {
            throw ClientConfigurationError(
                .missing, "The kubeconfig has no current-context. \(known); choose one with --context or `kubectl config use-context`.")
        }
        guard let context = config.contexts[name] else {
            throw ClientConfigurationError(.missing, "The kubeconfig has no context `\(name)`. \(known).")
        }
        let cluster = try entry(config.clusters, context, "cluster")
        let user =
            try context.string("user") == nil
            ? Kubeconfig.Entry(value: [:], place: context.place, folder: context.folder) : entry(config.users, context, "user")
        guard let server = try cluster.string("server") else {
            throw ClientConfigurationError(
                .invalid, "\(cluster.place).server is missing. Set it to the address of the API server, such as https://10.0.0.1:6443.")
        }
        guard server.hasPrefix("https://") || server.hasPrefix("http://") else {
            throw ClientConfigurationError(.invalid, "\(cluster.place).server must begin with https:// or http://.")
        }
        let tls = try tls(cluster: cluster, user: user)
        var configuration = ClientConfiguration(server: server, tls: tls, credentials: try credentials(user, cluster: cluster, server: server), source: name)
        configuration.proxy = try cluster.string("proxy-url")
        configuration.namespace = try context.string("namespace") ?? "default"
        configuration.impersonation = try impersonation(user)
        return configuration
    }

    private func entry(_ entries: [String: Kubeconfig.Entry], _ context: Kubeconfig.Entry, _ key: String) throws(ClientConfigurationError) -> Kubeconfig.Entry {
        guard let name = try context.string(key) else {
            throw ClientConfigurationError(.invalid, "\(context.place).\(key) is missing. Set it to the name of one of the kubeconfig's \(key)s.")
        }
        guard let entry = entries[name] else {
            throw ClientConfigurationError(
                .missing, "\(context.place).\(key) names `\(name)`, which the kubeconfig does not define. Correct the name or add the \(key).")
        }
        return entry
    }

    private func tls(cluster: Kubeconfig.Entry, user: Kubeconfig.Entry) throws(ClientConfigurationError) -> TLSConfiguration {
        var tls = TLSConfiguration()
        tls.caPEM = try cluster.data("certificate-authority-data")
        tls.caFile = try readable(cluster, "certificate-authority")
        tls.clientCertificatePEM = try user.data("client-certificate-data")
        tls.clientCertificateFile = try readable(user, "client-certificate")
        tls.clientKeyPEM = try user.data("client-key-data")
        tls.clientKeyFile = try readable(user, "client-key")
        tls.serverName = try cluster.string("tls-server-name")
        tls.insecureSkipVerify = try cluster.bool("insecure-skip-tls-verify")
        if tls.insecureSkipVerify, tls.caPEM != nil || tls.caFile != nil {
            throw ClientConfigurationError(.invalid, "\(cluster.place) has both a certificate authority and insecure-skip-tls-verify. Remove one of them.")
        }
        let hasCertificate = tls.clientCertificatePEM != nil || tls.clientCertificateFile != nil
        let hasKey = tls.clientKeyPEM != nil || tls.clientKeyFile != nil
        guard hasCertificate == hasKey else {
            throw ClientConfigurationError(
                .invalid, "\(user.place) has a client \(hasCertificate ? "certificate without its key" : "key without its certificate"). Add the other one.")
        }
        return tls
    }

    /// A path that libcurl will read later; a missing file is said now, with the field that names it.
    private func readable(_ entry: Kubeconfig.Entry, _ key: String) throws(ClientConfigurationError) -> String? {
        guard let path = try entry.path(key) else { return nil }
        do {
            _ = try SmallFile.read(path)
        } catch {
            throw ClientConfigurationError(.unreadable, "\(entry.place).\(key): \(error.message)")
        }
        return path
    }

    /// In clientcmd's order: token file before token, then basic, then the plugin.
    private func credentials(_ user: Kubeconfig.Entry, cluster: Kubeconfig.Entry, server: String) throws(ClientConfigurationError) -> CredentialSource {
        if user.value["auth-provider"]?.object != nil {
            throw ClientConfigurationError(
                .unsupported, "\(user.place).auth-provider was removed from Kubernetes in 1.26. Use an `exec` credential plugin instead.")
        }
        let username = try user.string("username")
        if let path = try user.path("tokenFile") {
            do {
                return .tokenFile(try RotatingFile(path))
            } catch {
                throw ClientConfigurationError(.unreadable, "\(user.place).tokenFile: \(error.message)")
            }
        }
        if let token = try user.string("token") {
            guard username == nil else {
                throw ClientConfigurationError(.invalid, "\(user.place) has both a token and a username. Remove one of them.")
            }
            return .token(token)
        }
        if let username { return .basic(username: username, password: try user.string("password") ?? "") }
        guard let exec = user.value["exec"], !exec.isNull else { return .anonymous }
        let entry = Kubeconfig.Entry(value: exec, place: "\(user.place).exec", folder: user.folder)
        return .plugin(ExecCredentials(try ExecPlugin(entry, cluster: cluster, server: server, environment: environment)))
    }

    private func impersonation(_ user: Kubeconfig.Entry) throws(ClientConfigurationError) -> [(String, String)] {
        var headers: [(String, String)] = []
        if let name = try user.string("as") { headers.append(("Impersonate-User", name)) }
        if let uid = try user.string("as-uid") { headers.append(("Impersonate-Uid", uid)) }
        for group in user.value["as-groups"]?.array ?? [] { if let group = group.string { headers.append(("Impersonate-Group", group)) } }
        if user.value["as-user-extra"]?.object != nil {
            throw ClientConfigurationError(.unsupported, "\(user.place).as-user-extra is not supported by this client. Remove it.")
        }
        return headers
    }
}
