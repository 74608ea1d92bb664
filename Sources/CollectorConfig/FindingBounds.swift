// Findings that quote what a user wrote, cut to a length that conditions, events and answers of admission can hold.
// Validation ends with it.
// It never cuts the words of a rule itself: those are shorter.

import SondeAPI

extension Finding {
    /// A component's id, a label or a condition may be of any length.
    static let quoteLengthMax = 128
    private static let textLengthMax = 2048

    /// The same finding with each word of more than 128 characters cut.
    var bounded: Finding {
        guard message.utf8.count + path.utf8.count + remedy.utf8.count > Self.quoteLengthMax else { return self }
        return Finding(severity, rule: rule, path: Self.bounded(path), message: Self.bounded(message), remedy: Self.bounded(remedy))
    }

    private static func bounded(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: " ", omittingEmptySubsequences: false).map(word).joined(separator: " ")
        }
        let whole = lines.joined(separator: "\n")
        return whole.count > textLengthMax ? whole.prefix(textLengthMax - 1) + "…" : whole
    }

    private static func word(_ text: Substring) -> String { text.count > quoteLengthMax ? text.prefix(quoteLengthMax - 1) + "…" : String(text) }
}
