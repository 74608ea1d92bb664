// Rounds of questions: how many at once, how long, who is not asked; and the whole operator in a world that has settled.
// Agents are a function; time is moved by hand.
// It never waits for a time: it looks for facts, with a deadline in real time.

import JSON
import Kubernetes
import KubernetesRuntime
import KubernetesTestServer
import SondeAPI
import Synchronization
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(3))) struct AgentWatcherTests {
    /// A probe, its DaemonSet and pods in stores, and a watcher over them.
    private struct Setup {
        let watcher: AgentWatcher
        let probes = ObjectStore(type: .ebpfProbes), daemonSets = ObjectStore(type: .daemonSets), pods = ObjectStore(type: .pods)
        let name = ObjectName(namespace: "n", name: "nodes")

        init(_ source: FakeAgents, time: ManualTime, nodes: Int, gate: WriteGate? = nil, news: @escaping @Sendable (ObjectName) -> Void = { _ in }) {
            let environment = OperatorEnvironment(
                api: TestAPIServer(), agents: source, configuration: OperatorConfiguration(collectorImage: "a", agentImage: "b"),
                gate: gate ?? .withoutElection(time: time), time: time, logger: quiet)
            watcher = AgentWatcher(
                environment: environment, probes: probes, daemonSets: daemonSets, pods: pods, slots: RequestSlots(AgentWatcher.requestsMax), hasNews: news)
            _ = probes.replace([Fixture.probe()], resourceVersion: "7")
            _ = daemonSets.replace([Fixture.daemonSet()], resourceVersion: "7")
            _ = pods.replace((0..<nodes).map { AgentPods.projection(Fixture.pod($0)) }, resourceVersion: "7")
        }
    }

    @Test func aRoundAsksEveryNodeAndNeverMoreThanThirtyTwoAtOnce() async throws {
        let source = FakeAgents { _ in
            await Task.yield()
            return Fixture.status()
        }
        let news = Mutex(0)
        let setup = Setup(source, time: ManualTime(), nodes: 5000) { _ in news.withLock { $0 += 1 } }
        _ = try await setup.watcher.look(setup.name)
        #expect(Set(source.asked).count == 5000 && source.asked.count == 5000)
        #expect(source.runningMax <= AgentWatcher.requestsMax && source.runningMax > 1)
        #expect(setup.watcher.survey(of: Fixture.probe())?.answering == 5000)
        _ = try await setup.watcher.look(setup.name)
        #expect(source.asked.count == 5000, "nobody is due")
        #expect(news.withLock { $0 } == 1, "the second round says nothing new")
        var another = Fixture.probe()
        another.set(["metadata", "uid"], to: "another")
        #expect(setup.watcher.survey(of: another) == nil)
    }

    @Test func aRoundEndsThoughNobodyAnswers() async throws {
        let time = ManualTime()
        let source = FakeAgents { _ in
            try await time.sleep(for: .seconds(3600))
            throw AgentSilence("never")
        }
        let setup = Setup(source, time: time, nodes: 2000)
        for round in 1...2 {
            async let result = setup.watcher.look(setup.name)
            for _ in 0..<15 {
                await time.waitForSleepers(2 * AgentWatcher.requestsMax)
                time.advance(by: AgentWatcher.requestDeadline)
            }
            guard case .after = try await result else {
                Issue.record("there is a next round")
                return
            }
            #expect(source.asked.count == round * 15 * AgentWatcher.requestsMax, "45 s with 32 at once")
            #expect(source.running == 0 && time.sleeperCount == 0)
        }
        #expect(Set(source.asked).count == source.asked.count, "the second round goes on where the first ended")
    }

    @Test func silentNodesDoNotHideTheOthers() async throws {
        let time = ManualTime()
        let source = FakeAgents { address in
            if address.host == Fixture.address(1) { throw AgentSilence("no connection is accepted") }
            if address.host == Fixture.address(2) { throw HostileError() }
            return Fixture.status()
        }
        let setup = Setup(source, time: time, nodes: 4)
        for _ in 0..<2 {
            _ = try await setup.watcher.look(setup.name)
            time.advance(by: .seconds(30))
        }
        let survey = try #require(setup.watcher.survey(of: Fixture.probe()))
        #expect(survey.answering == 2 && survey.silent == 2)
        #expect(survey.silence.counts["no connection is accepted"] == 1)
        #expect(survey.silence.counts.keys.allSatisfy { $0.utf8.count <= 160 })
    }

    private struct HostileError: Error, CustomStringConvertible { var description: String { String(repeating: "x\n", count: 5000) } }

    @Test func nobodyIsAskedByAFollowerOrBeforeThePodsAreKnown() async throws {
        let time = ManualTime()
        let source = FakeAgents { _ in Fixture.status() }
        let setup = Setup(source, time: time, nodes: 3, gate: WriteGate(time: time))
        #expect(try await setup.watcher.look(setup.name) == .after(.seconds(5)))
        #expect(source.asked.isEmpty && setup.watcher.survey(of: Fixture.probe()) == nil)
    }

    @Test func aDeletedProbeIsForgotten() async throws {
        let setup = Setup(FakeAgents { _ in Fixture.status() }, time: ManualTime(), nodes: 3)
        _ = try await setup.watcher.look(setup.name)
        #expect(setup.watcher.survey(of: Fixture.probe()) != nil)
        _ = setup.probes.replace([], resourceVersion: "8")
        #expect(try await setup.watcher.look(setup.name) == .done)
        #expect(setup.watcher.survey(of: Fixture.probe()) == nil)
    }

    @Test func aCancelledRoundLeavesNothingBehind() async throws {
        let time = ManualTime()
        let source = FakeAgents { _ in
            try await time.sleep(for: .seconds(3600))
            throw AgentSilence("never")
        }
        let setup = Setup(source, time: time, nodes: 100)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await setup.watcher.look(setup.name) }
            await time.waitForSleepers(2 * AgentWatcher.requestsMax)
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        #expect(source.running == 0 && time.sleeperCount == 0 && setup.watcher.survey(of: Fixture.probe()) == nil)
    }

    private final class Order: Sendable { let indexes = Mutex<[Int]>([]) }

    @Test func slotsGoRoundInOrderAndSurviveCancellation() async throws {
        let slots = RequestSlots(1)
        try await slots.take()
        let order = Order()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<3 {
                group.addTask {
                    try await slots.take()
                    order.indexes.withLock { $0.append(index) }
                    slots.give()
                }
                while slots.waitingCount <= index { await Task.yield() }
            }
            slots.give()
            try await group.waitForAll()
        }
        #expect(order.indexes.withLock { $0 } == [0, 1, 2])
        try await slots.take()
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await slots.take() }
            while slots.waitingCount == 0 { await Task.yield() }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        #expect(slots.waitingCount == 0)
        slots.give()
        try await slots.take()
    }

    // MARK: The whole operator

    @Test func aThousandTremblingRoundsWriteNothing() async throws {
        let time = ManualTime()
        let losses = Mutex<UInt64>(0)
        let source = FakeAgents { address in
            let trembling = { Double.random(in: 0.92...1.08) }
            let lost = losses.withLock { count in
                count += .random(in: 1...50)
                return count
            }
            return Fixture.status(
                missing: address.host == Fixture.address(1) ? ["tcp": .unsupported] : [:], cost: (37 * trembling(), 12 * trembling()),
                budget: .init(steps: address.host == Fixture.address(2) ? ["DNS is off"] : []), losses: ["sched": lost])
        }
        let world = try await SettledWorld(source: source, time: time, nodes: 3)
        try await world.run {
            try await world.eventually("the agents' answers are in the status") { status in
                Conditions(decoding: status["conditions"])["DataLoss"] != nil && status["signals"]?.array?.first { $0["name"] == "tcp" }?["active"] == 2
            }
            try await world.rounds(21)  // Until it is known what the time before has lost.
            let before = world.writes
            let asked = source.asked.count
            try await world.rounds(1000)
            #expect(source.asked.count - asked >= 3000)
            #expect(world.writes == before)
        }
    }
}

/// An operator on a server in the process, with a probe whose pods run.
private final class SettledWorld: KubernetesAPI {
    private let server = TestAPIServer()
    private let source: FakeAgents
    private let time: ManualTime
    private let nodeCount: Int
    private let written = Mutex(0)
    private let operatorUnderTest = Mutex<SondeOperator?>(nil)
    private let name = ObjectName(namespace: "default", name: "nodes")

    init(source: FakeAgents, time: ManualTime, nodes: Int) async throws {
        (self.source, self.time, nodeCount) = (source, time, nodes)
        for (_, definition) in CustomResourceDefinitions.all {
            try await server.apply(.customResourceDefinitions, definition, fieldManager: "test", force: true)
        }
        let sonde = SondeOperator(
            OperatorEnvironment(
                api: self, agents: source, configuration: OperatorConfiguration(collectorImage: "a", agentImage: "b"), gate: .withoutElection(time: time),
                time: time, logger: quiet))
        operatorUnderTest.withLock { $0 = sonde }
        var probe = Fixture.probe()
        probe["metadata"] = ["name": "nodes", "namespace": "default"]
        try await server.create(.ebpfProbes, probe)
    }

    var writes: Int { written.withLock { $0 } }

    func send(_ request: KubernetesRequest) async throws -> JSONValue {
        if request.method != .get { written.withLock { $0 += 1 } }
        return try await server.send(request)
    }

    func watch(_ request: KubernetesRequest) async throws -> WatchStream { try await server.watch(request) }

    /// Runs the operator while `body` runs, and stops it in good order.
    func run(_ body: () async throws -> Void) async throws {
        guard let sonde = operatorUnderTest.withLock({ $0 }) else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sonde.run() }
            try await wait("the DaemonSet is there") { try await server.getIfFound(.daemonSets, ObjectName(namespace: "default", name: "nodes-agent")) != nil }
            try await startPods()
            try await body()
            sonde.stop()
            try await group.waitForAll()
        }
    }

    private func startPods() async throws {
        let daemonSet = try await server.get(.daemonSets, ObjectName(namespace: "default", name: "nodes-agent"))
        for index in 0..<nodeCount {
            var pod = Fixture.pod(index, of: daemonSet.metadata.uid)
            pod.set(
                ["metadata"], to: ["name": .string("agent-\(index)"), "namespace": "default", "ownerReferences": pod.at("metadata", "ownerReferences") ?? []])
            pod.set(["metadata", "labels"], to: ["app.kubernetes.io/name": "sonde-agent"])
            pod.set(["spec", "containers"], to: [["name": "agent", "image": "b"]])
            try await server.create(.pods, pod)
            let status: JSONValue = ["status": pod["status"] ?? [:]]
            try await server.patch(.pods, ObjectName(namespace: "default", name: "agent-\(index)"), .merge(status), subresource: "status")
        }
    }

    func eventually(_ what: String, _ condition: (JSONValue) -> Bool) async throws {
        try await wait(what) {
            time.advance(by: .seconds(1))
            return condition(try await server.get(.ebpfProbes, name)["status"] ?? [:])
        }
    }

    /// Lets so many rounds pass, each to its end.
    func rounds(_ count: Int) async throws {
        guard let scope = operatorUnderTest.withLock({ $0 })?.scopes.first else { return }
        for _ in 0..<count {
            let target = source.asked.count + nodeCount
            time.advance(by: .seconds(34))
            // A key that waits for a time may do so: the next round moves it. One that began to wait only after the clock was moved needs another push.
            var looks = 0
            try await wait("a round") {
                looks += 1
                if looks.isMultiple(of: 200) { time.advance(by: .seconds(34)) }
                return source.asked.count >= target && scope.agents.queue.runningCount == 0 && scope.probes.queue.runningCount == 0
            }
        }
    }

    private func wait(_ what: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try await !condition() {
            guard ContinuousClock.now < end else { throw KubernetesError(.timeout, message: "not within 60 s: \(what), \(source.asked.count) asked") }
            try await Task.sleep(for: .microseconds(300))
        }
    }
}
