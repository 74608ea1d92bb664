// Start and stop order of a process, and the clock and stale-read helpers (docs/controllers.md rules 30 and 33).

import JSON
import Kubernetes
import KubernetesRuntime
import Synchronization
import Testing

@Suite struct SupervisorTests {
    struct Broken: Error {}

    final class Journal: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    let time = ManualTime()
    let journal = Journal()

    func component(_ name: String) -> Component {
        Component(
            name,
            run: { [journal, time] in
                journal.add("start \(name)")
                defer { journal.add("end \(name)") }
                try await time.sleep(for: .seconds(1_000_000))
            }, ready: { [journal] in await eventually("\(name) runs") { journal.all.contains("start \(name)") } })
    }

    @Test func componentsStartInOrderAndStopInTheirOwnOrder() async throws {
        let supervisor = Supervisor(["probes", "caches", "workers"].map(component), stopOrder: ["workers", "caches", "probes"], time: time, logger: quiet)
        try await supervisor.run { [journal] in await eventually("all run") { journal.all.count == 3 } }
        #expect(journal.all == ["start probes", "start caches", "start workers", "end workers", "end caches", "end probes"])
    }

    @Test func failureOfOneStopsAllInOrderAndIsReported() async throws {
        let broken = Component(
            "broken",
            run: { [journal] in
                await eventually("others run") { journal.all.count == 2 }
                throw Broken()
            })
        let supervisor = Supervisor([component("a"), component("b"), broken], stopOrder: ["broken", "b", "a"], time: time, logger: quiet)
        let error = await #expect(throws: ComponentFailed.self) { try await supervisor.run { [time] in try? await time.sleep(for: .seconds(1_000_000)) } }
        #expect(error?.component == "broken" && error?.cause is Broken)
        #expect(journal.all == ["start a", "start b", "end b", "end a"])
    }

    @Test func partThatReturnsByItselfIsAFailure() async throws {
        let supervisor = Supervisor([Component("short", run: {})], stopOrder: ["short"], time: time, logger: quiet)
        let error = await #expect(throws: ComponentFailed.self) { try await supervisor.run { [time] in try? await time.sleep(for: .seconds(1_000_000)) } }
        #expect(error?.component == "short" && error?.cause == nil)
    }

    @Test func partThatNeverGetsReadyIsAFailureAndLaterPartsNeverStart() async throws {
        let stuck = Component(
            "stuck", run: { [time] in try await time.sleep(for: .seconds(1_000_000)) }, ready: { [time] in try await time.sleep(for: .seconds(1_000_000)) })
        let supervisor = Supervisor([stuck, component("later")], stopOrder: ["later", "stuck"], startDeadline: .seconds(10), time: time, logger: quiet)
        let result = Mutex<(any Error)?>(nil)
        try await running([
            { do { try await supervisor.run { [time] in try? await time.sleep(for: .seconds(1_000_000)) } } catch { result.withLock { $0 = error } } }
        ]) { [time] in
            await time.waitForSleepers(4)
            time.advance(by: .seconds(10))
            await eventually("it ended") { result.withLock { $0 != nil } }
        }
        #expect((result.withLock { $0 } as? ComponentFailed)?.cause is DeadlineExceeded)
        #expect(journal.all.isEmpty)
    }

    @Test func runningWorkEndsWithinItsGraceAndIsCancelledAfterIt() async throws {
        let isStopping = Mutex(false)
        let slow = Component(
            "slow", grace: .seconds(25),
            run: { [journal, time] in
                do { try await time.sleep(for: .seconds(1_000_000)) } catch { journal.add("cancelled") }
            }, stop: { isStopping.withLock { $0 = true } })
        let supervisor = Supervisor([slow], stopOrder: ["slow"], time: time, logger: quiet)
        async let run: Void = supervisor.run { [time] in await time.waitForSleepers(1) }
        await eventually("it was asked to stop") { isStopping.withLock { $0 } }
        await time.waitForSleepers(2)
        #expect(journal.all.isEmpty)
        time.advance(by: .seconds(25))
        try await run
        #expect(journal.all == ["cancelled"])
    }
}

@Suite struct TimeTests {
    @Test func sleepersWakeAtTheirTimeAndNotBefore() async throws {
        let time = ManualTime()
        let woken = SupervisorTests.Journal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seconds in [3, 1, 2] {
                group.addTask {
                    try await time.sleep(for: .seconds(seconds))
                    woken.add("\(seconds)")
                }
            }
            await time.waitForSleepers(3)
            time.advance(by: .milliseconds(999))
            #expect(time.sleeperCount == 3)
            for expected in 1...3 {
                #expect(time.advanceToNextDeadline())
                await eventually("\(expected) woke") { woken.all.count == expected }
            }
            try await group.waitForAll()
        }
        #expect(woken.all == ["1", "2", "3"])
        #expect(time.wallClock.since(ManualTime().wallClock) == .seconds(3))
    }

    @Test func cancelledSleeperThrowsAndIsForgotten() async throws {
        let time = ManualTime()
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await time.sleep(for: .seconds(1)) }
            await time.waitForSleepers()
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
        #expect(time.sleeperCount == 0)
    }

    @Test func deadlineCancelsAndWaitsForTheEnd() async throws {
        let time = ManualTime()
        let hasEnded = Mutex(false)
        async let late = withDeadline(.seconds(1), "the test", time: time) {
            defer { hasEnded.withLock { $0 = true } }
            try await time.sleep(for: .seconds(60))
        }
        await time.waitForSleepers(2)
        time.advance(by: .seconds(1))
        do {
            try await late
            Issue.record("the deadline passed unnoticed")
        } catch {
            #expect(error as? DeadlineExceeded == DeadlineExceeded(operation: "the test", limit: .seconds(1)) && hasEnded.withLock { $0 })
        }
        #expect(try await withDeadline(.seconds(1), "quick", time: time) { 7 } == 7)
    }

    @Test func systemTimeGoesForward() async throws {
        let time = SystemTime()
        let start = time.now
        try await time.sleep(for: .milliseconds(2))
        #expect(time.now - start >= .milliseconds(2))
        #expect(time.wallClock > Timestamp(secondsSinceEpoch: 1_700_000_000))
    }
}

@Suite struct OwnWritesTests {
    let time = ManualTime()
    let cluster = FakeCluster()

    func setUp() -> (Informer, OwnWrites<String>) {
        let informer = Informer(api: cluster, type: .configMaps, options: .init(seed: 1), time: time, logger: quiet)
        return (informer, OwnWrites(informers: [informer], api: cluster, time: time, name: "test"))
    }

    @Test func keyIsHeldUntilTheStoreHasSeenItsWrite() async throws {
        let (informer, writes) = setUp()
        _ = informer.store.replace([], resourceVersion: "10")
        #expect(try await writes.hold("k") == nil)
        let answer = cluster.put(.configMaps, manifest("a"))
        writes.record(answer, type: .configMaps, for: "k")
        #expect(try await writes.hold("k") == .milliseconds(50))
        #expect(try await writes.hold("other") == nil)
        _ = informer.store.apply(.added(answer))
        #expect(try await writes.hold("k") == nil)
    }

    @Test func laterVersionOfTheStoreCoversADelete() async throws {
        let (informer, writes) = setUp()
        _ = informer.store.replace([], resourceVersion: "10")
        writes.record(cluster.put(.configMaps, manifest("a")), type: .configMaps, for: "k")
        _ = informer.store.apply(.bookmark(resourceVersion: "500", isInitialEventsEnd: false))
        #expect(try await writes.hold("k") == nil)
    }

    @Test func waitIsBoundedAndEndsWithALiveRead() async throws {
        let (informer, writes) = setUp()
        _ = informer.store.replace([], resourceVersion: "10")
        writes.record(cluster.put(.configMaps, manifest("a")), type: .configMaps, for: "k")
        time.advance(by: .milliseconds(9_999))
        #expect(try await writes.hold("k") == .milliseconds(50))
        time.advance(by: .milliseconds(1))
        #expect(try await writes.hold("k") == nil)
        #expect(informer.store.get(named("a")) != nil, "the live object is in the store now")
        #expect(cluster.with { $0.requests.count } == 1)
    }

    @Test func kindsThatNobodyWatchesAreNotWaitedFor() async throws {
        let (_, writes) = setUp()
        writes.record(cluster.put(.services, manifest("a")), type: .services, for: "k")
        #expect(try await writes.hold("k") == nil)
    }
}
