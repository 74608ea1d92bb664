// Random input that can be had again: a generator whose seed is printed and taken back from SONDE_SEED, and damage for bytes.
// Tests of parsers use it; hack/fuzz runs them with more rounds (SONDE_ROUNDS) and ever new seeds.

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

    mutating func bytes(upTo limit: Int) -> [UInt8] { (0..<below(limit)).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// Changed, cut, doubled or mixed up in a few places.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
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
