// Readings of a map whose entries are taken out of it when nobody uses them any more, so that new ones find room.
// FileTable and PeerTable keep one for each of their maps.
// It never counts an event twice: an entry that was taken out gives what is new in its last values, and is forgotten.

struct IdleReadings: Sendable {
    private struct Known {
        var row: CounterRow
        var idle = 0
    }

    /// An entry that did not change for so many readings is idle.
    static let idleReadingsMax = 10

    private var known: [[UInt8]: Known] = [:]

    /// Takes a reading of an entry.
    mutating func take(_ row: CounterRow, of key: [UInt8]) -> (news: CounterRow, isIdle: Bool) {
        let before = known[key]
        let news = before.map { row.since($0.row) } ?? row
        let idle = news.isZero ? (before?.idle ?? 0) + 1 : 0
        known[key] = Known(row: row, idle: idle)
        return (news, idle >= Self.idleReadingsMax)
    }

    /// Forgets an entry that was taken out.
    /// - Parameter last: its last values; nil when they cannot be read.
    /// - Returns: what is new in them.
    mutating func forget(_ key: [UInt8], last: CounterRow?) -> CounterRow? {
        let before = known.removeValue(forKey: key)
        guard let last else { return nil }
        let news = before.map { last.since($0.row) } ?? last
        return news.isZero ? nil : news
    }
}
