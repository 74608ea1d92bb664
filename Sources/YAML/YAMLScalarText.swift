// How one scalar is written: plain when no reader could take it for anything else, otherwise in double quotes, or as a literal block.
// YAMLWriter asks it for every key and string.
// It never uses single quotes or folding: one way to write each text keeps output stable.

import JSON

enum YAMLScalarText {
    /// A string on one line.
    static func line(_ text: String) -> String { isSafePlain(text) ? text : quoted(text) }

    /// Always with a point or an exponent, so that it reads back as a double.
    static func double(_ value: Double) -> String {
        if value.isNaN { return ".nan" }
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        return value.description
    }

    /// Several lines of printable text whose first line shows its indentation.
    static func fitsLiteralBlock(_ text: String) -> Bool {
        guard text.utf8.contains(UInt8(ascii: "\n")), let first = text.unicodeScalars.first, first != "\n", first != " ", first != "\t" else { return false }
        return text.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "\t" || isPrintable($0) } && !hasBlankLineWithSpace(text)
    }

    /// A line of spaces alone is text to some readers and an empty line to others.
    private static func hasBlankLineWithSpace(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true).contains { line in
            line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        }
    }

    // MARK: plain

    private static func isSafePlain(_ text: String) -> Bool {
        guard case .string = YAMLResolver.plain(text), !isReserved(text), !looksLikeTime(text) else { return false }
        guard let first = text.utf8.first, !indicators.contains(first), let last = text.utf8.last, last != UInt8(ascii: ":"), last != UInt8(ascii: " ") else {
            return false
        }
        var previous: Unicode.Scalar = "a"
        for scalar in text.unicodeScalars {
            guard isPrintable(scalar), scalar != "#", scalar != "\\" else { return false }
            if scalar == " ", previous == ":" || previous == "-" { return false }
            previous = scalar
        }
        return true
    }

    /// What must not begin a plain scalar, or would be read as more than text by some reader when it does.
    private static let indicators: Set<UInt8> = Set("*&[]{},!|>%'\"@#-.?:`= \t".utf8)

    private static func isReserved(_ text: String) -> Bool { text == "<<" || text == "=" }

    /// Dates, and base-60 numbers such as `12:30`, which other readers of YAML 1.1 do not leave as text.
    private static func looksLikeTime(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
        if bytes.count >= 8, bytes[..<4].allSatisfy(isDigit), bytes[4] == UInt8(ascii: "-") { return true }
        var digits = bytes[...]
        if digits.first == UInt8(ascii: "+") || digits.first == UInt8(ascii: "-") { digits = digits.dropFirst() }
        guard let colon = digits.firstIndex(of: UInt8(ascii: ":")), colon > digits.startIndex else { return false }
        return digits[..<colon].allSatisfy(isDigit)
            && digits[colon...].allSatisfy { isDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") }
    }

    /// YAML's printable characters, without line ends, tab and what only looks like a space or nothing.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA1...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    // MARK: quoted

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if isPrintable(scalar) { out.unicodeScalars.append(scalar) } else { out += escape(scalar.value) }
            }
        }
        return out + "\""
    }

    private static func escape(_ code: UInt32) -> String {
        let (letter, width) = code <= 0xFF ? ("x", 2) : code <= 0xFFFF ? ("u", 4) : ("U", 8)
        let digits = String(code, radix: 16, uppercase: true)
        return "\\" + letter + String(repeating: "0", count: width - digits.utf8.count) + digits
    }
}
