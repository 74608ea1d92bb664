// TCP's program: hooks, maps and where each field lies in them.
// The loader, the agent and `sonde` take it from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/tcp.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// TCP connection latency and failures, lifetimes, round trips, resets, retransmitted segments.
    public static let tcp = ProbeProgram(
        name: "tcp",
        hooks: [
            ProbeHook(function: "inet_sock_set_state", tracepoint: "inet_sock_set_state", leastKernel: "5.11", purpose: "a connection is made or fails"),
            ProbeHook(function: "tcp_retransmit_skb", tracepoint: "tcp_retransmit_skb", leastKernel: "5.8", purpose: "segments are sent again"),
            ProbeHook(function: "tcp_retransmit_synack", tracepoint: "tcp_retransmit_synack", leastKernel: "5.8", purpose: "a SYN-ACK is sent again"),
            ProbeHook(function: "tcp_probe", tracepoint: "tcp_probe", leastKernel: "5.8", purpose: "a segment arrives; one of some is looked at"),
            ProbeHook(function: "tcp_send_reset", tracepoint: "tcp_send_reset", leastKernel: "5.8", purpose: "a reset is sent"),
            ProbeHook(function: "tcp_receive_reset", tracepoint: "tcp_receive_reset", leastKernel: "5.8", purpose: "a reset arrives"),
        ],
        accounts: ["lifetimes"],
        groupMaps: [
            ProbeMap(name: "connects", keyBytes: ConnectKey.byteCount, valueBytes: HistogramLayout.byteCount, entries: 4096, leastEntries: 512),
            ProbeMap(name: "peers", keyBytes: PeerKey.byteCount, valueBytes: HistogramLayout.byteCount, entries: 2048, leastEntries: 256),
            ProbeMap(name: "lifetimes", keyBytes: LifetimeKey.byteCount, valueBytes: HistogramLayout.byteCount, entries: 2048, leastEntries: 256),
            ProbeMap(name: "round_trips", keyBytes: RoundTripKey.byteCount, valueBytes: HistogramLayout.byteCount, entries: 2048, leastEntries: 256),
            ProbeMap(name: "resets", keyBytes: ResetKey.byteCount, valueBytes: ResetValue.byteCount, entries: 2048, leastEntries: 256),
            ProbeMap(name: "retransmits", keyBytes: RetransmitKey.byteCount, valueBytes: RetransmitValue.byteCount, entries: 4096, leastEntries: 512),
        ],
        sharedMaps: ["open_sockets", "listeners"],
        signals: [
            ProbeSignal(metric: "ebpf.tcp.connect.duration", needs: ["inet_sock_set_state"], completedBy: []),
            ProbeSignal(metric: "ebpf.tcp.retransmits", needs: ["tcp_retransmit_skb"], completedBy: ["tcp_retransmit_synack"]),
            ProbeSignal(metric: "ebpf.tcp.rtt", needs: ["tcp_probe"], completedBy: []),
            ProbeSignal(metric: "ebpf.tcp.resets", needs: ["tcp_send_reset"], completedBy: ["tcp_receive_reset"]),
            ProbeSignal(metric: "ebpf.tcp.connection.duration", needs: ["inet_sock_set_state"], completedBy: []),
        ],
        cost: .medium,
        base64: TcpObject.base64)
}

/// The value is a histogram: of a client from SYN to established or failed, of a server from SYN-ACK to established.
/// Two numbers of 16 bits lie in the word at `roleOffset`: the role, and behind it the server's port, 0 when it is not told.
public enum ConnectKey {
    public static let cgroupOffset = 0
    public static let roleOffset = 8
    public static let errorOffset = 12
    public static let byteCount = 16

    public enum Role: UInt32, Sendable, CaseIterable {
        case client = 0
        case server = 1
    }

    /// Takes the word apart.
    public static func roleAndPort(_ word: UInt32) -> (role: UInt32, port: UInt16) { (word & 0xffff, UInt16(word >> 16)) }
}

/// The value is a histogram, as of `ConnectKey`, of clients whose peers' addresses are told.
public enum PeerKey {
    /// A whole `ConnectKey`.
    public static let connectOffset = 0
    /// IPv6; of IPv4 the mapped form.
    public static let addressOffset = ConnectKey.byteCount
    public static let byteCount = addressOffset + 16
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

/// The value is a histogram.
public enum LifetimeKey {
    public static let cgroupOffset = 0
    /// `ConnectKey.Role`.
    public static let roleOffset = 8
    public static let byteCount = 16
}

/// The value is a histogram of smoothed round-trip times.
public enum RoundTripKey {
    public static let cgroupOffset = 0
    public static let byteCount = 8
}

/// `network.io.direction`.
public enum TransferDirection: UInt32, Sendable, CaseIterable {
    case receive = 0
    case transmit = 1
}

public enum ResetKey {
    public static let cgroupOffset = 0
    public static let directionOffset = 8
    public static let byteCount = 16
}

public enum ResetValue {
    public static let resetsOffset = 0
    public static let byteCount = 8
}
