// Open TCP sockets as the newest walk over all tasks found them: connections by state, and what listeners could not take.
// The agent hands each walk over before an export.
// It never keeps a socket that a walk did not find.

import ProbePrograms

/// A TCP socket that a process has open.
public struct OpenSocket: Sendable, Hashable {
    /// The kernel's address: one socket for as long as walks find it.
    public var address: UInt64
    public var cgroup: UInt64
    public var walk: UInt64
    /// Of a listener: connections that it could not take since it began to listen.
    public var drops: UInt32
    /// include/net/tcp_states.h
    public var state: UInt32

    public init(address: UInt64, cgroup: UInt64, walk: UInt64, drops: UInt32, state: UInt32) {
        self.address = address
        self.cgroup = cgroup
        self.walk = walk
        self.drops = drops
        self.state = state
    }

    /// An entry of `open_sockets`; nil when its sizes are wrong.
    public init?(_ entry: RawGroup) {
        guard entry.key.count == 8, entry.values.count == 1, entry.values[0].count == OpenSocketLayout.byteCount else { return nil }
        address = entry.key.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        (cgroup, walk, drops, state) = entry.values[0].withUnsafeBytes { bytes in
            (
                bytes.loadUnaligned(fromByteOffset: OpenSocketLayout.cgroupOffset, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: OpenSocketLayout.walkOffset, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: OpenSocketLayout.dropsOffset, as: UInt32.self),
                bytes.loadUnaligned(fromByteOffset: OpenSocketLayout.stateOffset, as: UInt32.self)
            )
        }
    }
}

/// Differences between walks.
public struct SocketTable: Sendable {
    static let listen: UInt32 = 10

    /// Drops of each listener at the newest walk.
    private var listeners: [UInt64: UInt32] = [:]
    private var isFirst = true

    public init() {}

    /// Takes a walk. What listeners dropped before the first walk is not counted; a listener that is new later counts from its beginning.
    public mutating func take(_ sockets: [OpenSocket], into aggregator: inout ProbeAggregator) {
        aggregator.setGauges(sockets.map { ($0.cgroup, $0.state, 0, 1) }, kind: .connections)
        var next: [UInt64: UInt32] = [:]
        for socket in sockets where socket.state == Self.listen {
            next[socket.address] = socket.drops
            let before = listeners[socket.address] ?? (isFirst ? socket.drops : 0)
            // The counter has 32 bits and may run over; an address that another listener got begins again.
            let news = listeners[socket.address] != nil && socket.drops < before ? socket.drops : socket.drops &- before
            aggregator.count(CounterRow([UInt64(news)]), cgroup: socket.cgroup, kind: .listenOverflows)
        }
        listeners = next
        isFirst = false
    }
}
