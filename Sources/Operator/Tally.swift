// Counts nodes by a text, and writes the most frequent texts into a status: "no tracepoint (3 nodes); out of memory (1 node)".
// AgentSurvey counts reasons, losses and steps with it.
// It never holds more texts than a limit, and never lets a count wander: a reader's status changes when a number does, not when it trembles.

/// Node counts by text.
struct Tally: Hashable, Sendable {
    /// What is kept: the most frequent ones.
    static let textsMax = 64
    /// Texts of agents are theirs to choose; while they are counted, what comes after so many is `rest`.
    static let textsWhileCountingMax = 20_000

    private(set) var counts: [String: Int] = [:]
    /// Nodes whose text had no more room.
    private(set) var rest = 0

    var isEmpty: Bool { counts.isEmpty }

    mutating func add(_ text: String) {
        if counts[text] == nil, counts.count >= Self.textsWhileCountingMax { rest += 1 } else { counts[text, default: 0] += 1 }
    }

    /// Keeps the most frequent texts: a few nodes that make up many do not push out what many nodes say.
    mutating func trim() {
        guard counts.count > Self.textsMax else { return }
        for (text, nodes) in sorted.dropFirst(Self.textsMax) {
            counts[text] = nil
            rest += nodes
        }
    }

    /// Most frequent first.
    var sorted: [(text: String, nodes: Int)] { counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) } }

    /// The most frequent texts with their node counts, at most `maxBytes`.
    func summary(texts: Int = 3, maxBytes: Int = 600) -> String {
        var parts: [String] = []
        var bytes = 0
        for (text, nodes) in sorted.prefix(texts) {
            let part = "\(text) (\(Self.nodes(nodes)))"
            bytes += part.utf8.count + 2
            if bytes > maxBytes, !parts.isEmpty { break }
            parts.append(part)
        }
        let more = counts.count - parts.count
        return parts.joined(separator: "; ") + (more > 0 ? "; and \(more) more" : "")
    }

    /// These counts, but those that differ from what was shown by 20 % or less as they were shown.
    func steadied(by shown: Tally?) -> Tally {
        guard let shown else { return self }
        var steady = self
        for (text, nodes) in counts {
            if let before = shown.counts[text], abs(nodes - before) * 5 <= before { steady.counts[text] = before }
        }
        return steady
    }

    static func nodes(_ count: Int) -> String { count == 1 ? "1 node" : "\(count) nodes" }
}
