// A line of the screen: pieces of text, each with its look.
// TopLayout and TopScreen make them, TerminalFrame writes them.
// It never holds a control character: looks become escape sequences only when a frame is written.

enum LineStyle: Equatable {
    case plain, bold, inverse, dim
    case trouble, warning, trend

    /// Select Graphic Rendition, ECMA-48 8.3.117; nil for no look. NO_COLOR takes the colours away, not bold and inverse.
    func sequence(colours: Bool) -> String? {
        switch self {
        case .plain: nil
        case .bold: "1"
        case .inverse: "7"
        case .dim: colours ? "90" : nil
        case .trouble: colours ? "31" : "1"
        case .warning: colours ? "33" : "1"
        case .trend: colours ? "36" : nil
        }
    }
}

struct StyledLine: Equatable {
    private(set) var pieces: [(text: String, style: LineStyle)] = []

    init() {}

    init(_ text: String, _ style: LineStyle = .plain) { append(text, style) }

    var text: String { pieces.map(\.text).joined() }

    var width: Int { pieces.reduce(0) { $0 + SafeText.width($1.text) } }

    mutating func append(_ text: String, _ style: LineStyle = .plain) {
        if !text.isEmpty { pieces.append((text, style)) }
    }

    /// The first so many columns.
    func prefix(_ columns: Int) -> StyledLine {
        var line = StyledLine()
        var left = columns
        for (text, style) in pieces where left > 0 {
            let width = SafeText.width(text)
            line.append(width <= left ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(left))), style)
            left -= width
        }
        return line
    }

    /// What a terminal is sent, without the end of the line.
    func sequence(colours: Bool) -> String {
        pieces.map { text, style in style.sequence(colours: colours).map { "\u{1b}[\($0)m\(text)\u{1b}[0m" } ?? text }.joined()
    }

    static func == (left: StyledLine, right: StyledLine) -> Bool { left.pieces.elementsEqual(right.pieces) { $0 == $1 } }
}
