// The seam between rings of records and the aggregator: who decodes a program's records.
// The agent hands each record over as it reads the ring, and asks for the result about once a second.
// It never keeps a pointer into the ring.

/// Turns a program's records into counts.
public protocol EventDecoder: Sendable {
    /// Takes one record, whose bytes are only valid during the call. A record of a wrong length is counted and otherwise ignored.
    mutating func take(_ record: UnsafeRawBufferPointer)

    /// Whether the decoder concludes anything from a record that did not come; only such decoders are told of losses.
    var followsLosses: Bool { get }

    /// Told before it settles how much each hook lost since its program was loaded, for whatever reason.
    /// - Parameters:
    ///   - totals: events by the hook's function.
    ///   - now: until when they were lost; the clock that stamps records.
    mutating func follow(losses totals: [String: UInt64], monotonicNanoseconds now: UInt64)

    /// Hands over what is complete. Called about once a second and before each export.
    /// - Parameter now: the clock that stamps records (CLOCK_MONOTONIC).
    mutating func settle(into aggregator: inout ProbeAggregator, monotonicNanoseconds now: UInt64)

    /// Takes a reading of a map whose groups are no kind of the aggregator.
    /// - Returns: keys of entries to take out of the map; their last values come to `forget`.
    mutating func read(_ map: String, _ groups: [RawGroup], into aggregator: inout ProbeAggregator) -> [[UInt8]]

    /// Entries that were taken out, with their last values.
    mutating func forget(_ map: String, _ last: [RawGroup], into aggregator: inout ProbeAggregator)
}

extension EventDecoder {
    public var followsLosses: Bool { false }
    public mutating func follow(losses totals: [String: UInt64], monotonicNanoseconds now: UInt64) {}
    public mutating func read(_ map: String, _ groups: [RawGroup], into aggregator: inout ProbeAggregator) -> [[UInt8]] { [] }
    public mutating func forget(_ map: String, _ last: [RawGroup], into aggregator: inout ProbeAggregator) {}
}
