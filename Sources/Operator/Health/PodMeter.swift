// What one pod's counters did between two looks, restarts and resets allowed for.
// CollectorHealth has one for each pod that it asks.
// It never takes a first look for growth, unless the process is so young that everything happened since it began.

import KubernetesRuntime

struct PodMeter: Sendable {
    /// Between two looks.
    struct Interval: Sendable {
        let end: MonotonicTime
        let seconds: Double
        /// Those that grew.
        let growth: [Flow: Double]
    }

    /// Twelve minutes of looks every 30 s.
    static let intervalsMax = 24
    /// A process that is younger is counted from its start.
    static let youngSeconds = 120.0

    private var last: (sample: TelemetrySample, time: MonotonicTime)?
    private(set) var intervals: [Interval] = []

    var fills: [QueueKey: Double] { last?.sample.fills ?? [:] }

    /// - Returns: What grew since the look before; nil when there is nothing to compare with.
    @discardableResult
    mutating func take(_ sample: TelemetrySample, now: MonotonicTime) -> Interval? {
        defer { last = (sample, now) }
        guard let interval = interval(to: sample, now: now) else { return nil }
        intervals.append(interval)
        if intervals.count > Self.intervalsMax { intervals.removeFirst() }
        return interval
    }

    private func interval(to sample: TelemetrySample, now: MonotonicTime) -> Interval? {
        guard let last else {
            guard let uptime = sample.uptimeSeconds, uptime > 0, uptime <= Self.youngSeconds else { return nil }
            return Interval(end: now, seconds: uptime, growth: sample.counters.filter { $0.value > 0 })
        }
        let seconds = (now - last.time) / .seconds(1)
        guard seconds > 0 else { return nil }
        // A counter may be above its earlier value although it began anew; the second allows for the way of the answers.
        let isRestarted = sample.uptimeSeconds.map { $0 + 1 < seconds } ?? false
        var growth: [Flow: Double] = [:]
        for (flow, value) in sample.counters {
            // Counters appear with the first thing that they count.
            let before = isRestarted ? 0 : last.sample.counters[flow] ?? 0
            let delta = value < before ? value : value - before
            if delta > 0 { growth[flow] = delta }
        }
        return Interval(end: now, seconds: seconds, growth: growth)
    }
}
