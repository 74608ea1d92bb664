// The tables of `sonde top`: one for each signal, with its columns.
// Rows are made for them by TopRows, shown by TopLayout, and keys choose among them.
// It never holds a number that was measured.

import ArgumentParser

/// A table. Their order is the order of the keys 1 to 9 and 0.
enum TopView: String, CaseIterable, ExpressibleByArgument {
    case overview, sched, tcp, drops, dns, disk, files, calls, events, costs

    /// The key that shows it.
    var key: Unicode.Scalar {
        let place = (Self.allCases.firstIndex(of: self) ?? 0) + 1
        return Unicode.Scalar(UInt8(ascii: "0") + UInt8(place % 10))
    }

    init?(key: Unicode.Scalar) {
        guard let view = Self.allCases.first(where: { $0.key == key }) else { return nil }
        self = view
    }

    /// The view so many places further, around the end.
    func moved(by places: Int) -> TopView {
        let all = Self.allCases, place = all.firstIndex(of: self) ?? 0
        return all[((place + places) % all.count + all.count) % all.count]
    }

    var title: String {
        switch self {
        case .overview: "Containers, over all signals"
        case .sched: "Waits for a CPU, and context switches"
        case .tcp: "Connections, failures, round trips, segments sent again"
        case .drops: "Packets that the kernel dropped"
        case .dns: "DNS lookups"
        case .disk: "Requests to disks"
        case .files: "Calls on files, by path"
        case .calls: "System calls"
        case .events: "OOM kills, crashes and starts of programs, the newest first"
        case .costs: "What these programs cost the kernel, and what they could not record"
        }
    }

    var columns: [TopColumn] {
        switch self {
        case .overview:
            [
                .number("EVENTS"), .number("WAIT"), .number("P99", drop: 3), .number("CONN"), .number("FAIL"), .number("RESENT"), .number("DROPS"),
                .number("DNS", drop: 4), .number("DISK", drop: 5), .number("FILES", drop: 6), .number("CALLS", drop: 7), .trend, .container,
            ]
        case .sched:
            [.number("P50"), .number("P99"), .number("SUM"), .number("RUNS"), .number("VOL", drop: 1), .number("INVOL", drop: 2), .trend, .container]
        case .tcp: [.number("COUNT"), .number("P50", drop: 1), .number("P99"), .number("SUM", drop: 2), .trend, .text("WHAT", least: 18), .container]
        case .drops:
            [
                .number("PACKET"), .number("BYTES", drop: 2), .trend, .text("REASON", least: 14), .text("PROTO", least: 5), .text("DIRECTION", least: 9),
                .container,
            ]
        case .dns: [.number("COUNT"), .number("MEAN"), .number("P99", drop: 1), .trend, .text("OUTCOME", least: 8), .text("NAME", least: 16), .container]
        case .disk: [.number("REQS"), .number("P50", drop: 1), .number("P99"), .number("SUM", drop: 2), .trend, .text("DEVICE", least: 12), .container]
        case .files:
            [
                .number("OPENS"), .number("READS"), .number("WRITES"), .number("SYNCS", drop: 2), .number("IN", drop: 4), .number("OUT", drop: 5),
                .number("P99", drop: 3), .trend, .text("PATH", least: 20), .container,
            ]
        case .calls: [.number("CALLS"), .number("P50", drop: 1), .number("P99"), .number("SUM", drop: 2), .trend, .text("CALL", least: 16), .container]
        case .events: [.number("AGE", ascends: true), .number("PID"), .text("KIND", least: 8), .text("WHAT", least: 20), .container]
        case .costs: [.number("RUNS"), .number("PERRUN"), .number("CORE"), .number("SKIP", drop: 2), .number("LOST"), .trend, .text("HOOK", least: 18), .note]
        }
    }

    /// The column that rows are sorted by at first.
    var firstSort: TopSort { TopSort(column: self == .sched || self == .costs ? 2 : 0, isReversed: false) }
}

struct TopColumn {
    enum Kind: Equatable {
        case number
        /// With the fewest columns that say something.
        case text(least: Int)
        case trend
    }

    var title: String
    var kind: Kind
    /// On a narrow terminal the column with the largest number goes first; nil stays.
    var drop: Int?
    /// Whether the small ones come first when rows are sorted by it.
    var ascends: Bool

    static func number(_ title: String, drop: Int? = nil, ascends: Bool = false) -> TopColumn {
        TopColumn(title: title, kind: .number, drop: drop, ascends: ascends)
    }
    static func text(_ title: String, least: Int) -> TopColumn { TopColumn(title: title, kind: .text(least: least), drop: nil, ascends: true) }
    static let trend = TopColumn(title: "TREND", kind: .trend, drop: 0, ascends: false)
    static let container = text("CONTAINER", least: 24)
    static let note = text("NOTE", least: 8)
}

/// By which column of its view rows are sorted; its own way round, or reversed.
struct TopSort: Equatable {
    var column: Int
    var isReversed: Bool

    /// The next or last column that rows can be sorted by.
    func moved(by places: Int, in view: TopView) -> TopSort {
        let columns = view.columns
        var column = self.column
        repeat { column = (column + places + columns.count) % columns.count } while columns[column].kind == .trend
        return TopSort(column: column, isReversed: false)
    }
}
