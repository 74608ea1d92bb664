// The scheduler's groups as metrics: run-queue latency and context switches.
// GroupKind lists it.
// It never changes a series.

import OTLPMessages
import ProbePrograms

extension GroupKind {
    static let sched = GroupKind(
        map: "sched_groups", keyBytes: SchedKey.byteCount, valueBytes: SchedValue.byteCount, eventClass: .sched, points: 3,
        events: { $0.histogram().count &+ $0[SchedValue.voluntaryOffset] &+ $0[SchedValue.involuntaryOffset] },
        metrics: { series, context in
            [
                context.histogram("ebpf.sched.runqueue.latency", "Time that tasks waited for a CPU after they became runnable.", series) { _ in [] },
                context.sum(
                    "process.context_switches", "Times that tasks left a CPU.", unit: "{context_switch}",
                    series.flatMap { series in
                        [
                            ([Attribute("process.context_switch.type", "voluntary")], series, series.row[SchedValue.voluntaryOffset]),
                            ([Attribute("process.context_switch.type", "involuntary")], series, series.row[SchedValue.involuntaryOffset]),
                        ]
                    }),
            ]
        })
}
