// A histogram in the kernel's log2 slots, and its exact form as an OTLP exponential histogram of scale 0.
// MetricsBuilder makes points with it.
// It never approximates a bucket: slot s is (2^(s-30), 2^(s-29)] seconds, which is bucket s-30 of scale 0.

import OTLPMessages
import ProbePrograms

/// Counts by slot and the exact sum; the unit is `HistogramUnit.binarySecond`.
struct SlotHistogram: Equatable, Sendable {
    /// The bucket of scale 0 whose values the first slot holds.
    static let firstBucket: Int32 = -30
    /// Slot 0 also holds everything below its range: it is written as the zero bucket, up to its upper bound of 2^-29 s (1.9 ns).
    static let zeroThresholdSeconds = 0x1p-29

    let sumNanoseconds: UInt64
    let slots: ArraySlice<UInt64>

    /// - Parameter counters: a histogram of the layout, as 64-bit numbers.
    init(_ counters: ArraySlice<UInt64>) {
        sumNanoseconds = counters[counters.startIndex + HistogramLayout.sumNanosecondsOffset / 8]
        slots = counters.dropFirst(HistogramLayout.slotsOffset / 8)
    }

    /// The sum of the slots. The kernel's own count may be one event apart when it is read during an event, and a point's buckets must add up.
    var count: UInt64 { slots.reduce(0, &+) }

    /// The point with the buckets from the first to the last that is not empty.
    func point(attributes: [Attribute], time: TimeSpan) -> ExponentialHistogramPoint {
        let positive = slots.dropFirst()
        let first = positive.firstIndex { $0 != 0 } ?? positive.endIndex
        let last = positive.lastIndex { $0 != 0 }.map { $0 + 1 } ?? first
        let zeros = slots.first ?? 0
        return ExponentialHistogramPoint(
            attributes: attributes, time: time, count: count, sum: Double(sumNanoseconds) / 1e9, scale: 0, zeroCount: zeros,
            zeroThreshold: Self.zeroThresholdSeconds, offset: first < last ? Self.firstBucket + Int32(first - slots.startIndex) : 0,
            bucketCounts: Array(positive[first..<max(first, last)]))
    }
}
