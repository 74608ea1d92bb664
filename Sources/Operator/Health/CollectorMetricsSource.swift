// How the operator reads a collector's own metrics.
// The executable implements the protocol over HTTP; HealthWatcher calls it.
// It never gives more than the bytes that a pod answered with: what they mean is found by TelemetrySample.

/// Reads one collector.
public protocol CollectorMetricsSource: Sendable {
    /// The Prometheus text of the collector at this address, at most `CollectorMetrics.sizeBytesMax`.
    /// - Throws: `CollectorSilence`, or `CancellationError` when the task was cancelled.
    func metrics(at address: AgentAddress) async throws -> [UInt8]
}

/// Limits of one question.
public enum CollectorMetrics {
    public static let path = "/metrics"
    /// A collector with a hundred components writes about 200 KB.
    public static let sizeBytesMax = 2 << 20
}

/// A collector that gave no usable answer.
public struct CollectorSilence: Error, Hashable, Sendable, CustomStringConvertible {
    /// The same words for the same trouble on every pod: no address, no time.
    public let reason: String
    public init(_ reason: String) { self.reason = reason }
    public var description: String { reason }
}
