// Durations in the buckets that the semantic conventions prescribe for durations of requests and lookups, as a row of counters.
// Decoders count into it, kinds make points of it.
// It never approximates: a duration is compared with the bounds as it was measured.

import OTLPMessages

enum SecondsHistogram {
    /// Upper bounds in seconds, inclusive (semantic conventions, `dns.lookup.duration`, `http.server.request.duration`).
    static let bounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    private static let boundsNanoseconds: [UInt64] = bounds.map { UInt64(($0 * 1e9).rounded()) }

    /// A row: the sum in nanoseconds, then one counter for each bucket.
    static let byteCount = 8 * (bounds.count + 2)
    private static let bucketsStart = 1

    static func row(nanoseconds: UInt64) -> CounterRow {
        var counters = [UInt64](repeating: 0, count: byteCount / 8)
        counters[0] = nanoseconds
        counters[bucketsStart + (boundsNanoseconds.firstIndex { nanoseconds <= $0 } ?? bounds.count)] = 1
        return CounterRow(counters)
    }

    static func count(_ row: CounterRow) -> UInt64 { row.counters.dropFirst(bucketsStart).reduce(0, &+) }

    static func point(_ row: CounterRow, attributes: [Attribute], time: TimeSpan) -> HistogramPoint {
        HistogramPoint(
            attributes: attributes, time: time, count: count(row), sum: Double(row.counters[0]) / 1e9,
            bucketCounts: Array(row.counters.dropFirst(bucketsStart)), bounds: bounds)
    }
}
