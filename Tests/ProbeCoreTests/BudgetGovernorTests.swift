// The order of saving, when steps come back, and that nothing flaps.

import OTLPMessages
import Testing

@testable import ProbeCore

@Suite struct BudgetGovernorTests {
    private static let all = Set(SavingStep.allCases)

    /// A ten-second look with so many millicores for each program.
    private static func cost(_ programs: [String: Double], agent: Double = 5) -> NodeCost {
        NodeCost(elapsedSeconds: 10, kernelSeconds: programs.mapValues { $0 / 100 }, agentSeconds: agent / 100)
    }

    @Test func millicoresAreThousandthsOfACore() {
        let cost = Self.cost(["sched": 40, "tcp": 10], agent: 7)
        #expect(abs(cost.kernelMillicores - 50) < 1e-9 && abs(cost.agentMillicores - 7) < 1e-9)
    }

    @Test func belowTheBudgetNothingIsSaved() {
        var governor = BudgetGovernor()
        for _ in 0..<50 { _ = governor.look(at: Self.cost(["sched": 90]), budgetMillicores: 100, possible: Self.all) }
        #expect(governor.steps.isEmpty && !governor.isOver)
    }

    @Test func oneLookAboveIsAPeakAndTwoAreACause() {
        var governor = BudgetGovernor()
        let changed1 = governor.look(at: Self.cost(["syscall": 120]), budgetMillicores: 100, possible: Self.all)
        #expect(!changed1)
        let changed2 = governor.look(at: Self.cost(["syscall": 20]), budgetMillicores: 100, possible: Self.all)
        #expect(!changed2)
        let changed3 = governor.look(at: Self.cost(["syscall": 120]), budgetMillicores: 100, possible: Self.all)
        #expect(!changed3)
        let changed4 = governor.look(at: Self.cost(["syscall": 120]), budgetMillicores: 100, possible: Self.all)
        #expect(changed4)
        #expect(governor.steps == [.systemCallsSampled])
    }

    @Test func farAboveOneLookIsEnough() {
        var governor = BudgetGovernor()
        let changed5 = governor.look(at: Self.cost(["syscall": 250]), budgetMillicores: 100, possible: Self.all)
        #expect(changed5)
    }

    @Test func stepsFollowTheDocumentedOrderAndSkipWhatCostsNothingOrIsNotPossible() {
        var governor = BudgetGovernor()
        let heavy = Self.cost(["syscall": 300, "sched": 300, "dns": 0.5, "tcp": 300])
        let possible = Self.all.subtracting([.tcpOff])
        for _ in 0..<10 { _ = governor.look(at: heavy, budgetMillicores: 100, possible: possible) }
        #expect(governor.steps == [.systemCallsSampled, .schedulerFast, .systemCallsOff, .schedulerOff])
        #expect(governor.isOver, "nothing is left")
        _ = governor.look(at: Self.cost(["tcp": 20]), budgetMillicores: 100, possible: possible)
        #expect(!governor.isOver)
    }

    @Test func aStepComesBackAfterACalmTimeIfWhatItSavedFits() {
        var governor = BudgetGovernor()
        _ = governor.look(at: Self.cost(["sched": 210]), budgetMillicores: 100, possible: [.schedulerFast])
        for _ in 0..<BudgetGovernor.calmLooksMin * 4 { _ = governor.look(at: Self.cost(["sched_fast": 30]), budgetMillicores: 100, possible: [.schedulerFast]) }
        #expect(governor.steps == [.schedulerFast], "30 + 105 does not fit")
        for _ in 0..<BudgetGovernor.holdLooksMax { _ = governor.look(at: Self.cost(["sched_fast": 30]), budgetMillicores: 100, possible: [.schedulerFast]) }
        #expect(governor.steps.isEmpty, "the load of then may be over")
    }

    @Test func aStepThatIsNeededAgainAtOnceIsHeldLonger() {
        var governor = BudgetGovernor()
        var changes = 0
        // Costs 130 when on and 0 when off, as a load that never ends.
        for _ in 0..<400 {
            let on = governor.steps.isEmpty
            if governor.look(at: Self.cost(["files": on ? 130 : 0]), budgetMillicores: 100, possible: [.filesOff]) { changes += 1 }
        }
        #expect(changes <= 10, "\(changes) changes in 400 looks")
    }

    @Test func aStepThatIsNoLongerPossibleIsGivenUp() {
        var governor = BudgetGovernor()
        _ = governor.look(at: Self.cost(["files": 300]), budgetMillicores: 100, possible: [.filesOff])
        let changed6 = governor.look(at: Self.cost([:]), budgetMillicores: 100, possible: [])
        #expect(changed6 && governor.steps.isEmpty)
    }

    @Test func sampledCountsAreScaledAndTheLedgerBalances() throws {
        var aggregator = ProbeAggregatorTests.aggregator()
        aggregator.absorb([Fixture.systemCall(2, number: 1, count: 100)], of: .syscalls, scale: 10)
        let metrics = aggregator.endWindow(at: 2000)
        #expect(metrics.flatMap(\.metrics).first { $0.name == "ebpf.syscall.duration" }?.data.count == 1000)
        #expect(aggregator.ledger[.syscall, .seen] == 1000 && aggregator.ledger[.syscall, .exported] == 100 && aggregator.ledger[.syscall, .sampled] == 900)
    }
}

extension Metric.Data {
    fileprivate var count: UInt64? { if case .exponentialHistogram(let points, _) = self { points.first?.count } else { nil } }
}
