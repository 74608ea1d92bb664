// Drops of network devices between two readings.
// The agent hands each reading of /proc/net/dev over before an export.
// It never tells more than `devicesMax` devices apart: what the others dropped is counted together as `~other`.

import ProbePrograms

public struct DeviceTable: Sendable {
    /// More than a node has of its own; the node's ends of its pods' devices are left out by the reader.
    public static let devicesMax = 64

    private var last: [String: NetworkFiles.Device] = [:]
    private var isFirst = true

    public init() {}

    /// Takes a reading. What was dropped before the first is not counted; a device that is new later counts from its beginning.
    /// - Parameter host: the cgroup whose owner is the host.
    public mutating func take(_ devices: [NetworkFiles.Device], host: UInt64, into aggregator: inout ProbeAggregator) {
        var next: [String: NetworkFiles.Device] = [:]
        for device in devices {
            next[device.name] = device
            let before = last[device.name] ?? (isFirst ? device : .init(name: device.name, receivedDropped: 0, transmittedDropped: 0))
            let label = aggregator.labels.number(for: device.name)
            count(device.receivedDropped, since: before.receivedDropped, label, .receive, host, &aggregator)
            count(device.transmittedDropped, since: before.transmittedDropped, label, .transmit, host, &aggregator)
        }
        last = next
        isFirst = false
    }

    /// A counter that fell belongs to another device of the same name.
    private func count(
        _ now: UInt64, since before: UInt64, _ label: UInt32, _ direction: TransferDirection, _ host: UInt64, _ aggregator: inout ProbeAggregator
    ) {
        aggregator.count(CounterRow([now < before ? now : now - before]), cgroup: host, first: label, second: direction.rawValue, kind: .deviceDrops)
    }
}

/// How far the kernel's own count of retransmitted segments and ours are apart.
public struct RetransmitDrift: Sendable {
    private var start: (kernel: UInt64, ours: UInt64)?

    public init() {}

    /// Takes a reading of both; gives the kernel's count minus ours since the first reading, which is 0 as long as nothing is missed.
    ///
    /// Both are read one after the other: a segment that is sent again in between is in one of them until the next reading.
    public mutating func take(kernel: UInt64, ours: UInt64) -> Int64 {
        guard let start, kernel >= start.kernel, ours >= start.ours else {
            start = (kernel, ours)
            return 0
        }
        return Int64(clamping: kernel - start.kernel) - Int64(clamping: ours - start.ours)
    }
}

extension ProbeAggregator {
    /// Puts the drift up, for the host.
    public mutating func setRetransmitDrift(_ segments: Int64, host: UInt64) {
        setGauges([(host, 0, 0, UInt64(bitPattern: segments))], kind: .retransmitDrift)
    }

    /// Puts up the host's sockets by state, in the place of what walks over all tasks find.
    public mutating func setConnections(byState counts: [UInt32: UInt64], host: UInt64) {
        setGauges(counts.map { (host, $0.key, 0, $0.value) }, kind: .connections)
    }
}
