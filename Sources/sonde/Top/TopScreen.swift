// The whole screen of the live `sonde top`: title, tabs, table, last line, help.
// TopSession draws it after each window and each key.
// It never knows what is on the terminal now: TerminalFrame compares.

/// What is shown: names for rows, the rows of the last windows, and a few numbers of the newest.
struct TopPicture {
    var host: String
    var history = TopHistory()
    /// Of the newest window; nil before the first has ended.
    var seconds: Double?
    var lost: UInt64 = 0
    /// Why a table is empty for good.
    var notes: [TopView: String] = [:]
}

struct TerminalSize: Equatable {
    var columns: Int
    var rows: Int
}

struct TopScreen {
    let picture: TopPicture
    let size: TerminalSize
    let ascii: Bool

    /// Title, tabs, header, and the last line.
    private static let otherLines = 4

    /// Exactly as many lines as the terminal has, none longer than it is wide.
    func lines(_ state: inout TopState) -> [StyledLine] {
        let page = max(size.rows - Self.otherLines, 0)
        var lines = [title(state), tabs(state)]
        let shown = TopSorting.shown(picture.history.rows(of: state.view), in: state.view, by: state.sort, filter: state.filter)
        state.fit(rows: shown.count, onPage: page)
        if state.isHelpShown {
            lines += Self.help.map { StyledLine($0) }
        } else {
            // Widths come from every row, so that scrolling does not move the columns.
            let layout = TopLayout(view: state.view, columnsMax: size.columns, ascii: ascii, hasTrend: state.view != .events)
            let table = layout.lines(shown, sort: state.sort) { picture.history.values(of: $0, in: state.view) }
            lines.append(table.header)
            lines += table.rows.dropFirst(state.firstRow).prefix(page)
            if shown.isEmpty { lines.append(StyledLine(emptyText(state), .dim)) }
        }
        lines = Array(lines.prefix(max(size.rows - 1, 0)))
        lines += Array(repeating: StyledLine(), count: max(0, size.rows - 1 - lines.count))
        if size.rows > 0 { lines.append(last(state, rows: shown.count, page: page)) }
        return lines.map { $0.prefix(size.columns) }
    }

    private func emptyText(_ state: TopState) -> String {
        if picture.seconds == nil { return "the first window has not ended yet" }
        if !state.filter.isEmpty { return "no container with \"\(SafeText.line(state.filter, ascii: ascii))\" in its name has any" }
        return picture.notes[state.view].map { SafeText.line($0, ascii: ascii) } ?? "nothing in the last \(TopHistory.windowsMax) windows"
    }

    private func title(_ state: TopState) -> StyledLine {
        var line = StyledLine("sonde top ", .bold)
        line.append(SafeText.line(picture.host, ascii: ascii))
        if let seconds = picture.seconds { line.append("  \(Self.tenths(seconds)) s") }
        if state.isPaused { line.append("  PAUSED", .warning) }
        line.append("  " + state.view.title)
        return line
    }

    private func tabs(_ state: TopState) -> StyledLine {
        var line = StyledLine()
        for (place, view) in TopView.allCases.enumerated() {
            if place > 0 { line.append(" ") }
            line.append("\(view.key) \(view.rawValue)", view == state.view ? .inverse : .plain)
        }
        return line
    }

    private func last(_ state: TopState, rows: Int, page: Int) -> StyledLine {
        if state.isFiltering {
            var line = StyledLine("container has: ", .bold)
            line.append(SafeText.line(state.filter, ascii: ascii) + "_")
            return line
        }
        var line = StyledLine()
        let last = min(state.firstRow + page, rows)
        line.append(rows > page ? "\(state.firstRow + 1)-\(last) of \(rows) rows" : "\(rows) row\(rows == 1 ? "" : "s")", .bold)
        if !state.filter.isEmpty { line.append(" with \"\(SafeText.line(state.filter, ascii: ascii))\"", .warning) }
        if picture.lost > 0 { line.append("  LOST \(picture.lost) events, see 0", .trouble) }
        if picture.history.leftOut > 0 { line.append("  rows without trend: \(picture.history.leftOut)", .warning) }
        line.append("  every \(state.intervalSeconds) s  ? help  tab view  s sort  / filter  q quit")
        return line
    }

    static let help = [
        "",
        "  1 to 9, 0, tab, left, right   another table",
        "  s  S    (also >  <)           sort by the next or last column",
        "  r                             the other way round",
        "  up  down  PgUp  PgDn          scroll; Home and End too",
        "  /                             only containers with a text in their name; Esc ends it",
        "  p                             pause; counting goes on",
        "  +  -                          longer or shorter windows",
        "  Ctrl-L                        draw everything anew",
        "  q                             quit",
        "",
        "  Numbers are of one window. WAIT, SUM: time that tasks waited for a CPU, or calls took.",
        "  P50, P99: upper bound of the power-of-two bucket. TREND: the last windows, each row by itself.",
        "  Dark rows: nothing in this window. docs/top.md has every column.",
    ]

    /// `2.0`.
    static func tenths(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
