// A row of numbers as a line of blocks.
// Tables show with it how a row's main number went over the last windows.
// It never compares two rows: each line has its own largest number as its full height.

enum Sparkline {
    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let letters: [Character] = ["_", ".", "-", ":", "=", "+", "*", "#"]

    /// The newest values, at the right; blanks for windows that were not yet. The lowest block is nothing at all, each other one a seventh of the largest.
    static func text(_ values: [Double], columns: Int, ascii: Bool) -> String {
        let shown = values.suffix(max(columns, 0))
        let largest = shown.max() ?? 0
        let marks = ascii ? letters : blocks
        let line = shown.map { value -> Character in
            guard value > 0, largest > 0 else { return marks[0] }
            return marks[min(max(Int((value / largest * 7).rounded(.up)), 1), 7)]
        }
        return String(repeating: " ", count: max(columns - shown.count, 0)) + String(line)
    }
}
