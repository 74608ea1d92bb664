// One window as rows: for each table its cells, what it is sorted and filtered by, and the number that its trend shows.
// TopHistory keeps them, TopLayout puts them on lines.
// It never cuts or pads: cells hold values, not text of a width.

import ProbeCore
import ProbePrograms

enum TopCell: Equatable {
    case count(UInt64)
    /// A count of what should not happen: red when it is not zero.
    case trouble(UInt64)
    case seconds(Double?)
    case bytes(UInt64)
    case percent(Double)
    case text(String)
    /// A text that says that something failed.
    case failure(String)
    case trend
    case nothing
}

struct TopRow: Equatable {
    struct Key: Hashable {
        var cgroup: UInt64
        var label: String
    }

    var key: Key
    /// One for each column of its view.
    var cells: [TopCell]
    /// What the trend shows.
    var weight: Double
    /// What the filter looks at: the container, of a hook its name.
    var owner: String
    /// Whether it is from an earlier window, and nothing happened in this one.
    var isOld = false
}

/// Makes the rows of one window.
struct TopRows {
    let window: TopWindow
    let names: TopNames
    let unit: HistogramUnit

    func all() -> [TopView: [TopRow]] { TopView.allCases.reduce(into: [:]) { $0[$1] = rows(of: $1) } }

    func rows(of view: TopView) -> [TopRow] {
        switch view {
        case .events: eventRows
        case .costs: costRows
        default: window.reading.cgroups.flatMap { rows(of: view, $0.key, $0.value) }
        }
    }

    private func rows(of view: TopView, _ cgroup: UInt64, _ counts: CgroupCounts) -> [TopRow] {
        let make = { (label: String, weight: Double, cells: [TopCell]) -> TopRow in
            let name = names.name(of: cgroup)
            return TopRow(key: .init(cgroup: cgroup, label: label), cells: cells + [.text(name)], weight: weight, owner: name)
        }
        switch view {
        case .overview: return [make("", Double(counts.eventCount), overview(counts))]
        case .sched: return counts.latency.count + counts.voluntary + counts.involuntary > 0 ? [make("", counts.latency.sum, sched(counts))] : []
        case .tcp: return tcp(counts).map { make($0.what, Double($0.count), $0.cells) }
        case .drops: return counts.drops.map { make("\($0.key.first) \($0.key.error)", Double($0.value.packets), drop($0.key, $0.value)) }
        case .dns: return counts.lookups.map { make($0.key.name + " " + ($0.key.error ?? ""), Double($0.value.count), lookup($0.key, $0.value)) }
        case .disk:
            return counts.disks.map { label, durations in
                let what = names.device(label.first) + " " + TopLabels.diskDirection(label.error)
                return make(what, Double(durations.count), timed(durations) + [.trend, .text(what)])
            }
        case .files:
            return counts.files.map { make($0.key, Double($0.value.operations), file($0.key, $0.value)) }
                + counts.fileTimes.map { make("(\($0.key.first) \($0.key.error))", Double($0.value.count), fileCall($0.key, $0.value)) }
        case .calls:
            return counts.systemCalls.map { call(make, $0, Double($1.count), timed($1)) }
                + counts.systemCallCounts.map { call(make, $0, Double($1), [.count($1), .nothing, .nothing, .nothing]) }
        case .events, .costs: return []
        }
    }

    // MARK: Cells

    private func timed(_ durations: Durations) -> [TopCell] {
        [.count(durations.count), .seconds(durations.quantile(0.5, unit)), .seconds(durations.quantile(0.99, unit)), .seconds(durations.sum)]
    }

    private func overview(_ counts: CgroupCounts) -> [TopCell] {
        [
            .count(counts.eventCount), .seconds(counts.latency.sum), .seconds(counts.latency.quantile(0.99, unit)),
            .count(counts.connectCount(.client, failed: false) + counts.connectCount(.server, failed: false)),
            .trouble(counts.connectCount(.client, failed: true) + counts.connectCount(.server, failed: true)),
            .trouble(counts.retransmits.values.reduce(0, +)), .trouble(counts.drops.values.reduce(0) { $0 + $1.packets }),
            .count(counts.lookups.values.reduce(0) { $0 + $1.count }), .count(counts.disks.total),
            .count(counts.files.values.reduce(0) { $0 + $1.operations }), .count(counts.systemCallCount), .trend,
        ]
    }

    private func sched(_ counts: CgroupCounts) -> [TopCell] {
        let waits = counts.latency
        return [
            .seconds(waits.quantile(0.5, unit)), .seconds(waits.quantile(0.99, unit)), .seconds(waits.sum), .count(waits.count), .count(counts.voluntary),
            .count(counts.involuntary), .trend,
        ]
    }

    private func tcp(_ counts: CgroupCounts) -> [(what: String, count: UInt64, cells: [TopCell])] {
        var rows: [(String, UInt64, [TopCell])] = []
        func add(_ what: String, _ durations: Durations, failed: Bool = false) {
            rows.append((what, durations.count, timed(durations) + [.trend, failed ? .failure(what) : .text(what)]))
        }
        func add(_ what: String, _ count: UInt64) {
            rows.append((what, count, [.count(count), .nothing, .nothing, .nothing, .trend, .failure(what)]))
        }
        for (label, durations) in counts.connects {
            let verb = label.first == ConnectKey.Role.server.rawValue ? "accept" : "connect"
            add(label.error == 0 ? verb : "\(verb) \(TopLabels.error(label.error))", durations, failed: label.error != 0)
        }
        for (label, durations) in counts.lifetimes { add("lifetime \(TopLabels.role(label.first))", durations) }
        if counts.roundTrips.count > 0 { add("round trip", counts.roundTrips) }
        for (label, segments) in counts.retransmits {
            add("resent \(TopLabels.kind(label.first))" + (label.error == 0 ? "" : " " + TopLabels.error(label.error)), segments)
        }
        for (label, resets) in counts.resets { add("reset \(TopLabels.direction(label.first))", resets) }
        return rows
    }

    private func call(_ make: (String, Double, [TopCell]) -> TopRow, _ label: CgroupCounts.Label, _ count: Double, _ cells: [TopCell]) -> TopRow {
        let what = TopLabels.systemCall(label.first) + (label.error == 0 ? "" : " " + TopLabels.error(label.error))
        return make(what, count, cells + [.trend, label.error == 0 ? .text(what) : .failure(what)])
    }

    private func drop(_ label: CgroupCounts.Label, _ counts: DropCounts) -> [TopCell] {
        let transport = label.error & 0xffff
        return [
            .count(counts.packets), .bytes(counts.bytes), .trend, .text(names.reason(label.first)),
            .text(transport == DropKey.noTransport ? "-" : TransportNames.name(of: transport)), .text(TopLabels.direction(label.error >> 16)),
        ]
    }

    private func lookup(_ label: LookupCounts.Label, _ counts: LookupCounts) -> [TopCell] {
        let mean = counts.count > 0 ? Double(counts.sumNanoseconds) / Double(counts.count) / 1e9 : 0
        return [
            .count(counts.count), .seconds(mean), .seconds(counts.quantile(0.99)), .trend, label.error.map { .failure($0) } ?? .text("answered"),
            .text(label.name),
        ]
    }

    private func file(_ template: String, _ counts: FileCounts) -> [TopCell] {
        [
            .count(counts.opens), .count(counts.reads), .count(counts.writes), .count(counts.syncs), .bytes(counts.readBytes), .bytes(counts.writtenBytes),
            .nothing, .trend, .text(template),
        ]
    }

    /// All opens or syncs of a container that ended alike: they have times, which paths have not.
    private func fileCall(_ label: CgroupCounts.Label, _ durations: Durations) -> [TopCell] {
        let isOpen = label.first == FileTimeKey.Operation.open.rawValue
        let what = "(\(TopLabels.fileOperation(label.first))" + (label.error == 0 ? ", all)" : " \(TopLabels.error(label.error)))")
        return [
            isOpen ? .count(durations.count) : .nothing, .nothing, .nothing, isOpen ? .nothing : .count(durations.count), .nothing, .nothing,
            .seconds(durations.quantile(0.99, unit)), .trend, label.error == 0 ? .text(what) : .failure(what),
        ]
    }

    // MARK: Tables without groups

    private var eventRows: [TopRow] {
        window.events.enumerated().map { place, event in
            let age = Double(window.nowNanoseconds &- min(event.nanoseconds, window.nowNanoseconds)) / 1e9
            var what = event.executable.isEmpty ? "?" : event.executable
            if let signal = event.signalName { what += " " + signal }
            if let bytes = event.anonymousBytes, event.kind == .oomKill { what += " " + byteText(UInt64(clamping: bytes)) }
            let kind = TopLabels.event(event.kind), name = names.name(of: event.cgroup)
            let cells: [TopCell] = [
                .seconds(age), .count(UInt64(event.pid)), event.kind == .exec ? .text(kind) : .failure(kind), .text(what), .text(name),
            ]
            return TopRow(key: .init(cgroup: event.cgroup, label: "\(event.nanoseconds) \(place)"), cells: cells, weight: 0, owner: name)
        }
    }

    private var costRows: [TopRow] {
        let share = { (seconds: Double) in window.seconds > 0 ? seconds / window.seconds * 100 : 0 }
        let hooks = window.costs.map { cost -> TopRow in
            let losses = ProgramLosses.Reason.allCases.filter { cost.losses[$0] ?? 0 > 0 }.map { "\($0.rawValue) \(cost.losses[$0] ?? 0)" }
            let cells: [TopCell] = [
                .count(cost.runs), .seconds(cost.nanosecondsPerRun.map { $0 / 1e9 }), .percent(share(cost.seconds)), .count(cost.skipped),
                .trouble(cost.lost), .trend, .text(cost.function), .text(([cost.program] + losses).joined(separator: ", ")),
            ]
            return TopRow(key: .init(cgroup: 0, label: cost.program + " " + cost.function), cells: cells, weight: cost.seconds, owner: cost.function)
        }
        let own: [TopCell] = [
            .nothing, .nothing, .percent(share(window.ownSeconds)), .nothing, .nothing, .trend, .text("(sonde top)"), .text("this process"),
        ]
        let off = window.off.map { hook in
            let cells: [TopCell] = [.nothing, .nothing, .nothing, .nothing, .nothing, .trend, .failure(hook.function), .text("off: " + hook.reason)]
            return TopRow(key: .init(cgroup: 0, label: hook.program + " " + hook.function + " off"), cells: cells, weight: 0, owner: hook.function)
        }
        return hooks + [TopRow(key: .init(cgroup: 0, label: ""), cells: own, weight: window.ownSeconds, owner: "(sonde top)")] + off
    }
}

extension Durations {
    /// In seconds.
    var sum: Double { Double(sumNanoseconds) / 1e9 }
}

extension LookupCounts {
    /// The upper bound of the bucket that holds the quantile; nil behind the last bound.
    func quantile(_ share: Double) -> Double? {
        var seen: UInt64 = 0
        for (bound, events) in zip(DNSLookups.Lookups.bounds, buckets) {
            seen += events
            if count > 0, Double(seen) >= share * Double(count) { return bound }
        }
        return nil
    }
}
