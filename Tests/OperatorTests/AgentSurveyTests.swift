// What many agents say, added up, and the status that comes of it: row by row, with answers that no agent would give.
// The integration suite shows the same on a server.
// It never needs a clock: times are given.

import JSON
import Kubernetes
import KubernetesRuntime
import SondeAPI
import Testing

@testable import Operator

@Suite struct AgentSurveyTests {
    private static let start = Timestamp(secondsSinceEpoch: 1_800_000_000)

    /// Agents that answered at the start and are concluded at `now`.
    private static func agents(_ answers: [AgentStatus?], now: Int = 0) -> ProbeAgents {
        var agents = ProbeAgents()
        agents.keep(answers.indices.map { Fixture.agent($0) })
        for _ in 0..<ProbeAgents.missesMax {
            for (index, answer) in answers.enumerated() {
                if let answer {
                    agents.answered(Fixture.agent(index), answer, now: seconds(0))
                } else {
                    agents.failed(Fixture.agent(index), "no answer", now: seconds(0))
                }
            }
        }
        _ = agents.conclude(now: seconds(now))
        return agents
    }

    private static func status(_ agents: ProbeAgents?, _ spec: JSONValue = [:], before: JSONValue? = nil) -> JSONValue {
        let object = Fixture.probe(spec, status: before)
        var observation = ProbeObservation(object: object, probe: try? EBPFProbe(object: object), destination: .resolved("http://collector:4318"))
        observation.agents = agents?.survey
        return observation.status(now: start)
    }

    private static func conditions(_ agents: ProbeAgents?, _ spec: JSONValue = [:], before: JSONValue? = nil) -> Conditions {
        Conditions(decoding: status(agents, spec, before: before)["conditions"])
    }

    // MARK: Counts

    struct Row: Sendable, CustomTestStringConvertible {
        let reason: String
        let answers: [AgentStatus?]
        /// active, degraded, unsupported of tcp; degraded, unsupported, silent of nodes.
        let tcp: [Int], nodes: [Int]
        var testDescription: String { reason }
    }

    private static let all: [String: AgentStatus.State] = ["scheduler": .unsupported, "tcp": .unsupported, "drops": .unsupported]

    static let rows = [
        Row(reason: "no agent", answers: [], tcp: [0, 0, 0], nodes: [0, 0, 0]),
        Row(reason: "all well", answers: [Fixture.status(), Fixture.status()], tcp: [2, 0, 0], nodes: [0, 0, 0]),
        Row(reason: "a part of a family", answers: [Fixture.status(missing: ["tcp": .degraded]), Fixture.status()], tcp: [1, 1, 0], nodes: [1, 0, 0]),
        Row(reason: "a family", answers: [Fixture.status(missing: ["tcp": .unsupported]), Fixture.status()], tcp: [1, 0, 1], nodes: [1, 0, 0]),
        Row(reason: "nothing can be taken", answers: [Fixture.status(missing: all), Fixture.status()], tcp: [1, 0, 1], nodes: [0, 1, 0]),
        Row(reason: "one is silent", answers: [nil, Fixture.status()], tcp: [1, 0, 0], nodes: [0, 0, 1]),
        Row(reason: "one has not tried yet", answers: [AgentStatus(node: "", version: "", kernelRelease: "6.1")], tcp: [0, 0, 0], nodes: [0, 0, 0]),
    ]

    @Test(arguments: rows) func nodesAreCounted(row: Row) {
        let status = Self.status(Self.agents(row.answers))
        let tcp = status["signals"]?.array?.first { $0["name"] == "tcp" }
        #expect(["active", "degraded", "unsupported"].map { tcp?[$0]?.int } == row.tcp)
        #expect(["degraded", "unsupported", "silent"].map { status.at("nodes", $0)?.int } == row.nodes)
        #expect(EBPFProbeSchema.status.findings(for: status, at: "status").isEmpty)
    }

    @Test func reasonsCarryTheirNodesMostFrequentFirst() {
        let answers = (0..<5).map { Fixture.status(missing: ["tcp": $0 < 2 ? .unsupported : .degraded]) }
        let tcp = Self.status(Self.agents(answers))["signals"]?.array?.first { $0["name"] == "tcp" }
        #expect(tcp?["reason"] == "tcp.b: no tcp (3 nodes); no tcp (2 nodes)")
    }

    @Test func kernelsAndUnsupportedNodesAreListsOfTwenty() {
        let answers = (0..<30).map { Fixture.status(kernel: $0 < 3 ? "6.8" : "5.\($0)", missing: Self.all) }
        let status = Self.status(Self.agents(answers))
        #expect(status["kernels"]?.array?.count == 20 && status.at("kernels")?[0] == ["version": "6.8", "nodes": 3])
        #expect(status["unsupportedNodes"]?.array?.count == 20 && status.at("nodes", "unsupported") == 30)
        #expect(status["unsupportedNodes"]?[0] == ["name": "node-0", "reason": "no scheduler"])
    }

    @Test func aHostileAgentSpoilsOneLineAndNoMore() throws {
        let long = String(repeating: "x", count: 300)
        func hostile(_ seed: Int) -> AgentStatus {
            AgentStatus(
                node: "node-0", version: long, kernelRelease: "\(seed)\u{1b}[31m" + long,
                signals: (0..<100).map {
                    .init(
                        name: $0 < 3 ? ["tcp", "drops", "scheduler"][$0] : "\(seed)-\($0)" + long,
                        metrics: [.init(name: long, state: .unsupported, reason: "\(seed)\n\(long)")])
                },
                overhead: .init(kernelMillicores: 1e6, agentMillicores: 1e6), budget: .init(isOver: true, steps: (0..<50).map { "\(seed) \($0) \(long)" }),
                losses: Dictionary(uniqueKeysWithValues: (0..<200).map { ("\(seed)-\($0)" + long, UInt64.max) }),
                export: .init(state: .refused, message: "\(seed)" + long))
        }
        var answers: [AgentStatus?] = (0..<100).map { try? AgentStatus(parsing: hostile($0).document.bytes()) }
        #expect(answers.allSatisfy { $0 != nil })
        answers += [Fixture.status(), Fixture.status()]
        let agents = Self.agents(answers)
        let status = Self.status(agents)
        #expect(EBPFProbeSchema.status.findings(for: status, at: "status").isEmpty)
        #expect(status.bytes().count < 40_000, "\(status.bytes().count)")
        #expect(status["signals"]?.array?.first { $0["name"] == "tcp" }?["active"] == 2, "honest nodes count")
        #expect(status["kernels"]?[0] == ["version": "6.1.0", "nodes": 2])
        #expect(status["unsupportedNodes"]?.array?.compactMap { $0["name"]?.string }.allSatisfy { $0.hasPrefix("node-") } == true, "names are the API server's")
        let survey = try #require(agents.survey)
        #expect(survey.steps.counts.count == Tally.textsMax && survey.steps.rest > 0 && survey.signals.count == 3)
        #expect(!status.text().contains("\u{1b}"))
    }

    // MARK: Conditions

    @Test func degradedNamesWhatIsMissingAndWhy() {
        let spec: JSONValue = ["signals": ["http": ["enabled": false]]]
        #expect(Self.conditions(Self.agents([Fixture.status()]), spec)["Degraded"] == nil)
        let missing = Self.conditions(Self.agents([Fixture.status(missing: ["tcp": .unsupported]), nil]), spec)["Degraded"]
        #expect(missing?.reason == "SignalsMissing")
        #expect(missing?.message.contains("tcp is missing on 1 node: no tcp (1 node)") == true)
        #expect(missing?.message.contains("1 of 2 agents do not answer") == true && missing?.message.contains("9464") == true)
        #expect(Self.conditions(Self.agents([nil]), spec)["Degraded"]?.reason == "AgentsSilent")
    }

    @Test func aReceiverThatIsAwayIsToldAfterAMinute() {
        let spec: JSONValue = ["signals": ["http": ["enabled": false]]]
        let away = Fixture.status(export: .init(state: .waiting, message: "refused"))
        #expect(Self.conditions(Self.agents([away], now: 59), spec)["Degraded"] == nil, "every agent starts so")
        let condition = Self.conditions(Self.agents([away], now: 60), spec)["Degraded"]
        #expect(condition?.reason == "ReceiverAway" && condition?.message.contains("refused (1 node)") == true)
    }

    @Test func savingAndExceedingTheBudgetAreToldApart() {
        let saving = Self.conditions(Self.agents([Fixture.status(budget: .init(steps: ["DNS is off"])), Fixture.status()]))["OverBudget"]
        #expect(saving?.reason == "BudgetSaving" && saving?.message.hasPrefix("to hold the CPU budget of 100m: DNS is off (1 node)") == true)
        let over = Self.conditions(Self.agents([Fixture.status(budget: .init(isOver: true, steps: ["DNS is off"])), Fixture.status()]))["OverBudget"]
        #expect(over?.reason == "BudgetExceeded" && over?.message.hasPrefix("above the CPU budget of 100m on 1 node (node-0)") == true)
        #expect(over?.message.contains("DNS is off (1 node)") == true)
        #expect(Self.conditions(Self.agents([Fixture.status()]))["OverBudget"] == nil)
    }

    @Test func refusedDataAreALoss() {
        let condition = Self.conditions(Self.agents([Fixture.status(export: .init(state: .refused, message: "HTTP 401"))]))["DataLoss"]
        #expect(condition?.reason == "ReceiverRefuses" && condition?.message.contains("HTTP 401 (1 node)") == true)
    }

    @Test func lossesAreToldForTenMinutes() {
        var agents = ProbeAgents()
        agents.keep([Fixture.agent(0)])
        func look(_ now: Int, _ lost: UInt64) -> Condition? {
            agents.answered(Fixture.agent(0), Fixture.status(losses: ["sched": lost]), now: seconds(now))
            _ = agents.conclude(now: seconds(now))
            return Self.conditions(agents)["DataLoss"]
        }
        #expect(look(0, 7) == nil, "what was lost before anybody looked")
        #expect(look(30, 7) == nil)
        let lost = look(60, 8)
        #expect(lost?.reason == "EventsLost" && lost?.message.contains("sched (1 node)") == true)
        #expect(look(659, 8) != nil)
        #expect(look(660, 8) == nil)
        #expect(look(690, 2) != nil, "it started anew and has lost again")
    }

    @Test func aLossOutlivesThePodAndAReplacedPodStartsAtNothing() {
        var agents = ProbeAgents()
        agents.keep([Fixture.agent(0)])
        agents.answered(Fixture.agent(0), Fixture.status(), now: seconds(0))
        agents.answered(Fixture.agent(0), Fixture.status(losses: ["sched": 1]), now: seconds(10))
        agents.keep([Fixture.agent(0, uid: "next")])
        agents.answered(Fixture.agent(0), Fixture.status(losses: ["dns": 9]), now: seconds(20))
        agents.answered(Fixture.agent(0, uid: "next"), Fixture.status(losses: ["tcp": 1]), now: seconds(30))
        _ = agents.conclude(now: seconds(30))
        #expect(agents.survey?.losses.counts == ["sched": 1, "tcp": 1], "and answers of the pod before are not taken")
    }

    @Test func beforeTheFirstRoundTheStatusKeepsWhatItHad() {
        let before = Self.status(
            Self.agents([
                Fixture.status(missing: ["tcp": .unsupported], budget: .init(steps: ["x"]), export: .init(state: .refused, message: "m")),
                Fixture.status(missing: Self.all), nil,
            ]))
        #expect(Conditions(decoding: before["conditions"]).all.count >= 5)
        #expect(Self.status(nil, before: before) == before)
        let first = Self.status(nil)
        #expect(first["signals"]?[0] == ["name": "scheduler", "active": 0, "degraded": 0, "unsupported": 0] && first["overhead"] == nil)
    }

    @Test func aLossOfTheProcessBeforeIsToldUntilItMustBeOver() {
        var seen = Self.agents([Fixture.status()])
        seen.answered(Fixture.agent(0), Fixture.status(losses: ["sched": 1]), now: seconds(5))
        _ = seen.conclude(now: seconds(5))
        let before = Self.status(seen)
        #expect(Self.conditions(Self.agents([Fixture.status()]), before: before)["DataLoss"] != nil)
        var later = Self.agents([Fixture.status()])
        _ = later.conclude(now: seconds(600))
        #expect(Self.conditions(later, before: before)["DataLoss"] == nil)
    }

    // MARK: Numbers that stay

    @Test(arguments: [(0.4, 0), (0.5, 1), (99.4, 99), (99.6, 100), (123, 120), (1257, 1300), (1_000_000, 1_000_000)]) func twoDigitsAreShown(
        value: Double, shown: Int
    ) {
        #expect(Overhead.rounded(value) == shown)
    }

    @Test func overheadFollowsRealChangesOnly() {
        func cost(_ value: Double) -> Overhead? { Overhead(kernelMillicores: [value, 1, 1], agentMillicores: [1, 1, 1]) }
        var steady = SteadyOverhead()
        steady.take(cost(40), now: seconds(0))
        #expect(steady.shown?.kernel == .init(p50: 1, max: 40))
        for (value, shown, now, reason) in [
            (47.0, 40, 400, "17 %"), (50, 40, 299, "too soon"), (50, 50, 400, "25 %"), (52, 50, 1000, "4 %"), (12, 12, 1000, "it fell"),
            (13.6, 12, 2000, "2 millicores"), (15, 15, 2000, "3 millicores and 25 %"),
        ] as [(Double, Int, Int, String)] {
            steady.take(cost(value), now: seconds(now))
            #expect(steady.shown?.kernel.max == shown, "\(reason)")
        }
        steady.take(nil, now: seconds(2001))
        #expect(steady.shown == nil)
        #expect(Overhead(status: cost(40)?.jsonValue) == cost(40))
        #expect(Overhead(status: ["kernelMillicores": ["p50": 1]]) == nil)
    }

    @Test func anAgentThatHasNotMeasuredHasNoCost() {
        #expect(Self.status(Self.agents([Fixture.status(cost: (0, 0))]))["overhead"] == nil)
        let measured = Self.status(Self.agents([Fixture.status(cost: (0, 0)), Fixture.status(cost: (0, 7))]))["overhead"]
        #expect(measured == ["kernelMillicores": ["p50": 0, "max": 0], "agentMillicores": ["p50": 7, "max": 7]])
    }

    @Test func countsInMessagesStayWithinAFifth() {
        var shown = Tally(), next = Tally()
        for _ in 0..<100 { shown.add("a") }
        for _ in 0..<3 { shown.add("b") }
        for _ in 0..<119 { next.add("a") }
        for _ in 0..<4 { next.add("b") }
        #expect(next.steadied(by: shown).counts == ["a": 100, "b": 4])
        next.add("a")
        next.add("a")
        #expect(next.steadied(by: shown).counts == ["a": 121, "b": 4])
    }

    // MARK: Whom to ask

    @Test func thoseWhoWaitLongestAreAskedFirst() {
        var agents = ProbeAgents()
        agents.keep([0, 1, 2].map { Fixture.agent($0) })
        #expect(agents.due(now: seconds(0)).map(\.node) == ["node-0", "node-1", "node-2"])
        agents.answered(Fixture.agent(1), Fixture.status(), now: seconds(10))
        agents.failed(Fixture.agent(0), "x", now: seconds(20))
        #expect(agents.due(now: seconds(30)).map(\.node) == ["node-2"])
        #expect(agents.pause(now: seconds(30)) == .seconds(10))
        #expect(agents.due(now: seconds(45)).map(\.node) == ["node-2", "node-1", "node-0"])
        agents.keep([Fixture.agent(0), Fixture.agent(1, isReady: false)])
        #expect(agents.due(now: seconds(30)).map(\.node) == ["node-1"], "its pod changed")
    }

    @Test func oneMissIsNoSilence() {
        var agents = ProbeAgents()
        agents.keep([Fixture.agent(0)])
        agents.answered(Fixture.agent(0), Fixture.status(), now: seconds(0))
        agents.failed(Fixture.agent(0), "x", now: seconds(30))
        _ = agents.conclude(now: seconds(30))
        #expect(agents.survey?.silent == 0 && agents.survey?.answering == 1)
        agents.failed(Fixture.agent(0), "x", now: seconds(60))
        let isNew = agents.conclude(now: seconds(60))
        #expect(isNew)
        #expect(agents.survey?.silent == 1 && agents.survey?.answering == 0)
        let isNewAgain = agents.conclude(now: seconds(61))
        #expect(!isNewAgain, "nothing new")
    }

    @Test func nodesBeyondTheLimitAreLeftOutAndCounted() {
        var agents = ProbeAgents()
        agents.keep((0..<ProbeAgents.agentsMax + 7).map { Fixture.agent($0) })
        #expect(agents.agents.count == ProbeAgents.agentsMax && agents.leftOut == 7)
    }

    // MARK: Pods

    @Test func onlyRunningPodsOfTheDaemonSetAreAgents() {
        let store = ObjectStore(type: .pods)
        let pods = [
            Fixture.pod(1), Fixture.pod(2, of: "other"), Fixture.pod(3, more: [(["status", "phase"], "Pending")]),
            Fixture.pod(4, more: [(["metadata", "deletionTimestamp"], "2027-01-01T00:00:00Z")]), Fixture.pod(5, more: [(["spec", "nodeName"], "")]),
            Fixture.pod(6, more: [(["status", "podIP"], "127.0.0.1")]), Fixture.pod(7, uid: "old"),
            Fixture.pod(7, uid: "young", created: 1_900_000_000, more: [(["status", "conditions"], [])]),
            Fixture.pod(8, uid: "old", more: [(["status", "conditions"], []), (["metadata", "name"], "8-old")]),
            Fixture.pod(8, uid: "ready", created: 1_700_000_000, more: [(["metadata", "name"], "8-ready")]),
        ]
        _ = store.replace(pods.map(AgentPods.projection), resourceVersion: "9")
        let agents = AgentPods.agents(of: Fixture.daemonSet(), in: store)
        #expect(agents.map(\.podUID) == ["pod-1", "old", "ready"])
        #expect(store.list().allSatisfy { $0.at("spec", "containers") == nil && $0.at("metadata", "labels") == nil })
    }

    @Test func aPodsOtherChangesAreNotNews() {
        func projected(_ more: [([String], JSONValue)]) -> JSONValue { AgentPods.projection(Fixture.pod(1, more: more)) }
        let same = StoreEvent.updated(old: projected([]), new: projected([(["metadata", "resourceVersion"], "6"), (["metadata", "labels"], ["c": "d"])]))
        #expect(!AgentPods.isRelevant(same))
        #expect(AgentPods.isRelevant(.updated(old: projected([]), new: projected([(["status", "conditions"], [])]))))
        #expect(AgentPods.isRelevant(.deleted(projected([]))))
    }

    @Test(
        arguments: [
            ("10.1.2.3", "10.1.2.3:9464"), ("fd00::7", "[fd00::7]:9464"), ("2001:db8::1", "[2001:db8::1]:9464"), ("127.0.0.1", nil), ("0.0.0.0", nil),
            ("169.254.169.254", nil), ("224.0.0.1", nil), ("::1", nil), ("::", nil), ("fe80::1", nil), ("ff02::1", nil), ("::ffff:127.0.0.1", nil), ("", nil),
            ("10.1.2", nil), ("10.1.2.3/status?", nil), ("host", nil),
        ] as [(String, String?)])
    func onlyAddressesOfPodsAreAsked(text: String, expected: String?) {
        #expect(AgentAddress(podIP: text)?.description == expected)
    }
}
