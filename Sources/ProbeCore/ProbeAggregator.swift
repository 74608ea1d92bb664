// From readings of the kernel's maps to cumulative series with owners: the core of the agent.
// The agent and `sonde top` give it readings, walks of the cgroup tree and link names, and take metrics at the end of each window.
// It never does I/O and never asks the time: readings and times are handed in.

import OTLPMessages
import SondeAPI

/// One window is: `absorb` for each map, `observe` when a walk is due, `endWindow`.
///
/// Guarantees: what was absorbed is counted exactly once, for its own owner, or, when a limit or a lost identity forbids that, for `~other` or
/// `unknown_service`. Maps are read without being emptied; an entry that the kernel made anew is noticed because its counters fell.
public struct ProbeAggregator: Sendable {
    public struct Settings: Sendable {
        public var limits: SeriesLimits
        public var namespaces: ProbeNamespaces
        public var node: Node
        public var scope: Scope
        /// How many different first labels of a kind one owner may have: names, templates. Counts of further ones go to `~other`.
        public var firstLabelsPerOwner: [GroupKind: Int] = [:]

        public init(limits: SeriesLimits, namespaces: ProbeNamespaces, node: Node, scope: Scope) {
            self.limits = limits
            self.namespaces = namespaces
            self.node = node
            self.scope = scope
        }
    }

    /// Counts of a cgroup that has no owner yet wait for so many further windows.
    static let unknownWindowsMax = 2
    /// So many groups may wait; more are counted at once for what is known of them.
    static let waitingMax = 4096

    private struct Group: Hashable {
        var kind: GroupKind
        var key: GroupKey
    }

    private struct Arrival {
        var row: CounterRow
        var windowStart: UInt64
        /// Events of the row that nobody saw one by one; the ledger has them already.
        var extrapolated: UInt64 = 0
        var windowsWaited = 0
    }

    public private(set) var settings: Settings
    public internal(set) var ledger = EventLedger()
    /// Texts behind the numbers of series.
    public var labels = LabelTable()
    /// Names behind the kernel's numbers.
    public var names = KernelNames()
    private var identities = IdentityIndex()
    private var store: SeriesStore
    /// The last reading of each entry.
    private var readings: [Group: CounterRow] = [:]
    private var arrivals: [Group: Arrival] = [:]
    /// What is there now, by kind; replaced with each reading.
    private var gauges: [GroupKind: [GroupKey: UInt64]] = [:]
    private var windowStart: UInt64
    private var departing: Set<Owner> = []
    /// The last readings of entries whose keys were handed out as stale.
    private var leaving: [Group: CounterRow] = [:]
    var events = EventLog()
    /// What to add to CLOCK_MONOTONIC for nanoseconds of the Unix epoch: records carry the one, OTLP wants the other.
    public var unixMinusMonotonicNanoseconds: UInt64 = 0

    /// - Parameter startUnixNanoseconds: when counting began: the start time of series that are there in the first window.
    public init(settings: Settings, startUnixNanoseconds: UInt64) {
        self.settings = settings
        store = SeriesStore(limits: settings.limits)
        store.firstLabelsPerOwner = settings.firstLabelsPerOwner
        windowStart = startUnixNanoseconds
    }

    // MARK: A window

    /// Takes a reading of a whole map.
    /// - Parameter scale: at least 1: the window's length over the time in which the programs ran, when they were attached for a part of it only.
    ///   What was counted stands for so much more.
    public mutating func absorb(_ groups: some Sequence<RawGroup>, of kind: GroupKind, scale: Double = 1) {
        for raw in groups {
            guard let key = GroupKey(raw.key, kind: kind), let row = CounterRow(perCPU: raw.values, kind: kind) else {
                ledger.see(1, kind.eventClass)
                ledger.drop(1, kind.eventClass, because: EventLedger.Reason.malformed.rawValue)
                continue
            }
            let group = Group(kind: kind, key: key)
            let news = readings[group].map(row.since) ?? row
            readings[group] = row
            arrive(news, group, scale: scale)
        }
    }

    /// Takes what files of the host say.
    /// - Parameter isBaseline: counting begins here; otherwise a cgroup that is new since the last readings counts from its creation.
    public mutating func absorb(_ host: [HostReading], isBaseline: Bool) {
        for reading in host {
            let group = Group(kind: reading.kind, key: reading.key), row = CounterRow([reading.nanoseconds])
            let news = readings[group].map(row.since) ?? row
            let isFirst = readings[group] == nil
            readings[group] = row
            if !(isFirst && isBaseline) { arrive(news, group) }
        }
    }

    /// Cgroups whose own files are worth reading: the topmost of each container and unit.
    public var meteredCgroups: [CgroupDirectory] { identities.topmost }

    /// Counts what user space made of records: a row of news, not a reading.
    mutating func count(_ row: CounterRow, cgroup: UInt64, first: UInt32 = 0, second: UInt32 = 0, kind: GroupKind) {
        arrive(row, Group(kind: kind, key: GroupKey(cgroup: cgroup, first: first, second: second)))
    }

    /// Puts what is there now in the place of what was there before: one value for each cgroup and label.
    public mutating func setGauges(_ values: [(cgroup: UInt64, first: UInt32, second: UInt32, value: UInt64)], kind: GroupKind) {
        gauges[kind] = Dictionary(values.map { (GroupKey(cgroup: $0.cgroup, first: $0.first, second: $0.second), $0.value) }, uniquingKeysWith: &+)
    }

    private mutating func arrive(_ counted: CounterRow, _ group: Group, scale: Double = 1) {
        if counted.isZero { return }
        let news = scale > 1 ? counted.scaled(by: scale) : counted
        let events = group.kind.eventCount(news)
        let extrapolated = events &- group.kind.eventCount(counted)
        ledger.see(events, group.kind.eventClass)
        ledger.sample(extrapolated, group.kind.eventClass)
        if arrivals[group] == nil { arrivals[group] = Arrival(row: news, windowStart: windowStart) } else { arrivals[group]?.row += news }
        arrivals[group]?.extrapolated &+= extrapolated
    }

    /// Whether counts came from a cgroup that no walk has shown.
    public var hasUnknownCgroups: Bool {
        arrivals.keys.contains { $0.key.cgroup != 0 && identities.resolve($0.key.cgroup) == .unknown }
            || events.waiting.contains { $0.cgroup != 0 && identities.resolve($0.cgroup) == .unknown }
    }

    /// Takes a complete walk of the cgroup tree.
    public mutating func observe(_ directories: [CgroupDirectory]) { identities.observe(directories) }

    /// Whether links may name a container that has no name yet.
    public var needsLinks: Bool { identities.needsLinks }

    /// Takes all links of /var/log/containers.
    public mutating func observe(_ links: [ContainerLogLink]) { identities.observe(links) }

    /// The number of this window: series that grow now leave with its export.
    public var window: Int { store.window }

    /// Ends the window: every series as one point. An owner whose cgroups are gone comes until the receiver has its last counts and is then forgotten.
    /// - Parameters:
    ///   - answered: the newest window whose export the receiver has answered in whole; who has no receiver waits for none.
    ///   - isLast: no count waits any longer for the name of its owner, as at the agent's end.
    public mutating func endWindow(at unixNanoseconds: UInt64, answered: Int = .max, isLast: Bool = false) -> [ResourceMetrics] {
        store.answeredWindow = answered
        settleArrivals(isLast: isLast)
        let builder = MetricsBuilder(settings: settings, labels: labels, names: names, endUnixNanoseconds: unixNanoseconds)
        let metrics = builder.metrics(of: store, gauges: ownedGauges(at: unixNanoseconds))
        forgetDeparted()
        store.advanceWindow()
        if arrivals.isEmpty { labels.sweep { store.textLabels } }
        identities.advanceWindow()
        windowStart = unixNanoseconds
        return metrics
    }

    /// Points of the newest export.
    public var seriesCount: Int { store.count }

    /// Cgroups of the newest walk.
    public var cgroupCount: Int { identities.livingCount }

    func resolve(_ cgroup: UInt64) -> IdentityIndex.Resolution { cgroup == 0 ? .known(.unresolved) : identities.resolve(cgroup) }

    // MARK: Changes

    /// Puts new limits and filters in force. Series of namespaces that are no longer looked at end.
    public mutating func update(_ settings: Settings) {
        self.settings = settings
        store.limits = settings.limits
        store.firstLabelsPerOwner = settings.firstLabelsPerOwner
        store.removeOwners { [self] in !isSelected($0) }
    }

    /// Another program takes over the counting of a kind: its map begins at zero, the series go on.
    public mutating func restart(_ kind: GroupKind) { readings = readings.filter { $0.key.kind != kind } }

    /// Forgets a kind whose program was unloaded: its maps are gone, and a later load begins new series. Counts that wait for an owner are dropped.
    public mutating func forget(_ kind: GroupKind) {
        readings = readings.filter { $0.key.kind != kind }
        for (group, arrival) in arrivals where group.kind == kind {
            let count = kind.eventCount(arrival.row) &- arrival.extrapolated
            ledger.drop(count, kind.eventClass, because: EventLedger.Reason.switchedOff.rawValue)
            arrivals[group] = nil
        }
        store.remove(kind)
        gauges[kind] = nil
    }

    /// Cgroups of namespaces that nobody wants to see: the programs need not count for them.
    public var ignoredCgroups: Set<UInt64> {
        if settings.namespaces.include.isEmpty && settings.namespaces.exclude.isEmpty { return [] }
        return Set(identities.knownOwners.lazy.filter { !isSelected($0.owner) }.map(\.id))
    }

    /// The keys of entries whose cgroup is gone and whose counts are taken: the caller takes them out of the kernel's maps, which have no other way to
    /// get rid of them, and hands their last values to `absorbLast`. They are forgotten here, so that a later entry of the same key counts from zero.
    public mutating func takeStaleKeys() -> [GroupKind: [[UInt8]]] {
        var stale: [GroupKind: [[UInt8]]] = [:]
        leaving = [:]
        for (group, row) in readings where isStale(group) {
            if group.kind.isMap {
                stale[group.kind, default: []].append(group.key.bytes(group.kind))
                leaving[group] = row
            }
            readings[group] = nil
        }
        return stale
    }

    /// Takes what was counted between the last reading of a stale entry and the moment when it was taken out: sockets outlive their cgroup.
    public mutating func absorbLast(_ groups: some Sequence<RawGroup>, of kind: GroupKind) {
        for raw in groups {
            guard let key = GroupKey(raw.key, kind: kind), let row = CounterRow(perCPU: raw.values, kind: kind) else { continue }
            let group = Group(kind: kind, key: key)
            if let before = leaving.removeValue(forKey: group) { arrive(row.since(before), group) }
        }
    }

    private func isStale(_ group: Group) -> Bool {
        let cgroup = group.key.cgroup
        return cgroup != 0 && !identities.isAlive(cgroup) && !identities.isJustGone(cgroup) && arrivals[group] == nil
    }
}

// MARK: Owners

extension ProbeAggregator {
    private mutating func settleArrivals(isLast: Bool) {
        var waiting: [Group: Arrival] = [:]
        // Where labels are limited, the largest counts of a window come first.
        let ordered = arrivals.sorted { $0.key.kind.eventCount($0.value.row) > $1.key.kind.eventCount($1.value.row) }
        for (group, arrival) in ordered {
            let resolution = group.key.cgroup == 0 ? .known(.unresolved) : identities.resolve(group.key.cgroup)
            switch resolution {
            case .known(let owner): place(arrival, group, for: owner)
            case .incomplete(let owner) where isLast || waiting.count >= Self.waitingMax: place(arrival, group, for: owner)
            case .unknown where isLast || waiting.count >= Self.waitingMax || arrival.windowsWaited >= Self.unknownWindowsMax:
                place(arrival, group, for: .unresolved)
            case .incomplete, .unknown:
                waiting[group] = arrival
                waiting[group]?.windowsWaited += 1
            }
        }
        arrivals = waiting
    }

    private mutating func place(_ arrival: Arrival, _ group: Group, for owner: Owner) {
        let count = group.kind.eventCount(arrival.row) &- arrival.extrapolated
        guard isSelected(owner) else {
            ledger.drop(count, group.kind.eventClass, because: EventLedger.Reason.namespaceFilter.rawValue)
            return
        }
        let placement = store.add(
            arrival.row, to: owner, kind: group.kind, label: .exact(first: group.key.first, second: group.key.second), startingAt: arrival.windowStart)
        let reason: EventLedger.Reason? = placement == .overflow ? .seriesLimit : owner == .unresolved ? .unresolved : nil
        ledger.export(count, group.kind.eventClass, because: reason)
    }

    /// Gauges of owners that are looked at, summed over the owner's cgroups.
    private func ownedGauges(at unixNanoseconds: UInt64) -> [Owner: [GroupKind: [LabelledSeries]]] {
        let now = TimeSpan(startUnixNanoseconds: 0, endUnixNanoseconds: unixNanoseconds)
        var owned: [Owner: [GroupKind: [LabelledSeries]]] = [:]
        for (kind, values) in gauges {
            var sums: [Owner: [SeriesKey.Label: UInt64]] = [:]
            for (key, value) in values {
                let owner = identities.owner(of: key.cgroup) ?? .unresolved
                if isSelected(owner) { sums[owner, default: [:]][.exact(first: key.first, second: key.second), default: 0] &+= value }
            }
            for (owner, labels) in sums {
                owned[owner, default: [:]][kind] = labels.map { LabelledSeries(label: $0, row: CounterRow([$1]), time: now) }
            }
        }
        return owned
    }

    /// With a list of namespaces to include, what is in no namespace, or in one that is not known, is left out.
    func isSelected(_ owner: Owner) -> Bool {
        if owner == .overflow { return true }
        return owner.namespace.map(settings.namespaces.contains) ?? settings.namespaces.include.isEmpty
    }

    /// The walk that misses a cgroup may be older than its last events, so an owner goes one window after it was first missed; and not before the receiver
    /// has its last counts, which no later export would have.
    private mutating func forgetDeparted() {
        let living = identities.livingOwners
        let missing = Set(store.owners.keys.filter { !living.contains($0) && $0 != .unresolved && $0 != .overflow })
        let departed = departing.intersection(missing).filter(store.isAnswered)
        if !departed.isEmpty { store.removeOwners(where: departed.contains) }
        departing = missing.subtracting(departed)
    }
}
