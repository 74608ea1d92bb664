// What an agent's answer says about a family of signals as a whole, from the states of its metrics.
// The operator counts nodes with it, and `sonde-agent status` prints it.
// It never invents a reason: a metric that gives none is said to give none.

extension AgentStatus.Signal {
    /// Active when all metrics are; unsupported when no metric can be given, or the agent takes none of this family.
    public var state: AgentStatus.State {
        if metrics.allSatisfy({ $0.state == .unsupported }) { return .unsupported }
        return metrics.allSatisfy { $0.state == .active } ? .active : .degraded
    }

    /// Metrics that a reason names at most; more are counted.
    private static let namesMax = 2

    /// Why the family is not active: each reason once, in the order of the metrics, with the metrics that it is about unless it is about all.
    public func reasons(max: Int, maxBytes: Int) -> [String] {
        if metrics.isEmpty { return ["this version of the agent does not take it"] }
        var names: [(reason: String, metrics: [String])] = []
        for metric in metrics where metric.state != .active {
            let reason = metric.reason.isEmpty ? "no reason is given" : metric.reason
            if let index = names.firstIndex(where: { $0.reason == reason }) {
                names[index].metrics.append(metric.name)
            } else {
                names.append((reason, [metric.name]))
            }
        }
        return names.prefix(max).map { entry in
            let text = entry.metrics.count == metrics.count ? entry.reason : "\(Self.list(entry.metrics)): \(entry.reason)"
            return UntrustedText.clean(text, maxBytes: maxBytes)
        }
    }

    private static func list(_ names: [String]) -> String {
        let rest = names.count - namesMax
        return names.prefix(namesMax).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}
