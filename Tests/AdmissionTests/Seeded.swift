// Random documents that can be had again: a generator whose seed is printed and taken back from SONDE_SEED.
// The tests of conversions and of rotation use it.
// It never makes a whole number with a fraction of zero: Kubernetes keeps no difference between 1 and 1.0.

import Foundation
import JSON

/// SplitMix64: the same numbers for the same seed.
struct Seeded: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(_ test: String = #function) {
        seed = ProcessInfo.processInfo.environment["SONDE_SEED"].flatMap(UInt64.init) ?? .random(in: .min ... .max)
        state = seed
        print("\(test): SONDE_SEED=\(seed)")
    }

    static func rounds(_ usual: Int) -> Int { ProcessInfo.processInfo.environment["SONDE_ROUNDS"].flatMap(Int.init) ?? usual }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }

    /// Any document; mappings have keys that look like fields.
    mutating func document(depth: Int = 3) -> JSONValue {
        switch below(depth > 0 ? 9 : 6) {
        case 0: return .bool(below(2) == 0)
        case 1: return .int(Int64(below(100_000)) - 1000)
        case 2: return .double(Double(below(1000)) + 0.25)
        case 3, 4: return .string(pick(["", "a", "true", "0x10", "1_000", "~", "null", "2026-01-02", "ä\n b ", "${env:A}", "- x", "#c", "1e3", "a: b"]))
        case 5: return .string(String(next(), radix: 36))
        case 6: return .array((0..<below(4)).map { _ in document(depth: depth - 1) })
        default: return mapping(depth: depth - 1)
        }
    }

    mutating func mapping(depth: Int = 2) -> JSONValue {
        var out = JSONObject()
        for _ in 0..<below(4) { out[pick(["a", "endpoint", "b/c", "x.y", "1", "no", "timeout", "é"])] = document(depth: depth) }
        return .object(out)
    }
}
