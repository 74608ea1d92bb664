// What files of /proc/net say of the network namespace that they are read in: devices' drops, retransmitted segments, sockets by state.
// The agent reads the files where that namespace is the host's; this takes numbers out of their text.
// It never trusts a file's form: a line that is not understood is no reading.

/// Parsers of proc_pid_net(5).
public enum NetworkFiles {
    /// What a network device counted.
    public struct Device: Sendable, Hashable {
        public var name: String
        public var receivedDropped: UInt64
        public var transmittedDropped: UInt64
    }

    /// `/proc/net/dev`: two headings, then `name: ` and eight numbers of what was received, eight of what was sent; the fourth of each are drops.
    public static func devices(inDev text: String) -> [Device] {
        text.split(separator: "\n").compactMap { line in
            // A name may hold a colon (an old alias), numbers never do.
            guard let colon = line.lastIndex(of: ":") else { return nil }
            let name = line[..<colon].drop { $0 == " " }
            let numbers = line[line.index(after: colon)...].split(separator: " ").map { UInt64($0) }
            guard !name.isEmpty, numbers.count >= 12, let received = numbers[3], let transmitted = numbers[11] else { return nil }
            return Device(name: String(name), receivedDropped: received, transmittedDropped: transmitted)
        }
    }

    /// `RetransSegs` of `/proc/net/snmp`: a line of names, then a line of numbers in their order.
    public static func retransmittedSegments(inSNMP text: String) -> UInt64? {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("Tcp:") }.map { $0.split(separator: " ") }
        guard lines.count == 2, let index = lines[0].firstIndex(of: "RetransSegs"), index < lines[1].count else { return nil }
        return UInt64(lines[1][index])
    }

    /// The state of a line of `/proc/net/tcp` or `tcp6` (include/net/tcp_states.h), the fourth word, in hexadecimal; nil for the heading.
    public static func state(inTCPLine line: Substring) -> UInt32? {
        let words = line.split(separator: " ", maxSplits: 4)
        guard words.count > 3, words[3].count == 2 else { return nil }
        return UInt32(words[3], radix: 16)
    }
}
