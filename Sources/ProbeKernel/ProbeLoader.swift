// Loads a program's object and attaches its hooks, each on its own: one that fails gives its reason, the others go on.
// Used by the agent, `sonde top` and `sonde doctor`.
// Never needs more than CAP_BPF and CAP_PERFMON, and never raises a limit: kernels since 5.11 charge maps to the memory cgroup, below libbpf raises
// RLIMIT_MEMLOCK itself and goes on when it may not.
import CBPF
import ProbePrograms

/// Loads programs on this kernel.
public struct ProbeLoader: Sendable {
    public let host: HostKernel
    private let btf: KernelBTF?

    /// Looks at the kernel once; reading its BTF takes some milliseconds.
    public init() {
        host = HostKernel.current()
        let hooks = (ProbeProgram.all + [.host]).flatMap(\.hooks)
        btf = KernelBTF.read(tracepoints: hooks.compactMap(\.tracepoint), functions: hooks.compactMap(\.kernelFunction))
    }

    /// For tests: a kernel that has other tracepoints.
    init(host: HostKernel, btf: KernelBTF?) {
        self.host = host
        self.btf = btf
    }

    /// Names of this kernel's reasons for dropping packets, lower case and without their prefix.
    public var dropReasons: [UInt32: String] {
        let prefix = "SKB_DROP_REASON_"
        // Before 5.17 there is one: the programs write it where the kernel gives none.
        guard btf?.dropReasons.isEmpty == false else { return [2: "not_specified"] }
        let core = (btf?.dropReasons ?? [:]).filter { $0.value.hasPrefix(prefix) }.mapValues { $0.dropFirst(prefix.count).lowercased() }
        let subsystems = (btf?.dropSubsystems ?? [:]).filter { $0.key > 0 && $0.value.hasPrefix(prefix + "SUBSYS_") }
        return core.merging(subsystems.map { ($0.key << 16, $0.value.dropFirst(prefix.count + "SUBSYS_".count).lowercased()) }) { first, _ in first }
    }

    /// Why no program at all can be loaded here; nil when each is worth a try.
    public var whatPreventsAll: String? {
        btf == nil ? "kernel \(host.release) has no readable BTF at /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF, Linux 5.5 or newer)" : nil
    }

    /// Loads and attaches what this kernel allows.
    /// - Parameter others: programs that are loaded already, whose maps this one may share.
    public func load(_ program: ProbeProgram, settings: ProbeSettings, sharing others: [LoadedProbe] = []) -> ProbeLoad {
        load(program, object: program.object, settings: settings, sharing: others)
    }

    func load(_ program: ProbeProgram, object bytes: [UInt8], settings: ProbeSettings, sharing others: [LoadedProbe] = []) -> ProbeLoad {
        var failures = missingTracepoints(of: program)
        let wanted = program.hooks.map(\.function).filter { failures[$0] == nil }
        guard !wanted.isEmpty else { return ProbeLoad(program: program, failures: failures, probe: nil) }

        var attempt = Attempt(program: program, bytes: bytes, settings: settings, constants: constants(settings), host: host, others: others)
        var (object, loadFailures) = loadMost(of: wanted, attempt)
        if object == nil, program.optional != nil {
            attempt.leavesOut = true
            (object, loadFailures) = loadMost(of: wanted, attempt)
        }
        failures.merge(loadFailures.map { ($0, hint($1, at: $0, of: program)) }) { first, _ in first }
        guard let object else { return ProbeLoad(program: program, failures: failures, probe: nil) }
        return attachAll(of: program, in: object, attempt, failures: failures)
    }

    /// Adds which kernel has all that a program uses, when this one is older.
    private func hint(_ failure: HookFailure, at function: String, of program: ProbeProgram) -> HookFailure {
        guard let hook = program.hooks.first(where: { $0.function == function }), failure.errorName != "EPERM", failure.errorName != "ENOMEM",
            isOlder(host.release, than: hook.leastKernel)
        else { return failure }
        var failure = failure
        failure.reason += "; \(function) takes about Linux \(hook.leastKernel)"
        return failure
    }

    /// What metrics of attached hooks lack on this kernel.
    private func limitations(of attempt: Attempt) -> [String: String] {
        let program = attempt.program
        if attempt.leavesOut, let optional = program.optional { return [optional.metric: optional.limitation] }
        guard program.hooks.contains(where: { $0.tracepoint == "kfree_skb" }), let count = btf?.argumentCounts["kfree_skb"], count < 3 else { return [:] }
        let reason = "kernel \(host.release) gives no reason for a drop; it takes about Linux 5.17"
        return Dictionary(uniqueKeysWithValues: program.metricNames.map { ($0, reason) })
    }

    // MARK: Find

    private func missingTracepoints(of program: ProbeProgram) -> [String: HookFailure] {
        program.hooks.reduce(into: [:]) { failures, hook in
            if let reason = whatPreventsAll {
                failures[hook.function] = HookFailure(stage: .find, errorName: nil, reason: reason)
            } else if let btf {
                let isThere = hook.tracepoint.map { btf.argumentCounts[$0] != nil } ?? btf.functions.contains(hook.place)
                guard !isThere else { return }
                let what = hook.tracepoint == nil ? "function" : "tracepoint"
                failures[hook.function] = HookFailure(
                    stage: .find, errorName: nil,
                    reason: "kernel \(host.release) has no \(what) \(hook.place) in its BTF; it takes about Linux \(hook.leastKernel)")
            }
        }
    }

    /// Values of the programs' `const volatile` variables.
    private func constants(_ settings: ProbeSettings) -> [(name: String, value: Constant)] {
        [
            ("cgroup_v2", .flag(settings.cgroupMode == .v2)),
            ("unit_multiplier", .number(settings.histogramUnit.multiplier)),
            ("unit_shift", .word(settings.histogramUnit.shift)),
            // 5.18 added prev_state as the fourth argument, 6.17 err as the third.
            ("switch_has_prev_state", .flag(btf?.argumentCounts["sched_switch"] ?? 0 >= 4)),
            // 5.11 took the queue away from block_rq_issue, which was its first argument.
            ("request_argument", .word(btf?.argumentCounts["block_rq_issue"] ?? 1 >= 2 ? 1 : 0)),
            ("victim_has_task", .flag(btf?.argumentCounts["mark_victim"] ?? 0 >= 2)),
            ("drop_has_reason", .flag(btf?.argumentCounts["kfree_skb"] ?? 0 >= 3)),
            ("drop_has_socket", .flag(btf?.argumentCounts["kfree_skb"] ?? 0 >= 4)),
            ("compared_network", .word(settings.comparedNetwork)),
            ("retransmit_has_error", .flag(btf?.argumentCounts["tcp_retransmit_skb"] ?? 0 >= 3)),
        ]
    }

    // MARK: Load

    /// All at once, which is the rule; if that fails, each alone to find the culprits, then the rest together.
    private func loadMost(of functions: [String], _ attempt: Attempt) -> (BPFObject?, [String: HookFailure]) {
        var failures: [String: HookFailure] = [:]
        switch attempt.load(functions) {
        case .success(let object): return (object, [:])
        case .failure(let together):
            guard functions.count > 1 else { return (nil, [functions[0]: together]) }
            for function in functions {
                if case .failure(let alone) = attempt.load([function]) { failures[function] = alone }
            }
            let rest = functions.filter { failures[$0] == nil }
            if failures.isEmpty { return (nil, Dictionary(uniqueKeysWithValues: functions.map { ($0, together) })) }
            guard !rest.isEmpty else { return (nil, failures) }
            switch attempt.load(rest) {
            case .success(let object): return (object, failures)
            case .failure(let again):
                for function in rest { failures[function] = again }
                return (nil, failures)
            }
        }
    }

    // MARK: Attach

    private func attachAll(of program: ProbeProgram, in object: BPFObject, _ attempt: Attempt, failures: [String: HookFailure]) -> ProbeLoad {
        var failures = failures
        var descriptors: [String: Int32] = [:]
        // The filter is there before the first event, or the first calls would be missed.
        if let failure = attempt.prepareMaps(of: object) {
            for hook in program.hooks where failures[hook.function] == nil { failures[hook.function] = failure }
            return ProbeLoad(program: program, failures: failures, probe: nil)
        }
        for hook in program.hooks where failures[hook.function] == nil {
            KernelLog.begin()
            do throws(BPFFailure) {
                descriptors[hook.function] = try hook.tracepoint == nil ? object.descriptor(of: hook.function) : object.attach(hook.function)
                _ = KernelLog.end()
            } catch {
                failures[hook.function] = hookFailure(.attach, errno: error.errno, log: KernelLog.end(), host: host)
            }
        }
        guard !descriptors.isEmpty else { return ProbeLoad(program: program, failures: failures, probe: nil) }
        return ProbeLoad(
            program: program, failures: failures, limitations: limitations(of: attempt),
            probe: LoadedProbe(
                program: program, object: object, programs: descriptors, settings: attempt.settings))
    }
}

/// What came of loading a program.
public struct ProbeLoad: Sendable {
    public let program: ProbeProgram
    /// One for each hook, in the program's order.
    public let hooks: [HookOutcome]
    /// nil when no hook is attached.
    public let probe: LoadedProbe?

    init(program: ProbeProgram, failures: [String: HookFailure], limitations: [String: String] = [:], probe: LoadedProbe?) {
        self.program = program
        self.probe = probe
        hooks = program.hooks.map { hook in
            let failure = failures[hook.function]
            return HookOutcome(hook: hook, failure: failure, limitations: failure == nil ? limitations : [:])
        }
    }
}
