// Texts of somebody else that will stand in a status, an event or a terminal.
// AgentStatus cleans every text that it reads with it.
// It never changes the order of what can be seen: it cuts, and puts spaces where characters would act on a reader's screen.

/// Makes a text harmless to show.
public enum UntrustedText {
    /// The beginning of a text, at most `maxBytes` of UTF-8, with a space for each control, line break, and invisible or direction-changing character.
    public static func clean(_ text: String, maxBytes: Int) -> String {
        var out = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            let shown: Unicode.Scalar = acts(scalar) ? " " : scalar
            bytes += UTF8.width(shown)
            if bytes > maxBytes { break }
            out.append(shown)
        }
        return String(out)
    }

    /// C0, DEL, C1, zero-width characters, line separators, and the bidirectional controls of UAX #9.
    private static func acts(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f...0x9f, 0x61c, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff: true
        default: false
        }
    }
}
