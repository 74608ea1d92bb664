// Texts that stand in series as numbers: DNS names, path templates.
// Decoders of records ask for numbers, kinds turn them back into texts for attributes.
// It never gives a number to two texts, and never holds more than `limit` texts.

/// Guarantees: a number means one text for as long as a series uses it. Beyond the limit every new text is `~other`, number 0.
public struct LabelTable: Sendable {
    /// Number of `~other`.
    public static let overflow: UInt32 = 0

    private var numbers: [String: UInt32] = [:]
    private var texts: [UInt32: String] = [:]
    private var last: UInt32 = 0
    private let limit: Int

    public init(limit: Int = 32768) { self.limit = limit }

    public var count: Int { texts.count }

    /// The number of a text. It may change between windows when no series has it, so it is asked for anew with each count.
    public mutating func number(for text: String) -> UInt32 {
        if let number = numbers[text] { return number }
        guard texts.count < limit, last < .max, text != overflowValue else { return Self.overflow }
        last += 1
        numbers[text] = last
        texts[last] = text
        return last
    }

    /// `~other` for a number that has no text.
    public func text(_ number: UInt32) -> String { texts[number] ?? overflowValue }

    /// Forgets texts that no series has, when the table is half full.
    mutating func sweep(keeping used: () -> Set<UInt32>) {
        guard texts.count > limit / 2 else { return }
        let used = used()
        for (number, text) in texts where !used.contains(number) {
            texts[number] = nil
            numbers[text] = nil
        }
    }
}
