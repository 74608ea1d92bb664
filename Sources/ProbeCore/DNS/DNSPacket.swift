// One record of the DNS program's ring: a message, or a piece of a TCP stream, and who sent or received it.
// DNSLookups decodes each record with it.
// It never keeps the ring's memory: the bytes are copied.

import ProbePrograms

struct DNSPacket: Equatable, Sendable {
    /// Who transferred it, and when.
    struct Party: Hashable, Sendable {
        /// CLOCK_MONOTONIC.
        var time: UInt64
        var cgroup: UInt64
        /// The socket's.
        var cookie: UInt64
        /// The process.
        var tgid: UInt32
        var thread: UInt32
    }

    var party: Party
    var direction: DNSRecord.Direction
    var isStream: Bool
    /// Of the message or piece; `bytes` may be fewer.
    var length: Int
    var bytes: [UInt8]

    /// nil when the record is not as the layout says.
    init?(_ record: UnsafeRawBufferPointer) {
        guard record.count > DNSRecord.bytesOffset, let direction = DNSRecord.Direction(rawValue: record[DNSRecord.directionOffset]) else { return nil }
        let captured = Int(record.loadUnaligned(fromByteOffset: DNSRecord.capturedOffset, as: UInt16.self))
        length = Int(record.loadUnaligned(fromByteOffset: DNSRecord.lengthOffset, as: UInt32.self))
        guard captured == record.count - DNSRecord.bytesOffset, captured <= min(length, DNSRecord.capturedMax) else { return nil }
        let time = record.loadUnaligned(fromByteOffset: DNSRecord.timeNanosecondsOffset, as: UInt64.self)
        guard time <= Self.timeMax else { return nil }
        party = Party(
            time: time,
            cgroup: record.loadUnaligned(fromByteOffset: DNSRecord.cgroupOffset, as: UInt64.self),
            cookie: record.loadUnaligned(fromByteOffset: DNSRecord.cookieOffset, as: UInt64.self),
            tgid: record.loadUnaligned(fromByteOffset: DNSRecord.tgidOffset, as: UInt32.self),
            thread: record.loadUnaligned(fromByteOffset: DNSRecord.pidOffset, as: UInt32.self))
        self.direction = direction
        isStream = record[DNSRecord.protocolOffset] == Self.tcp
        bytes = Array(record[DNSRecord.bytesOffset...])
    }

    init(party: Party, direction: DNSRecord.Direction, isStream: Bool, length: Int, bytes: [UInt8]) {
        self.party = party
        self.direction = direction
        self.isStream = isStream
        self.length = length
        self.bytes = bytes
    }

    /// No machine runs for 146 years; below, waits can be added to a time.
    static let timeMax: UInt64 = 1 << 62

    /// IPPROTO_TCP.
    private static let tcp: UInt8 = 6
}
