// The wire format of gRPC as far as a unary call needs it (grpc/doc/PROTOCOL-HTTP2): the frame of a message, the request's headers, encoded texts.
// ExportDestination makes requests with it, GRPCAnswer reads answers.
// It never streams, and never asks for a compressed answer.

import HTTPClient

enum GRPC {
    private static let prefixBytes = 5

    /// The message behind its prefix: whether it is compressed, and its length in network order.
    static func frame(_ batch: ExportBatch) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(prefixBytes + batch.body.count)
        frame.append(batch.contentEncoding == nil ? 0 : 1)
        withUnsafeBytes(of: UInt32(clamping: batch.body.count).bigEndian) { frame.append(contentsOf: $0) }
        frame.append(contentsOf: batch.body)
        return frame
    }

    static func fields(_ batch: ExportBatch, timeout: Duration) -> [(String, String)] {
        let fields = [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", self.timeout(timeout))]
        return fields + (batch.contentEncoding.map { [("grpc-encoding", $0)] } ?? [])
    }

    /// At most eight digits and a unit.
    static func timeout(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = min(max(seconds, 0), 99_000) * 1000 + max(attoseconds, 0) / 1_000_000_000_000_000
        return "\(max(1, milliseconds))m"
    }

    /// The message of an answer's body; nil when the body holds none.
    static func message(_ body: [UInt8], encoding: String?, maxBytes: Int) -> [UInt8]? {
        guard body.count >= prefixBytes else { return nil }
        let length = body[1..<prefixBytes].reduce(0) { $0 << 8 | Int($1) }
        guard length <= body.count - prefixBytes else { return nil }
        let message = Array(body[prefixBytes..<prefixBytes + length])
        if body[0] == 0 { return message }
        return encoding == "gzip" ? try? Gzip.decompress(message, maxBytes: maxBytes) : nil
    }

    /// `grpc-message`: UTF-8 whose bytes outside of printable ASCII are percent-encoded. What is no such encoding stays as it is.
    static func percentDecoded(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var decoded: [UInt8] = []
        var place = 0
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "%"), place + 2 < bytes.count, let high = hexDigit(bytes[place + 1]), let low = hexDigit(bytes[place + 2]) {
                decoded.append(high << 4 | low)
                place += 3
            } else {
                decoded.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Base64 (RFC 4648, section 4), with or without padding, as headers whose name ends in `-bin` have it.
    static func base64Decoded(_ text: String) -> [UInt8]? {
        var decoded: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8.reversed().drop(while: { $0 == UInt8(ascii: "=") }).reversed() {
            guard let value = base64Digit(byte) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return count < 6 ? decoded : nil
    }

    private static func base64Digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
