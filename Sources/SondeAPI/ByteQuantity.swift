// Amounts of memory as Kubernetes writes them: `96Mi`, `1.5Gi`, `128M`, `1000000`.
// The probe's memory budget is read and written with it.
// It never handles fractions of a byte: amounts are rounded up to whole bytes, as Kubernetes does.

import JSON
import Kubernetes

/// Kubernetes' memory quantities as whole bytes.
public enum ByteQuantity {
    /// Bytes, rounded up; nil when the value is no positive quantity below 2^53.
    public static func bytes(_ value: JSONValue) -> Int? {
        let bytes = value.int ?? value.string.flatMap { Quantity($0) }.map { Int($0.value) }
        return bytes.flatMap { $0 > 0 && $0 < 1 << 53 ? $0 : nil }
    }

    /// The shortest exact form: `96Mi`, `1Gi`, `1000`.
    public static func text(_ bytes: Int) -> String {
        for (suffix, unit) in [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] where bytes > 0 && bytes % unit == 0 {
            return "\(bytes / unit)\(suffix)"
        }
        return "\(bytes)"
    }
}
