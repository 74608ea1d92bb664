// The cost of the agent and its programs averaged over some minutes, for the status: a single look says too little about a node.
// AgentLoop feeds it with each look of the governor.
// It never decides anything: the governor acts on the looks themselves.

import ProbeCore
import SondeAPI

struct CostAverage {
    /// A look weighs as its share of this time; before so long has passed, all looks count alike.
    static let seconds = 300.0

    private(set) var overhead = AgentStatus.Overhead()
    private var elapsed = 0.0

    mutating func take(_ cost: NodeCost) {
        guard cost.elapsedSeconds > 0 else { return }
        elapsed = min(elapsed + cost.elapsedSeconds, Self.seconds)
        let weight = min(cost.elapsedSeconds / elapsed, 1)
        overhead.kernelMillicores += weight * (cost.kernelMillicores - overhead.kernelMillicores)
        overhead.agentMillicores += weight * (cost.agentMillicores - overhead.agentMillicores)
    }
}
