// The one error of this module, and how libcurl's result codes map to its classes.
// Callers decide from the code; people read the message.
// It never carries a header, a body or the query of a URL: a message is safe to log.

import CCurl

/// A request that got no usable answer. A cancelled task gets `CancellationError` instead.
public struct HTTPError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Nothing accepted the connection.
        case refused
        /// The host name, or the proxy's, has no address.
        case resolve
        /// Certificates, keys or the handshake.
        case tls
        case timeout
        /// A response longer than its limit.
        case tooLarge
        /// The connection ended in the middle of an exchange.
        case broken
        /// What accepted the connection does not speak the version of HTTP that was asked for.
        case otherProtocol
        /// The request cannot be sent as it is: a bad URL, a line break in a header.
        case invalidRequest
        /// The client was shut down, or could not start.
        case shutDown
    }

    public let code: Code
    /// What failed, at which host and port, and what to do.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}

extension HTTPError {
    /// The class and the text for a transfer that libcurl gave up.
    /// - Parameter detail: libcurl's own text, which names hosts and reasons but no header.
    init(_ result: CURLcode, peer: String, detail: String) {
        let code = Self.code(result, detail)
        let what =
            switch code {
            case .refused: "\(peer) does not accept connections. Check the address and that the server runs and is reachable from here"
            case .resolve: "The name in \(peer) has no address. Check its spelling and the DNS settings of this machine or pod"
            case .tls: "No TLS connection to \(peer). Check the CA certificate, the client certificate and key, and the server name"
            case .timeout: "\(peer) did not answer in time. Check that the server is healthy, or allow more time"
            case .invalidRequest: "The request to \(peer) cannot be sent. Check the URL"
            case .otherProtocol: "\(peer) does not answer in the version of HTTP that was asked for. Check the port"
            case .tooLarge, .broken, .shutDown:
                "The connection to \(peer) broke before the answer was complete. Try again; if it stays, look at the server's log"
            }
        self.init(code, detail.isEmpty ? "\(what)." : "\(what) (\(detail)).")
    }

    private static func code(_ result: CURLcode, _ detail: String) -> Code {
        switch result {
        // In TLS 1.3 a server judges the client's certificate after the handshake: its refusal comes with the first read.
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR: detail.contains("SSL routines") && detail.contains("alert") ? .tls : .broken
        // HTTP/2 frames read as HTTP/1.1 look like HTTP/0.9.
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2: .otherProtocol
        case CURLE_COULDNT_CONNECT: .refused
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_URL_MALFORMAT: .invalidRequest
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_CLIENTCERT:
            .tls
        default: .broken
        }
    }
}
