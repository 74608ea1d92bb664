// Block IO latency as a metric.
// GroupKind lists it.
// It never changes a series.

import OTLPMessages
import ProbePrograms

extension GroupKind {
    static let disks = GroupKind(
        map: "disks", keyBytes: DiskKey.byteCount, valueBytes: HistogramLayout.byteCount, eventClass: .disk,
        events: { $0.histogram().count },
        metrics: { series, context in
            [
                context.histogram("ebpf.disk.io.duration", "Time of block requests.", series) { label in
                    guard case .exact(let number, let direction) = label else { return [Attribute("system.device", .string(overflowValue))] }
                    let name = DiskKey.Direction(rawValue: direction).map { "\($0)" } ?? "\(direction)"
                    let device = context.names.devices[number] ?? "\(number >> 20):\(number & 0xfffff)"
                    return [Attribute("disk.io.direction", .string(name)), Attribute("system.device", .string(device))]
                }
            ]
        })
}
