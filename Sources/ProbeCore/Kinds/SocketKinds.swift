// Open TCP sockets as metrics: connections by state, connections that a listener could not take.
// GroupKind lists them; SocketTable counts.
// They never change a series.

import OTLPMessages

extension GroupKind {
    static let connections = GroupKind(
        table: "connections", valueBytes: 8, eventClass: .openSocket, events: { _ in 0 },
        metrics: { series, context in
            [
                context.upDownCounter("system.network.connection.count", "TCP sockets that processes have open.", unit: "{connection}", series) { label in
                    guard case .exact(let state, _) = label else { return [Attribute("network.connection.state", .string(overflowValue))] }
                    return [Attribute("network.connection.state", .string(ConnectionState.name(of: state))), Attribute("network.transport", "tcp")]
                }
            ]
        })

    static let listenOverflows = GroupKind(
        table: "listen_overflows", valueBytes: 8, eventClass: .openSocket, events: { $0[0] },
        metrics: { series, context in
            [
                context.sum(
                    "ebpf.tcp.listen.overflows", "Connections that a listener dropped, most often because its accept queue was full.", unit: "{connection}",
                    series, at: 0
                ) { _ in [] }
            ]
        })
}

/// `network.connection.state` of the semantic conventions for include/net/tcp_states.h.
enum ConnectionState {
    private static let names = [
        "established", "syn_sent", "syn_received", "fin_wait_1", "fin_wait_2", "time_wait", "closed", "close_wait", "last_ack", "listen", "closing",
    ]

    static func name(of state: UInt32) -> String {
        // 12 is a connection request that is not yet a socket.
        if state == 12 { return "syn_received" }
        return state >= 1 && state <= names.count ? names[Int(state) - 1] : "\(state)"
    }
}
