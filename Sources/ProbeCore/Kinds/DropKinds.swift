// Dropped packets as metrics.
// GroupKind lists it.
// It never changes a series.

import OTLPMessages
import ProbePrograms

extension GroupKind {
    static let drops = GroupKind(
        map: "drops", keyBytes: DropKey.byteCount, valueBytes: DropValue.byteCount, eventClass: .drop, points: 2,
        events: { $0[DropValue.packetsOffset] },
        metrics: { series, context in
            [
                context.sum("ebpf.network.drops", "Packets that the kernel dropped.", unit: "{packet}", series, at: DropValue.packetsOffset) {
                    dropAttributes($0, context)
                },
                context.sum("ebpf.network.drops.size", "Bytes of packets that the kernel dropped.", unit: "By", series, at: DropValue.bytesOffset) {
                    dropAttributes($0, context)
                },
            ]
        })

    private static func reason(_ label: SeriesKey.Label, _ context: MetricsContext) -> String {
        guard case .exact(let reason, _) = label else { return overflowValue }
        if let name = context.names.dropReasons[reason] { return name }
        // A subsystem's own reasons are in its module's type information, which a pod does not see: the number stands behind the subsystem's name.
        return context.names.dropReasons[reason & 0xffff_0000].map { "\($0)_\(reason & 0xffff)" } ?? "\(reason)"
    }

    private static func dropAttributes(_ label: SeriesKey.Label, _ context: MetricsContext) -> [Attribute] {
        let name = Attribute("network.drop.reason", .string(reason(label, context)))
        guard case .exact(_, let second) = label else { return [name] }
        let direction = TransferDirection(rawValue: second >> 16).map { "\($0)" } ?? "\(second >> 16)"
        let transport = second & 0xffff
        return [name, Attribute("network.io.direction", .string(direction))]
            + (transport == DropKey.noTransport ? [] : [Attribute("network.transport", .string(TransportNames.name(of: transport)))])
    }
}

/// `network.transport` of an IP protocol's number (IANA protocol numbers).
public enum TransportNames {
    public static func name(of number: UInt32) -> String {
        switch number {
        case 1: "icmp"
        case 6: "tcp"
        case 17: "udp"
        case 58: "icmpv6"
        case 132: "sctp"
        default: "\(number)"
        }
    }
}
