// What a terminal must be sent so that it shows these lines: only the lines that are others than before.
// TopSession writes the answer in one go.
// It never clears first, so nothing flickers, and never wraps: a full line is not followed by an erase.

struct TerminalFrame {
    /// The alternate screen, no cursor, no wrapping at the right edge.
    static let enter = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[2J"
    /// Everything as it was.
    static let leave = "\u{1b}[0m\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"

    let colours: Bool
    private var shown: [StyledLine] = []
    private var size = TerminalSize(columns: 0, rows: 0)

    init(colours: Bool) { self.colours = colours }

    /// The terminal may show anything.
    mutating func forget() { size = TerminalSize(columns: 0, rows: 0) }

    mutating func update(to lines: [StyledLine], size: TerminalSize) -> String {
        var text = ""
        if size != self.size {
            text = "\u{1b}[0m\u{1b}[2J"
            shown = Array(repeating: StyledLine(), count: lines.count)
            self.size = size
        }
        for (row, line) in lines.enumerated() where row >= shown.count || shown[row] != line {
            // Erasing behind a full line would take its last character: the cursor stands on it.
            text += "\u{1b}[\(row + 1);1H" + line.sequence(colours: colours) + (line.width < size.columns ? "\u{1b}[K" : "")
        }
        shown = lines
        return text
    }
}
