// The unit of the programs' histogram slots, chosen before they are loaded.
// Used by the loader, which writes the two constants, and by whoever turns slots into bounds.
// Never a fraction: a unit is 2^shift / multiplier nanoseconds, as the kernel computes with integers.

/// What one unit of a histogram is.
public enum HistogramUnit: Sendable, Hashable, CaseIterable {
    /// 2^-30 s (0.93 ns): every bound is an exact power of two in seconds, as an OTLP exponential histogram of scale 0 has them.
    case binarySecond
    /// 1 µs: bounds are 2, 4, 8 ... µs, as runqlat prints them.
    case microsecond

    /// Written to `unit_multiplier`.
    public var multiplier: UInt64 {
        switch self {
        case .binarySecond: 1_125_900
        case .microsecond: 1_073_741
        }
    }

    /// Written to `unit_shift`.
    public var shift: UInt32 {
        switch self {
        case .binarySecond: 20
        case .microsecond: 30
        }
    }

    /// The inclusive upper bound of a slot in seconds; the last slot has none.
    public func upperBoundSeconds(slot: Int) -> Double {
        precondition((0..<HistogramLayout.slotCount).contains(slot), "a histogram has \(HistogramLayout.slotCount) slots")
        let units = Double(UInt64(1) << UInt64(slot + 1))
        return switch self {
        case .binarySecond: units / Double(1 << 30)
        case .microsecond: units / 1_000_000
        }
    }
}
