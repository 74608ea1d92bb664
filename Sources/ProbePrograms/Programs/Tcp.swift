// TCP's program: hooks, maps and where each field lies in them.
// The loader, the agent and `sonde` take it from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/tcp.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// TCP connection latency and failures, retransmitted segments.
    public static let tcp = ProbeProgram(
        name: "tcp",
        hooks: [
            ProbeHook(function: "inet_sock_set_state", tracepoint: "inet_sock_set_state", leastKernel: "5.11", purpose: "a connection is made or fails"),
            ProbeHook(function: "tcp_retransmit_skb", tracepoint: "tcp_retransmit_skb", leastKernel: "5.11", purpose: "segments are sent again"),
            ProbeHook(function: "tcp_retransmit_synack", tracepoint: "tcp_retransmit_synack", leastKernel: "5.11", purpose: "a SYN-ACK is sent again"),
        ],
        groupMaps: [
            ProbeMap(name: "connects", keyBytes: ConnectKey.byteCount, valueBytes: HistogramLayout.byteCount, entries: 4096, leastEntries: 512),
            ProbeMap(name: "retransmits", keyBytes: RetransmitKey.byteCount, valueBytes: RetransmitValue.byteCount, entries: 4096, leastEntries: 512),
        ],
        signals: [
            ProbeSignal(metric: "ebpf.tcp.connect.duration", needs: ["inet_sock_set_state"], completedBy: []),
            ProbeSignal(metric: "ebpf.tcp.retransmits", needs: ["tcp_retransmit_skb"], completedBy: ["tcp_retransmit_synack"]),
        ],
        cost: .low,
        base64: TcpObject.base64)
}

/// The value is a histogram: of a client from SYN to established or failed, of a server from SYN-ACK to established.
public enum ConnectKey {
    public static let cgroupOffset = 0
    public static let roleOffset = 8
    public static let errorOffset = 12
    public static let byteCount = 16

    public enum Role: UInt32, Sendable, CaseIterable {
        case client = 0
        case server = 1
    }
}

public enum RetransmitKey {
    public static let cgroupOffset = 0
    public static let kindOffset = 8
    public static let errorOffset = 12
    public static let byteCount = 16

    public enum Kind: UInt32, Sendable, CaseIterable {
        case rto = 0
        case fast = 1
        case tlp = 2
        case synack = 3
    }
}

public enum RetransmitValue {
    public static let segmentsOffset = 0
    public static let byteCount = 8
}
