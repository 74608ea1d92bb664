// Random input that can be had again: a generator whose seed is printed and taken back from SONDE_SEED.
// Tests with random resources use it; SONDE_ROUNDS lets them run longer.
// It never draws on the system again once it has its seed.

import Foundation

/// SplitMix64: the same numbers for the same seed.
struct Seeded: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    /// - Parameter test: its name, for the line with the seed.
    init(_ test: String = #function) {
        seed = ProcessInfo.processInfo.environment["SONDE_SEED"].flatMap(UInt64.init) ?? .random(in: .min ... .max)
        state = seed
        print("\(test): SONDE_SEED=\(seed)")
    }

    /// How often to try.
    static func rounds(_ usual: Int) -> Int { ProcessInfo.processInfo.environment["SONDE_ROUNDS"].flatMap(Int.init) ?? usual }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
