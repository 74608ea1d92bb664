// What the agent reports about itself: events and their losses, the kernel time of its programs, series, its own CPU and memory.
// The agent records readings each window and sends the result on the path of all other metrics.
// It never reads /proc or a map: readings are handed in.

import OTLPMessages
import ProbePrograms

/// Counters of one hook since its program was loaded, or of an account of further losses, which has no runs.
public struct HookReading: Sendable, Hashable {
    public var function: String
    public var runs: UInt64
    /// Runs that were timed, and their time.
    public var sampledRuns: UInt64
    public var sampledNanoseconds: UInt64
    /// Events that were not recorded, by reason.
    public var losses: [String: UInt64]
    public var isHook: Bool

    public init(function: String, runs: UInt64, sampledRuns: UInt64, sampledNanoseconds: UInt64, losses: [String: UInt64], isHook: Bool = true) {
        self.function = function
        self.runs = runs
        self.sampledRuns = sampledRuns
        self.sampledNanoseconds = sampledNanoseconds
        self.losses = losses
        self.isHook = isHook
    }
}

/// What the exporter did with points since it began.
public struct ExportReading: Sendable, Hashable {
    public var seen: UInt64
    public var exported: UInt64
    public var dropped: [String: UInt64]

    public init(seen: UInt64 = 0, exported: UInt64 = 0, dropped: [String: UInt64] = [:]) {
        self.seen = seen
        self.exported = exported
        self.dropped = dropped
    }
}

/// The agent's own process.
public struct ProcessReading: Sendable, Hashable {
    public var userSeconds: Double
    public var systemSeconds: Double
    public var residentBytes: Int64

    public init(userSeconds: Double, systemSeconds: Double, residentBytes: Int64) {
        self.userSeconds = userSeconds
        self.systemSeconds = systemSeconds
        self.residentBytes = residentBytes
    }
}

/// How full a map of groups is.
public struct MapReading: Sendable, Hashable {
    public var name: String
    public var used: Int
    public var capacity: Int

    public init(name: String, used: Int, capacity: Int) {
        self.name = name
        self.used = used
        self.capacity = capacity
    }
}

/// Everything that is read of the agent in one window.
public struct AgentReading: Sendable {
    public var process: ProcessReading
    public var export: ExportReading
    public var logExport: ExportReading
    public var maps: [MapReading]

    public init(process: ProcessReading, export: ExportReading, logExport: ExportReading = ExportReading(), maps: [MapReading]) {
        self.process = process
        self.export = export
        self.logExport = logExport
        self.maps = maps
    }
}

public struct AgentTelemetry: Sendable {
    private struct Cost {
        var last: HookReading
        var runs: UInt64
        var seconds: Double
    }

    private let startUnixNanoseconds: UInt64
    private var costs: [String: Cost] = [:]
    private var losses = EventLedger()

    public init(startUnixNanoseconds: UInt64) { self.startUnixNanoseconds = startUnixNanoseconds }

    /// The program with this hook is gone: when it is loaded again its counters begin at zero, and totals here go on.
    public mutating func restart(_ function: String) {
        guard let isHook = costs[function]?.last.isHook else { return }
        costs[function]?.last = Self.zero(function)
        costs[function]?.last.isHook = isHook
    }

    private static func zero(_ function: String) -> HookReading {
        HookReading(function: function, runs: 0, sampledRuns: 0, sampledNanoseconds: 0, losses: [:])
    }

    /// Takes a hook's counters since its program was loaded.
    public mutating func record(_ reading: HookReading) {
        let zero = Self.zero(reading.function)
        let known = costs[reading.function] ?? Cost(last: zero, runs: 0, seconds: 0)
        let last = reading.runs < known.last.runs ? zero : known.last
        let runs = reading.runs - last.runs
        costs[reading.function] = Cost(last: reading, runs: known.runs + runs, seconds: known.seconds + seconds(of: runs, reading, since: last))
        guard let eventClass = EventClass(hook: reading.function) else { return }
        for (reason, count) in reading.losses {
            let before = last.losses[reason] ?? 0
            losses.see(count >= before ? count - before : count, eventClass)
            losses.drop(count >= before ? count - before : count, eventClass, because: reason)
        }
    }

    /// The time of these runs, estimated from those of them that were timed, or from all timed ones when none of them was.
    private func seconds(of runs: UInt64, _ reading: HookReading, since last: HookReading) -> Double {
        let sampled = reading.sampledRuns &- last.sampledRuns
        let isFresh = reading.sampledRuns > last.sampledRuns && reading.sampledNanoseconds >= last.sampledNanoseconds
        let meanNanoseconds =
            if isFresh {
                Double(reading.sampledNanoseconds - last.sampledNanoseconds) / Double(sampled)
            } else if reading.sampledRuns > 0 {
                Double(reading.sampledNanoseconds) / Double(reading.sampledRuns)
            } else {
                0.0
            }
        return Double(runs) * meanNanoseconds / 1e9
    }

    /// The agent's own resource, with what was recorded and what is handed in.
    public func metrics(_ reading: AgentReading, aggregator: ProbeAggregator, version: String, at unixNanoseconds: UInt64) -> ResourceMetrics {
        let span = TimeSpan(startUnixNanoseconds: startUnixNanoseconds, endUnixNanoseconds: unixNanoseconds)
        let now = TimeSpan(startUnixNanoseconds: 0, endUnixNanoseconds: unixNanoseconds)
        var metrics = [
            events(aggregator.ledger, reading, span),
            Metric(
                name: "ebpf.agent.series", description: "Series of the newest export.", unit: "{series}",
                data: .gauge([NumberPoint(time: now, value: .int(Int64(aggregator.seriesCount)))])),
        ]
        metrics += programs(span) + maps(reading.maps, now) + process(reading.process, span)
        let resource = Resource([
            Attribute("service.name", "sonde-agent"), Attribute("service.version", .string(version)), aggregator.settings.node.attribute,
        ])
        return ResourceMetrics(resource: resource, scope: aggregator.settings.scope, metrics: metrics)
    }

    /// Events, points and log records that were lost, by class; what can be helped by nobody, or was asked for, is no loss (`EventLedger.expectedReasons`).
    public func lostEvents(_ ledger: EventLedger, _ export: ExportReading, logs: ExportReading = ExportReading()) -> [String: UInt64] {
        var lost: [String: UInt64] = [:]
        for (entry, count) in Array(ledger.counts) + Array(losses.counts)
        where entry.outcome == .dropped && !EventLedger.expectedReasons.contains(entry.reason) {
            lost[entry.eventClass.rawValue, default: 0] &+= count
        }
        for (eventClass, reading) in [(EventClass.metricPoint, export), (.logRecord, logs)] {
            let count = reading.dropped.values.reduce(0, &+)
            if count > 0 { lost[eventClass.rawValue, default: 0] &+= count }
        }
        return lost
    }

    private func events(_ ledger: EventLedger, _ reading: AgentReading, _ span: TimeSpan) -> Metric {
        var all = Self.entries(reading.export, .metricPoint)
        if reading.logExport.seen > 0 { all += Self.entries(reading.logExport, .logRecord) }
        let counts = Dictionary(all + Array(ledger.counts) + Array(losses.counts), uniquingKeysWith: +)
        let points = counts.map { entry, count in
            let reason = entry.reason.isEmpty ? [] : [Attribute("ebpf.event.reason", .string(entry.reason))]
            return NumberPoint(
                attributes: [
                    Attribute("ebpf.event.class", .string(entry.eventClass.rawValue)), Attribute("ebpf.event.outcome", .string(entry.outcome.rawValue)),
                ] + reason, time: span, value: .int(Int64(clamping: count)))
        }
        return Metric(
            name: "ebpf.agent.events", description: "Events by what became of them.", unit: "{event}", data: .sum(points, .cumulative, .monotonic))
    }

    private static func entries(_ export: ExportReading, _ eventClass: EventClass) -> [(EventLedger.Entry, UInt64)] {
        export.dropped.map { (EventLedger.Entry(eventClass: eventClass, outcome: .dropped, reason: $0), $1) } + [
            (EventLedger.Entry(eventClass: eventClass, outcome: .seen, reason: ""), export.seen),
            (EventLedger.Entry(eventClass: eventClass, outcome: .exported, reason: ""), export.exported),
        ]
    }

    private func programs(_ span: TimeSpan) -> [Metric] {
        let costs = costs.filter(\.value.last.isHook)
        if costs.isEmpty { return [] }
        let times = costs.map { NumberPoint(attributes: [Attribute("ebpf.program.name", .string($0))], time: span, value: .double($1.seconds)) }
        let runs = costs.map {
            NumberPoint(attributes: [Attribute("ebpf.program.name", .string($0))], time: span, value: .int(Int64(clamping: $1.runs)))
        }
        return [
            Metric(
                name: "ebpf.agent.program.time", description: "Kernel time of the agent's programs, estimated from one run in 64.", unit: "s",
                data: .sum(times, .cumulative, .monotonic)),
            Metric(
                name: "ebpf.agent.program.runs", description: "Runs of the agent's programs in the kernel.", unit: "{run}",
                data: .sum(runs, .cumulative, .monotonic)),
        ]
    }

    private func maps(_ maps: [MapReading], _ now: TimeSpan) -> [Metric] {
        if maps.isEmpty { return [] }
        let points = maps.map {
            NumberPoint(
                attributes: [Attribute("ebpf.map.name", .string($0.name))], time: now, value: .double(Double($0.used) / Double(max($0.capacity, 1))))
        }
        return [Metric(name: "ebpf.agent.map.usage", description: "Used share of each map of groups.", unit: "1", data: .gauge(points))]
    }

    /// `process.memory.usage` may fall, so it is a sum that is not monotonic, as in the conventions.
    private func process(_ process: ProcessReading, _ span: TimeSpan) -> [Metric] {
        let times = [("user", process.userSeconds), ("system", process.systemSeconds)].map {
            NumberPoint(attributes: [Attribute("cpu.mode", .string($0))], time: span, value: .double($1))
        }
        return [
            Metric(name: "process.cpu.time", description: "CPU time of the agent.", unit: "s", data: .sum(times, .cumulative, .monotonic)),
            Metric(
                name: "process.memory.usage", description: "Resident memory of the agent.", unit: "By",
                data: .sum([NumberPoint(time: span, value: .int(process.residentBytes))], .cumulative, .nonMonotonic)),
        ]
    }
}
