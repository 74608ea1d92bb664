// The kinds of groups that programs count into, and how one entry of such a map becomes a key and a row of numbers.
// ProbeAggregator decodes with it; each kind is described in Kinds/, beside the metrics that it becomes.
// It never trusts a length: an entry of another size than ProbePrograms' layouts say is refused and counted.

import OTLPMessages
import ProbePrograms

/// What one map of groups holds, or one table that user space counts: its sizes, its class of events and its metrics. Kinds are told apart by name.
public struct GroupKind: Sendable {
    /// The map's name.
    public let name: String
    /// Whether a program counts into a map of this name; otherwise user space counts.
    public let isMap: Bool
    /// 8 (a cgroup) or 16 (a cgroup and two 32-bit numbers).
    let keyBytes: Int
    /// A multiple of 8: a value is a row of counters.
    let valueBytes: Int
    /// `ebpf.event.class` of what this kind counts.
    let eventClass: EventClass
    /// Points that one group becomes.
    let pointsPerGroup: Int
    /// Whether the key's first number stands for a text (`LabelTable`).
    let firstIsText: Bool
    /// Whether a label beyond an owner's limit of first numbers keeps its second one, with `LabelTable.overflow` in the place of the first.
    let keepsSecond: Bool
    /// How many events a row stands for.
    let eventCount: @Sendable (CounterRow) -> UInt64
    /// The kind's metrics from one owner's series.
    let metrics: @Sendable ([LabelledSeries], MetricsContext) -> [Metric]

    init(
        map name: String, keyBytes: Int, valueBytes: Int, eventClass: EventClass, points: Int = 1, firstIsText: Bool = false,
        events: @escaping @Sendable (CounterRow) -> UInt64, metrics: @escaping @Sendable ([LabelledSeries], MetricsContext) -> [Metric]
    ) {
        self.name = name
        isMap = true
        self.keyBytes = keyBytes
        self.valueBytes = valueBytes
        self.eventClass = eventClass
        pointsPerGroup = points
        self.firstIsText = firstIsText
        keepsSecond = false
        eventCount = events
        self.metrics = metrics
    }

    /// A kind that user space counts; its key has the cgroup and two numbers.
    init(
        table name: String, valueBytes: Int, eventClass: EventClass, points: Int = 1, firstIsText: Bool = false, keepsSecond: Bool = false,
        events: @escaping @Sendable (CounterRow) -> UInt64, metrics: @escaping @Sendable ([LabelledSeries], MetricsContext) -> [Metric]
    ) {
        self.name = name
        isMap = false
        keyBytes = 16
        self.valueBytes = valueBytes
        self.eventClass = eventClass
        pointsPerGroup = points
        self.firstIsText = firstIsText
        self.keepsSecond = keepsSecond
        eventCount = events
        self.metrics = metrics
    }

    /// Every kind, in the order of the export; kinds that give points of one metric stand together.
    public static let all: [GroupKind] = [
        .sched,
        .connects,
        .peers,
        .lifetimes,
        .roundTrips,
        .resets,
        .retransmits,
        .drops,
        .connections,
        .listenOverflows,
        .deviceDrops,
        .retransmitDrift,
        .syscalls,
        .syscallCalls,
        .disks,
        .dnsLookups,
        .dnsAnswers,
        .files,
        .fileTimes,
        .steal,
        .throttling,
        .pressure,
    ]

    /// The kind of a map's groups.
    public init?(map name: String) {
        guard let kind = Self.all.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

extension GroupKind: Hashable {
    public static func == (left: GroupKind, right: GroupKind) -> Bool { left.name == right.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// A group's key in any of the maps: a cgroup, and two numbers whose meaning depends on the kind (zero when the map has none).
struct GroupKey: Hashable, Sendable {
    var cgroup: UInt64
    var first: UInt32
    var second: UInt32

    /// Every key has the cgroup at 0 and, when it is 16 bytes long, two 32-bit numbers at 8 and 12.
    init?(_ bytes: [UInt8], kind: GroupKind) {
        guard bytes.count == kind.keyBytes else { return nil }
        cgroup = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        first = bytes.count == 16 ? bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self) } : 0
        second = bytes.count == 16 ? bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 12, as: UInt32.self) } : 0
    }

    init(cgroup: UInt64, first: UInt32 = 0, second: UInt32 = 0) {
        self.cgroup = cgroup
        self.first = first
        self.second = second
    }

    /// The key as it stands in the map.
    func bytes(_ kind: GroupKind) -> [UInt8] {
        var bytes = withUnsafeBytes(of: cgroup) { Array($0) }
        if kind.keyBytes == 16 {
            withUnsafeBytes(of: first) { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: second) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}

/// A value of any of the maps: all of them are rows of 64-bit counters, so CPUs are added, readings compared and series summed field by field.
struct CounterRow: Equatable, Sendable {
    private(set) var counters: [UInt64]

    init(_ counters: [UInt64]) { self.counters = counters }

    /// The sum over all CPUs; nil when one of the values has a wrong length, or there is none.
    init?(perCPU values: [[UInt8]], kind: GroupKind) {
        guard !values.isEmpty, values.allSatisfy({ $0.count == kind.valueBytes }) else { return nil }
        counters = [UInt64](repeating: 0, count: kind.valueBytes / 8)
        for value in values {
            value.withUnsafeBytes { bytes in
                for index in counters.indices { counters[index] &+= bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) }
            }
        }
    }

    /// The counter at a byte offset of the layout.
    subscript(offset: Int) -> UInt64 { counters[offset / 8] }

    var isZero: Bool { counters.allSatisfy { $0 == 0 } }

    /// Every counter times a factor, rounded. Sums, slots and counts keep their proportions.
    func scaled(by factor: Double) -> CounterRow { CounterRow(counters.map { UInt64((Double($0) * factor).rounded()) }) }

    static func += (left: inout CounterRow, right: CounterRow) {
        for index in left.counters.indices { left.counters[index] &+= right.counters[index] }
    }

    /// What was counted since an earlier reading of the same entry. Counters only grow, so one that fell means that the entry was made anew.
    func since(_ earlier: CounterRow) -> CounterRow {
        if zip(counters, earlier.counters).contains(where: { $0 < $1 }) { return self }
        return CounterRow(zip(counters, earlier.counters).map { $0 - $1 })
    }

    /// The histogram that begins at a byte offset of the layout.
    func histogram(at offset: Int = 0) -> SlotHistogram { SlotHistogram(counters[(offset / 8)..<((offset + HistogramLayout.byteCount) / 8)]) }
}
