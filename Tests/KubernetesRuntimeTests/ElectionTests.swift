// Leader election: two candidates on one lease with simulated clocks, and the elector's shell (docs/controllers.md rule 32).

import JSON
import Kubernetes
import KubernetesRuntime
import Synchronization
import Testing

@Suite struct ElectionMachineTests {
    static let lease = ObjectName(namespace: "n", name: "sonde-operator")

    static func configuration(_ identity: String) -> ElectionConfiguration { ElectionConfiguration(lease: lease, identity: identity) }

    static func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(sinceOrigin: .seconds(seconds)) }

    /// One candidate in the simulation: its own clock's offset, and the one request or sleep that it waits for.
    struct Candidate {
        var machine: ElectionMachine
        let clockOffset: Double
        var due: Double
        var pending: Pending
        var hasLost = false

        enum Pending { case input(ElectionMachine.Input), request(ElectionMachine.Action, sentAt: Double, arrives: Double) }

        func holds(at now: Double) -> Bool { machine.heldUntil.map { ElectionMachineTests.at(now + clockOffset) <= $0 } ?? false }
    }

    struct Server {
        var lease: JSONValue?
        var version = 1

        mutating func perform(_ action: ElectionMachine.Action, sentAt: MonotonicTime) -> ElectionMachine.Input {
            switch action {
            case .read: return .read(lease)
            case .create(let object): return lease == nil ? store(object, sentAt) : .conflicted
            case .replace(let object):
                guard object.metadata.resourceVersion == lease?.metadata.resourceVersion else { return .conflicted }
                return store(object, sentAt)
            case .sleep, .lost: return .failed
            }
        }

        private mutating func store(_ object: JSONValue, _ sentAt: MonotonicTime) -> ElectionMachine.Input {
            version += 1
            var stored = object
            stored.set(["metadata", "resourceVersion"], to: .string(String(version)))
            lease = stored
            return .written(stored, sentAt: sentAt)
        }
    }

    @Test(arguments: 1...12) func twoCandidatesNeverBothHoldTheLease(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        var server = Server()
        var candidates = [0.0, 5000.0, -300.0].enumerated().map { index, offset in
            let machine = ElectionMachine(Self.configuration("candidate-\(index)"), seed: UInt64(seed * 10 + index))
            return Candidate(machine: machine, clockOffset: offset, due: Double(index), pending: .input(.begin))
        }
        var leaders: Set<Int> = []
        var now = 0.0
        while now < 1200 {
            guard let turn = candidates.indices.min(by: { candidates[$0].due < candidates[$1].due }) else { return }
            now = candidates[turn].due
            Self.advance(&candidates[turn], &server, now, &random, identity: turn)
            let holders = candidates.indices.filter { candidates[$0].holds(at: now) }
            if holders.count > 1 {
                Issue.record("seed \(seed): \(holders) hold the lease at \(now) s")
                return
            }
            leaders.formUnion(holders)
        }
        #expect(!leaders.isEmpty, "seed \(seed): nobody ever led")
    }

    /// Requests travel for up to 20 s, one in five is lost on its way there or back.
    static func advance(_ candidate: inout Candidate, _ server: inout Server, _ now: Double, _ random: inout SplitMix64, identity: Int) {
        let clock = at(now + candidate.clockOffset)
        let input: ElectionMachine.Input
        switch candidate.pending {
        case .input(let ready): input = ready
        case .request(let action, let sentAt, let arrives):
            let slow = random.fraction() < 0.1 ? 16.0 : 1.0
            let isLostOnTheWay = random.fraction() < 0.1
            var answer = isLostOnTheWay ? .failed : server.perform(action, sentAt: at(sentAt + candidate.clockOffset))
            if random.fraction() < 0.1 { answer = .failed }
            candidate.pending = .input(answer)
            candidate.due = arrives + random.fraction() * slow
            return
        }
        // The wall clock is wrong on purpose: it must not count.
        let wallClock = Timestamp(secondsSinceEpoch: Int64(random.next() % 4_000_000_000))
        switch candidate.machine.on(input, now: clock, wallClock: wallClock) {
        case .sleep(let pause):
            candidate.pending = .input(.slept)
            candidate.due = now + pause.seconds
        case .lost:
            // The process ends and comes back later under the same name, knowing nothing.
            candidate.machine = ElectionMachine(configuration("candidate-\(identity)-\(Int(now))"), seed: random.next())
            candidate.pending = .input(.begin)
            candidate.due = now + 1 + random.fraction() * 30
        case let request:
            let travel = random.fraction() * (random.fraction() < 0.1 ? 20 : 0.5)
            candidate.pending = .request(request, sentAt: now, arrives: now + travel)
            candidate.due = now + travel
        }
    }

    static func leading() -> (ElectionMachine, Server) {
        var server = Server()
        var machine = ElectionMachine(configuration("a"), seed: 1)
        _ = machine.on(.begin, now: at(0), wallClock: Timestamp(secondsSinceEpoch: 0))
        let create = machine.on(.read(nil), now: at(0), wallClock: Timestamp(secondsSinceEpoch: 0))
        _ = machine.on(server.perform(create, sentAt: at(0)), now: at(0), wallClock: Timestamp(secondsSinceEpoch: 0))
        return (machine, server)
    }

    @Test func firstCandidateCreatesTheLeaseAndRenewsWithoutReading() {
        var (machine, server) = Self.leading()
        #expect(machine.isLeading && machine.heldUntil == Self.at(15))
        #expect(LeaseRecord(decoding: server.lease ?? [:]).holder == "a")
        let renewal = machine.on(.slept, now: Self.at(2), wallClock: Timestamp(secondsSinceEpoch: 2))
        guard case .replace(let object) = renewal else {
            Issue.record("the leader renews what it wrote")
            return
        }
        #expect(LeaseRecord(decoding: object).renewTime == Timestamp(secondsSinceEpoch: 2))
        #expect(machine.on(server.perform(renewal, sentAt: Self.at(2)), now: Self.at(2), wallClock: Timestamp(secondsSinceEpoch: 2)) == .sleep(.seconds(2)))
        #expect(machine.heldUntil == Self.at(17))
    }

    @Test func leaderGivesUpAfterTheRenewDeadline() {
        var (machine, _) = Self.leading()
        #expect(machine.on(.failed, now: Self.at(9.9), wallClock: Timestamp(secondsSinceEpoch: 0)) == .sleep(.seconds(2)))
        #expect(machine.on(.slept, now: Self.at(10), wallClock: Timestamp(secondsSinceEpoch: 0)) == .lost)
        #expect(machine.heldUntil == nil)
    }

    @Test func leaderThatSeesAnotherHolderGivesUpAtOnce() {
        var (machine, server) = Self.leading()
        _ = machine.on(.conflicted, now: Self.at(2), wallClock: Timestamp(secondsSinceEpoch: 0))
        #expect(machine.on(.slept, now: Self.at(4), wallClock: Timestamp(secondsSinceEpoch: 0)) == .read)
        server.lease?.set(["spec", "holderIdentity"], to: "b")
        #expect(machine.on(.read(server.lease), now: Self.at(4), wallClock: Timestamp(secondsSinceEpoch: 0)) == .lost)
    }

    @Test func foreignLeaseIsTakenOnlyAfterItStoodStillOnOurOwnClock() {
        let (_, server) = Self.leading()
        var other = ElectionMachine(Self.configuration("b"), seed: 2)
        // The renew time in the lease is decades old; that says nothing.
        for second in [100.0, 105, 114.9] {
            guard case .sleep(let pause) = other.on(.read(server.lease), now: Self.at(second), wallClock: Timestamp(secondsSinceEpoch: 4_000_000_000)) else {
                Issue.record("took the lease after \(second - 100) s")
                return
            }
            #expect(pause >= .seconds(2) && pause <= .seconds(4.4))
        }
        guard case .replace(let claim) = other.on(.read(server.lease), now: Self.at(115), wallClock: Timestamp(secondsSinceEpoch: 0)) else {
            Issue.record("an abandoned lease is taken")
            return
        }
        #expect(LeaseRecord(decoding: claim).holder == "b" && LeaseRecord(decoding: claim).transitions == 1)
    }

    @Test func releasedLeaseIsFreeAtOnce() {
        var (machine, server) = Self.leading()
        guard let released = machine.release(wallClock: Timestamp(secondsSinceEpoch: 0)) else {
            Issue.record("a leader has something to release")
            return
        }
        _ = server.perform(.replace(released), sentAt: Self.at(1))
        var other = ElectionMachine(Self.configuration("b"), seed: 2)
        guard case .replace = other.on(.read(server.lease), now: Self.at(1), wallClock: Timestamp(secondsSinceEpoch: 0)) else {
            Issue.record("a released lease is free")
            return
        }
        #expect(machine.release(wallClock: Timestamp(secondsSinceEpoch: 0)) == nil)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

@Suite struct LeaderElectorTests {
    let time = ManualTime()
    let cluster = FakeCluster()

    func elector(_ identity: String, _ gate: WriteGate) -> LeaderElector {
        LeaderElector(api: cluster, configuration: ElectionMachineTests.configuration(identity), gate: gate, time: time, logger: quiet, seed: 5)
    }

    @Test func winnerOpensItsGateAndReleasesTheLeaseOnStop() async throws {
        let gate = WriteGate(time: time)
        let elector = elector("a", gate)
        #expect(!gate.isOpen && !elector.isLeading)
        async let run: Void = elector.run()
        try await elector.waitUntilLeading()
        await eventually("the gate is open") { gate.isOpen }
        elector.stop()
        try await run
        #expect(!gate.isOpen)
        #expect(LeaseRecord(decoding: cluster.object(.leases, ElectionMachineTests.lease) ?? [:]).holder.isEmpty)
    }

    @Test func gateClosesByItselfBeforeTheLeaseEnds() {
        let gate = WriteGate(time: time, requestTimeout: .seconds(5))
        gate.open(until: time.now + .seconds(15))
        time.advance(by: .seconds(10))
        #expect(gate.isOpen)
        time.advance(by: .milliseconds(1))
        #expect(!gate.isOpen, "less than one request's time is left")
    }

    @Test func leaderThatCannotRenewClosesItsGateAndEnds() async throws {
        let gate = WriteGate(time: time)
        let elector = elector("a", gate)
        let result = Mutex<(any Error)?>(nil)
        try await running([{ do { try await elector.run() } catch { result.withLock { $0 = error } } }]) { [cluster, time] in
            try await elector.waitUntilLeading()
            await time.waitForSleepers()
            cluster.script { _ in KubernetesError(.network, message: "cut") }
            await eventually("it gave up") {
                time.advance(by: .milliseconds(500))
                return result.withLock { $0 != nil }
            }
        }
        #expect(result.withLock { $0 as? LeadershipLost } == LeadershipLost(lease: ElectionMachineTests.lease))
        #expect(!gate.isOpen && !elector.isLeading)
        await #expect(throws: LeadershipLost.self) { try await elector.waitUntilLeading() }
    }

    @Test func secondReplicaWaitsForTheFirst() async throws {
        let gates = [WriteGate(time: time), WriteGate(time: time)]
        let first = elector("a", gates[0])
        let second = elector("b", gates[1])
        let firstEnded = Mutex(false)
        try await running([
            {
                try await first.run(); firstEnded.withLock { $0 = true }
            },
            {
                try await first.waitUntilLeading(); try await second.run()
            },
        ]) { [time] in
            await eventually("the second has seen the first") { second.holder == "a" }
            #expect(!gates[1].isOpen && !second.isLeading)
            first.stop()
            await eventually("the first released") { firstEnded.withLock { $0 } }
            await eventually("the second leads") {
                time.advance(by: .milliseconds(500))
                return second.isLeading
            }
        }
    }

    @Test func gatedAPILetsReadsThroughAndHoldsWritesToTheirDeadline() async throws {
        let gate = WriteGate(time: time)
        let api = GatedAPI(cluster, gate: gate)
        #expect(try await api.getIfFound(.configMaps, named("a")) == nil)
        await #expect(throws: WriteGateClosed.self) { try await api.create(.configMaps, manifest("a")) }
        gate.open(until: time.now + .seconds(15))
        try await api.create(.configMaps, manifest("a"))
        let hanging = GatedAPI(HangingAPI(time: time), gate: gate)
        async let write = hanging.create(.configMaps, manifest("b"))
        await time.waitForSleepers(2)
        time.advance(by: .seconds(5))
        do {
            _ = try await write
            Issue.record("the write did not end")
        } catch {
            #expect(error is DeadlineExceeded)
        }
    }

    struct HangingAPI: KubernetesAPI {
        let time: ManualTime
        func send(_ request: KubernetesRequest) async throws -> JSONValue {
            try await time.sleep(for: .seconds(3600))
            return nil
        }
        func watch(_ request: KubernetesRequest) async throws -> WatchStream { WatchStream { nil } }
    }
}
