// Rows, order, trends and widths of the tables of `sonde top`.

import ProbeCore
import ProbePrograms
import Testing

@testable import sonde

@Suite struct TopTableTests {
    static func rows(_ view: TopView) -> [TopRow] { TopRows(window: Fixture.window, names: Fixture.names, unit: .binarySecond).rows(of: view) }

    static func plain(_ view: TopView, columns: Int? = nil, ascii: Bool = true) -> [String] {
        TopPlain(rows: 1000, columnsMax: columns, ascii: ascii).lines(rows(view), of: view, seconds: 2)
    }

    // MARK: Rows

    @Test(arguments: TopView.allCases) func aRowHasACellForEachColumn(view: TopView) {
        let rows = Self.rows(view)
        #expect(!rows.isEmpty)
        for row in rows {
            #expect(row.cells.count == view.columns.count)
            for (cell, column) in zip(row.cells, view.columns) { #expect((cell == .trend) == (column.kind == .trend), "\(view) \(column.title)") }
        }
        #expect(Set(rows.map(\.key)).count == rows.count, "a key names one row")
    }

    @Test func theOverviewAddsEverySignalUp() throws {
        let row = try #require(Self.rows(.overview).first { $0.key.cgroup == 2 })
        let counts = Fixture.counts(3)
        // Waits 300, switches 180 + 120, connections 21 + 3 + 3, lifetimes 5, round trips 9, segments 3, resets 4, requests 6, packets 9, lookups 4, files 7, calls 12 + 4.
        #expect(counts.eventCount == 690 && row.cells[10] == .count(16))
        #expect(row.cells[0] == .count(690) && row.weight == 690)
        #expect(row.cells[3] == .count(24) && row.cells[4] == .trouble(3) && row.cells[5] == .trouble(3) && row.cells[6] == .trouble(9))
    }

    @Test func everySignalHasItsWords() {
        let expected: [TopView: [String]] = [
            .overview: ["/shop/checkout", "(gone, cgroup 99)"], .sched: ["120ms", "300", "180", "120"],
            .tcp: ["connect", "connect ECONNREFUSED", "accept", "lifetime client", "round trip", "resent fast", "resent rto ENETUNREACH", "reset receive"],
            .drops: ["no_socket", "tcp", "transmit", "4.00K", "77"], .dns: ["answered", "NXDOMAIN", "nowhere", "3.00ms"], .disk: ["253:0 write"],
            .files: ["(open ENOENT)", "(fsync, all)", "4.88K"], .calls: ["read", "write EPIPE", "close EBADF"],
            .events: ["srv SIGSEGV", "eater 1.00M", "OOM kill", "3.00s"],
            .costs: ["sched_switch", "sched, map_full 3", "500ns", "1.60%", "(sonde top)", "0.50%", "off: no such tracepoint"],
        ]
        for view in TopView.allCases {
            let text = Self.plain(view).joined(separator: "\n")
            for word in expected[view] ?? [] { #expect(text.contains(word), "\(view) has no \(word):\n\(text)") }
        }
    }

    @Test func aHookThatRanUntimedCostsWhatItUsuallyDoes() {
        var cost = HookCost(program: "tcp", function: "f", runs: 10, sampledRuns: 0, sampledNanoseconds: 0)
        #expect(cost.nanosecondsPerRun == nil && cost.seconds == 0)
        let earlier = HookCost(program: "tcp", function: "f", runs: 90, sampledRuns: 2, sampledNanoseconds: 600, losses: [.mapFull: 4])
        let later = HookCost(program: "tcp", function: "f", runs: 100, sampledRuns: 2, sampledNanoseconds: 600, losses: [.mapFull: 9])
        cost = later - earlier
        #expect(cost.runs == 10 && cost.nanosecondsPerRun == 300 && cost.seconds == 3e-6 && cost.lost == 5)
    }

    @Test func manyStartsDoNotPushOutACrash() {
        var events = TopEvents()
        Fixture.record(.crash, signal: 6, name: "srv", time: 1).withUnsafeBytes { events.take($0) }
        for time in 0..<1000 { Fixture.record(.exec, name: "sh", time: UInt64(time + 2)).withUnsafeBytes { events.take($0) } }
        [UInt8](repeating: 1, count: 7).withUnsafeBytes { events.take($0) }
        #expect(events.events.count == TopEvents.eventsMax + 1 && events.leftOut == UInt64(1000 - TopEvents.eventsMax) && events.malformed == 1)
        #expect(events.events.first?.kind == .crash && events.events.last?.nanoseconds == 1001 * 1_000_000_000)
    }

    // MARK: Order

    @Test(arguments: TopView.allCases) func everyColumnSortsBothWays(view: TopView) {
        let rows = Self.rows(view)
        for column in view.columns.indices where view.columns[column].kind != .trend {
            let one = TopSorting.shown(rows, in: view, by: TopSort(column: column, isReversed: false)).map { $0.cells[column] }
            let other = TopSorting.shown(rows, in: view, by: TopSort(column: column, isReversed: true)).map { $0.cells[column] }
            #expect(one == other.reversed(), "\(view) \(view.columns[column].title)")
        }
        let shuffled = TopSorting.shown(rows.shuffled(), in: view, by: view.firstSort).map(\.key)
        #expect(shuffled == TopSorting.shown(rows, in: view, by: view.firstSort).map(\.key), "equal rows keep one order")
    }

    @Test func numbersBeginWithTheLargestAndWordsWithA() {
        let busiest = TopSorting.shown(Self.rows(.overview), in: .overview, by: TopView.overview.firstSort)
        #expect(busiest.map(\.key.cgroup) == [2, 3, 4, 99] || busiest.map(\.key.cgroup) == [2, 3, 99, 4])
        let names = TopSorting.shown(Self.rows(.overview), in: .overview, by: TopSort(column: 12, isReversed: false)).map(\.owner)
        #expect(names == names.sorted())
        #expect(TopSorting.shown(Self.rows(.events), in: .events, by: TopView.events.firstSort).first?.cells[3] == .text("eater 1.00M"), "the newest first")
    }

    @Test func theFilterLooksAtContainersInEitherCase() {
        for (filter, expected) in [("SHOP/", 1), ("gone", 1), ("", 4), ("no such", 0), ("-end", 1)] {
            #expect(TopSorting.shown(Self.rows(.sched), in: .sched, by: TopView.sched.firstSort, filter: filter).count == expected, "\(filter)")
        }
        #expect(TopSorting.shown(Self.rows(.dns), in: .dns, by: TopView.dns.firstSort, filter: "nowhere").isEmpty, "the name asked for is no container")
        #expect(TopSorting.shown(Self.rows(.costs), in: .costs, by: TopView.costs.firstSort, filter: "switch").count == 1)
    }

    // MARK: Trends

    @Test func aSparklineIsAsHighAsItsLargestNumber() {
        #expect(Sparkline.text([0, 1, 4, 7], columns: 4, ascii: false) == "▁▂▅█")
        #expect(Sparkline.text([0, 1, 4, 7], columns: 6, ascii: true) == "  _.=#")
        #expect(Sparkline.text([9, 0, 1000], columns: 2, ascii: false) == "▁█")
        #expect(Sparkline.text([0.0001, 1_000_000], columns: 2, ascii: false) == "▂█", "next to nothing is not nothing")
        #expect(Sparkline.text([0, 0], columns: 3, ascii: false) == " ▁▁")
        #expect(Sparkline.text([], columns: 2, ascii: false) == "  " && Sparkline.text([1], columns: 0, ascii: false) == "")
    }

    @Test func aRowThatStoppedStaysWithoutNumbersUntilItsTrendIsFlat() throws {
        var history = TopHistory()
        history.take(Fixture.tables)
        history.take([:])
        let old = try #require(history.rows(of: .sched).first { $0.key.cgroup == 2 })
        #expect(old.isOld && old.cells[2] == .seconds(nil) && old.cells[3] == .count(0) && old.cells.last == .text("/shop/checkout"))
        #expect(history.values(of: old, in: .sched) == [0.12, 0])
        #expect(history.rows(of: .events).isEmpty)
        for _ in 2..<TopHistory.windowsMax { history.take([:]) }
        #expect(history.rows(of: .sched).count == 4 && history.values(of: old, in: .sched).count == TopHistory.windowsMax)
        history.take([:])
        #expect(history.rows(of: .sched).isEmpty && history.values(of: old, in: .sched).isEmpty)
    }

    @Test func aHistoryHasALimitAndForgetsNoRowOfTheWindow() {
        let rows = (0..<TopHistory.rowsMax + 10).map {
            TopRow(key: .init(cgroup: UInt64($0), label: ""), cells: Self.rows(.sched)[0].cells, weight: 1, owner: "")
        }
        var history = TopHistory()
        history.take([.sched: rows])
        history.take([.sched: rows])
        #expect(history.rows(of: .sched).count == rows.count && history.leftOut == 20)
        history.take([:])
        #expect(history.rows(of: .sched).count == TopHistory.rowsMax)
        for _ in 0..<TopHistory.windowsMax { history.take([:]) }
        history.take([.tcp: rows])
        #expect(history.leftOut == 30, "what is gone makes room")
    }

    // MARK: Widths

    @Test func anyWidthIsKept() {
        for view in TopView.allCases {
            for columns in Array(0...130) + [200, 500] {
                let layout = TopLayout(view: view, columnsMax: columns, ascii: false, hasTrend: true)
                let lines = layout.lines(Self.rows(view), sort: view.firstSort) { _ in [1, 2, 3] }
                #expect(([lines.header] + lines.rows).allSatisfy { $0.width <= columns }, "\(view) at \(columns)")
            }
        }
    }

    @Test func columnsGoInTheirOrderAndWordsAreCutInTheMiddle() {
        let titles = { (columns: Int) in
            let layout = TopLayout(view: .overview, columnsMax: columns, ascii: true, hasTrend: true)
            return layout.place(Self.rows(.overview)).map { TopView.overview.columns[$0.column].title }
        }
        #expect(titles(80) == ["EVENTS", "WAIT", "CONN", "FAIL", "RESENT", "DROPS", "TREND", "CONTAINER"])
        #expect(titles(200).count == TopView.overview.columns.count)
        #expect(titles(60).contains("CONTAINER"))
        let line = Self.plain(.overview, columns: 80).first { $0.contains("long-") } ?? ""
        #expect(line.contains("/long-") && line.contains("~") && line.hasSuffix("-end"), "\(line)")
    }

    @Test func theMarkOfTheSortedColumnMovesNothing() {
        let layout = TopLayout(view: .sched, columnsMax: 80, ascii: true, hasTrend: true)
        let plain = layout.lines(Self.rows(.sched), sort: TopSort(column: 2, isReversed: false)).header.text
        for column in [0, 1, 3, 4, 5, 7] {
            let marked = layout.lines(Self.rows(.sched), sort: TopSort(column: column, isReversed: true)).header.text
            #expect(marked.contains(column == 7 ? "v" : "^"))
            #expect(marked.map { "v^".contains($0) ? " " : $0 } == plain.map { "v^".contains($0) ? " " : $0 })
        }
    }

    @Test func numbersTakeSixColumns() {
        for count in [0, 9, 999_999, 1_000_000, 123_456_789, 99_999_999_999, 1 << 50] as [UInt64] {
            #expect(countText(count).utf8.count <= 6 && byteText(count).utf8.count <= 6, "\(count)")
        }
        for exponent in stride(from: -10.0, through: 8.0, by: 0.01) {
            var seconds = 1.0
            for _ in 0..<Int(abs(exponent) * 100) { seconds *= exponent < 0 ? 1 / 1.0233 : 1.0233 }
            #expect(durationText(seconds).utf8.count <= 6, "\(seconds): \(durationText(seconds))")
        }
        #expect([0, 0.001, 0.02, 12.34, 100, 3200].map { percentText($0) } == ["0.00%", "<.01%", "0.02%", "12.3%", "100%", "3200%"])
        #expect(countText(1_234_567) == "1.23M" && byteText(1_048_576) == "1.00M" && durationText(0.00123) == "1.23ms" && durationText(nil) == "-")
    }

    @Test func plainTablesSayHowManyRowsAreLeftOut() {
        let lines = TopPlain(rows: 2, columnsMax: nil, ascii: true).lines(Self.rows(.sched), of: .sched, seconds: 2.04)
        #expect(lines.count == 5 && lines[0] == "sched: Waits for a CPU, and context switches, in 2.0 s" && lines[4] == "and 2 more (--rows)")
        #expect(TopPlain(rows: 2, columnsMax: nil, ascii: true).lines([], of: .dns, seconds: 1)[1] == "nothing happened in this window")
        #expect(TopPlain(rows: 2, columnsMax: nil, ascii: true).lines([], of: .files, seconds: 1, note: "not counted")[1] == "not counted")
    }
}
