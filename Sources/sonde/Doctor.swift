// `sonde doctor`: what this kernel can and cannot give, found out by trying.
// People run it before they install Sonde on a node, and when a signal is reported as not available.
// It never leaves anything loaded: each program is detached as soon as it is known to work.

import ArgumentParser
import JSON
import ProbeKernel
import ProbePrograms

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tries every kernel hook on this machine and says which signals result.",
        discussion: """
            Each hook is really loaded and attached for a moment. What fails is listed with the kernel's error and, where it is known, what helps. The agent \
            needs no more than the capabilities CAP_BPF and CAP_PERFMON; to see what it would see:

              sudo setpriv --bounding-set -all,+bpf,+perfmon --inh-caps -all,+bpf,+perfmon sonde doctor

            Exit status: 0 every signal is there, 1 some signals are missing or incomplete, 2 no hook works.
            """)

    @Option(name: .shortAndLong, help: "How to print: text or json.")
    var output = OutputFormat.text

    @Option(help: "Where the cgroup file systems are mounted.")
    var cgroups = "/sys/fs/cgroup"

    func run() throws {
        let examination = Examination(cgroups: cgroups)
        switch output {
        case .text: Output.text(examination.text)
        case .json: Output.line(examination.document.text(.pretty))
        }
        if examination.attachedCount == 0 { throw ExitStatus.unusable }
        if !examination.isComplete { throw ExitStatus.findings }
    }
}

/// Everything that doctor finds.
struct Examination {
    let host: HostKernel
    let hierarchy: CgroupHierarchy
    /// Whether the hierarchy's folder is there, without which no count gets a name.
    let hasHierarchy: Bool
    let network: NetworkView
    let results: [(program: ProbeProgram, hooks: [HookOutcome])]

    init(cgroups: String) {
        let loader = ProbeLoader()
        let hierarchy = CgroupHierarchy.detect(mount: cgroups)
        host = loader.host
        self.hierarchy = hierarchy
        hasHierarchy = hierarchy.directories(limit: 1) != nil
        network = loader.networkView(cgroupMode: hierarchy.mode)
        results = ProbeProgram.all.map { program in
            let load = loader.load(program, settings: ProbeSettings(cgroupMode: hierarchy.mode))
            load.probe?.close()
            return (program, load.hooks)
        }
    }

    var attachedCount: Int { results.reduce(0) { $0 + $1.hooks.count(where: \.isAttached) } }
    /// Each metric once, in the order of the manifest: by the first program that gives it whole, else in part, else why the first one does not.
    var signals: [(signal: ProbeSignal, program: ProbeProgram, state: SignalState)] {
        let all = results.flatMap { result in result.program.signals.map { (signal: $0, program: result.program, state: result.hooks.state(of: $0)) } }
        var seen: Set<String> = []
        return all.filter { seen.insert($0.signal.metric).inserted }.map { first in
            let same = all.filter { $0.signal.metric == first.signal.metric }
            return same.first { $0.state == .active } ?? same.first { if case .degraded = $0.state { true } else { false } } ?? first
        }
    }
    var isComplete: Bool { hasHierarchy && signals.allSatisfy { $0.state == .active } }

    private var cgroupText: String {
        let version = hierarchy.mode == .v2 ? "version 2" : "version 1, memory hierarchy"
        return hasHierarchy ? "\(version), \(hierarchy.root)" : "\(hierarchy.root) cannot be read: counts would have no names"
    }

    private var networkText: String {
        if case .host = network { return "the host's: what an agent with hostNetwork: true sees" }
        return network.reason
    }

    private var capabilityText: String {
        host.missingCapabilities.isEmpty
            ? ProbeProgram.capabilities.joined(separator: ", ") + ": there" : "missing: " + host.missingCapabilities.joined(separator: ", ")
    }

    // MARK: Text

    var text: String {
        var lines = [
            "kernel        \(host.release) \(host.machine)",
            "BTF           \(host.hasBTF ? "/sys/kernel/btf/vmlinux" : "none: nothing can be loaded (CONFIG_DEBUG_INFO_BTF)")",
            "capabilities  \(capabilityText)",
            "lockdown      \(host.lockdown ?? "not told (securityfs is not mounted)")",
            "cgroups       \(cgroupText)", "network       \(networkText)", "", "HOOKS",
        ]
        for (program, hooks) in results {
            for outcome in hooks { lines.append(line(outcome, of: program)) }
        }
        lines += ["", "SIGNALS"]
        for (signal, program, state) in signals {
            lines.append("  \(mark(state))  \(padded(signal.metric, 32))  \(padded(program.name, 12))\(explanation(state))")
        }
        return lines.map { line in line.isEmpty ? line : trimmed(line) }.joined(separator: "\n") + "\n"
    }

    private func line(_ outcome: HookOutcome, of program: ProbeProgram) -> String {
        let what = outcome.failure?.reason ?? outcome.hook.purpose
        return "  \(outcome.isAttached ? "ok  " : "FAIL")  \(padded(program.name, 8))  \(padded(outcome.hook.function, 24))  \(what)"
    }

    private func mark(_ state: SignalState) -> String {
        switch state {
        case .active: "ok  "
        case .degraded: "part"
        case .unavailable: "none"
        }
    }

    private func explanation(_ state: SignalState) -> String {
        switch state {
        case .active: ""
        case .degraded(let reason), .unavailable(let reason): reason
        }
    }

    private func trimmed(_ line: String) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line
    }

    // MARK: JSON

    var document: JSONValue {
        [
            "kernel": [
                "release": .string(host.release), "machine": .string(host.machine), "btf": .bool(host.hasBTF),
                "lockdown": host.lockdown.map { .string($0) } ?? .null,
            ],
            "missingCapabilities": .array(host.missingCapabilities.map { .string($0) }),
            "cgroups": ["version": hierarchy.mode == .v2 ? 2 : 1, "root": .string(hierarchy.root), "readable": .bool(hasHierarchy)],
            "network": .string(networkName),
            "hooks": .array(results.flatMap { result in result.hooks.map { hook($0, of: result.program) } }),
            "signals": .array(
                signals.map {
                    [
                        "name": .string($0.signal.metric), "program": .string($0.program.name), "state": .string(stateName($0.state)),
                        "reason": .string(explanation($0.state)),
                    ]
                }),
        ]
    }

    private func hook(_ outcome: HookOutcome, of program: ProbeProgram) -> JSONValue {
        [
            "program": .string(program.name), "function": .string(outcome.hook.function), "tracepoint": .string(outcome.hook.place),
            "attached": .bool(outcome.isAttached), "reason": .string(outcome.failure?.reason ?? ""),
            "leastKernel": .string(outcome.hook.leastKernel), "error": outcome.failure?.errorName.map { .string($0) } ?? .null,
        ]
    }

    private var networkName: String {
        switch network {
        case .host: "host"
        case .ownNamespace: "own"
        case .unknown: "unknown"
        }
    }

    private func stateName(_ state: SignalState) -> String {
        switch state {
        case .active: "active"
        case .degraded: "degraded"
        case .unavailable: "unavailable"
        }
    }
}

/// A text filled up with blanks to a width; longer ones stay as they are.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}
