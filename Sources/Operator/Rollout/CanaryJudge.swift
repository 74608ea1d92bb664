// Whether one pod with a changed template does as well as the others: readiness, restarts, and what the collectors count themselves.
// CanaryRollout asks at each reconcile while a change is tried.
// It never waits without end: after `readyLimit`, or when readiness came and went too often, the change is taken back.

import Kubernetes

struct CanaryJudge: Hashable, Sendable {
    enum Judgement: Hashable, Sendable {
        case wait(CanaryState)
        case passed
        case failed(String)
    }

    static let windowDefault: Duration = .seconds(120)
    static let readyLimitDefault: Duration = .seconds(600)
    /// So much longer it waits for a first comparison, where metrics are read at all: two looks and their spread.
    static let comparisonGrace: Duration = .seconds(90)
    /// Fewer items than these are chance.
    static let itemsMin = 10.0

    /// A node may be drained under a canary; one that is lost more often does not work.
    static let interruptionsMax = 3

    /// A canary must be ready for so long.
    var window: Duration
    /// And become ready within so long.
    var readyLimit: Duration

    /// - Parameters:
    ///   - pods: With the template that is tried.
    ///   - compare: What canary and others counted in a time until now; nil where nobody reads their metrics.
    func judge(_ state: CanaryState, pods: [CollectorPod], now: Timestamp, compare: (Duration) -> CanaryComparison?) -> Judgement {
        var state = state
        if let restarts = pods.map(\.restarts).max(), restarts > 0 {
            return .failed("its container has restarted \(restarts == 1 ? "once" : "\(restarts) times"); kubectl logs --previous has the reason")
        }
        guard !pods.isEmpty, pods.allSatisfy(\.isReady) else { return judgeUnready(state, now) }
        let readyAt = state.readyAt ?? now
        state.readyAt = readyAt
        let elapsed = now.since(readyAt)
        let comparison = compare(elapsed)
        if let comparison, let reason = Self.worse(comparison) { return .failed(reason) }
        if elapsed >= window, comparison.map({ $0.canary.intervals > 0 }) ?? true || elapsed >= window + Self.comparisonGrace { return .passed }
        return .wait(state)
    }

    private func judgeUnready(_ state: CanaryState, _ now: Timestamp) -> Judgement {
        var state = state
        if state.readyAt != nil {
            // The time begins anew, also for an operator that was away meanwhile.
            state.readyAt = nil
            state.startedAt = now
            state.interruptions += 1
        }
        if state.interruptions > Self.interruptionsMax { return .failed("it did not stay ready for \(Self.text(window))") }
        return now.since(state.startedAt) > readyLimit ? .failed("it was not ready within \(Self.text(readyLimit))") : .wait(state)
    }

    private static func worse(_ comparison: CanaryComparison) -> String? {
        let (canary, others) = (comparison.canary, comparison.others)
        if isWorse(canary.lost, canary, others.lost, others) { return text("loses", canary.lost, canary, others.lost, others) }
        if isWorse(canary.refused, canary, others.refused, others) { return text("refuses", canary.refused, canary, others.refused, others) }
        return nil
    }

    /// Shares, since pods need not get the same amount of data.
    private static func isWorse(_ bad: Double, _ canary: CanaryComparison.Side, _ othersBad: Double, _ others: CanaryComparison.Side) -> Bool {
        bad >= itemsMin && share(bad, canary) > share(othersBad, others) * 1.5 + 0.01
    }

    private static func share(_ bad: Double, _ side: CanaryComparison.Side) -> Double {
        let all = side.good + side.lost + side.refused
        return all > 0 ? bad / all : 0
    }

    private static func text(_ verb: String, _ bad: Double, _ canary: CanaryComparison.Side, _ othersBad: Double, _ others: CanaryComparison.Side) -> String {
        func percent(_ bad: Double, _ side: CanaryComparison.Side) -> String { "\(HealthText.number(CollectorHealth.rounded(share(bad, side) * 100))) %" }
        let rest = othersBad > 0 ? percent(othersBad, others) : "none"
        return "it \(verb) \(percent(bad, canary)) of what it counts (\(HealthText.number(bad)) items), the other pods \(rest)"
    }

    private static func text(_ duration: Duration) -> String { "\(duration.components.seconds) s" }
}
