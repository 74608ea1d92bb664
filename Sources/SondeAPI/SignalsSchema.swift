// Fields, limits, defaults and descriptions of `signals`: one place for the EBPFProbe resource and for the agent's file.
// The custom resource definition is generated from it, and documents are checked and completed by it.
// It never describes the destination or the pod: those differ between the resource and the file.

import JSON

/// The parts of the schema that the EBPFProbe resource and the agent's file share.
public enum ProbeSchema {
    /// `signals`. Each family is complete when only one of its fields is given.
    public static let signals = Schema(
        .object([
            .init("scheduler", scheduler), .init("tcp", tcp), .init("drops", toggle("Packets that the kernel dropped, by reason.")), .init("dns", dns),
            .init("http", http), .init("disk", toggle("Block device latency, by device and direction.")), .init("events", events),
            .init("syscalls", syscalls), .init("files", files),
        ]),
        "Which kernel signals to take. Every signal that a kernel cannot give is off on that node, with its reason in the status. A change reaches "
            + "running agents without a restart of their pods.",
        default: [:])

    static let scheduler = Schema(
        .object([
            .init("enabled", enabled(true)),
            .init(
                "precision",
                Schema(
                    .choice(ProbeSignals.Precision.allCases.map(\.rawValue)),
                    "How run-queue latency is measured. Exact: start time of each wakeup, within 5 % of runqlat. Fast: one hook, half the cost, right "
                        + "for sums and for latencies above 512 µs. Auto: Exact until the CPU budget is reached. Default Auto.",
                    default: "Auto")),
        ]),
        "Run-queue latency, context switches, steal, throttling, pressure.", default: [:])

    static let tcp = Schema(
        .object([
            .init("enabled", enabled(true)),
            .init("rttSampling", Schema(.integer(0...65536), "One round-trip time in so many is measured; 1 measures each, 0 none. Default 16.", default: 16)),
        ]),
        "Connection latency and failures, retransmitted segments, round-trip time, resets.", default: [:])

    static let dns = Schema(
        .object([
            .init("enabled", enabled(true)),
            .init("ports", Schema(.list(port, maxItems: 16, .set), "Server ports that carry DNS. Default [53].", default: [53])),
            .init("names", Schema(.integer(0...1000), "Distinct names kept per pod; lookups of further names count under ~other. Default 50.", default: 50)),
        ]),
        "DNS lookups: latency, errors, names.", default: [:])

    static let http = Schema(
        .object([
            .init("enabled", enabled(true)),
            .init("ports", Schema(.list(port, maxItems: 64, .set), "Server ports to look at. Empty means all. Default [].", default: [])),
            .init(
                "routes",
                Schema(
                    .list(Schema(.string(.free, maxLength: 256), "A path template such as /users/{id}."), maxItems: 200, .set),
                    "Path templates known beforehand, such as /users/{id}. Others are learned. Default [].", default: [])),
            .init(
                "routesPerService",
                Schema(.integer(1...2000), "Distinct routes kept per service; requests of further routes count under ~other. Default 200.", default: 200)),
            .init("traces", traces),
        ]),
        "HTTP requests seen at sockets: latency metrics and spans.", default: [:])

    static let traces = Schema(
        .object([
            .init("enabled", enabled(true)),
            .init(
                "sampling",
                Schema(
                    .object([
                        .init("errors", Schema(.number(0...1), "Share of failed requests that become spans, 0 to 1. Default 1.", default: 1)),
                        .init(
                            "slowMs",
                            Schema(
                                .integer(1...3_600_000), "Requests of at least so many milliseconds all become spans. Default 500.",
                                default: 500)),
                        .init("ratio", Schema(.number(0...1), "Share of all other requests that become spans, 0 to 1. Default 0.01.", default: .double(0.01))),
                    ]),
                    "Which requests become spans.", default: [:])),
        ]),
        "Spans made from HTTP requests.", default: [:])

    static let events = Schema(
        .object([
            .init("enabled", enabled(true)),
            .init("exec", Schema(.boolean, "Also a record for each program start. Default false.", default: false)),
        ]),
        "OOM kills and crashes, as log records.", default: [:])

    static let syscalls = Schema(
        .object([
            .init("enabled", enabled(false)),
            .init(
                "names",
                Schema(
                    .list(Schema(.string(.systemCall, maxLength: 64), "A system call's name as in syscalls(2)."), maxItems: 64, .set),
                    "System calls to watch. Default [read, write, epoll_wait].", default: ["read", "write", "epoll_wait"])),
            .init(
                "mode",
                Schema(
                    .choice(ProbeSignals.SyscallMode.allCases.map(\.rawValue)),
                    "Latency: ebpf.syscall.duration, times with their counts, from two hooks. Counts: ebpf.syscall.calls, counts alone, from one hook. "
                        + "Default Latency.",
                    default: "Latency")),
        ]),
        "System calls by name: counts, errors, latency. Costs about 0.1 µs for each system call of the node while on. Off by default.", default: [:])

    static let files = Schema(
        .object([
            .init("enabled", enabled(false)),
            .init("topK", Schema(.integer(1...1000), "Files reported per pod and interval, busiest first. Default 20.", default: 20)),
            .init(
                "redact",
                Schema(
                    .list(Schema(.string(.free, maxLength: 256), "A path prefix."), maxItems: 64, .set),
                    "Path prefixes that are never reported, beside the built-in list (secrets, tokens, home directories). Default [].", default: [])),
        ]),
        "Opens, reads, writes and fsync by file. Off by default.", default: [:])

    private static let port = Schema(.integer(1...65535), "A port number.")

    private static func toggle(_ description: String) -> Schema {
        Schema(.object([.init("enabled", enabled(true))]), description, default: [:])
    }

    private static func enabled(_ value: Bool) -> Schema {
        Schema(.boolean, "Whether this signal is taken. Default \(value).", default: .bool(value))
    }
}
