// Requests, responses and headers as plain values.
// Callers of HTTPClient build requests and read responses with them.
// They never hold a connection and never touch libcurl.

/// The version that a request asks for, and that a response came in.
public enum HTTPVersion: Sendable, Hashable {
    case http1
    /// On `https` it is agreed on with the server, which may still answer in HTTP/1.1; on `http` the server must know (RFC 9113, section 3.3), and each
    /// request makes a connection.
    case http2
}

/// One HTTP request.
public struct HTTPRequest: Sendable {
    public var method: String
    /// Absolute `http` or `https` URL, already percent-encoded, without user and password.
    public var url: String
    /// Sent in this order. Values may hold credentials: they never appear in an error.
    public var headers: [(String, String)]
    public var body: [UInt8]?
    /// For `send`: the whole exchange. For `stream`: until the response's head has arrived. Nil means 30 s.
    public var timeout: Duration?
    /// For `stream`: the longest time without a byte from the server while the consumer is ready to take one. Nil means no limit.
    public var idleTimeout: Duration?
    /// For `send`: a longer body is the error `tooLarge`. A stream is not counted; its buffer is bounded instead.
    public var maxResponseBytes: Int
    /// Replaces the client's TLS settings for this request; connections are shared only between equal settings.
    public var tls: TLSConfiguration?
    public var version: HTTPVersion

    public static let defaultTimeout = Duration.seconds(30)
    public static let defaultMaxResponseBytes = 64 << 20

    public init(
        method: String = "GET", url: String, headers: [(String, String)] = [], body: [UInt8]? = nil, timeout: Duration? = nil, idleTimeout: Duration? = nil,
        maxResponseBytes: Int = HTTPRequest.defaultMaxResponseBytes, tls: TLSConfiguration? = nil, version: HTTPVersion = .http1
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.idleTimeout = idleTimeout
        self.maxResponseBytes = maxResponseBytes
        self.tls = tls
        self.version = version
    }
}

/// A complete response. A status of 300 and more is no error here: redirects are returned, never followed.
public struct HTTPResponse: Sendable {
    public let status: Int
    public let headers: HTTPHeaders
    public let body: [UInt8]
    /// Fields that came behind the body (RFC 9110, section 6.5); gRPC tells its status there.
    public let trailers: HTTPHeaders
    public let version: HTTPVersion

    public init(status: Int, headers: HTTPHeaders, body: [UInt8], trailers: HTTPHeaders = HTTPHeaders(), version: HTTPVersion = .http1) {
        self.status = status
        self.headers = headers
        self.body = body
        self.trailers = trailers
        self.version = version
    }
}

/// Header fields in the order in which they came; names compare without case (RFC 9110, section 5.1).
public struct HTTPHeaders: Sendable {
    public private(set) var fields: [(name: String, value: String)] = []

    public init() {}

    public mutating func append(name: String, value: String) { fields.append((name, value)) }

    /// The first value of that name.
    public subscript(name: String) -> String? { fields.first { Self.sameName($0.name, name) }?.value }

    /// All values of that name.
    public func values(_ name: String) -> [String] { fields.filter { Self.sameName($0.name, name) }.map(\.value) }

    private static func sameName(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte }
}
