// What the host's network namespace tells of itself, as metrics: drops of its devices, the drift of our count of retransmitted segments.
// GroupKind lists them; NetworkFiles reads the files.
// They never change a series.

import OTLPMessages
import ProbePrograms

extension GroupKind {
    static let deviceDrops = GroupKind(
        table: "device_drops", valueBytes: 8, eventClass: .hostFile, firstIsText: true, events: { _ in 0 },
        metrics: { series, context in
            [
                context.sum("system.network.packet.dropped", "Packets that network devices dropped.", unit: "{packet}", series, at: 0) { label in
                    guard case .exact(let device, let direction) = label else { return [Attribute("network.interface.name", .string(overflowValue))] }
                    return [
                        Attribute("network.interface.name", .string(context.labels.text(device))),
                        Attribute("network.io.direction", .string(TransferDirection(rawValue: direction).map { "\($0)" } ?? "\(direction)")),
                    ]
                }
            ]
        })

    static let retransmitDrift = GroupKind(
        table: "retransmit_drift", valueBytes: 8, eventClass: .hostFile, events: { _ in 0 },
        metrics: { series, context in
            [
                context.gauge(
                    "ebpf.tcp.retransmits.drift", "Segments sent again in the host's network namespace that only the kernel's own counter has.",
                    unit: "{segment}", series)
            ]
        })
}
