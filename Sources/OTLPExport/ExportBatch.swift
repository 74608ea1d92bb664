// One request on its way to the receiver, and what can come of it.
// ExportQueue keeps batches and decides over them; MetricsExporter sends them.
// They never change once they are made: what is sent again is the same bytes.

/// What a request carries.
enum ExportSignal: Sendable, Hashable {
    case metrics, logs

    /// Behind the endpoint (OTLP exporter specification, "Endpoint URLs for OTLP/HTTP").
    var path: String { self == .metrics ? "v1/metrics" : "v1/logs" }

    /// The same over gRPC (opentelemetry-proto, `collector/`).
    var method: String {
        self == .metrics
            ? "opentelemetry.proto.collector.metrics.v1.MetricsService/Export" : "opentelemetry.proto.collector.logs.v1.LogsService/Export"
    }
}

/// An encoded request.
struct ExportBatch: Equatable, Sendable {
    var signal = ExportSignal.metrics
    /// The request's body, compressed when `contentEncoding` says so.
    var body: [UInt8]
    var contentEncoding: String?
    /// Points, or log records, in it: losses are counted in these.
    var points: Int
    /// The window of metrics that it is a part of; nil for logs.
    var window: Int?
}

/// What came of sending a batch.
enum ExportOutcome: Equatable, Sendable {
    /// The receiver took it, without the points that it rejected.
    case accepted(rejectedPoints: Int, message: String)
    /// It may be taken later; `after` is the receiver's wish.
    case retry(ExportFailure, after: Duration?)
    /// It will never be taken.
    case refused(ExportFailure)
}

/// Why a batch was not taken.
public struct ExportFailure: Hashable, Sendable {
    /// A short constant for counters: `http_503`, `grpc_unavailable`, `refused`.
    public var reason: String
    /// A sentence for people.
    public var message: String

    public init(reason: String, message: String) {
        self.reason = reason
        self.message = message
    }
}

/// A change in how the receiver does; each is worth one line in the log.
public enum ExportEvent: Hashable, Sendable {
    /// Batches are taken: for the first time, or again.
    case working
    /// Batches wait until the receiver is back.
    case waiting(ExportFailure)
    /// The receiver refuses batches, which are lost.
    case refused(ExportFailure)
    /// The receiver takes batches but rejects points in them.
    case partlyRejected(points: Int, message: String)
}

/// Points, or log records, by what became of them since the exporter began.
public struct ExportCounts: Hashable, Sendable {
    public var seen: UInt64 = 0
    public var exported: UInt64 = 0
    /// By reason: `queue_full`, `rejected`, `shutdown`, or the receiver's answer.
    public var dropped: [String: UInt64] = [:]

    public init() {}

    mutating func drop(_ points: Int, because reason: String) {
        if points > 0 { dropped[reason, default: 0] += UInt64(points) }
    }
}
