// Random documents as a collector's spec may hold them.
// The tests of conversions use it.
// It never makes a whole number with a fraction of zero: Kubernetes keeps no difference between 1 and 1.0.

import JSON
import TestSupport

extension Seeded {
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
