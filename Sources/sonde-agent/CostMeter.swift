// What the agent and its programs cost since the last look: differences of counters that only grow.
// AgentLoop gives the result to the governor.
// It never estimates beyond what the programs time of themselves.

import ProbeCore

struct CostMeter {
    private var kernel: [String: Double] = [:]
    private var agent: Double
    private var then: UInt64

    init(now: UInt64, process: ProcessReading) {
        agent = process.userSeconds + process.systemSeconds
        then = now
    }

    /// - Parameters:
    ///   - kernelSeconds: by program since it was loaded; a program that was loaded again begins at zero.
    ///   - now: CLOCK_MONOTONIC.
    mutating func cost(kernelSeconds: [String: Double], process: ProcessReading, now: UInt64) -> NodeCost {
        let total = process.userSeconds + process.systemSeconds
        let spent = kernelSeconds.reduce(into: [String: Double]()) { spent, entry in
            let before = kernel[entry.key] ?? 0
            spent[entry.key] = entry.value >= before ? entry.value - before : entry.value
        }
        defer {
            kernel = kernelSeconds
            agent = total
            then = now
        }
        return NodeCost(elapsedSeconds: Double(now - then) / 1e9, kernelSeconds: spent, agentSeconds: max(0, total - agent))
    }
}
