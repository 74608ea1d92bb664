// The HTTP client of every process of Sonde: the Kubernetes client and the OTLP exporter send through it.
// One client is one thread with one pool of connections, and one more of both for HTTP/2; methods may be called from any task.
// It never retries, never follows a redirect and never puts a header into an error.

import Synchronization

/// HTTP/1.1, and HTTP/2 for requests that ask for it, over libcurl: each request and each stream has a connection to itself while it lasts, and idle
/// connections are used again. The two versions never share a connection.
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

    private struct Loops {
        let http1: CurlLoop
        /// Made by the first request that asks for it: most clients never do.
        var http2: CurlLoop?
        var isStopped = false

        var all: [CurlLoop] { [http1] + (http2.map { [$0] } ?? []) }
    }

    private let loops: Mutex<Loops>
    private let configuration: Configuration

    /// Starts the thread. When that fails, every request throws `shutDown` with the reason.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        loops = Mutex(Loops(http1: CurlLoop(configuration)))
    }

    deinit { loops.withLock { $0.all }.forEach { $0.stop() } }

    /// Transfers that are not freed: requests under way and streams that are neither read to their end nor dropped.
    public var liveTransfers: Int { loops.withLock { $0.all }.reduce(0) { $0 + $1.live } }

    /// libcurl's pools do not keep the versions apart: it would write HTTP/2 into an idle HTTP/1.1 connection, and CurlLoop tells what 7.88 does the other
    /// way round. So each version has a pool of its own.
    private func loop(_ version: HTTPVersion) -> CurlLoop {
        loops.withLock { loops in
            // After the end the first one refuses everything.
            if version == .http1 || loops.isStopped { return loops.http1 }
            if let loop = loops.http2 { return loop }
            var settings = configuration
            settings.threadName = "\(configuration.threadName.prefix(12))-h2"
            let loop = CurlLoop(settings)
            loops.http2 = loop
            return loop
        }
    }

    /// Sends a request and collects the whole response.
    /// - Throws: `HTTPError`, or `CancellationError` when the task was cancelled.
    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        let transfer = try Transfer(request, mode: .whole(maxBytes: request.maxResponseBytes), defaultTLS: configuration.tls)
        let loop = loop(request.version)
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
        let loop = loop(request.version)
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

    /// Ends the threads; requests under way fail with `shutDown`. Returns when everything is freed.
    public func shutdown() async {
        let all = loops.withLock { loops in
            loops.isStopped = true
            return loops.all
        }
        for loop in all { loop.stop() }
        for loop in all { await loop.waitUntilStopped() }
    }
}
