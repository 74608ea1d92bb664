// The request target of an HTTP request line, taken apart: path and decoded query items (RFC 9112 3.2, RFC 3986 3.4).
// The connection handler makes requests with it.
// It never decodes the path: a handler that splits segments must see which slashes were encoded.

struct RequestTarget {
    let path: String
    let query: [(name: String, value: String)]

    /// Takes the origin form (`/a?b=c`); of the absolute form (`http://host/a?b=c`) it takes what stands after the authority.
    init(_ target: String) {
        var text = target[...]
        if !text.hasPrefix("/"), let scheme = text.firstRange(of: "://") {
            let rest = text[scheme.upperBound...]
            text = rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
        }
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        query = parts.count < 2 ? [] : parts[1].split(separator: "&").map(Self.item)
    }

    private static func item(_ text: Substring) -> (name: String, value: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (decode(parts[0]), parts.count < 2 ? "" : decode(parts[1]))
    }

    /// `+` is a space and `%XX` a byte; a `%` that no two hexadecimal digits follow stays as it is.
    private static func decode(_ text: Substring) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let byte = hexadecimal(bytes[index + 1], bytes[index + 2]) {
                out.append(byte)
                index += 3
            } else {
                out.append(bytes[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[index])
                index += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func hexadecimal(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard let high = Character(UnicodeScalar(high)).hexDigitValue, let low = Character(UnicodeScalar(low)).hexDigitValue else { return nil }
        return UInt8(high << 4 | low)
    }
}
