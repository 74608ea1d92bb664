// A table on lines: which columns have room, how wide each is, and the text of each cell.
// TopScreen takes the lines for a terminal, the plain tables for everything else.
// It never makes a line longer than asked, and cuts long words in the middle.

struct TopLayout {
    let view: TopView
    /// Of a terminal; nil for as many as it takes.
    let columnsMax: Int?
    let ascii: Bool
    /// Whether there is more than one window to show.
    let hasTrend: Bool

    /// What a trend gets at least and at most.
    private static let trendColumns = 8...TopHistory.windowsMax
    private static let numberColumns = 6

    struct Placed: Equatable {
        var column: Int
        var width: Int
    }

    /// The header and a line for each row.
    func lines(_ rows: [TopRow], sort: TopSort, values: (TopRow) -> [Double] = { _ in [] }) -> (header: StyledLine, rows: [StyledLine]) {
        let placed = place(rows)
        return (header(placed, sort), rows.map { line($0, placed, values) })
    }

    // MARK: Widths

    /// The columns that have room, with their widths.
    func place(_ rows: [TopRow]) -> [Placed] {
        let columns = view.columns
        var kept = columns.indices.filter { columns[$0].kind != .trend || hasTrend }
        let ideals = columns.indices.map { ideal($0, rows) }
        let least = { (column: Int) -> Int in
            switch columns[column].kind {
            case .number: ideals[column]
            case .text(let least): min(least, ideals[column])
            case .trend: Self.trendColumns.lowerBound
            }
        }
        guard let columnsMax else { return kept.map { Placed(column: $0, width: ideals[$0]) } }
        let taken = { (kept: [Int]) in kept.reduce(kept.count - 1) { $0 + least($1) } }
        while taken(kept) > columnsMax, let victim = kept.filter({ columns[$0].drop != nil }).max(by: { columns[$0].drop ?? 0 < columns[$1].drop ?? 0 }) {
            kept.removeAll { $0 == victim }
        }
        var room = columnsMax - taken(kept)
        var placed = kept.map { Placed(column: $0, width: least($0)) }
        // Words first, the last column before the others; trends take what is left. Numbers are as wide as they need to be.
        let order = placed.indices.reversed().filter { columns[placed[$0].column].kind != .trend } + placed.indices
        for index in order {
            let more = max(0, min(room, ideals[placed[index].column] - placed[index].width))
            placed[index].width += more
            room -= more
        }
        return placed
    }

    private func ideal(_ column: Int, _ rows: [TopRow]) -> Int {
        let description = view.columns[column]
        if description.kind == .trend { return Self.trendColumns.upperBound }
        // The mark of the sorted column stands in the gap before a number's title, and behind a word's. Before the first column there is no gap.
        let mark = description.kind == .number && column > 0 ? 0 : 1
        let least = description.kind == .number ? max(Self.numberColumns, description.title.utf8.count) + mark : description.title.utf8.count + mark
        return rows.reduce(least) { max($0, SafeText.width(text(of: $1.cells[column]))) }
    }

    // MARK: Text

    private func header(_ placed: [Placed], _ sort: TopSort) -> StyledLine {
        var text = ""
        for (index, place) in placed.enumerated() {
            let column = view.columns[place.column]
            let ascends = column.ascends != sort.isReversed
            let mark = sort.column != place.column ? "" : ascii ? (ascends ? "^" : "v") : (ascends ? "▲" : "▼")
            if column.kind == .number {
                text += padded(mark + column.title, place.width + (index == 0 ? 0 : 1), right: true)
            } else {
                text += (index == 0 ? "" : " ") + padded(cut(column.title + mark, place.width), place.width)
            }
        }
        return clipped(StyledLine(text, .inverse))
    }

    private func line(_ row: TopRow, _ placed: [Placed], _ values: (TopRow) -> [Double]) -> StyledLine {
        var line = StyledLine()
        for (index, place) in placed.enumerated() {
            if index > 0 { line.append(" ") }
            let cell = row.cells[place.column]
            switch view.columns[place.column].kind {
            case .number: line.append(padded(text(of: cell), place.width, right: true), style(of: cell, row))
            case .trend: line.append(Sparkline.text(values(row), columns: place.width, ascii: ascii), .trend)
            case .text:
                let word = cut(text(of: cell), place.width)
                line.append(index == placed.count - 1 ? word : padded(word, place.width), style(of: cell, row))
            }
        }
        return clipped(line)
    }

    private func clipped(_ line: StyledLine) -> StyledLine { columnsMax.map { line.prefix($0) } ?? line }

    private func cut(_ text: String, _ width: Int) -> String { SafeText.cut(text, to: width, ascii: ascii) }

    private func padded(_ text: String, _ width: Int, right: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, width - SafeText.width(text)))
        return right ? blanks + text : text + blanks
    }

    private func text(of cell: TopCell) -> String {
        switch cell {
        case .count(let count), .trouble(let count): countText(count)
        case .seconds(let seconds): durationText(seconds)
        case .bytes(let bytes): byteText(bytes)
        case .percent(let percent): percentText(percent)
        case .text(let text), .failure(let text): SafeText.line(text, ascii: ascii)
        case .nothing: "-"
        case .trend: ""
        }
    }

    private func style(of cell: TopCell, _ row: TopRow) -> LineStyle {
        if row.isOld { return .dim }
        switch cell {
        case .trouble(let count): return count > 0 ? .trouble : .plain
        case .failure: return .trouble
        default: return .plain
        }
    }
}
