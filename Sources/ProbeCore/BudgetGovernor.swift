// Holds the node's cost below the budget: which signals are taken more cheaply, or not at all, while they cost too much, and when they come back.
// The agent hands measured times in every few seconds and puts the steps in force.
// It never measures, and never takes back more than the next step of a documented order.

/// Something that is taken more cheaply, in the order in which it is when the budget asks for it.
///
/// The order goes from what costs much and can be spared to what costs little: `docs/configuration.md` documents it.
public enum SavingStep: String, Sendable, Hashable, CaseIterable {
    /// System calls are taken for one second of every ten and scaled.
    case systemCallsSampled
    /// Run-queue latency from one hook instead of three.
    case schedulerFast
    case filesOff
    case systemCallsOff
    case dnsOff
    case dropsOff
    case diskOff
    case schedulerOff
    case tcpOff

    /// Programs whose kernel time the step lowers.
    public var programs: Set<String> {
        switch self {
        case .systemCallsSampled, .systemCallsOff: ["syscall", "syscall_counts"]
        case .schedulerFast: ["sched"]
        case .filesOff: ["files"]
        case .dnsOff: ["dns"]
        case .dropsOff: ["drops"]
        case .diskOff: ["disk", "disk_issue"]
        case .schedulerOff: ["sched", "sched_fast"]
        case .tcpOff: ["tcp", "iter"]
        }
    }

    /// What is left of the programs' time after the step.
    var remainder: Double {
        switch self {
        case .systemCallsSampled: 0.1
        case .schedulerFast: 0.5
        default: 0
        }
    }

    /// For the log and the status.
    public var text: String {
        switch self {
        case .systemCallsSampled: "system calls are taken for 1 s of every 10 s"
        case .schedulerFast: "run-queue latency is taken from one hook"
        case .filesOff: "files are off"
        case .systemCallsOff: "system calls are off"
        case .dnsOff: "DNS is off"
        case .dropsOff: "packet drops are off"
        case .diskOff: "disk latency is off"
        case .schedulerOff: "the scheduler's signals are off"
        case .tcpOff: "TCP's signals are off"
        }
    }
}

/// What the agent and its programs took of the node since the last look.
public struct NodeCost: Sendable, Hashable {
    public var elapsedSeconds: Double
    /// Kernel time by program.
    public var kernelSeconds: [String: Double]
    /// CPU time of the agent's process.
    public var agentSeconds: Double

    public init(elapsedSeconds: Double, kernelSeconds: [String: Double], agentSeconds: Double) {
        self.elapsedSeconds = elapsedSeconds
        self.kernelSeconds = kernelSeconds
        self.agentSeconds = agentSeconds
    }

    /// Thousandths of one core.
    public var kernelMillicores: Double { millicores(kernelSeconds.values.reduce(0, +)) }
    public var agentMillicores: Double { millicores(agentSeconds) }

    func millicores(of programs: Set<String>) -> Double { millicores(programs.reduce(0) { $0 + (kernelSeconds[$1] ?? 0) }) }

    private func millicores(_ seconds: Double) -> Double { elapsedSeconds > 0 ? seconds / elapsedSeconds * 1000 : 0 }
}

/// One step at a time: two looks above the budget, or one above twice the budget, take the next step; a calm time gives the last step back. A step that had
/// to be taken again soon after it was given back is held longer, up to `holdLooksMax`.
public struct BudgetGovernor: Sendable {
    static let calmLooksMin = 6
    static let holdLooksMax = 96
    /// A step is not worth taking for less than this share of the budget.
    static let worthwhileShare = 0.02
    /// A step comes back when the cost, with what it saved, stays below this share.
    static let restoreShare = 0.8
    /// A step that is needed again within so many looks was given back too early.
    static let relapseLooks = 6

    private struct Taken {
        var step: SavingStep
        /// What it saved when it was taken, in millicores.
        var saving: Double
    }

    private var taken: [Taken] = []
    private var looksOver = 0
    private var calmLooks = 0
    private var holds: [SavingStep: Int] = [:]
    private var restored: (step: SavingStep, looksAgo: Int)?
    /// The cost is above the budget, and nothing is left to take back.
    public private(set) var isOver = false

    public init() {}

    /// Steps in force, in the order in which they were taken.
    public var steps: [SavingStep] { taken.map(\.step) }

    /// Takes one measurement.
    /// - Parameter possible: steps that the configuration allows.
    /// - Returns: whether the steps in force changed.
    public mutating func look(at cost: NodeCost, budgetMillicores: Int, possible: Set<SavingStep>) -> Bool {
        let budget = Double(budgetMillicores)
        let used = cost.kernelMillicores + cost.agentMillicores
        restored?.looksAgo += 1
        let before = steps
        taken.removeAll { !possible.contains($0.step) }
        if used > budget {
            calmLooks = 0
            looksOver += used > 2 * budget ? 2 : 1
            if looksOver >= 2 { save(cost, budget, possible) }
        } else {
            isOver = false
            looksOver = 0
            calmLooks += 1
            restore(used: used, budget)
        }
        return steps != before
    }

    private mutating func save(_ cost: NodeCost, _ budget: Double, _ possible: Set<SavingStep>) {
        let next = SavingStep.allCases.first { step in
            possible.contains(step) && !steps.contains(step) && cost.millicores(of: step.programs) > Self.worthwhileShare * budget
        }
        guard let next else {
            isOver = true
            return
        }
        if let restored, restored.step == next, restored.looksAgo <= Self.relapseLooks {
            holds[next] = min(2 * (holds[next] ?? Self.calmLooksMin), Self.holdLooksMax)
        }
        taken.append(Taken(step: next, saving: cost.millicores(of: next.programs) * (1 - next.remainder)))
        looksOver = 0
    }

    /// The load of the time when a step was taken may be over, so after the longest hold it is tried whatever it saved then.
    private mutating func restore(used: Double, _ budget: Double) {
        guard let last = taken.last else { return }
        let hold = holds[last.step] ?? Self.calmLooksMin
        let fits = used + last.saving < Self.restoreShare * budget
        guard calmLooks >= hold, fits || calmLooks >= Self.holdLooksMax else { return }
        taken.removeLast()
        restored = (last.step, 0)
        calmLooks = 0
    }
}
