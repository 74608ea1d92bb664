// Why a client cannot be set up: the kubeconfig, the in-cluster files or a credential plugin.
// Executables print it; the client turns it into a KubernetesError when it happens during a request.
// It never carries a token, a key or a password.

public struct ClientConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// A file that was named is not there or cannot be read.
        case unreadable
        /// A file that is no kubeconfig, or a field with a value that cannot be used.
        case invalid
        /// A context, cluster or user that is named but not defined, or no context chosen at all.
        case missing
        /// A way to log in that this client does not know.
        case unsupported
        /// A credential plugin failed, timed out or answered nonsense.
        case plugin
    }

    public let code: Code
    /// The file and the path in it, what is wrong, and what to do.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
