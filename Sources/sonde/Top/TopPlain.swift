// Tables of `sonde top` for everything that is no terminal: one below the other, without escape sequences.
// `--once` prints every table that has rows with it, `--plain` one table each interval.
// It never writes more rows than asked: the first ones, and a line that says how many are left out.

struct TopPlain {
    let rows: Int
    /// nil: as wide as it takes.
    let columnsMax: Int?
    let ascii: Bool

    /// A title, the header, the rows; nothing when there is no row and no note.
    func lines(_ all: [TopRow], of view: TopView, seconds: Double, note: String? = nil, values: ((TopRow) -> [Double])? = nil) -> [String] {
        let layout = TopLayout(view: view, columnsMax: columnsMax, ascii: ascii, hasTrend: values != nil && view != .events)
        let sorted = TopSorting.shown(all, in: view, by: view.firstSort)
        let title = "\(view.rawValue): \(view.title), in \(TopScreen.tenths(seconds)) s"
        guard !sorted.isEmpty else { return [title, note.map { SafeText.line($0, ascii: ascii) } ?? "nothing happened in this window"] }
        let table = layout.lines(Array(sorted.prefix(rows)), sort: view.firstSort, values: values ?? { _ in [] })
        let lines = [title] + [table.header.text] + table.rows.map(\.text)
        return lines.map(Self.withoutBlanksAtTheEnd) + (sorted.count > rows ? ["and \(sorted.count - rows) more (--rows)"] : [])
    }

    private static func withoutBlanksAtTheEnd(_ line: String) -> String {
        var scalars = line.unicodeScalars
        while scalars.last == " " { scalars.removeLast() }
        return String(scalars)
    }
}
