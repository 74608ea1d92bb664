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

    /// The least number of letters to add, drop, replace or swap with their neighbour (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var earlier: [Int] = []
        var previous = Array(0...right.count)
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                var least = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { least = min(least, earlier[j - 1] + 1) }
                row.append(least)
            }
            (earlier, previous) = (previous, row)
        }
        return previous[right.count]
    }
}
