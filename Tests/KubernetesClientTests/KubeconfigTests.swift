// Kubeconfigs: merging, relative paths, what is chosen, and the message for each mistake.
// The rules are those of client-go's clientcmd.
// No test here opens a connection.

import HTTPClient
import TestSupport
import Testing

@testable import KubernetesClient

struct KubeconfigTests {
    private func config(_ text: String, file: String = "/etc/k/config") throws -> Kubeconfig { try Kubeconfig(parsing: Array(text.utf8), file: file) }

    private static let simple = """
        apiVersion: v1
        kind: Config
        current-context: a
        clusters: [{name: c, cluster: {server: "https://10.0.0.1:6443/"}}]
        users: [{name: u, user: {token: secret}}]
        contexts: [{name: a, context: {cluster: c, user: u, namespace: team}}, {name: b, context: {cluster: c}}]
        """

    @Test func theCurrentContextIsTaken() throws {
        let resolved = try ClientConfiguration.kubeconfig(config(Self.simple), environment: [:])
        #expect(resolved.server == "https://10.0.0.1:6443")
        #expect(resolved.namespace == "team")
        #expect(resolved.source == "a")
        guard case .token("secret") = resolved.credentials else {
            Issue.record("the token is not taken")
            return
        }
    }

    @Test func anotherContextCanBeChosen() throws {
        let resolved = try ClientConfiguration.kubeconfig(config(Self.simple), context: "b", environment: [:])
        #expect(resolved.namespace == "default")
        guard case .anonymous = resolved.credentials else {
            Issue.record("a context without a user has no credentials")
            return
        }
    }

    @Test func theFirstFileThatDefinesANameWins() throws {
        let folder = try TemporaryFolder()
        let first = try folder.write("one/config", "contexts: [{name: a, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: first}}]")
        let second = try folder.write(
            "two/config",
            """
            current-context: a
            clusters: [{name: c, cluster: {server: "https://h", certificate-authority: ca.crt}}]
            users: [{name: u, user: {token: second}}, {name: v, user: {token: third}}]
            """)
        let ca = try folder.write("two/ca.crt", "pem")
        let environment = ["KUBECONFIG": "\(first)::\(folder.path)/missing:\(second)"]
        let resolved = try ClientConfiguration.resolve(environment: environment)
        guard case .token("first") = resolved.credentials else {
            Issue.record("the second file replaced the first one's user")
            return
        }
        #expect(resolved.tls.caFile == ca)
    }

    @Test func relativePathsCountFromTheirFile() throws {
        let folder = try TemporaryFolder()
        for name in ["ca", "cert", "key", "token"] { try folder.write("keys/\(name)", "x") }
        let file = try folder.write(
            "config",
            """
            current-context: a
            clusters: [{name: c, cluster: {server: "https://h", certificate-authority: keys/ca, tls-server-name: api, proxy-url: "http://p:1"}}]
            users: [{name: u, user: {client-certificate: keys/cert, client-key: keys/key, tokenFile: keys/token, token: stale}}]
            contexts: [{name: a, context: {cluster: c, user: u}}]
            """)
        let resolved = try ClientConfiguration.kubeconfig(path: file, environment: [:])
        #expect(resolved.tls.caFile == "\(folder.path)/keys/ca")
        #expect(resolved.tls.clientCertificateFile == "\(folder.path)/keys/cert")
        #expect(resolved.tls.clientKeyFile == "\(folder.path)/keys/key")
        #expect(resolved.tls.serverName == "api")
        #expect(resolved.proxy == "http://p:1")
        guard case .tokenFile(let token) = resolved.credentials else {
            Issue.record("the token file does not win over the token")
            return
        }
        #expect(token.path == "\(folder.path)/keys/token")
    }

    @Test func dataFieldsAreDecoded() throws {
        let text = """
            current-context: a
            clusters: [{name: c, cluster: {server: "https://h", certificate-authority-data: Q0E=}}]
            users: [{name: u, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ, as: other, as-groups: [g1, g2]}}]
            contexts: [{name: a, context: {cluster: c, user: u}}]
            """
        let resolved = try ClientConfiguration.kubeconfig(config(text), environment: [:])
        #expect(resolved.tls.caPEM == Array("CA".utf8))
        #expect(resolved.tls.clientCertificatePEM == Array("CERT".utf8))
        #expect(resolved.tls.clientKeyPEM == Array("KEY".utf8))
        #expect(resolved.impersonation.map { "\($0.0)=\($0.1)" } == ["Impersonate-User=other", "Impersonate-Group=g1", "Impersonate-Group=g2"])
    }

    /// What is wrong, the text of cluster and user, and what the message must name.
    private static let mistakes: [(reason: String, cluster: String, user: String, named: String)] = [
        ("no server", "{}", "{}", "clusters[c].cluster.server is missing"),
        ("a server without a scheme", "{server: '10.0.0.1:6443'}", "{}", "must begin with https://"),
        (
            "a CA and no verification", "{server: 'https://h', certificate-authority-data: Q0E=, insecure-skip-tls-verify: true}", "{}",
            "both a certificate authority and"
        ),
        ("bad base64", "{server: 'https://h', certificate-authority-data: '*'}", "{}", "certificate-authority-data is not base64"),
        (
            "a missing CA file", "{server: 'https://h', certificate-authority: /nonexistent/ca}", "{}",
            "clusters[c].cluster.certificate-authority: /nonexistent/ca cannot be read"
        ),
        ("a certificate without its key", "{server: 'https://h'}", "{client-certificate-data: Q0E=}", "a client certificate without its key"),
        ("a missing token file", "{server: 'https://h'}", "{tokenFile: /nonexistent/token}", "users[u].user.tokenFile: /nonexistent/token cannot be read"),
        ("token and user name", "{server: 'https://h'}", "{token: secret, username: me}", "both a token and a username"),
        ("a number as a token", "{server: 'https://h'}", "{token: 12}", "users[u].user.token must be a string"),
        ("a removed way to log in", "{server: 'https://h'}", "{auth-provider: {name: gcp}}", "auth-provider was removed"),
        ("no boolean", "{server: 'https://h', insecure-skip-tls-verify: 'yes'}", "{}", "must be true or false"),
        (
            "an unknown plugin version", "{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}",
            "exec.apiVersion must be one of"
        ),
        (
            "no plugin command", "{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}}",
            "exec.command is missing"
        ),
        ("no mode in v1", "{server: 'https://h'}", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x}}", "interactiveMode must be"),
    ]

    @Test(arguments: mistakes) func eachMistakeIsNamed(mistake: (reason: String, cluster: String, user: String, named: String)) throws {
        let text = """
            current-context: a
            clusters: [{name: c, cluster: \(mistake.cluster)}]
            users: [{name: u, user: \(mistake.user)}]
            contexts: [{name: a, context: {cluster: c, user: u}}]
            """
        let error = #expect(throws: ClientConfigurationError.self, "\(mistake.reason)") { try ClientConfiguration.kubeconfig(config(text), environment: [:]) }
        let message = error?.message ?? ""
        #expect(message.contains(mistake.named), "\(mistake.reason): \(message)")
        #expect(!message.contains("secret"), "\(mistake.reason)")
    }

    @Test(arguments: [
        ("contexts: [{name: a, context: {}}]", "no current-context. It has: a"),
        ("current-context: z\ncontexts: [{name: a, context: {}}]", "no context `z`. It has: a"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: c}}]", "names `c`, which the kubeconfig does not define"),
        ("current-context: a\ncontexts: [{name: a, context: {}}]", "context.cluster is missing"), ("kind: Pod", "its kind is not Config"),
        ("a: [", "is no YAML"), ("a: 1\n---\nb: 2", "holds 2 documents"), ("clusters: {}", "clusters must be a list"),
        ("users: [{user: {}}]", "users[0] must have a `name`"),
    ]) func brokenFilesAreNamed(text: String, named: String) {
        let error = #expect(throws: ClientConfigurationError.self) { try ClientConfiguration.kubeconfig(config(text), environment: [:]) }
        #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
    }
}

struct ConfigurationOrderTests {
    private static func text(_ server: String) -> String {
        "current-context: a\nclusters: [{name: c, cluster: {server: 'https://\(server)'}}]\ncontexts: [{name: a, context: {cluster: c}}]"
    }

    @Test func anExplicitPathComesFirstThenTheVariableThenTheHome() throws {
        let folder = try TemporaryFolder()
        let explicit = try folder.write("explicit", Self.text("explicit"))
        let variable = try folder.write("variable", Self.text("variable"))
        try folder.write(".kube/config", Self.text("home"))
        let environment = ["KUBECONFIG": variable, "HOME": folder.path]
        #expect(try ClientConfiguration.resolve(environment: environment, kubeconfig: explicit).server == "https://explicit")
        #expect(try ClientConfiguration.resolve(environment: environment).server == "https://variable")
        #expect(try ClientConfiguration.resolve(environment: ["HOME": folder.path]).server == "https://home")
    }

    @Test func nothingAtAllSaysWhatToGive() throws {
        let folder = try TemporaryFolder()
        for environment in [["HOME": folder.path], ["KUBECONFIG": "\(folder.path)/missing"]] {
            let error = #expect(throws: ClientConfigurationError.self) { try ClientConfiguration.resolve(environment: environment) }
            #expect(error?.code == .missing)
        }
        let explicit = #expect(throws: ClientConfigurationError.self) {
            try ClientConfiguration.resolve(environment: [:], kubeconfig: "\(folder.path)/missing")
        }
        #expect(explicit?.code == .unreadable)
    }

    @Test func aPodUsesItsServiceAccount() throws {
        let folder = try TemporaryFolder()
        try folder.write("token", "abc\n")
        try folder.write("ca.crt", "CA")
        try folder.write("namespace", "team\n")
        let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
        let resolved = try ClientConfiguration.inCluster(environment: environment, folder: folder.path)
        #expect(resolved.server == "https://[fd00::1]:443")
        #expect(resolved.namespace == "team")
        #expect(resolved.rotatingCA?.content() == Array("CA".utf8))
        let outside = #expect(throws: ClientConfigurationError.self) { try ClientConfiguration.inCluster(environment: [:], folder: folder.path) }
        #expect(outside?.code == .missing)
    }
}
