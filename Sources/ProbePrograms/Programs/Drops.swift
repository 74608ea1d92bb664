// The program for dropped packets: hook, map and where each field lies in it.
// The loader, the agent and `sonde` take it from the manifest; ProbeCore decodes with the offsets.
// Never changes without bpf/drops.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// Packets that the kernel dropped, by reason.
    public static let drops = ProbeProgram(
        name: "drops",
        hooks: [ProbeHook(function: "kfree_skb", tracepoint: "kfree_skb", leastKernel: "5.8", purpose: "a packet is dropped")],
        groupMaps: [ProbeMap(name: "drops", keyBytes: DropKey.byteCount, valueBytes: DropValue.byteCount, entries: 2048, leastEntries: 256)],
        sharedMaps: ["connections", "open_sockets", "listeners"],
        signals: [
            ProbeSignal(metric: "ebpf.network.drops", needs: ["kfree_skb"], completedBy: []),
            ProbeSignal(metric: "ebpf.network.drops.size", needs: ["kfree_skb"], completedBy: []),
        ],
        cost: .low,
        base64: DropsObject.base64)
}

public enum DropKey {
    public static let cgroupOffset = 0
    /// `enum skb_drop_reason`; the upper 16 bits name a subsystem.
    public static let reasonOffset = 8
    /// The IP protocol's number, `noTransport` for others, and `TransferDirection` << 16.
    public static let transportAndDirectionOffset = 12
    public static let byteCount = 16
    public static let noTransport: UInt32 = 256
}

public enum DropValue {
    public static let packetsOffset = 0
    public static let bytesOffset = 8
    public static let byteCount = 16
}
