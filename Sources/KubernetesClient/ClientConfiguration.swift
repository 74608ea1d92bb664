// Where the API server is, whom to trust and how to log in: one resolved context of a kubeconfig, or the pod's own service account.
// KubernetesClient is made from it; executables choose how it is found.
// It never sends anything, and a credential plugin is only run when a request needs it.

import HTTPClient

/// Everything that a `KubernetesClient` needs to know about its server.
public struct ClientConfiguration: Sendable {
    /// Scheme, host, port and path prefix without a slash at the end.
    public var server: String
    public var tls: TLSConfiguration
    /// Nil means from the environment (`https_proxy`, `no_proxy`).
    public var proxy: String?
    /// The namespace of commands that name none.
    public var namespace: String
    /// Sent with every request: `sonde-operator/0.1.0 (linux/amd64)`.
    public var userAgent: String
    /// Where this configuration came from, for logs: a context's name, or "in cluster".
    public var source: String

    /// Of whole requests. A watch has `watchIdleTimeout` instead.
    public var requestTimeout: Duration = .seconds(30)
    /// A watch without `timeoutSeconds` is given up after so long without a byte; with it, 5 s after the server should have ended it.
    public var watchIdleTimeout: Duration = .seconds(305)
    public var responseBytesMax = 128 << 20
    /// A longer event is reported as undecodable and skipped. etcd takes objects of up to 1.5 MiB; as JSON they grow.
    public var watchEventBytesMax = 8 << 20

    var credentials: CredentialSource
    /// Authorities that are read again when the file rotates; wins over `tls`.
    var rotatingCA: RotatingFile?
    var impersonation: [(String, String)] = []

    /// A server that needs no credentials beyond the TLS client certificate, such as a test server.
    public init(server: String, tls: TLSConfiguration = TLSConfiguration(), bearerToken: String? = nil) {
        self.init(server: server, tls: tls, credentials: bearerToken.map { .token($0) } ?? .anonymous, source: "explicit")
    }

    init(server: String, tls: TLSConfiguration, credentials: CredentialSource, source: String) {
        self.server = server.trimmingSlashes
        self.tls = tls
        self.credentials = credentials
        self.source = source
        namespace = "default"
        userAgent = "sonde (linux)"
    }
}

extension ClientConfiguration {
    /// Where the kubelet mounts a pod's token, CA and namespace.
    public static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The order of controller-runtime: an explicit path, `KUBECONFIG`, the pod's service account, `~/.kube/config`.
    /// - Parameters:
    ///   - environment: Of the process; also handed to credential plugins.
    ///   - kubeconfig: A path that must exist.
    ///   - context: Nil takes the current one.
    /// - Throws: `ClientConfigurationError`.
    public static func resolve(environment: [String: String], kubeconfig: String? = nil, context: String? = nil) throws(ClientConfigurationError) -> Self {
        if let kubeconfig { return try .kubeconfig(path: kubeconfig, context: context, environment: environment) }
        if let list = environment["KUBECONFIG"], !list.isEmpty {
            let files = list.split(separator: ":").map(String.init)
            let merged = try Kubeconfig(files: files)
            guard !merged.isEmpty else {
                throw ClientConfigurationError(
                    .missing, "KUBECONFIG names \(files.joined(separator: ", ")), but none of these files exists or holds anything. Correct it or unset it.")
            }
            return try .kubeconfig(merged, context: context, environment: environment)
        }
        if environment["KUBERNETES_SERVICE_HOST"] != nil, context == nil { return try .inCluster(environment: environment) }
        let standard = "\(environment["HOME"] ?? "")/.kube/config"
        guard SmallFile.exists(standard) else {
            throw ClientConfigurationError(
                .missing, "No Kubernetes cluster is configured: no --kubeconfig, no KUBECONFIG, not in a pod, and no \(standard). Give one of them.")
        }
        return try .kubeconfig(path: standard, context: context, environment: environment)
    }

    /// One context of one file.
    public static func kubeconfig(path: String, context: String? = nil, environment: [String: String]) throws(ClientConfigurationError) -> Self {
        try .kubeconfig(Kubeconfig(parsing: SmallFile.read(path), file: path), context: context, environment: environment)
    }

    /// One context of a kubeconfig in memory.
    public static func kubeconfig(_ config: Kubeconfig, context: String? = nil, environment: [String: String]) throws(ClientConfigurationError) -> Self {
        try KubeconfigResolver(config: config, environment: environment).resolve(context: context)
    }

    /// The pod's service account: token and CA are read again when they rotate.
    /// - Parameter folder: Where the kubelet mounts token, CA and namespace.
    public static func inCluster(environment: [String: String], folder: String = serviceAccountFolder) throws(ClientConfigurationError) -> Self {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], let port = environment["KUBERNETES_SERVICE_PORT"], !host.isEmpty, !port.isEmpty else {
            throw ClientConfigurationError(
                .missing, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod. Use --kubeconfig or KUBECONFIG.")
        }
        let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let token = try RotatingFile("\(folder)/token")
        var configuration = ClientConfiguration(server: "https://\(authority)", tls: TLSConfiguration(), credentials: .tokenFile(token), source: "in cluster")
        configuration.rotatingCA = try RotatingFile("\(folder)/ca.crt")
        if let bytes = try? SmallFile.read("\(folder)/namespace") {
            let name = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
            if !name.isEmpty { configuration.namespace = name }
        }
        return configuration
    }
}

extension String {
    var trimmingSlashes: String {
        var text = self[...]
        while text.hasSuffix("/") { text = text.dropLast() }
        return String(text)
    }
}
