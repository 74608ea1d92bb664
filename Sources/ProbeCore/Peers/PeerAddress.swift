// Addresses of peers as texts: RFC 5952, and dotted for IPv4.
// PeerTable asks for them.
// It never looks a name up.

enum PeerAddress {
    static let byteCount = 16

    /// The text of an IPv6 address; an IPv4 one comes as `::ffff:a.b.c.d` (RFC 4291, 2.5.5.2) and is told as `a.b.c.d`, whichever socket it was made with.
    static func text(_ bytes: some RandomAccessCollection<UInt8>) -> String {
        let bytes = Array(bytes)
        guard bytes.count == byteCount else { return overflowValue }
        if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff {
            return bytes.suffix(4).map { "\($0)" }.joined(separator: ".")
        }
        let groups = stride(from: 0, to: byteCount, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        let hex = { (groups: ArraySlice<UInt16>) in groups.map { String($0, radix: 16) }.joined(separator: ":") }
        let zeros = longestZeros(groups)
        // One group of zeros alone is written out.
        return zeros.count < 2 ? hex(groups[...]) : hex(groups[..<zeros.lowerBound]) + "::" + hex(groups[zeros.upperBound...])
    }

    /// The first of the longest runs.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0, start = 0
        for (place, group) in groups.enumerated() {
            if group != 0 { start = place + 1 } else if place + 1 - start > longest.count { longest = start..<place + 1 }
        }
        return longest
    }
}
