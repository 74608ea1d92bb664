// What each hook cost and lost, for `sonde top`: readings, and the difference of two.
// The costs table shows one window; the JSON document has both the window and the whole run.
// It never mixes the two: a window's time is estimated from the runs that were timed in it.

import ProbeKernel
import ProbePrograms

/// One hook.
struct HookCost: Equatable {
    var program: String
    var function: String
    var runs: UInt64 = 0
    /// Runs that were timed, one of 64.
    var sampledRuns: UInt64 = 0
    var sampledNanoseconds: UInt64 = 0
    /// Runs that the kernel left out.
    var skipped: UInt64 = 0
    var losses: [ProgramLosses.Reason: UInt64] = [:]
    /// Of the whole run so far: what a run takes when too few were timed.
    var usualNanoseconds: Double?

    var lost: UInt64 { losses.values.reduce(0, &+) }

    var nanosecondsPerRun: Double? {
        guard runs > 0 else { return nil }
        return sampledRuns > 0 ? Double(sampledNanoseconds) / Double(sampledRuns) : usualNanoseconds
    }

    var seconds: Double { (nanosecondsPerRun ?? 0) * Double(runs) / 1e9 }

    static func - (left: HookCost, right: HookCost) -> HookCost {
        HookCost(
            program: left.program, function: left.function, runs: left.runs &- right.runs, sampledRuns: left.sampledRuns &- right.sampledRuns,
            sampledNanoseconds: left.sampledNanoseconds &- right.sampledNanoseconds, skipped: left.skipped &- right.skipped,
            losses: left.losses.merging(right.losses) { $0 &- $1 }, usualNanoseconds: left.nanosecondsPerRun)
    }
}

extension HookCost {
    init(_ statistics: HookStatistics, of program: String) {
        self.init(
            program: program, function: statistics.function, runs: statistics.runs, sampledRuns: statistics.sampledRuns,
            sampledNanoseconds: statistics.sampledNanoseconds, skipped: statistics.skippedRuns, losses: statistics.losses)
    }

    /// Every hook of the probes since they were loaded; further accounts of losses when there are any.
    static func all(of probes: [LoadedProbe]) throws(ProbeKernelError) -> [HookCost] {
        var costs: [HookCost] = []
        for probe in probes {
            costs += try probe.statistics().filter { $0.isHook || $0.losses.values.contains { $0 > 0 } }.map { HookCost($0, of: probe.program.name) }
        }
        return costs
    }
}
