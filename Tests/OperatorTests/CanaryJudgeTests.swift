// The judgement of a canary: what it waits for, what ends it, and that it ends.
// Times are numbers, pods and counts are values.
// It never renders anything: CanaryRolloutTests does.

import Kubernetes
import Testing

@testable import Operator

@Suite struct CanaryJudgeTests {
    private static let judge = CanaryJudge(window: .seconds(120), readyLimit: .seconds(600))
    private static func time(_ seconds: Int64) -> Timestamp { Timestamp(secondsSinceEpoch: 1_800_000_000 + seconds) }

    private static func pod(isReady: Bool = true, restarts: Int = 0) -> CollectorPod {
        CollectorPod(name: "c", uid: "c", isReady: isReady, restarts: restarts, isCanary: true, revision: "r", address: nil)
    }

    private static func state(readyAt: Int64? = nil, startedAt: Int64 = 0, interruptions: Int = 0) -> CanaryState {
        var state = CanaryState(revision: "r", startedAt: time(startedAt))
        state.interruptions = interruptions
        state.readyAt = readyAt.map(time)
        return state
    }

    private static func judge(_ readyAt: Int64?, _ pods: [CollectorPod], at now: Int64, _ comparison: CanaryComparison? = nil) -> CanaryJudge.Judgement {
        judge.judge(state(readyAt: readyAt), pods: pods, now: time(now)) { _ in comparison }
    }

    @Test func itIsReadyForTheWholeWindow() {
        #expect(Self.judge(nil, [], at: 10) == .wait(Self.state()))
        #expect(Self.judge(nil, [Self.pod(isReady: false)], at: 10) == .wait(Self.state()))
        #expect(Self.judge(nil, [Self.pod()], at: 20) == .wait(Self.state(readyAt: 20)))
        #expect(Self.judge(20, [Self.pod()], at: 139) == .wait(Self.state(readyAt: 20)))
        #expect(Self.judge(20, [Self.pod()], at: 140) == .passed)
        #expect(Self.judge(20, [Self.pod(isReady: false)], at: 100) == .wait(Self.state(startedAt: 100, interruptions: 1)), "the window begins anew")
    }

    @Test func itEnds() {
        #expect(Self.judge(nil, [], at: 600) == .wait(Self.state()))
        #expect(Self.judge(nil, [], at: 601) == .failed("it was not ready within 600 s"))
        #expect(Self.judge(nil, [Self.pod(isReady: false)], at: 601) == .failed("it was not ready within 600 s"))
        var state = Self.state()
        for time in stride(from: Int64(10), to: 100, by: 20) {
            for (pods, now) in [([Self.pod()], time), ([], time + 10)] {
                switch Self.judge.judge(state, pods: pods, now: Self.time(now), compare: { _ in nil }) {
                case .wait(let next): state = next
                case .passed: Issue.record("it was never ready for the whole window")
                case .failed(let reason):
                    #expect(reason == "it did not stay ready for 120 s" && now == 80, "\(now)")
                    return
                }
            }
        }
        Issue.record("it has no end")
    }

    @Test func anOperatorThatWasAwayGoesOn() {
        #expect(Self.judge(nil, [Self.pod()], at: 5000) == .wait(Self.state(readyAt: 5000)))
        #expect(Self.judge(20, [Self.pod()], at: 5000) == .passed)
    }

    @Test func aRestartEndsIt() {
        guard case .failed(let reason) = Self.judge(20, [Self.pod(restarts: 2)], at: 30) else {
            Issue.record("it goes on")
            return
        }
        #expect(reason.contains("restarted 2 times"))
    }

    private static func sides(_ canary: CanaryComparison.Side, _ others: CanaryComparison.Side) -> CanaryComparison {
        CanaryComparison(canary: canary, others: others)
    }

    @Test func whereMetricsAreReadItWaitsForThemForAWhile() {
        let nothing = Self.sides(.init(), .init(intervals: 4, good: 100))
        #expect(Self.judge(20, [Self.pod()], at: 140, nothing) == .wait(Self.state(readyAt: 20)))
        #expect(Self.judge(20, [Self.pod()], at: 230, nothing) == .passed)
        #expect(Self.judge(20, [Self.pod()], at: 140, Self.sides(.init(intervals: 1), .init(intervals: 4, good: 100))) == .passed)
    }

    @Test(
        arguments: [
            (
                CanaryComparison.Side(intervals: 3, good: 90, lost: 10), CanaryComparison.Side(intervals: 3, good: 1000),
                "it loses 10 % of what it counts (10 items), the other pods none"
            ),
            (.init(intervals: 3, good: 91, lost: 9), .init(intervals: 3, good: 1000), nil),
            (.init(intervals: 3, good: 900, lost: 100), .init(intervals: 9, good: 8000, lost: 1000), nil),
            (
                .init(intervals: 3, good: 700, lost: 300), .init(intervals: 9, good: 8000, lost: 1000),
                "it loses 30 % of what it counts (300 items), the other pods 11 %"
            ),
            (
                .init(intervals: 3, good: 500, refused: 500), .init(intervals: 9, good: 8000, refused: 80),
                "it refuses 50 % of what it counts (500 items), the other pods 1 %"
            ),
            (.init(intervals: 3, good: 100_000, lost: 20), .init(intervals: 3, good: 1000), nil),
            (.init(intervals: 3, lost: 50), .init(), "it loses 100 % of what it counts (50 items), the other pods none"),
        ] as [(CanaryComparison.Side, CanaryComparison.Side, String?)])
    func worseThanTheOthersEndsItAtOnce(canary: CanaryComparison.Side, others: CanaryComparison.Side, reason: String?) {
        let judgement = Self.judge(20, [Self.pod()], at: 60, Self.sides(canary, others))
        #expect(judgement == reason.map { .failed($0) } ?? .wait(Self.state(readyAt: 20)))
    }
}
