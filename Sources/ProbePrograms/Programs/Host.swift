// The program that finds the host's network namespace: its map and where each field lies in it.
// ProbeKernel runs it once; it is no signal's, so it is not in the manifest.
// Never changes without bpf/host.bpf.c and bpf/layout.h; a test compares them.

extension ProbeProgram {
    /// Which network namespace is the host's, and which one this process is in.
    public static let host = ProbeProgram(
        name: "host",
        hooks: [
            ProbeHook(
                function: "find_namespaces", running: "bpf_prog_test_run_raw_tp", leastKernel: "5.10",
                purpose: "the agent's network namespace is compared with the host's")
        ],
        groupMaps: [],
        signals: [],
        cost: .low,
        base64: HostObject.base64)
}

/// Inode numbers; 0 = not found.
public enum HostNamespacesLayout {
    public static let hostNetworkOffset = 0
    public static let ownNetworkOffset = 4
    public static let byteCount = 8
}
