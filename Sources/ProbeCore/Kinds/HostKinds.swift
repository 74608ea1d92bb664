// What files of the host say, as metrics: steal, throttling, pressure.
// GroupKind lists them; HostFiles reads the files.
// They never change a series.

import OTLPMessages

extension GroupKind {
    static let steal = GroupKind(
        table: "steal", valueBytes: 8, eventClass: .hostFile, events: { _ in 0 },
        metrics: { series, context in
            [
                context.seconds("system.cpu.time", "CPU time that a hypervisor gave to others.", series) { label in
                    guard case .exact(let cpu, _) = label else { return [Attribute("cpu.mode", "steal")] }
                    return [Attribute("cpu.logical_number", .int(Int64(cpu))), Attribute("cpu.mode", "steal")]
                }
            ]
        })

    static let throttling = GroupKind(
        table: "throttling", valueBytes: 8, eventClass: .hostFile, events: { _ in 0 },
        metrics: { series, context in
            [context.seconds("ebpf.cgroup.throttled.time", "Time in which tasks could not run because the CPU quota was used up.", series) { _ in [] }]
        })

    static let pressure = GroupKind(
        table: "pressure", valueBytes: 8, eventClass: .hostFile, events: { _ in 0 },
        metrics: { series, context in
            [
                context.seconds("ebpf.cgroup.pressure.time", "Time in which tasks waited for a resource.", series) { label in
                    guard case .exact(let resource, let kind) = label else { return [Attribute("ebpf.pressure.resource", .string(overflowValue))] }
                    return [
                        Attribute("ebpf.pressure.kind", .string(PressureKind(rawValue: kind).map { "\($0)" } ?? "\(kind)")),
                        Attribute("ebpf.pressure.resource", .string(PressureResource(rawValue: resource).map { "\($0)" } ?? "\(resource)")),
                    ]
                }
            ]
        })
}
