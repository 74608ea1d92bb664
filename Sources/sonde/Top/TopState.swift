// What keys do: which table is shown, how it is sorted, scrolled and filtered.
// TopSession feeds it keys and does what it asks for; TopScreen shows it.
// It never touches a terminal or a clock.

struct TopState {
    enum Action: Equatable {
        case nothing
        case redraw
        /// Draw everything anew: the terminal shows something else.
        case repaint
        /// Pauses went on or off, or the interval is another one.
        case changePace
        case suspend
        case quit
    }

    static let intervals = [1, 2, 3, 5, 10, 15, 30, 60, 120, 300, 600]
    static let filterMax = 60

    var view = TopView.overview
    var intervalSeconds: Int
    private var sorts: [TopView: TopSort] = [:]
    /// The first row that is shown.
    private(set) var firstRow = 0
    private(set) var filter = ""
    private(set) var isFiltering = false
    private(set) var isPaused = false
    private(set) var isHelpShown = false
    /// How many rows there are, and how many have room.
    private var rows = 0
    private var rowsOnPage = 1
    private var filterBefore = ""

    init(view: TopView = .overview, intervalSeconds: Int) {
        self.view = view
        self.intervalSeconds = intervalSeconds
    }

    var sort: TopSort { sorts[view] ?? view.firstSort }

    /// What TopScreen found: the window must stay within the rows.
    mutating func fit(rows: Int, onPage rowsOnPage: Int) {
        self.rows = rows
        self.rowsOnPage = max(rowsOnPage, 1)
        firstRow = max(0, min(firstRow, rows - self.rowsOnPage))
    }

    mutating func on(_ key: TerminalKey) -> Action {
        if case .character(let scalar) = key, let action = onControl(scalar) { return action }
        if isFiltering { return onFiltering(key) }
        if isHelpShown {
            isHelpShown = false
            return key == .character("q") ? .quit : .redraw
        }
        switch key {
        case .character(let scalar): return onCharacter(scalar)
        case .tab, .right: show(view.moved(by: 1))
        case .backTab, .left: show(view.moved(by: -1))
        case .up: scroll(by: -1)
        case .down: scroll(by: 1)
        case .pageUp: scroll(by: -rowsOnPage)
        case .pageDown: scroll(by: rowsOnPage)
        case .home: firstRow = 0
        case .end: scroll(by: rows)
        case .escape:
            guard !filter.isEmpty else { return .nothing }
            filter = ""
        case .enter, .backspace: return .nothing
        }
        return .redraw
    }

    /// Keys that mean the same everywhere.
    private func onControl(_ scalar: Unicode.Scalar) -> Action? {
        switch scalar.value {
        case 0x03, 0x1c: .quit  // Ctrl-C and Ctrl-\
        case 0x1a: .suspend  // Ctrl-Z
        case 0x0c: .repaint  // Ctrl-L
        case ..<0x20: .nothing
        default: nil
        }
    }

    private mutating func onCharacter(_ scalar: Unicode.Scalar) -> Action {
        if let view = TopView(key: scalar) {
            show(view)
            return .redraw
        }
        switch scalar {
        case "q": return .quit
        case "s", ">": sorts[view] = sort.moved(by: 1, in: view)
        case "S", "<": sorts[view] = sort.moved(by: -1, in: view)
        case "r": sorts[view] = TopSort(column: sort.column, isReversed: !sort.isReversed)
        case "/":
            filterBefore = filter
            isFiltering = true
        case "p", " ":
            isPaused.toggle()
            return .changePace
        case "+", "=": return changeInterval(to: Self.intervals.first { $0 > intervalSeconds })
        case "-": return changeInterval(to: Self.intervals.last { $0 < intervalSeconds })
        case "h", "?": isHelpShown = true
        case "j": scroll(by: 1)
        case "k": scroll(by: -1)
        default: return .nothing
        }
        return .redraw
    }

    private mutating func onFiltering(_ key: TerminalKey) -> Action {
        switch key {
        case .character(let scalar):
            guard filter.unicodeScalars.count < Self.filterMax else { return .nothing }
            filter.unicodeScalars.append(scalar)
        case .backspace:
            if filter.isEmpty { isFiltering = false } else { filter.unicodeScalars.removeLast() }
        case .enter: isFiltering = false
        case .escape:
            isFiltering = false
            filter = filterBefore
        case .up: scroll(by: -1)
        case .down: scroll(by: 1)
        default: return .nothing
        }
        return .redraw
    }

    private mutating func show(_ view: TopView) {
        self.view = view
        firstRow = 0
    }

    private mutating func scroll(by rows: Int) { firstRow = max(0, min(firstRow + rows, self.rows - rowsOnPage)) }

    private mutating func changeInterval(to seconds: Int?) -> Action {
        guard let seconds else { return .nothing }
        intervalSeconds = seconds
        return .changePace
    }
}
