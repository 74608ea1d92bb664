// Random input that can be had again: the one generator of random tests, whose seed is printed and taken back from SONDE_SEED, and damage for bytes.
// Tests of parsers, conversions and rendering use it; hack/fuzz runs them with more rounds (SONDE_ROUNDS) and ever new seeds.
// It never draws on the system again once it has its seed.

import Foundation

/// SplitMix64 (Steele, Lea, Flood, 2014): the same numbers for the same seed.
public struct Seeded: RandomNumberGenerator, Sendable {
    public let seed: UInt64
    private var state: UInt64

    /// A seed of the environment or the system. It is printed at once, since a trap ends the process without another word.
    /// - Parameter test: its name, for the line with the seed.
    public init(_ test: String = #function) {
        self.init(seed: ProcessInfo.processInfo.environment["SONDE_SEED"].flatMap(UInt64.init) ?? .random(in: .min ... .max))
        print("\(test): SONDE_SEED=\(seed)")
    }

    /// The same input in every run.
    public init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// How often to try.
    public static func rounds(_ usual: Int) -> Int { ProcessInfo.processInfo.environment["SONDE_ROUNDS"].flatMap(Int.init) ?? usual }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    public mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    public mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }

    public mutating func bytes(upTo limit: Int) -> [UInt8] { (0..<below(limit)).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// Changed, cut, doubled or mixed up in a few places.
    public mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...below(4) where !bytes.isEmpty {
            let place = below(bytes.count), length = below(bytes.count - place + 1)
            switch below(5) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: next())
            case 1: bytes.removeSubrange(place..<place + length)
            case 2: bytes.insert(contentsOf: Array(bytes[place..<place + min(length, 64)]), at: place)
            case 3: bytes.insert([0x2f, 0x3a, 0x5f, 0x2d, 0x2e, 0x00, 0xff, 0x0a][below(8)], at: place)
            default: bytes.removeLast(length)
            }
        }
        return bytes
    }
}
