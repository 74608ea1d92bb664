// Patterns of schemas and of CEL's `matches`, read as RE2 reads them as far as Swift's engine can.
// Schema validation and CEL evaluation match with it.
// It never anchors a pattern: as in RE2 and Go, a match may be anywhere unless the pattern says otherwise.

/// A compiled pattern. Differences from RE2 that are evened out: `$` is the end of the text and not before a last newline; `\d \w \s` are ASCII;
/// characters are Unicode scalars.
struct RegularExpression {
    private let regex: Regex<AnyRegexOutput>

    /// Nil when the pattern is no regular expression.
    init?(_ pattern: String) {
        guard let regex = try? Regex(Self.withStrictEnd(pattern)) else { return nil }
        self.regex = regex.matchingSemantics(.unicodeScalar).asciiOnlyCharacterClasses()
    }

    func matches(_ text: String) -> Bool { text.firstMatch(of: regex) != nil }

    /// The pattern with each `$` outside of classes and escapes written as `\z`.
    private static func withStrictEnd(_ pattern: String) -> String {
        var out = ""
        var (isEscaped, isInClass) = (false, false)
        for character in pattern.unicodeScalars {
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "[" {
                isInClass = true
            } else if character == "]" {
                isInClass = false
            } else if character == "$", !isInClass {
                out += "\\z"
                continue
            }
            out.unicodeScalars.append(character)
        }
        return out
    }
}
