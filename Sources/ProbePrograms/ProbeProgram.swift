// What a probe program is: its hooks, its maps, what it needs and which metrics come out.
// Used by the loader to load it, by `sonde doctor` to explain it and by the operator to know the signals.
// Never touches the kernel: these are values.

/// One object file of kernel programs.
public struct ProbeProgram: Sendable {
    /// The file's name in `bpf/` without `.bpf.c`.
    public let name: String
    /// In the order of the C file's `PROGRAM_` constants: a hook's place is its key in the maps `costs` and `losses`.
    public let hooks: [ProbeHook]
    /// Losses of events that a hook counts into another class than its own, by name (`EventClass`). In the maps `costs` and `losses` they stand behind the
    /// hooks, in the order of the C file's `ACCOUNT_` constants.
    public let accounts: [String]
    /// The maps that hold groups, one entry for each key.
    public let groupMaps: [ProbeMap]
    /// Ring buffers with records for user space.
    public let rings: [ProbeRing]
    /// Maps that are another program's when that one is loaded before.
    public let sharedMaps: [String]
    /// What comes out, and of which hooks.
    public let signals: [ProbeSignal]
    /// What the program can do without.
    public let optional: OptionalMap?
    public let cost: CostClass
    let base64: StaticString

    init(
        name: String, hooks: [ProbeHook], accounts: [String] = [], groupMaps: [ProbeMap], rings: [ProbeRing] = [], sharedMaps: [String] = [],
        signals: [ProbeSignal],
        optional: OptionalMap? = nil, cost: CostClass, base64: StaticString
    ) {
        self.name = name
        self.hooks = hooks
        self.accounts = accounts
        self.groupMaps = groupMaps
        self.rings = rings
        self.sharedMaps = sharedMaps
        self.signals = signals
        self.optional = optional
        self.cost = cost
        self.base64 = base64
    }

    /// Linux capabilities that loading and attaching takes; measured, nothing else is needed.
    public static let capabilities = ["CAP_BPF", "CAP_PERFMON"]

    /// The program to try when none of this one's hooks can be attached.
    public var fallback: ProbeProgram? {
        switch name {
        case "disk": .diskIssue
        case "sched": .schedFast
        default: nil
        }
    }

    public var metricNames: [String] { signals.map(\.metric) }

    /// The ELF object, as clang made it at build time.
    public var object: [UInt8] { base64Bytes(base64) }
}

/// One kernel program and the tracepoint that it stands on.
public struct ProbeHook: Sendable, Hashable {
    /// The C function's name; also `ebpf.program.name`.
    public let function: String
    /// The tracepoint, attached through BTF (`tp_btf/...`); nil for a program that is run by user space.
    public let tracepoint: String?
    /// The kernel function without which a program that is run does not load.
    public let kernelFunction: String?
    /// The oldest kernel that has everything the program uses on cgroup version 2, `5.11`; a hint for people, the loader tries instead of comparing versions.
    public let leastKernel: String
    /// What this hook is needed for, for people.
    public let purpose: String

    init(function: String, tracepoint: String, leastKernel: String, purpose: String) {
        self.init(function: function, tracepoint: tracepoint, kernelFunction: nil, leastKernel: leastKernel, purpose: purpose)
    }

    /// A program that user space runs.
    init(function: String, running kernelFunction: String, leastKernel: String, purpose: String) {
        self.init(function: function, tracepoint: nil, kernelFunction: kernelFunction, leastKernel: leastKernel, purpose: purpose)
    }

    private init(function: String, tracepoint: String?, kernelFunction: String?, leastKernel: String, purpose: String) {
        self.function = function
        self.tracepoint = tracepoint
        self.kernelFunction = kernelFunction
        self.leastKernel = leastKernel
        self.purpose = purpose
    }

    /// The tracepoint or the kernel function.
    public var place: String { tracepoint ?? kernelFunction ?? "" }
}

/// A map from groups to per-CPU values.
public struct ProbeMap: Sendable, Hashable {
    public let name: String
    public let keyBytes: Int
    public let valueBytes: Int
    /// Entries when memory is no concern; the loader takes fewer when the budget or the number of CPUs asks for it.
    public let entries: Int
    /// Fewer than this would lose groups on an ordinary node.
    public let leastEntries: Int
}

/// A map that some kernels cannot make, and what is missing without it.
public struct OptionalMap: Sendable, Hashable {
    public let name: String
    /// The `const volatile` variable that is false where the map is not made.
    public let constant: String
    /// The metric that lacks something then, and what.
    public let metric: String
    public let limitation: String
}

/// A ring buffer of records, oldest first.
public struct ProbeRing: Sendable, Hashable {
    public let name: String
    /// Size when memory is no concern: a power of two, in whole pages.
    public let bytes: Int
    /// The loader does not go below this.
    public let leastBytes: Int

    public init(name: String, bytes: Int, leastBytes: Int) {
        self.name = name
        self.bytes = bytes
        self.leastBytes = leastBytes
    }
}

/// A metric and the hooks without which it is not there.
public struct ProbeSignal: Sendable, Hashable {
    /// Name of the metric.
    public let metric: String
    /// Functions of the hooks that must all be attached.
    public let needs: [String]
    /// Functions of hooks without which the metric is there but misses a part.
    public let completedBy: [String]
}

/// What a program costs a busy node.
public enum CostClass: String, Sendable {
    /// Rare events: connections, retransmissions.
    case low
    /// Every context switch.
    case medium
    /// Every system call.
    case high
}
