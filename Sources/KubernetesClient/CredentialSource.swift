// How a client proves who it is, and how it gets a fresh proof when the server refuses the old one.
// KubernetesClient asks for a credential before each request.
// It never logs or prints one.

import Kubernetes

/// What goes along with one request.
struct Credential: Hashable, Sendable {
    /// The value of the Authorization header.
    var authorization: String?
    /// Replace the client certificate of the configuration.
    var clientCertificatePEM: [UInt8]?
    var clientKeyPEM: [UInt8]?
    fileprivate var plugin: ExecCredential?

    static let anonymous = Credential()

    init(authorization: String? = nil) { self.authorization = authorization }

    fileprivate init(_ plugin: ExecCredential) {
        authorization = plugin.token.map { "Bearer \($0)" }
        clientCertificatePEM = plugin.clientCertificatePEM
        clientKeyPEM = plugin.clientKeyPEM
        self.plugin = plugin
    }
}

enum CredentialSource: Sendable {
    /// None, or only the TLS client certificate.
    case anonymous
    case token(String)
    case tokenFile(RotatingFile)
    case basic(username: String, password: String)
    case plugin(ExecCredentials)

    /// - Throws: `ClientConfigurationError` from a plugin, or `CancellationError`.
    func credential() async throws -> Credential {
        switch self {
        case .anonymous: .anonymous
        case .token(let token): Credential(authorization: "Bearer \(token)")
        case .tokenFile(let file): Self.bearer(file.content())
        case .basic(let username, let password): Credential(authorization: "Basic \(Base64.encode(Array("\(username):\(password)".utf8)))")
        case .plugin(let credentials): Credential(try await credentials.credential())
        }
    }

    /// A credential other than the one that the server answered with 401; nil when there is no other.
    func renewed(after refused: Credential) async throws -> Credential? {
        let fresh: Credential
        switch self {
        case .anonymous, .token, .basic: return nil
        case .tokenFile(let file): fresh = Self.bearer(file.content(.now))
        case .plugin(let credentials): fresh = Credential(try await credentials.credential(refused: refused.plugin))
        }
        return fresh == refused ? nil : fresh
    }

    private static func bearer(_ content: [UInt8]) -> Credential {
        // Files end with a line break more often than not, and a header must not hold one.
        let token = String(decoding: content, as: UTF8.self).filter { !$0.isWhitespace }
        return Credential(authorization: token.isEmpty ? nil : "Bearer \(token)")
    }
}
