// TCP's groups as metrics: connection latency and failures, retransmitted segments.
// GroupKind lists them.
// They never change a series.

import OTLPMessages
import ProbePrograms

extension GroupKind {
    static let connects = GroupKind(
        map: "connects", keyBytes: ConnectKey.byteCount, valueBytes: HistogramLayout.byteCount, eventClass: .connect,
        events: { $0.histogram().count },
        metrics: { series, context in
            [
                context.histogram("ebpf.tcp.connect.duration", connectDescription, series) { label in
                    guard case .exact(let first, let error) = label else { return [Attribute("network.tcp.role", .string(overflowValue))] }
                    let (role, port) = ConnectKey.roleAndPort(first)
                    let name = ConnectKey.Role(rawValue: role).map { $0 == .client ? "client" : "server" } ?? "\(role)"
                    let place = role == ConnectKey.Role.server.rawValue ? "network.local.port" : "network.peer.port"
                    let ports = port == 0 ? [] : [Attribute(place, .int(Int64(port)))]
                    return [Attribute("network.tcp.role", .string(name))] + ports + context.errorType(error)
                }
            ]
        })

    /// Clients' connections whose peers' addresses are told; the metric is that of `connects`. First number: the address' text. Second: `PeerLabel`.
    public static let peers = GroupKind(
        table: "connect_peers", valueBytes: HistogramLayout.byteCount, eventClass: .connect, firstIsText: true, keepsSecond: true,
        events: { $0.histogram().count },
        metrics: { series, context in
            [
                context.histogram("ebpf.tcp.connect.duration", connectDescription, series) { label in
                    guard case .exact(let address, let word) = label else {
                        return [Attribute("network.tcp.role", .string(overflowValue)), Attribute("network.peer.address", .string(overflowValue))]
                    }
                    let label = PeerLabel(word)
                    let ports = label.port == 0 ? [] : [Attribute("network.peer.port", .int(Int64(label.port)))]
                    return [Attribute("network.tcp.role", "client"), Attribute("network.peer.address", .string(context.labels.text(address)))] + ports
                        + context.errorType(label.error)
                }
            ]
        })

    private static let connectDescription = "Time until a TCP connection was established or failed."

    static let retransmits = GroupKind(
        map: "retransmits", keyBytes: RetransmitKey.byteCount, valueBytes: RetransmitValue.byteCount, eventClass: .retransmit,
        events: { $0[RetransmitValue.segmentsOffset] },
        metrics: { series, context in
            [
                context.sum("ebpf.tcp.retransmits", "TCP segments sent again.", unit: "{segment}", series, at: RetransmitValue.segmentsOffset) { label in
                    guard case .exact(let kind, let error) = label else { return [Attribute("tcp.retransmit.kind", .string(overflowValue))] }
                    let name = RetransmitKey.Kind(rawValue: kind).map { "\($0)" } ?? "\(kind)"
                    return [Attribute("tcp.retransmit.kind", .string(name))] + context.errorType(error)
                }
            ]
        })

    static let lifetimes = GroupKind(
        map: "lifetimes", keyBytes: LifetimeKey.byteCount, valueBytes: HistogramLayout.byteCount, eventClass: .lifetime,
        events: { $0.histogram().count },
        metrics: { series, context in
            [
                context.histogram("ebpf.tcp.connection.duration", "Time from a TCP connection's establishment to its end.", series) { label in
                    guard case .exact(let role, _) = label else { return [Attribute("network.tcp.role", .string(overflowValue))] }
                    let name = ConnectKey.Role(rawValue: role).map { $0 == .client ? "client" : "server" } ?? "\(role)"
                    return [Attribute("network.tcp.role", .string(name))]
                }
            ]
        })

    static let roundTrips = GroupKind(
        map: "round_trips", keyBytes: RoundTripKey.byteCount, valueBytes: HistogramLayout.byteCount, eventClass: .roundTrip,
        events: { $0.histogram().count },
        metrics: { series, context in [context.histogram("ebpf.tcp.rtt", "Smoothed round-trip time at a sample of the received segments.", series) { _ in [] }]
        })

    static let resets = GroupKind(
        map: "resets", keyBytes: ResetKey.byteCount, valueBytes: ResetValue.byteCount, eventClass: .reset,
        events: { $0[ResetValue.resetsOffset] },
        metrics: { series, context in
            [
                context.sum("ebpf.tcp.resets", "TCP resets.", unit: "{reset}", series, at: ResetValue.resetsOffset) { label in
                    guard case .exact(let direction, _) = label else { return [Attribute("network.io.direction", .string(overflowValue))] }
                    return [Attribute("network.io.direction", .string(TransferDirection(rawValue: direction).map { "\($0)" } ?? "\(direction)"))]
                }
            ]
        })
}
