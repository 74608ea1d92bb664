// Which rows of a table are shown, and in which order.
// TopScreen and the plain tables use it.
// It never leaves the order of equal rows to chance: lines that jump about cannot be read.

enum TopSorting {
    /// The rows whose container holds the filter's text, in either case, sorted.
    static func shown(_ rows: [TopRow], in view: TopView, by sort: TopSort, filter: String = "") -> [TopRow] {
        let wanted = filter.lowercased()
        let rest = wanted.isEmpty ? rows : rows.filter { contains($0.owner.lowercased(), wanted) }
        let ascends = view.columns[sort.column].ascends != sort.isReversed
        return rest.sorted { left, right in
            let order = compare(left.cells[sort.column], right.cells[sort.column])
            if order != 0 { return ascends == (order < 0) }
            if left.weight != right.weight { return left.weight > right.weight }
            return (left.key.label, left.key.cgroup) < (right.key.label, right.key.cgroup)
        }
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        let text = Array(text.utf8), part = Array(part.utf8)
        guard part.count <= text.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0..<($0 + part.count)].elementsEqual(part) }
    }

    private static func compare(_ left: TopCell, _ right: TopCell) -> Int {
        if let left = left.words, let right = right.words { return left == right ? 0 : left < right ? -1 : 1 }
        let (left, right) = (left.number, right.number)
        return left == right ? 0 : left < right ? -1 : 1
    }
}

extension TopCell {
    fileprivate var words: String? {
        switch self {
        case .text(let text), .failure(let text): text
        default: nil
        }
    }

    /// Nothing comes below zero.
    fileprivate var number: Double {
        switch self {
        case .count(let count), .trouble(let count), .bytes(let count): Double(count)
        case .seconds(let seconds): seconds ?? -1
        case .percent(let percent): percent
        case .text, .failure, .trend, .nothing: -1
        }
    }
}
