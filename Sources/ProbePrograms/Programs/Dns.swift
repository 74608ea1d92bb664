// DNS's program: hooks, ring and where each field lies in its records.
// The loader, the agent and `sonde` take it from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/dns.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// DNS lookups and answers, from messages in the memory of those who send and receive them.
    public static let dns = ProbeProgram(
        name: "dns",
        hooks: [
            ProbeHook(function: "dns_send", tracepoint: "sock_send_length", leastKernel: "6.3", purpose: "a socket has sent a DNS message"),
            ProbeHook(function: "dns_recv", tracepoint: "sock_recv_length", leastKernel: "6.3", purpose: "a socket has received a DNS message"),
        ],
        groupMaps: [],
        rings: [ProbeRing(name: "dns_records", bytes: 1 << 20, leastBytes: 1 << 16)],
        signals: [
            ProbeSignal(metric: "dns.lookup.duration", needs: ["dns_send", "dns_recv"], completedBy: []),
            ProbeSignal(metric: "ebpf.dns.answers", needs: ["dns_send"], completedBy: []),
        ],
        cost: .low,
        base64: DnsObject.base64)
}

/// A message, or a piece of a TCP stream, as one system call sent or received it. The record ends behind its captured bytes.
public enum DNSRecord {
    /// CLOCK_MONOTONIC.
    public static let timeNanosecondsOffset = 0
    public static let cgroupOffset = 8
    public static let cookieOffset = 16
    public static let tgidOffset = 24
    public static let pidOffset = 28
    public static let lengthOffset = 32
    /// 16 bits, as the ports.
    public static let capturedOffset = 36
    public static let localPortOffset = 38
    public static let peerPortOffset = 40
    /// `IPPROTO_UDP` or `IPPROTO_TCP`, 8 bits.
    public static let protocolOffset = 42
    public static let directionOffset = 43
    public static let bytesOffset = 48
    public static let capturedMax = 512

    public enum Direction: UInt8, Sendable {
        case sent = 0
        case received = 1
    }
}

/// The value of `dns_ports`' only entry: a bit for each port that carries DNS.
public enum DNSPorts {
    public static let byteCount = 65536 / 8
}
