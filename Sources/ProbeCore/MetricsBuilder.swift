// Names, units and attributes of what the agent measures, and the series as OTLP metrics under them.
// ProbeAggregator calls it once a window; docs/signals.md describes the same names.
// It never changes a series.

import OTLPMessages
import ProbePrograms

struct MetricsBuilder {
    let settings: ProbeAggregator.Settings
    let endUnixNanoseconds: UInt64

    /// One resource for each owner, with the metrics that it has series for.
    func metrics(of store: SeriesStore) -> [ResourceMetrics] {
        store.owners.map { owner, series in
            ResourceMetrics(resource: owner.resource(on: settings.node), scope: settings.scope, metrics: metrics(of: series))
        }
    }

    private func metrics(of series: [SeriesKey: Series]) -> [Metric] {
        let byKind = Dictionary(grouping: series) { $0.key.kind }
        return GroupKind.allCases.flatMap { kind in byKind[kind].map { metrics(kind, $0.map { ($0.key.label, $0.value) }) } ?? [] }
    }

    private func metrics(_ kind: GroupKind, _ series: [(SeriesKey.Label, Series)]) -> [Metric] {
        switch kind {
        case .sched:
            [
                histogram(
                    "ebpf.sched.runqueue.latency", "Time that tasks waited for a CPU after they became runnable.", series.map { ([], $1) }),
                sum(
                    "process.context_switches", "Times that tasks left a CPU.", unit: "{context_switch}",
                    series.flatMap { _, series in
                        [
                            ([Attribute("process.context_switch.type", "voluntary")], series, series.row[SchedValue.voluntaryOffset]),
                            ([Attribute("process.context_switch.type", "involuntary")], series, series.row[SchedValue.involuntaryOffset]),
                        ]
                    }),
            ]
        case .connects:
            [histogram("ebpf.tcp.connect.duration", "Time until a TCP connection was established or failed.", series.map { (connect($0), $1) })]
        case .retransmits:
            [
                sum(
                    "ebpf.tcp.retransmits", "TCP segments sent again.", unit: "{segment}",
                    series.map { (retransmit($0), $1, $1.row[RetransmitValue.segmentsOffset]) })
            ]
        case .syscalls:
            [histogram("ebpf.syscall.duration", "Time in system calls.", series.map { (systemCall($0), $1) })]
        }
    }

    // MARK: Points

    private func histogram(_ name: String, _ description: String, _ points: [([Attribute], Series)]) -> Metric {
        let points = points.map { attributes, series in series.row.histogram().point(attributes: attributes, time: time(series)) }
        return Metric(name: name, description: description, unit: "s", data: .exponentialHistogram(points, .cumulative))
    }

    private func sum(_ name: String, _ description: String, unit: String, _ points: [([Attribute], Series, UInt64)]) -> Metric {
        let points = points.map { attributes, series, value in
            NumberPoint(attributes: attributes, time: time(series), value: .int(Int64(clamping: value)))
        }
        return Metric(name: name, description: description, unit: unit, data: .sum(points, .cumulative, .monotonic))
    }

    private func time(_ series: Series) -> TimeSpan {
        TimeSpan(startUnixNanoseconds: series.startUnixNanoseconds, endUnixNanoseconds: endUnixNanoseconds)
    }

    // MARK: Attributes

    private func connect(_ label: SeriesKey.Label) -> [Attribute] {
        guard case .exact(let role, let error) = label else { return [Attribute("network.tcp.role", .string(overflowValue))] }
        let name = ConnectKey.Role(rawValue: role).map { $0 == .client ? "client" : "server" } ?? "\(role)"
        return [Attribute("network.tcp.role", .string(name))] + errorType(error)
    }

    private func retransmit(_ label: SeriesKey.Label) -> [Attribute] {
        guard case .exact(let kind, let error) = label else { return [Attribute("tcp.retransmit.kind", .string(overflowValue))] }
        let name = RetransmitKey.Kind(rawValue: kind).map { "\($0)" } ?? "\(kind)"
        return [Attribute("tcp.retransmit.kind", .string(name))] + errorType(error)
    }

    private func systemCall(_ label: SeriesKey.Label) -> [Attribute] {
        guard case .exact(let number, let error) = label else { return [Attribute("syscall.name", .string(overflowValue))] }
        let name = SystemCalls.name(of: number) ?? "\(number)"
        let wait = SystemCallWaits.contains(name) ? [Attribute("syscall.wait", true)] : []
        return [Attribute("syscall.name", .string(name))] + errorType(error) + wait
    }

    /// `error.type`: the kernel's own name of the error (`ECONNREFUSED`), the conventions' `_OTHER` when the kernel gave none; left out on success.
    private func errorType(_ error: UInt32) -> [Attribute] {
        if error == 0 { return [] }
        let name = error == unknownKernelError ? "_OTHER" : ErrorNames.name(of: error) ?? "\(error)"
        return [Attribute("error.type", .string(name))]
    }
}
