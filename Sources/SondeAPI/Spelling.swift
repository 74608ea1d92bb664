// "Did you mean …": the known word that is nearest to a mistyped one.
// Messages about unknown fields, components and values use it.
// It never guesses far: a word that differs in more than a third of its letters is no suggestion.

/// Suggestions for mistyped words.
public enum Spelling {
    /// The nearest of `known`, when it is near enough to be what was meant.
    public static func nearest(to word: String, in known: some Sequence<String>) -> String? {
        let limit = max(1, word.count / 3)
        var best: (distance: Int, word: String)?
        for candidate in known {
            let distance = distance(Array(word.lowercased().utf8), Array(candidate.lowercased().utf8))
            if distance <= limit, distance < best?.distance ?? Int.max { best = (distance, candidate) }
        }
        return best?.word
    }

    /// Levenshtein's distance.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
