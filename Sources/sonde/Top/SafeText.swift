// Text of containers (names, paths, names of DNS) made fit for a terminal.
// Every cell of `sonde top` goes through it, and its JSON.
// It never lets a control character through, nor a character whose width a terminal may see otherwise than we do.

enum SafeText {
    /// The text with `?` for what does not stand in exactly one column, or cannot be seen.
    ///
    /// Wide, combining and direction-changing characters are left out as well: one of them would shift or break the lines of the table.
    static func line(_ text: String, ascii: Bool) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
        var safe = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { safe.append(isPlain(scalar, ascii: ascii) ? scalar : "?") }
        return String(safe)
    }

    /// Printable ASCII, and the letters of Latin, Greek and Cyrillic that are one column wide everywhere.
    private static func isPlain(_ scalar: Unicode.Scalar, ascii: Bool) -> Bool {
        switch scalar.value {
        case 0x20..<0x7f: true
        case 0xad: false  // A soft hyphen shows or not.
        case 0xa1...0x2af, 0x386...0x3ff, 0x400...0x482, 0x48a...0x52f: !ascii
        default: false
        }
    }

    /// Columns that a safe text takes.
    static func width(_ text: String) -> Int { text.unicodeScalars.count }

    /// The text in at most so many columns: what is too much goes out of the middle, since names of pods differ at both ends.
    static func cut(_ text: String, to columns: Int, ascii: Bool) -> String {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count > columns else { return text }
        guard columns > 0 else { return "" }
        let head = columns / 2, tail = columns - head - 1
        var cut = String.UnicodeScalarView()
        cut.append(contentsOf: scalars.prefix(head))
        cut.append(ascii ? "~" : "…")
        cut.append(contentsOf: scalars.suffix(max(tail, 0)))
        return String(cut)
    }

    /// A JSON text whose strings hold nothing that a terminal acts on: the escapes mean the same characters.
    ///
    /// JSON itself asks for escapes below U+0020 only; DEL, C1 (U+009B begins a sequence) and marks of direction do harm too.
    static func json(_ text: String) -> String {
        let isHarmful: (Unicode.Scalar) -> Bool = { scalar in
            switch scalar.value {
            case 0x7f...0x9f, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
            default: false
            }
        }
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        var safe = ""
        for scalar in text.unicodeScalars {
            if isHarmful(scalar) {
                let digits = String(scalar.value, radix: 16)
                safe += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}
