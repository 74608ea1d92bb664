// How the rows of each table went over the last windows.
// TopSession adds every window's rows and takes out what tables show: the window's rows, and those of the windows before that still have a trend.
// It never keeps more than `rowsMax` rows: further ones are shown without a trend and counted.

struct TopHistory {
    static let windowsMax = 30
    /// Of all tables together.
    static let rowsMax = 4096

    private struct Series {
        var row: TopRow
        var values: [Double]
    }

    private var series: [TopView: [TopRow.Key: Series]] = [:]
    /// Rows of the newest window that found no room here.
    private var others: [TopView: [TopRow]] = [:]
    private var count = 0
    /// Rows of all windows that found no room.
    private(set) var leftOut: UInt64 = 0

    mutating func take(_ tables: [TopView: [TopRow]]) {
        others = [:]
        for view in TopView.allCases { take(tables[view] ?? [], of: view) }
    }

    private mutating func take(_ rows: [TopRow], of view: TopView) {
        // Events are a list already.
        guard view != .events else {
            others[view] = rows
            return
        }
        var table = series[view] ?? [:]
        count -= table.count
        for key in table.keys {
            table[key]?.row.isOld = true
            table[key]?.values.append(0)
            if table[key]?.values.count ?? 0 > Self.windowsMax { table[key]?.values.removeFirst() }
        }
        for row in rows {
            if var known = table[row.key] {
                known.row = row
                known.values[known.values.count - 1] = row.weight
                table[row.key] = known
            } else if count + table.count < Self.rowsMax {
                table[row.key] = Series(row: row, values: [row.weight])
            } else {
                leftOut += 1
                others[view, default: []].append(row)
            }
        }
        table = table.filter { !$0.value.row.isOld || $0.value.values.contains { $0 > 0 } }
        count += table.count
        series[view] = table
    }

    /// In no order; of old rows only the words are left.
    func rows(of view: TopView) -> [TopRow] {
        (series[view] ?? [:]).values.map { $0.row.isOld ? $0.row.emptied : $0.row } + (others[view] ?? [])
    }

    /// Of the last windows, the newest last.
    func values(of row: TopRow, in view: TopView) -> [Double] { series[view]?[row.key]?.values ?? [] }
}

extension TopRow {
    fileprivate var emptied: TopRow {
        var row = self
        row.cells = cells.map { cell in
            switch cell {
            case .count: .count(0)
            case .trouble: .trouble(0)
            case .seconds: .seconds(nil)
            case .bytes: .bytes(0)
            case .percent: .percent(0)
            case .text, .failure, .trend, .nothing: cell
            }
        }
        return row
    }
}
