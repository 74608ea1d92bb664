// The cumulative series of every owner, and the limits on how many there may be.
// ProbeAggregator adds what each window brought; MetricsBuilder reads them.
// It never loses a count: beyond a limit counts go to a series that is called ~other.

/// How many series there may be. A series is a point of the export.
public struct SeriesLimits: Hashable, Sendable {
    /// For one owner (a container, a unit of the host).
    public var perOwner: Int
    public var total: Int

    public init(perOwner: Int, total: Int) {
        self.perOwner = perOwner
        self.total = total
    }
}

/// A counter row that only grows, and since when.
struct Series: Equatable, Sendable {
    var startUnixNanoseconds: UInt64
    var row: CounterRow
    /// The window in which it last grew.
    var lastWindow = 0
}

extension GroupKind {
    /// Whether a first number stands for all labels beyond a limit.
    fileprivate func isRest(_ first: UInt32) -> Bool { keepsSecond && first == LabelTable.overflow }
}

extension Series {
    mutating func grow(by row: CounterRow, in window: Int) {
        self.row += row
        lastWindow = window
    }
}

/// What tells an owner's series apart: the kind and the numbers of the key.
struct SeriesKey: Hashable, Sendable {
    enum Label: Hashable, Sendable {
        case exact(first: UInt32, second: UInt32)
        /// All labels beyond a limit.
        case overflow
    }

    var kind: GroupKind
    var label: Label

    func isLabelled(_ first: UInt32) -> Bool { if case .exact(first, _) = label { true } else { false } }
}

struct SeriesStore {
    /// Where counts went.
    enum Placement: Equatable {
        case own
        /// To a `~other` series, because of a limit.
        case overflow
    }

    /// A limited label that did not grow for so many windows leaves when its owner has no room for a new one.
    static let idleWindowsMax = 30

    private(set) var owners: [Owner: [SeriesKey: Series]] = [:]
    var limits: SeriesLimits
    /// How many different first labels of a kind one owner may have; no entry: any number.
    var firstLabelsPerOwner: [GroupKind: Int] = [:]
    private(set) var window = 0
    /// The newest window whose export the receiver has answered in whole.
    var answeredWindow = Int.max

    /// Points over all owners.
    private(set) var count = 0

    init(limits: SeriesLimits) { self.limits = limits }

    /// Adds a row to the owner's series, which begins at `start` when it is new.
    ///
    /// Overflow series are made beyond the limits: at most one for each kind and owner that has a series, and for `Owner.overflow`.
    mutating func add(_ row: CounterRow, to owner: Owner, kind: GroupKind, label: SeriesKey.Label, startingAt start: UInt64) -> Placement {
        let key = SeriesKey(kind: kind, label: label)
        let hasLabel = owners[owner]?[key] != nil || hasRoom(for: label, of: kind, owner)
        if owners[owner]?[key] != nil || hasLabel && hasRoom(for: owner, points: kind.pointsPerGroup) {
            insert(row, to: owner, key: key, startingAt: start)
            return .own
        }
        if kind.keepsSecond, case .exact(_, let second) = label {
            let rest = SeriesKey(kind: kind, label: .exact(first: LabelTable.overflow, second: second))
            if owners[owner]?[rest] != nil || !hasLabel && hasRoom(for: owner, points: kind.pointsPerGroup) {
                insert(row, to: owner, key: rest, startingAt: start)
                return .overflow
            }
        }
        let isKnownOwner = owners[owner] != nil && count < limits.total
        insert(row, to: isKnownOwner ? owner : .overflow, key: SeriesKey(kind: kind, label: .overflow), startingAt: start)
        return .overflow
    }

    private func hasRoom(for owner: Owner, points: Int) -> Bool {
        guard count + points <= limits.total else { return false }
        let used = owners[owner]?.keys.reduce(0) { $0 + $1.kind.pointsPerGroup } ?? 0
        return used + points <= limits.perOwner
    }

    /// Whether one more first label fits; idle ones make room for it.
    private mutating func hasRoom(for label: SeriesKey.Label, of kind: GroupKind, _ owner: Owner) -> Bool {
        guard let limit = firstLabelsPerOwner[kind], case .exact(let first, _) = label, !kind.isRest(first) else { return true }
        var newest: [UInt32: Int] = [:]
        for (key, series) in owners[owner] ?? [:] where key.kind == kind {
            if case .exact(let known, _) = key.label, !kind.isRest(known) { newest[known] = max(newest[known] ?? 0, series.lastWindow) }
        }
        if newest[first] != nil || newest.count < limit { return true }
        guard let idle = newest.min(by: { $0.value < $1.value }), window - idle.value > Self.idleWindowsMax, idle.value <= answeredWindow else { return false }
        removeSeries(of: owner) { $0.kind == kind && $0.isLabelled(idle.key) }
        return true
    }

    /// Whether the receiver has all that was counted for the owner.
    func isAnswered(_ owner: Owner) -> Bool { owners[owner]?.values.allSatisfy { $0.lastWindow <= answeredWindow } ?? true }

    /// Begins the next window.
    mutating func advanceWindow() { window += 1 }

    /// First labels in use by kinds whose first number stands for a text.
    var textLabels: Set<UInt32> {
        owners.values.reduce(into: []) { labels, series in
            for key in series.keys where key.kind.firstIsText { if case .exact(let first, _) = key.label { labels.insert(first) } }
        }
    }

    private mutating func removeSeries(of owner: Owner, where isGone: (SeriesKey) -> Bool) {
        owners[owner] = owners[owner]?.filter { !isGone($0.key) }
        recount()
    }

    private mutating func insert(_ row: CounterRow, to owner: Owner, key: SeriesKey, startingAt start: UInt64) {
        if (owners[owner, default: [:]][key]?.grow(by: row, in: window)) != nil { return }
        owners[owner, default: [:]][key] = Series(startUnixNanoseconds: start, row: row, lastWindow: window)
        count += key.kind.pointsPerGroup
    }

    mutating func removeOwners(where isGone: (Owner) -> Bool) {
        for owner in owners.keys where isGone(owner) { remove(owner) }
    }

    mutating func remove(_ kind: GroupKind) {
        for (owner, series) in owners {
            owners[owner] = series.filter { $0.key.kind != kind }
            if owners[owner]?.isEmpty == true { owners[owner] = nil }
        }
        recount()
    }

    private mutating func remove(_ owner: Owner) {
        owners[owner] = nil
        recount()
    }

    private mutating func recount() {
        count = owners.values.reduce(0) { $0 + $1.keys.reduce(0) { $0 + $1.kind.pointsPerGroup } }
    }
}
