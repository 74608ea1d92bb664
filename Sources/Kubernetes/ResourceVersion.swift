// The order of resource versions of one kind (KEP-5504: integers as text, stable since Kubernetes 1.35).
// The store and the controllers ask whether what they hold is at least as new as what they wrote.
// It never compares versions of different kinds or clusters: the caller knows that they belong together.

public enum ResourceVersion {
    public enum Order: Sendable { case older, same, newer }

    /// How `left` stands to `right`, by length, then by text. Nil when they differ and one is no positive decimal integer without leading zeros:
    /// then nothing is known, except that they are not equal.
    public static func compare(_ left: String, to right: String) -> Order? {
        if left == right { return .same }
        guard isComparable(left), isComparable(right) else { return nil }
        if left.utf8.count != right.utf8.count { return left.utf8.count < right.utf8.count ? .older : .newer }
        return left < right ? .older : .newer
    }

    /// True when `version` is known to be `other` or newer.
    public static func isAtLeast(_ version: String, _ other: String) -> Bool {
        switch compare(version, to: other) {
        case .same, .newer: true
        case .older, nil: false
        }
    }

    private static func isComparable(_ version: String) -> Bool {
        guard let first = version.utf8.first, first != UInt8(ascii: "0") else { return false }
        return version.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
