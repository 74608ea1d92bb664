// Base64 (RFC 4648, section 4), as Secrets, kubeconfig's `*-data` fields, patches in reviews and HTTP's basic authentication use it.
// The client and the webhook use it.
// It never accepts characters outside of the alphabet, line breaks aside.

/// Base64 with padding.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text of these bytes, on one line.
    public static func encode(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                out.append(place <= group.count ? alphabet[Int(word >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Nil when the text is not base64 or its padding is missing.
    public static func decode(_ text: String) -> [UInt8]? {
        var out: [UInt8] = []
        var word: UInt32 = 0
        var characters = 0
        var padding = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): continue
            case UInt8(ascii: "="):
                padding += 1
                word <<= 6
            default:
                guard padding == 0, let value = alphabet.firstIndex(of: byte) else { return nil }
                word = word << 6 | UInt32(value)
            }
            characters += 1
            if characters % 4 == 0 {
                guard padding <= 2 else { return nil }
                let group = [UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 8), UInt8(truncatingIfNeeded: word)]
                out.append(contentsOf: group.dropLast(padding))
                word = 0
            }
        }
        return characters % 4 == 0 && padding <= 2 ? out : nil
    }
}
