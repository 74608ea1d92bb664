// System calls as metrics.
// GroupKind lists them.
// They never change a series.

import OTLPMessages
import ProbePrograms

extension GroupKind {
    static let syscalls = GroupKind(
        map: "syscalls", keyBytes: SyscallKey.byteCount, valueBytes: HistogramLayout.byteCount, eventClass: .syscall,
        events: { $0.histogram().count },
        metrics: { series, context in
            [
                context.histogram("ebpf.syscall.duration", "Time in system calls.", series) { label in
                    guard case .exact(let number, let error) = label else { return [Attribute("syscall.name", .string(overflowValue))] }
                    let name = SystemCalls.name(of: number) ?? "\(number)"
                    let wait = SystemCallWaits.contains(name) ? [Attribute("syscall.wait", true)] : []
                    return [Attribute("syscall.name", .string(name))] + context.errorType(error) + wait
                }
            ]
        })

    /// Of the program that takes no times.
    static let syscallCalls = GroupKind(
        map: "syscall_calls", keyBytes: SyscallKey.byteCount, valueBytes: SyscallCount.byteCount, eventClass: .syscall,
        events: { $0[SyscallCount.callsOffset] },
        metrics: { series, context in
            [
                context.sum("ebpf.syscall.calls", "System calls.", unit: "{call}", series, at: SyscallCount.callsOffset) { label in
                    guard case .exact(let number, let error) = label else { return [Attribute("syscall.name", .string(overflowValue))] }
                    return [Attribute("syscall.name", .string(SystemCalls.name(of: number) ?? "\(number)"))] + context.errorType(error)
                }
            ]
        })
}
