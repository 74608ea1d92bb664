// What one agent knows about itself and its node, as JSON: signals and why some are missing, cost, losses, export.
// The agent answers it at `/status`; the operator reads it and makes EBPFProbe.status of all nodes' answers.
// It never trusts the other side: sizes are bounded, numbers clamped and texts cut when it is read, whoever wrote it.

import JSON

/// The answer of one agent. Unknown members are ignored, so that agents and operators of neighbouring versions understand each other.
public struct AgentStatus: Hashable, Sendable {
    /// Grows only when a reader of the version before would misunderstand.
    public static let formatVersion = 1
    public static let path = "/status"
    public static let portDefault = 9464
    /// A longer answer is refused.
    public static let sizeBytesMax = 256 << 10

    public enum State: String, Sendable, CaseIterable {
        case active
        /// It is there, but a part of it is missing.
        case degraded
        /// This node cannot give it.
        case unsupported
    }

    public struct Metric: Hashable, Sendable {
        public var name: String
        public var state: State
        /// Empty when active.
        public var reason: String
        public init(name: String, state: State, reason: String = "") {
            self.name = name
            self.state = state
            self.reason = reason
        }
    }

    /// A family of `spec.signals` that is switched on.
    public struct Signal: Hashable, Sendable {
        public var name: String
        /// Empty when this version of the agent does not take the family.
        public var metrics: [Metric]
        public init(name: String, metrics: [Metric]) {
            self.name = name
            self.metrics = metrics
        }
    }

    /// In thousandths of a core, averaged over some minutes.
    public struct Overhead: Hashable, Sendable {
        public var kernelMillicores: Double
        public var agentMillicores: Double
        public init(kernelMillicores: Double = 0, agentMillicores: Double = 0) {
            self.kernelMillicores = kernelMillicores
            self.agentMillicores = agentMillicores
        }
    }

    public struct Budget: Hashable, Sendable {
        /// The cost is above the budget and nothing is left to take back.
        public var isOver: Bool
        /// What is taken more cheaply or not at all, in words.
        public var steps: [String]
        public init(isOver: Bool = false, steps: [String] = []) {
            self.isOver = isOver
            self.steps = steps
        }
    }

    public enum ExportState: String, Sendable, CaseIterable {
        case working
        /// Nothing was taken yet, or the receiver is away and data wait in memory.
        case waiting
        /// The receiver refuses data, which are lost.
        case refused
    }

    public struct Export: Hashable, Sendable {
        public var state: ExportState
        public var message: String
        public init(state: ExportState = .waiting, message: String = "nothing was sent yet") {
            self.state = state
            self.message = message
        }
    }

    public var node: String
    public var version: String
    public var kernelRelease: String
    public var signals: [Signal]
    public var overhead: Overhead
    public var budget: Budget
    /// Events that were lost since the agent's start, by class.
    public var losses: [String: UInt64]
    public var export: Export

    public init(
        node: String, version: String, kernelRelease: String, signals: [Signal] = [], overhead: Overhead = .init(), budget: Budget = .init(),
        losses: [String: UInt64] = [:], export: Export = .init()
    ) {
        self.node = node
        self.version = version
        self.kernelRelease = kernelRelease
        self.signals = signals
        self.overhead = overhead
        self.budget = budget
        self.losses = losses
        self.export = export
    }
}

/// An answer that is no agent's status.
public struct AgentStatusError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
}

extension AgentStatus {
    /// Bounds of what is read; beyond them entries are left out and texts cut.
    enum Limits {
        static let signals = 32, metrics = 32, steps = 16, losses = 64
        static let nameBytes = 128, nodeBytes = 253, textBytes = 256
        static let millicores = 1_000_000.0
        static let depth = 16
    }

    public var document: JSONValue {
        [
            "formatVersion": JSONValue(Self.formatVersion), "node": .string(node), "version": .string(version), "kernelRelease": .string(kernelRelease),
            "signals": .array(signals.map(\.document)),
            "overhead": ["kernelMillicores": .double(overhead.kernelMillicores), "agentMillicores": .double(overhead.agentMillicores)],
            "budget": ["isOver": .bool(budget.isOver), "steps": .array(budget.steps.map { .string($0) })],
            "losses": .object(JSONObject(losses.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) })),
            "export": ["state": .string(export.state.rawValue), "message": .string(export.message)],
        ]
    }

    /// Reads an answer from the network.
    /// - Throws: `AgentStatusError` when it is no JSON object of a known format, or too large. Everything else is made to fit.
    public init(parsing bytes: [UInt8]) throws(AgentStatusError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes, limits: JSONLimits(depthMax: Limits.depth, sizeBytesMax: Self.sizeBytesMax))
        } catch {
            throw AgentStatusError(description: "the answer is no JSON: \(error)")
        }
        guard value.object != nil, let version = value["formatVersion"]?.int else {
            throw AgentStatusError(description: "the answer is no agent's status: it has no formatVersion")
        }
        guard version == Self.formatVersion else {
            throw AgentStatusError(
                description: "the answer has format \(version), and \(Self.formatVersion) is understood: update the older of agent and operator")
        }
        self.init(untrusted: value)
    }

    private init(untrusted value: JSONValue) {
        func text(_ value: JSONValue?, _ bytes: Int) -> String { UntrustedText.clean(value?.string ?? "", maxBytes: bytes) }
        func millicores(_ value: JSONValue?) -> Double {
            guard let number = value?.double, number.isFinite else { return 0 }
            return min(max(number, 0), Limits.millicores)
        }
        let overhead = value["overhead"], budget = value["budget"], export = value["export"]
        node = text(value["node"], Limits.nodeBytes)
        version = text(value["version"], Limits.nameBytes)
        kernelRelease = text(value["kernelRelease"], Limits.nameBytes)
        var names: Set<String> = []
        signals = (value["signals"]?.array ?? []).prefix(Limits.signals).compactMap(Signal.init(untrusted:)).filter { names.insert($0.name).inserted }
        self.overhead = Overhead(
            kernelMillicores: millicores(overhead?["kernelMillicores"]), agentMillicores: millicores(overhead?["agentMillicores"]))
        self.budget = Budget(
            isOver: budget?["isOver"]?.bool ?? false, steps: (budget?["steps"]?.array ?? []).prefix(Limits.steps).map { text($0, Limits.textBytes) })
        losses = [:]
        for (name, count) in (value["losses"]?.object ?? [:]).prefix(Limits.losses) {
            losses[UntrustedText.clean(name, maxBytes: Limits.nameBytes)] = UInt64(clamping: count.int ?? 0)
        }
        self.export = Export(
            state: export?["state"]?.string.flatMap(ExportState.init) ?? .waiting, message: text(export?["message"], Limits.textBytes))
    }
}

extension AgentStatus.Signal {
    var document: JSONValue {
        [
            "name": .string(name),
            "metrics": .array(
                metrics.map {
                    var metric: JSONValue = ["name": .string($0.name), "state": .string($0.state.rawValue)]
                    if !$0.reason.isEmpty { metric["reason"] = .string($0.reason) }
                    return metric
                }),
        ]
    }

    /// Nil without a name. A metric whose state is not known is left out.
    fileprivate init?(untrusted value: JSONValue) {
        guard let name = value["name"]?.string, !name.isEmpty else { return nil }
        let metrics = (value["metrics"]?.array ?? []).prefix(AgentStatus.Limits.metrics).compactMap { metric -> AgentStatus.Metric? in
            guard let state = metric["state"]?.string.flatMap(AgentStatus.State.init) else { return nil }
            return AgentStatus.Metric(
                name: UntrustedText.clean(metric["name"]?.string ?? "", maxBytes: AgentStatus.Limits.nameBytes), state: state,
                reason: UntrustedText.clean(metric["reason"]?.string ?? "", maxBytes: AgentStatus.Limits.textBytes))
        }
        self.init(name: UntrustedText.clean(name, maxBytes: AgentStatus.Limits.nameBytes), metrics: metrics)
    }
}
