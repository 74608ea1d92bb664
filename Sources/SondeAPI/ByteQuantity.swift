// Amounts of memory as Kubernetes writes them: `96Mi`, `1.5Gi`, `128M`, `1000000`.
// The probe's memory budget is read and written with it.
// It never handles fractions of a byte: amounts are rounded up to whole bytes, as Kubernetes does.

import JSON

/// Kubernetes' memory quantities (apimachinery resource.Quantity) as whole bytes.
public enum ByteQuantity {
    private static let suffixes: [(String, Double)] = [
        ("Ki", 1024), ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("Ti", 1_099_511_627_776),
        ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12),
    ]

    /// Bytes, rounded up; nil when the value is no positive quantity below 2^53.
    public static func bytes(_ value: JSONValue) -> Int? {
        if let number = value.int { return number > 0 && number < 1 << 53 ? number : nil }
        guard let text = value.string, let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
        let found = suffixes.first { text.hasSuffix($0.0) }
        let digits = text.dropLast(found?.0.count ?? 0)
        guard digits.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let amount = Double(digits) else {
            return nil
        }
        let bytes = (amount * (found?.1 ?? 1)).rounded(.up)
        return bytes >= 1 && bytes < 9_007_199_254_740_992 ? Int(bytes) : nil
    }

    /// The shortest exact form: `96Mi`, `1Gi`, `1000`.
    public static func text(_ bytes: Int) -> String {
        for (suffix, unit) in [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] where bytes > 0 && bytes % unit == 0 {
            return "\(bytes / unit)\(suffix)"
        }
        return "\(bytes)"
    }
}
