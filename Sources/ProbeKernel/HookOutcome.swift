// What became of each hook of a program that was loaded.
// Shown by `sonde doctor`, sent by the agent as the reason of a degraded signal.
// Never a bare errno: a reason says what was tried and, where it is known, what helps.
import ProbePrograms

/// A hook and what came of it.
public struct HookOutcome: Sendable, Hashable {
    public var hook: ProbeHook
    /// nil: loaded and attached.
    public var failure: HookFailure?
    /// What metrics of an attached hook lack on this kernel, by metric.
    public var limitations: [String: String] = [:]
    public var isAttached: Bool { failure == nil }
}

/// Why a hook is not attached.
public struct HookFailure: Sendable, Hashable {
    /// How far it came.
    public enum Stage: String, Sendable {
        case find, load, attach
    }

    public var stage: Stage
    /// `EPERM` and the like; nil when nothing was asked of the kernel.
    public var errorName: String?
    /// One sentence for people.
    public var reason: String
}

/// A signal of a program, as far as its hooks give it.
public enum SignalState: Sendable, Hashable {
    case active
    /// It is there, but parts of it are missing.
    case degraded(reason: String)
    case unavailable(reason: String)
}

extension [HookOutcome] {
    /// What the hooks give of a signal.
    public func state(of signal: ProbeSignal) -> SignalState {
        if let reason = firstReason(among: signal.needs) { return .unavailable(reason: reason) }
        if let reason = firstReason(among: signal.completedBy) { return .degraded(reason: reason) }
        for outcome in self where signal.needs.contains(outcome.hook.function) {
            if let limitation = outcome.limitations[signal.metric] { return .degraded(reason: "\(outcome.hook.function): \(limitation)") }
        }
        return .active
    }

    private func firstReason(among functions: [String]) -> String? {
        for function in functions {
            guard let outcome = first(where: { $0.hook.function == function }) else { return "\(function) is not part of the program" }
            if let failure = outcome.failure { return "\(function): \(failure.reason)" }
        }
        return nil
    }
}

/// Turns an error number and libbpf's words into a failure that says what helps.
func hookFailure(_ stage: HookFailure.Stage, errno errorNumber: Int32, log: String, host: HostKernel) -> HookFailure {
    let name = errorName(errorNumber)
    let missing = host.missingCapabilities
    let reason =
        if errorNumber == 1, !missing.isEmpty {
            "\(name): loading kernel programs takes \(ProbeProgram.capabilities.joined(separator: " and ")), "
                + "and this process lacks \(missing.joined(separator: " and "))"
        } else if errorNumber == 1, host.lockdown == "confidentiality" {
            "\(name): kernel lockdown is 'confidentiality', which forbids programs to read kernel memory; 'integrity' would allow it"
        } else if log.contains("ulimit -l") {
            "\(name): the maps are more than RLIMIT_MEMLOCK allows, which counts them on kernels before 5.11: raise it for the container runtime "
                + "(LimitMEMLOCK=infinity in its unit), or give the agent CAP_SYS_RESOURCE"
        } else if let feature = missingFeature(in: log) {
            "\(name) at \(stage.rawValue): \(feature)"
        } else if errorNumber == 12 {
            "\(name): no memory for the maps; give the budget more memory, or on kernels before 5.11 raise RLIMIT_MEMLOCK"
        } else {
            "\(name) at \(stage.rawValue): \(mostTellingLine(of: log))"
        }
    return HookFailure(stage: stage, errorName: name, reason: reason)
}
