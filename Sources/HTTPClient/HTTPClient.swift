// The HTTP client of every process of Sonde: the Kubernetes client and the OTLP exporter send through it.
// One client is one thread with one pool of connections; methods may be called from any task.
// It never retries, never follows a redirect and never puts a header into an error.

/// HTTP/1.1 over libcurl: each request and each stream has a connection to itself while it lasts, and idle connections are used again.
///
/// Guarantees: cancelling the calling task ends the transfer, and `send` returns only when its handle is freed. Proxies come from the environment as
/// with curl (`https_proxy`, `no_proxy`) unless the configuration names one. A stream reads ahead at most `streamBufferBytes`.
/// Not guaranteed: a request whose answer got lost may have been carried out.
public final class HTTPClient: Sendable {
    public struct Configuration: Sendable {
        public var tls = TLSConfiguration()
        /// `http://host:port`, `https://…` or `socks5://…`; nil means from the environment, `""` means none at all.
        public var proxy: String?
        public var connectTimeout: Duration = .seconds(10)
        /// A connection on which sent bytes stay unacknowledged for so long is given up.
        public var unacknowledgedMax: Duration = .seconds(30)
        /// Further requests wait for one of these; every stream holds one.
        public var maxConnections = 128
        /// Connections that are kept; libcurl 7.88 counts those in use too, so fewer than there are streams means that none is used again.
        public var maxIdleConnections = 128
        /// Bytes of one stream that wait for its consumer before the transfer pauses; one read of libcurl (16 KiB) may come on top.
        public var streamBufferBytes = 256 << 10
        /// The thread's name as `ps -T` shows it, at most 15 bytes.
        public var threadName = "http-client"

        public init() {}
    }

    private let loop: CurlLoop
    private let configuration: Configuration

    /// Starts the thread. When that fails, every request throws `shutDown` with the reason.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        loop = CurlLoop(configuration)
    }

    deinit { loop.stop() }

    /// Transfers that are not freed: requests under way and streams that are neither read to their end nor dropped.
    public var liveTransfers: Int { loop.live }

    /// Sends a request and collects the whole response.
    /// - Throws: `HTTPError`, or `CancellationError` when the task was cancelled.
    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let transfer = try Transfer(request, mode: .whole(maxBytes: request.maxResponseBytes), defaultTLS: configuration.tls)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                transfer.withState { $0.onWait(.response(continuation)).delivery }.perform()
                loop.submit(transfer)
            }
        } onCancel: {
            loop.cancel(transfer)
        }
    }

    /// Sends a request and returns when the response's head is there. The body is read from the stream; dropping the stream ends the transfer.
    /// - Throws: `HTTPError`, or `CancellationError` when the task was cancelled.
    public func stream(_ request: HTTPRequest) async throws -> HTTPStream {
        let transfer = try Transfer(request, mode: .stream(bufferBytes: configuration.streamBufferBytes), defaultTLS: configuration.tls)
        let body = HTTPBody(transfer: transfer, loop: loop)
        let head = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                transfer.withState { $0.onWait(.head(continuation)).delivery }.perform()
                loop.submit(transfer)
            }
        } onCancel: {
            loop.cancel(transfer)
        }
        return HTTPStream(status: head.status, headers: head.headers, body: body)
    }

    /// Ends the thread; requests under way fail with `shutDown`. Returns when everything is freed.
    public func shutdown() async {
        loop.stop()
        await loop.waitUntilStopped()
    }
}
