// Which labels and annotations of a resource stay behind, by the patterns that whoever installs the operator gives.
// CollectorMetadata asks it for every key.
// It never looks at values.

import _StringProcessing

/// Regular expressions over keys, as `--labels-filter` and `--annotations-filter` take them: a match may be anywhere in the key.
public struct KeyFilter {
    private let expressions: [Regex<AnyRegexOutput>]

    /// Patterns that are no regular expressions match nothing: `isPattern` has refused them at the start.
    public init(_ patterns: [String]) { expressions = patterns.compactMap { try? Regex($0) } }

    /// Whether this is a regular expression.
    public static func isPattern(_ text: String) -> Bool { (try? Regex(text)) != nil }

    func matches(_ key: String) -> Bool { expressions.contains { key.firstMatch(of: $0) != nil } }
}
