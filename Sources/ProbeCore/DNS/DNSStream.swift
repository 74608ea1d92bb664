// One direction of a TCP connection that carries DNS: where in its pieces messages begin (RFC 1035, 4.2.2: two bytes of length before each).
// DNSLookups has one for each direction of each connection and gets the beginning of every message out of it.
// It never holds more than the beginning of one message.

struct DNSStream: Sendable {
    /// Header and the longest question.
    static let keptBytesMax = 272

    private var prefix: [UInt8] = []
    /// Length of the message under way, and how much of it went by.
    private var expected = 0
    private var received = 0
    private var kept: [UInt8] = []
    /// A place between messages fell into bytes that nobody kept, or what stood there is no length: the rest of the connection is unreadable.
    private(set) var isLost = false
    /// CLOCK_MONOTONIC of the last piece.
    private(set) var lastTime: UInt64 = 0

    /// Takes a piece of the stream, of which the beginning may be all that is known.
    /// - Returns: the beginnings of the messages that it completes.
    mutating func take(_ bytes: [UInt8], length: Int, time: UInt64) -> [[UInt8]] {
        lastTime = time
        var messages: [[UInt8]] = []
        var place = 0
        while place < length, !isLost {
            if prefix.count < 2 {
                guard place < bytes.count else {
                    lose()
                    break
                }
                prefix.append(bytes[place])
                place += 1
                if prefix.count == 2 { begin() }
                continue
            }
            let part = min(expected - received, length - place)
            keep(bytes, from: place, count: part)
            received += part
            place += part
            if received == expected {
                messages.append(kept)
                reset()
            }
        }
        return messages
    }

    /// For who finds out that a message of the stream is none.
    mutating func lose() {
        reset()
        isLost = true
    }

    private mutating func begin() {
        expected = Int(prefix[0]) << 8 | Int(prefix[1])
        if expected < DNSHeader.byteCount { lose() }
    }

    /// Keeps what is known of a part without leaving a hole before it.
    private mutating func keep(_ bytes: [UInt8], from place: Int, count: Int) {
        guard kept.count == received, place < bytes.count else { return }
        kept += bytes[place..<min(place + count, bytes.count)].prefix(Self.keptBytesMax - kept.count)
    }

    private mutating func reset() {
        prefix = []
        kept = []
        expected = 0
        received = 0
    }
}
