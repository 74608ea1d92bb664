// Where batches go and how: the address, the headers, and the request that each of the two transports makes of a batch.
// The agent makes one from its configuration; MetricsExporter sends by it.
// It never sends anything itself.

import HTTPClient

/// Where metrics and logs go and how.
public struct ExportDestination: Sendable {
    public enum Compression: Sendable, Hashable {
        case none, gzip
    }

    public enum Transport: Sendable, Hashable {
        /// Protobuf bodies.
        case http
        case grpc
    }

    /// The base URL, without a slash at its end: `http://host:4318`.
    public var endpoint: String
    public var transport: Transport
    /// Further headers; values may be credentials and appear in no message. Those that the transport needs itself are not replaced by them.
    public var headers: [(String, String)]
    public var compression: Compression
    public var tls: TLSConfiguration?
    /// The product's name and version; a header of that name wins.
    public var userAgent: String

    /// - Parameter endpoint: the base URL. The signal's path is added: `v1/metrics` and `v1/logs` over HTTP (OTLP exporter specification, "Endpoint URLs for
    ///   OTLP/HTTP"), the service's method over gRPC.
    public init(
        endpoint: String, transport: Transport = .http, headers: [(String, String)] = [], compression: Compression = .gzip, tls: TLSConfiguration? = nil,
        userAgent: String = "sonde"
    ) {
        self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        self.transport = transport
        self.headers = headers
        self.compression = compression
        self.tls = tls
        self.userAgent = userAgent
    }

    /// `http://host:4318/v1/metrics`.
    func url(of signal: ExportSignal) -> String { "\(endpoint)/\(transport == .http ? signal.path : signal.method)" }

    /// One try with a batch.
    func request(_ batch: ExportBatch, timeout: Duration) -> HTTPRequest {
        let own = transport == .http ? Self.fields(batch) : GRPC.fields(batch, timeout: timeout)
        return HTTPRequest(
            method: "POST", url: url(of: batch.signal), headers: own + further(than: own), body: transport == .http ? batch.body : GRPC.frame(batch),
            timeout: timeout, maxResponseBytes: 1 << 20, tls: tls, version: transport == .http ? .http1 : .http2)
    }

    private static func fields(_ batch: ExportBatch) -> [(String, String)] {
        [("content-type", "application/x-protobuf")] + (batch.contentEncoding.map { [("content-encoding", $0)] } ?? [])
    }

    /// The configured headers, without those that would be there twice or break the transport. Names are in lower case, as HTTP/2 wants them.
    private func further(than own: [(String, String)]) -> [(String, String)] {
        let taken = Set(own.map(\.0) + ["content-length", "content-encoding", "transfer-encoding", "connection", "host"])
        let given = headers.map { ($0.lowercased(), $1) }.filter { name, _ in !taken.contains(name) && !(transport == .grpc && name.hasPrefix("grpc-")) }
        return given.contains { $0.0 == "user-agent" } ? given : given + [("user-agent", userAgent)]
    }

    /// What an answer to a batch means.
    func outcome(of batch: ExportBatch, _ response: HTTPResponse, unixSeconds: Int64) -> ExportOutcome {
        let url = url(of: batch.signal)
        return transport == .http
            ? ExportOutcome(response, url: url, unixSeconds: unixSeconds)
            : ExportOutcome(grpc: response, of: batch, endpoint: endpoint, unixSeconds: unixSeconds)
    }
}
