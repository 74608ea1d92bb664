// Suggestions for mistyped words: near enough, and never far.
// Rows are pairs of words with their distance.
// It never needs a document.

import Testing

@testable import SondeAPI

@Suite struct SpellingTests {
    @Test(arguments: [("", "abc", 3), ("abc", "abc", 0), ("bacth", "batch", 1), ("kitten", "sitting", 3), ("a", "b", 1)] as [(String, String, Int)])
    func swappedNeighboursAreOneMistake(_ left: String, _ right: String, _ distance: Int) {
        #expect(Spelling.distance(Array(left.utf8), Array(right.utf8)) == distance)
        #expect(Spelling.distance(Array(right.utf8), Array(left.utf8)) == distance)
    }

    @Test func farWordsAreNoSuggestion() {
        #expect(Spelling.nearest(to: "otlp", in: ["prometheus", "zipkin"]) == nil)
        #expect(Spelling.nearest(to: "prometeus", in: ["otlp", "prometheus"]) == "prometheus")
        #expect(Spelling.nearest(to: "Replicas", in: ["replicas"]) == "replicas")
    }
}
