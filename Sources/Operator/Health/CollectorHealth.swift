// Whether the pods of one collector lose or refuse data, and how full their queues are, from what they count themselves.
// HealthWatcher feeds it look by look; the reconciler shows the report, and a canary is compared with the other pods.
// It never trembles: a trouble comes at once, stays for three looks after the last sign, and changes its number only when that has doubled or halved.

import KubernetesRuntime

/// What there is to say about one collector.
struct HealthReport: Hashable, Sendable {
    struct Rate: Hashable, Sendable {
        let flow: Flow
        /// Items per second over all pods that were asked, two significant digits.
        let perSecond: Double
    }

    /// Gravest first.
    var lost: [Rate] = []
    var refused: [Rate] = []
    /// Queues that are nearly full.
    var queues: [QueueKey] = []
    var podsAsked = 0
    var pods = 0

    var isEmpty: Bool { lost.isEmpty && refused.isEmpty && queues.isEmpty }
}

/// The canary's pods beside the others in the same time.
struct CanaryComparison: Hashable, Sendable {
    struct Side: Hashable, Sendable {
        var intervals = 0
        var good = 0.0
        var lost = 0.0
        var refused = 0.0
    }

    var canary = Side()
    var others = Side()
}

struct CollectorHealth: Sendable {
    /// Of more pods a sample is asked, which stays the same while they live; a canary's pods are always in it.
    static let podsMax = 20
    static let nearlyFull = 0.8
    /// Below it a queue is no longer called nearly full.
    static let relaxed = 0.6
    /// Looks without an answer before what was known is dropped.
    static let silentLooksMax = 3

    private struct Trouble {
        var perSecond: Double
        var lastSeen: MonotonicTime
    }

    private let clearAfter: Duration
    private var meters: [String: PodMeter] = [:]
    private var troubles: [Flow: Trouble] = [:]
    private var fullQueues: Set<QueueKey> = []
    private var lastLook: MonotonicTime?
    private var silentLooks = 0
    private var counts = (asked: 0, all: 0)
    /// Nil until two looks could be compared.
    private(set) var report: HealthReport?

    /// - Parameter pause: Between two looks.
    init(pause: Duration) { clearAfter = pause * 3 }

    /// Begins a look. Pods that are gone are forgotten.
    mutating func begin(asking uids: Set<String>, of all: Int) {
        meters = meters.filter { uids.contains($0.key) }
        counts = (uids.count, all)
    }

    /// - Returns: What grew, for those who count.
    mutating func answered(_ uid: String, _ sample: TelemetrySample, now: MonotonicTime) -> PodMeter.Interval? {
        meters[uid, default: PodMeter()].take(sample, now: now)
    }

    /// How full each queue is in the pod where it is fullest.
    var fills: [QueueKey: Double] { meters.values.reduce(into: [:]) { $0.merge($1.fills, uniquingKeysWith: max) } }

    /// Ends a look. - Returns: Whether the report says something else than before.
    mutating func conclude(now: MonotonicTime) -> Bool {
        let before = report.map(HealthText.message)
        let fresh = meters.values.compactMap(\.intervals.last).filter { interval in lastLook.map { interval.end > $0 } ?? true }
        lastLook = now
        silentLooks = fresh.isEmpty ? silentLooks + 1 : 0
        note(fresh, now)
        noteQueues()
        if !fresh.isEmpty {
            report = makeReport()
        } else if silentLooks >= Self.silentLooksMax {
            troubles = [:]
            fullQueues = []
            report = HealthReport()
        }
        // The first report is news also when it is empty: the resource may still say what was before.
        return report.map(HealthText.message) != before
    }

    private mutating func note(_ fresh: [PodMeter.Interval], _ now: MonotonicTime) {
        var rates: [Flow: Double] = [:]
        for interval in fresh {
            for (flow, growth) in interval.growth where flow.kind.meaning != .good { rates[flow, default: 0] += growth / interval.seconds }
        }
        for (flow, rate) in rates {
            let shown = troubles[flow]?.perSecond
            let isSteady = shown.map { rate < $0 * 2 && rate > $0 / 2 } ?? false
            troubles[flow] = Trouble(perSecond: isSteady ? shown ?? rate : Self.rounded(rate), lastSeen: now)
        }
        troubles = troubles.filter { now - $0.value.lastSeen < clearAfter }
    }

    private mutating func noteQueues() {
        let fills = fills
        fullQueues = Set(fills.filter { key, fill in fill >= (fullQueues.contains(key) ? Self.relaxed : Self.nearlyFull) }.keys)
    }

    private func makeReport() -> HealthReport {
        func rates(_ meaning: Flow.Kind.Meaning) -> [HealthReport.Rate] {
            let found = troubles.filter { $0.key.kind.meaning == meaning }.map { HealthReport.Rate(flow: $0.key, perSecond: $0.value.perSecond) }
            return found.sorted { ($1.perSecond, Self.order($0.flow)) < ($0.perSecond, Self.order($1.flow)) }
        }
        let queues = fullQueues.sorted { ($0.exporter, $0.dataType) < ($1.exporter, $1.dataType) }
        return HealthReport(lost: rates(.lost), refused: rates(.refused), queues: queues, podsAsked: counts.asked, pods: counts.all)
    }

    private static func order(_ flow: Flow) -> String { "\(flow.component) \(flow.signal.rawValue) \(flow.kind.rawValue)" }

    /// Two significant digits.
    static func rounded(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 0 }
        var step = 1.0
        while value / step >= 100 { step *= 10 }
        while value / step < 10, step > 0.001 { step /= 10 }
        return max((value / step).rounded(), 1) * step
    }

    /// What both sides counted in looks that ended after `start`; pods that do other work are left out.
    func comparison(canary: Set<String>, leavingOut others: Set<String>, since start: MonotonicTime) -> CanaryComparison {
        var comparison = CanaryComparison()
        for (uid, meter) in meters where !others.contains(uid) {
            for interval in meter.intervals where interval.end >= start {
                if canary.contains(uid) { comparison.canary.add(interval) } else { comparison.others.add(interval) }
            }
        }
        return comparison
    }
}

extension CanaryComparison.Side {
    fileprivate mutating func add(_ interval: PodMeter.Interval) {
        intervals += 1
        for (flow, growth) in interval.growth {
            switch flow.kind.meaning {
            case .good: good += growth
            case .lost: lost += growth
            case .refused: refused += growth
            }
        }
    }
}
