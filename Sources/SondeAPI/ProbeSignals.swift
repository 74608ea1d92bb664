// Which kernel signals a probe takes and how: the typed form of `signals` in an EBPFProbe and in the agent's file.
// The agent decides from it which programs to load; the operator copies it from the resource into the agent's file.
// It never holds a default or a limit: those stand in ProbeSchema, which completes a document before it is read here.

import JSON

/// `signals`: one group of settings for each family of signals.
public struct ProbeSignals: Hashable, Sendable {
    /// How run-queue latency is measured.
    public enum Precision: String, Sendable, CaseIterable {
        /// Exact, and fast when the CPU budget is under pressure.
        case auto = "Auto"
        /// Start times in task storage; within 5 % of runqlat.
        case exact = "Exact"
        /// One hook; right for sums and tails only (buckets of 512 µs and more).
        case fast = "Fast"
    }

    public struct Scheduler: Hashable, Sendable {
        public var enabled: Bool
        public var precision: Precision
    }

    public struct TCP: Hashable, Sendable {
        public var enabled: Bool
        /// One round trip in so many is measured; 0 measures none.
        public var rttSampling: Int
    }

    public struct Toggle: Hashable, Sendable {
        public var enabled: Bool
    }

    public struct DNS: Hashable, Sendable {
        public var enabled: Bool
        /// Server ports that carry DNS.
        public var ports: [Int]
        /// Distinct names kept per pod; more go to `~other`.
        public var names: Int
    }

    public struct HTTP: Hashable, Sendable {
        public var enabled: Bool
        /// Server ports to look at; empty means all.
        public var ports: [Int]
        /// Path templates such as `/users/{id}` that are known beforehand.
        public var routes: [String]
        public var routesPerService: Int
        public var traces: Traces
    }

    public struct Traces: Hashable, Sendable {
        public var enabled: Bool
        public var sampling: Sampling
    }

    /// Which requests become spans.
    public struct Sampling: Hashable, Sendable {
        /// Share of failed requests, 0 to 1.
        public var errors: Double
        /// Requests of at least so many milliseconds are all kept.
        public var slowMs: Int
        /// Share of all other requests, 0 to 1.
        public var ratio: Double
    }

    public struct Events: Hashable, Sendable {
        public var enabled: Bool
        /// Also a record for each program start.
        public var exec: Bool
    }

    public enum SyscallMode: String, Sendable, CaseIterable {
        case latency = "Latency"
        case counts = "Counts"
    }

    public struct Syscalls: Hashable, Sendable {
        public var enabled: Bool
        /// Names as `syscalls(2)` lists them.
        public var names: [String]
        public var mode: SyscallMode
    }

    public struct Files: Hashable, Sendable {
        public var enabled: Bool
        /// Files reported per pod and interval.
        public var topK: Int
        /// Path prefixes never reported, beside the built-in ones.
        public var redact: [String]
    }

    public var scheduler: Scheduler
    public var tcp: TCP
    public var drops: Toggle
    public var dns: DNS
    public var http: HTTP
    public var disk: Toggle
    public var events: Events
    public var syscalls: Syscalls
    public var files: Files

    /// Families that this version takes; the others are reported as not available.
    public static let available: Set<String> = ["scheduler", "tcp", "drops", "disk", "dns", "files", "events", "syscalls"]

    /// The names of all families, whether this version takes them or not.
    public static let familyNames = Set(ProbeSignals(complete: DocumentReader(ProbeSchema.signals.completing([:]))).families.map(\.name))

    /// The names of the families in document order, with whether each is switched on.
    public var families: [(name: String, enabled: Bool)] {
        [
            ("scheduler", scheduler.enabled), ("tcp", tcp.enabled), ("drops", drops.enabled), ("dns", dns.enabled), ("http", http.enabled),
            ("disk", disk.enabled), ("events", events.enabled), ("syscalls", syscalls.enabled), ("files", files.enabled),
        ]
    }
}

extension ProbeSignals {
    /// Families that somebody asked for: they are on, and they or a setting of theirs differ from the default.
    ///
    /// A server stores defaults with the object, so what was written cannot be told from what was filled in.
    public var asked: Set<String> {
        let (own, defaults) = (document, ProbeSignals(complete: DocumentReader(ProbeSchema.signals.completing([:]))).document)
        return Set(families.filter { $0.enabled && own[$0.name] != defaults[$0.name] }.map(\.name))
    }

    /// Reads a document that `ProbeSchema.signals` has checked and completed.
    init(complete value: DocumentReader) {
        let tcp = value["tcp"], dns = value["dns"], syscalls = value["syscalls"], files = value["files"]
        scheduler = Scheduler(enabled: value["scheduler"].bool("enabled"), precision: value["scheduler"].choice("precision", .auto))
        self.tcp = TCP(enabled: tcp.bool("enabled"), rttSampling: tcp.int("rttSampling"))
        drops = Toggle(enabled: value["drops"].bool("enabled"))
        self.dns = DNS(enabled: dns.bool("enabled"), ports: dns.ints("ports"), names: dns.int("names"))
        http = HTTP(complete: value["http"])
        disk = Toggle(enabled: value["disk"].bool("enabled"))
        events = Events(enabled: value["events"].bool("enabled"), exec: value["events"].bool("exec"))
        self.syscalls = Syscalls(enabled: syscalls.bool("enabled"), names: syscalls.strings("names"), mode: syscalls.choice("mode", .latency))
        self.files = Files(enabled: files.bool("enabled"), topK: files.int("topK"), redact: files.strings("redact"))
    }

    /// The document with every field written out.
    public var document: JSONValue {
        [
            "scheduler": ["enabled": .bool(scheduler.enabled), "precision": .string(scheduler.precision.rawValue)],
            "tcp": ["enabled": .bool(tcp.enabled), "rttSampling": JSONValue(tcp.rttSampling)],
            "drops": ["enabled": .bool(drops.enabled)],
            "dns": ["enabled": .bool(dns.enabled), "ports": .array(dns.ports.map { JSONValue($0) }), "names": JSONValue(dns.names)],
            "http": http.document,
            "disk": ["enabled": .bool(disk.enabled)],
            "events": ["enabled": .bool(events.enabled), "exec": .bool(events.exec)],
            "syscalls": [
                "enabled": .bool(syscalls.enabled), "names": .array(syscalls.names.map { .string($0) }), "mode": .string(syscalls.mode.rawValue),
            ],
            "files": ["enabled": .bool(files.enabled), "topK": JSONValue(files.topK), "redact": .array(files.redact.map { .string($0) })],
        ]
    }
}

extension ProbeSignals.HTTP {
    init(complete value: DocumentReader) {
        let sampling = value["traces"]["sampling"]
        self.init(
            enabled: value.bool("enabled"), ports: value.ints("ports"), routes: value.strings("routes"), routesPerService: value.int("routesPerService"),
            traces: .init(
                enabled: value["traces"].bool("enabled"),
                sampling: .init(errors: sampling.double("errors"), slowMs: sampling.int("slowMs"), ratio: sampling.double("ratio"))))
    }

    var document: JSONValue {
        let sampling = traces.sampling
        return [
            "enabled": .bool(enabled), "ports": .array(ports.map { JSONValue($0) }), "routes": .array(routes.map { .string($0) }),
            "routesPerService": JSONValue(routesPerService),
            "traces": [
                "enabled": .bool(traces.enabled),
                "sampling": ["errors": .double(sampling.errors), "slowMs": JSONValue(sampling.slowMs), "ratio": .double(sampling.ratio)],
            ],
        ]
    }
}
