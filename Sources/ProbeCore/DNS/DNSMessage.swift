// A DNS message as far as Sonde reads it: the header and the first question (RFC 1035, 4.1).
// DNSLookups parses what the program copied out of the memory of those who sent or received it.
// It never trusts a length, never follows a pointer, and never looks at records.

/// The twelve bytes at the beginning of every message.
public struct DNSHeader: Equatable, Sendable {
    static let byteCount = 12

    public var id: UInt16
    /// QR: a response; otherwise a query.
    public var isResponse: Bool
    /// TC: the response did not fit; whoever asked asks again over TCP.
    public var isTruncated: Bool
    /// RCODE, 0 to 15; what EDNS adds to it stands behind the question and is not read.
    public var responseCode: UInt8
    public var questionCount: UInt16
    public var answerCount: UInt16

    /// Throws for fewer than twelve bytes and for everything but ordinary queries (opcode 0): notifications and updates look nothing up.
    public init(_ bytes: some RandomAccessCollection<UInt8>) throws(DNSFailure) {
        let bytes = Array(bytes.prefix(Self.byteCount))
        guard bytes.count == Self.byteCount else { throw .short }
        let word = { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        guard bytes[2] >> 3 & 0xf == 0 else { throw .opcode }
        id = word(0)
        isResponse = bytes[2] & 0x80 != 0
        isTruncated = bytes[2] & 0x02 != 0
        responseCode = bytes[3] & 0xf
        questionCount = word(4)
        answerCount = word(6)
    }
}

public struct DNSMessage: Equatable, Sendable {
    public struct Question: Hashable, Sendable {
        /// In lower case, without the dot at the end; `.` for the root. Bytes that are not printable, dots in labels and backslashes stand as `\DDD`
        /// (RFC 1035, 5.1).
        public var name: String
        /// QTYPE: 1 is A, 28 AAAA.
        public var type: UInt16

        public init(name: String, type: UInt16) {
            self.name = name
            self.type = type
        }
    }

    public var header: DNSHeader
    /// nil in a response that repeats none, as some servers send when they could not read the query.
    public var question: Question?

    /// Parses the beginning of a message; what lies behind the first question may be missing.
    public init(_ bytes: some RandomAccessCollection<UInt8>) throws(DNSFailure) {
        header = try DNSHeader(bytes)
        switch header.questionCount {
        case 0 where header.isResponse: question = nil
        case 1: question = try Self.question(Array(bytes.dropFirst(DNSHeader.byteCount).prefix(Self.questionBytesMax)))
        default: throw .questions
        }
    }

    /// A name, its type and its class.
    private static let questionBytesMax = nameBytesMax + 4
    /// RFC 1035, 2.3.4: with the length bytes and the zero at the end.
    private static let nameBytesMax = 255
    private static let labelBytesMax = 63

    private static func question(_ bytes: [UInt8]) throws(DNSFailure) -> Question {
        var name: [UInt8] = []
        var place = 0
        while true {
            guard place < bytes.count else { throw .short }
            let length = Int(bytes[place])
            place += 1
            if length == 0 { break }
            // 0b11 begins a pointer. The first name of a message has nothing before it to point to but the header.
            guard length & 0xc0 != 0xc0 else { throw .pointer }
            guard length <= labelBytesMax else { throw .label }
            guard place + length < nameBytesMax else { throw .name }
            guard place + length <= bytes.count else { throw .short }
            if !name.isEmpty { name.append(UInt8(ascii: ".")) }
            for byte in bytes[place..<place + length] { append(byte, to: &name) }
            place += length
        }
        guard place + 4 <= bytes.count else { throw .short }
        return Question(name: name.isEmpty ? "." : String(decoding: name, as: UTF8.self), type: UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1]))
    }

    private static func append(_ byte: UInt8, to name: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): name.append(byte | 0x20)
        case UInt8(ascii: "."), UInt8(ascii: "\\"), ...0x20, 0x7f...:
            name.append(UInt8(ascii: "\\"))
            for divisor in [100, 10, 1] as [UInt8] { name.append(UInt8(ascii: "0") + byte / divisor % 10) }
        default: name.append(byte)
        }
    }
}

/// Why bytes are no message that Sonde can read.
public enum DNSFailure: Error, Hashable, Sendable {
    /// They end too early.
    case short
    /// No ordinary query.
    case opcode
    /// More than one question, or a query without one.
    case questions
    /// The question's name is compressed.
    case pointer
    /// A label is longer than 63 bytes.
    case label
    /// The name is longer than 255 bytes.
    case name
}
