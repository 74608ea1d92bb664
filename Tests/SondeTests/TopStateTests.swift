// What keys do to the state of `sonde top`.

import Testing

@testable import sonde

@Suite struct TopStateTests {
    static func state(rows: Int = 100, page: Int = 10) -> TopState {
        var state = TopState(intervalSeconds: 2)
        state.fit(rows: rows, onPage: page)
        return state
    }

    static func type(_ text: String, into state: inout TopState) -> [TopState.Action] { text.unicodeScalars.map { state.on(.character($0)) } }

    @Test func digitsTabAndArrowsChooseTheTable() {
        var state = Self.state()
        for view in TopView.allCases {
            #expect(state.on(.character(view.key)) == .redraw)
            #expect(state.view == view)
        }
        #expect(TopView.allCases.map { String($0.key) }.joined() == "1234567890")
        #expect(state.on(.tab) == .redraw && state.view == .overview)
        #expect(state.on(.left) == .redraw && state.view == .costs)
        #expect(state.on(.right) == .redraw && state.view == .overview)
        #expect(state.on(.backTab) == .redraw && state.view == .costs)
    }

    @Test func sortGoesThroughEveryColumnButTheTrend() {
        for view in TopView.allCases {
            var state = TopState(view: view, intervalSeconds: 2)
            let first = state.sort
            var seen: [Int] = []
            repeat {
                seen.append(state.sort.column)
                #expect(state.on(.character("s")) == .redraw)
            } while state.sort != first && seen.count < 50
            #expect(seen.sorted() == view.columns.indices.filter { view.columns[$0].kind != .trend }, "\(view)")
            _ = state.on(.character("S"))
            #expect(state.sort.column == seen.last)
            _ = state.on(.character(">"))
            #expect(state.sort == first)
        }
    }

    @Test func eachTableKeepsItsSort() {
        var state = Self.state()
        _ = Self.type("sr2", into: &state)
        #expect(state.sort == TopView.sched.firstSort)
        _ = Self.type("1", into: &state)
        #expect(state.sort == TopSort(column: 1, isReversed: true))
        _ = Self.type("s", into: &state)
        #expect(!state.sort.isReversed, "another column begins in its own way round")
    }

    @Test func scrollingStaysWithinTheRows() {
        var state = Self.state(rows: 25, page: 10)
        #expect(state.on(.up) == .redraw && state.firstRow == 0)
        _ = state.on(.down)
        #expect(state.firstRow == 1)
        _ = state.on(.pageDown)
        #expect(state.firstRow == 11)
        _ = state.on(.pageDown)
        #expect(state.firstRow == 15)
        _ = state.on(.pageUp)
        #expect(state.firstRow == 5)
        _ = state.on(.end)
        #expect(state.firstRow == 15)
        state.fit(rows: 12, onPage: 10)
        #expect(state.firstRow == 2, "rows went away")
        state.fit(rows: 12, onPage: 40)
        #expect(state.firstRow == 0, "the terminal grew")
        state.fit(rows: 25, onPage: 10)
        _ = state.on(.end)
        _ = state.on(.character("3"))
        #expect(state.firstRow == 0, "another table begins at its top")
    }

    @Test func theFilterTakesEveryCharacterUntilEnter() {
        var state = Self.state()
        #expect(Self.type("/q1s?", into: &state).allSatisfy { $0 == .redraw })
        #expect(state.filter == "q1s?" && state.isFiltering && state.view == .overview)
        #expect(state.on(.backspace) == .redraw && state.filter == "q1s")
        #expect(state.on(.enter) == .redraw && !state.isFiltering && state.filter == "q1s")
        _ = Self.type("/x", into: &state)
        _ = state.on(.escape)
        #expect(state.filter == "q1s" && !state.isFiltering, "Esc takes back what was typed")
        _ = state.on(.escape)
        #expect(state.filter.isEmpty, "Esc again ends the filter")
        #expect(state.on(.escape) == .nothing)
        _ = Self.type("/", into: &state)
        _ = state.on(.backspace)
        #expect(!state.isFiltering)
    }

    @Test func aFilterHasALimit() {
        var state = Self.state()
        _ = Self.type("/" + String(repeating: "a", count: 500), into: &state)
        #expect(state.filter.count == TopState.filterMax)
    }

    @Test func controlKeysWorkEverywhere() {
        for start in ["", "/", "?"] {
            var state = Self.state()
            _ = Self.type(start, into: &state)
            #expect(state.on(.character("\u{3}")) == .quit)
            #expect(state.on(.character("\u{1a}")) == .suspend)
            #expect(state.on(.character("\u{c}")) == .repaint)
            #expect(state.on(.character("\u{1}")) == .nothing)
            #expect(state.filter.isEmpty)
        }
    }

    @Test func theIntervalGoesUpAndDownItsSteps() {
        var state = TopState(intervalSeconds: 4)
        #expect(state.on(.character("+")) == .changePace && state.intervalSeconds == 5)
        #expect(state.on(.character("-")) == .changePace && state.intervalSeconds == 3)
        for _ in 0..<30 { _ = state.on(.character("-")) }
        #expect(state.intervalSeconds == 1 && state.on(.character("-")) == .nothing)
        for _ in 0..<30 { _ = state.on(.character("+")) }
        #expect(state.intervalSeconds == 600 && state.on(.character("+")) == .nothing)
    }

    @Test func pauseHelpAndQuit() {
        var state = Self.state()
        #expect(state.on(.character("p")) == .changePace && state.isPaused)
        #expect(state.on(.character("p")) == .changePace && !state.isPaused)
        #expect(state.on(.character("?")) == .redraw && state.isHelpShown)
        #expect(
            state.on(.character("s")) == .redraw && !state.isHelpShown && state.sort == TopView.overview.firstSort, "any key ends the help, and does no more")
        _ = state.on(.character("h"))
        #expect(state.on(.character("q")) == .quit)
        #expect(state.on(.character("q")) == .quit)
        #expect(state.on(.character("x")) == .nothing)
    }
}
