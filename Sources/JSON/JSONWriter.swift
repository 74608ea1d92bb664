// From a JSONValue to bytes: compact for the wire, indented for people, and Go's form for hashes.
// Request bodies, files and the configuration hash are written with it.
// It never changes the value: only `.goSorted` orders keys, and only `.goSorted` treats integers as floats.

/// How a document is written.
public enum JSONStyle: Hashable, Sendable {
    /// No space, keys as they come.
    case compact
    /// Two spaces a level, one member a line.
    case pretty
    /// The bytes of Go's `json.Marshal` for the same document in an `interface{}`: keys in byte order, `< > &` and U+2028/9 escaped, every number a
    /// float64 in Go's notation. Integers beyond 2^53 lose digits, as they do there.
    case goSorted
}

extension JSONValue {
    /// The document as UTF-8. Doubles have the fewest digits that read back as the same value; one that is not finite, which JSON cannot say, is `null`.
    public func bytes(_ style: JSONStyle = .compact) -> [UInt8] {
        var writer = JSONWriter(style: style)
        writer.value(self, level: 0)
        return writer.out
    }

    /// The document as text; see ``bytes(_:)``.
    public func text(_ style: JSONStyle = .compact) -> String { String(decoding: bytes(style), as: UTF8.self) }
}

struct JSONWriter {
    let style: JSONStyle
    private(set) var out: [UInt8] = []

    init(style: JSONStyle) { self.style = style }

    mutating func value(_ value: JSONValue, level: Int) {
        switch value {
        case .null: raw("null")
        case .bool(let value): raw(value ? "true" : "false")
        case .int(let value): style == .goSorted ? raw(GoFloat.text(Double(value))) : raw(String(value))
        case .uint(let value): style == .goSorted ? raw(GoFloat.text(Double(value))) : raw(String(value))
        case .double(let value): double(value)
        case .string(let value): string(value)
        case .array(let elements): array(elements, level: level)
        case .object(let members): object(members, level: level)
        }
    }

    private mutating func double(_ value: Double) {
        guard value.isFinite else { return raw("null") }
        raw(style == .goSorted ? GoFloat.text(value) : value.description)
    }

    private mutating func array(_ elements: [JSONValue], level: Int) {
        out.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            newLine(level + 1)
            value(element, level: level + 1)
        }
        if !elements.isEmpty { newLine(level) }
        out.append(UInt8(ascii: "]"))
    }

    private mutating func object(_ members: JSONObject, level: Int) {
        out.append(UInt8(ascii: "{"))
        if style == .goSorted {
            let order = members.keys.indices.sorted { members.keys[$0].utf8.lexicographicallyPrecedes(members.keys[$1].utf8) }
            for (index, place) in order.enumerated() { member(members.keys[place], members.values[place], isFirst: index == 0, level: level) }
        } else {
            for index in members.keys.indices { member(members.keys[index], members.values[index], isFirst: index == 0, level: level) }
        }
        if !members.isEmpty { newLine(level) }
        out.append(UInt8(ascii: "}"))
    }

    private mutating func member(_ key: String, _ member: JSONValue, isFirst: Bool, level: Int) {
        if !isFirst { out.append(UInt8(ascii: ",")) }
        newLine(level + 1)
        string(key)
        out.append(UInt8(ascii: ":"))
        if style == .pretty { out.append(UInt8(ascii: " ")) }
        value(member, level: level + 1)
    }

    private mutating func newLine(_ level: Int) {
        guard style == .pretty else { return }
        out.append(UInt8(ascii: "\n"))
        out.append(contentsOf: repeatElement(UInt8(ascii: " "), count: level * 2))
    }

    private mutating func raw(_ text: String) { out.append(contentsOf: text.utf8) }

    private mutating func string(_ text: String) {
        out.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            var copied = 0
            for index in bytes.indices {
                guard let (escape, length) = escape(at: index, in: bytes) else { continue }
                out.append(contentsOf: bytes[copied..<index])
                out.append(contentsOf: escape.utf8)
                copied = index + length
            }
            out.append(contentsOf: bytes[copied...])
        }
        out.append(UInt8(ascii: "\""))
    }

    /// What stands for the character at an index, and how many bytes it replaces; nil for one that stands for itself.
    @inline(__always)
    private func escape(at index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> (String, length: Int)? {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "\""): return ("\\\"", 1)
        case UInt8(ascii: "\\"): return ("\\\\", 1)
        case ..<0x20: return (Self.controlEscape(byte), 1)
        case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): return style == .goSorted ? (Self.hexEscape(byte), 1) : nil
        case 0xE2 where style == .goSorted && index + 2 < bytes.count && bytes[index + 1] == 0x80 && bytes[index + 2] & 0xFE == 0xA8:
            return (bytes[index + 2] == 0xA8 ? "\\u2028" : "\\u2029", 3)
        default: return nil
        }
    }

    private static func controlEscape(_ byte: UInt8) -> String {
        switch byte {
        case 0x08: "\\b"
        case 0x09: "\\t"
        case 0x0A: "\\n"
        case 0x0C: "\\f"
        case 0x0D: "\\r"
        default: hexEscape(byte)
        }
    }

    private static func hexEscape(_ byte: UInt8) -> String { "\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16) }
}
