// What a handler of the HTTP server gets and gives: requests and responses as values, and the limits between them.
// The operator's probes and metrics, the webhook and the test API server are written against these types.
// They never hold a connection: a handler learns that its client is gone from the cancellation of its task.

/// One request, complete with its body.
///
/// Guarantees: the body is not longer than `HTTPServerLimits.maxBodyBytes`. The handler's task is cancelled when the client goes away.
public struct HTTPServerRequest: Sendable {
    /// Upper case, as sent: `GET`.
    public let method: String
    /// The path without the query, still percent-encoded.
    public let path: String
    /// The decoded query items in order.
    public let query: [(name: String, value: String)]
    /// The headers in order, names as sent.
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]
    /// Who the client says it is; nil without TLS or without a certificate that the client CA signed.
    public let clientCertificateSubject: CertificateSubject?

    public init(
        method: String, path: String, query: [(name: String, value: String)] = [], headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        clientCertificateSubject: CertificateSubject? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.clientCertificateSubject = clientCertificateSubject
    }

    /// The first header of this name, whatever its case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }

    /// The first query item of this name.
    public func queryItem(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// One response. `content-length` or chunked transfer coding is set by the server.
public struct HTTPServerResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Pulls the next chunk when the one before has left; nil is the end, a thrown error breaks the connection off.
        case stream(@Sendable () async throws -> [UInt8]?)
    }

    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: Body

    public init(status: Int, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A response of text in UTF-8.
    public static func text(_ text: String, status: Int = 200, contentType: String = "text/plain; charset=utf-8") -> HTTPServerResponse {
        HTTPServerResponse(status: status, headers: [("content-type", contentType)], body: .bytes(Array(text.utf8)))
    }
}

/// What one connection may cost, and all of them together.
public struct HTTPServerLimits: Sendable {
    /// Bytes of one request's body; a longer one is answered with 413.
    public var maxBodyBytes: Int
    /// Bytes of all requests' bodies that are held at a time, from their arrival to the answer; a request without room is answered with 503, `retry-after`,
    /// and counted in `HTTPServer.refusedBodies`. Not less than `maxBodyBytes`.
    public var maxBodyBytesTogether: Int
    /// Bytes of one request's headers together; more are answered with 431.
    public var maxHeaderBytes: Int
    /// Open connections; one more is closed and counted in `HTTPServer.refusedConnections`.
    public var maxConnections: Int
    /// From the opening of the connection, or from the last response, to the end of the next request's headers.
    public var headDeadline: Duration
    /// From the end of the headers to the end of the body; then 408.
    public var bodyDeadline: Duration
    /// For a client to take one chunk; then the connection is closed.
    public var writeDeadline: Duration

    public init(
        maxBodyBytes: Int = 3 << 20, maxBodyBytesTogether: Int = 256 << 20, maxHeaderBytes: Int = 64 << 10, maxConnections: Int = 1024,
        headDeadline: Duration = .seconds(60), bodyDeadline: Duration = .seconds(30), writeDeadline: Duration = .seconds(30)
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.maxBodyBytesTogether = maxBodyBytesTogether
        self.maxHeaderBytes = maxHeaderBytes
        self.maxConnections = maxConnections
        self.headDeadline = headDeadline
        self.bodyDeadline = bodyDeadline
        self.writeDeadline = writeDeadline
    }
}

/// The server's certificate, and the CA of its clients.
public struct HTTPServerTLS: Sendable {
    /// The certificate and its chain, leaf first, in PEM.
    public var certificatePEM: [UInt8]
    public var privateKeyPEM: [UInt8]
    /// When set, clients are asked for a certificate; one that this CA did not sign fails the handshake, none at all is accepted.
    public var clientCAPEM: [UInt8]?

    public init(certificatePEM: [UInt8], privateKeyPEM: [UInt8], clientCAPEM: [UInt8]? = nil) {
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
        self.clientCAPEM = clientCAPEM
    }
}

/// Why a server did not start.
public struct HTTPServerError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The address is taken, not allowed or unknown.
        case bind
        /// A certificate or key that cannot be used.
        case tls
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
