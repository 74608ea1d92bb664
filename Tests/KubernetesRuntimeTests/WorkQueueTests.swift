// The work queue's rules with times of the test's own, and backoff and token bucket (docs/controllers.md rules 15 to 17).

import Kubernetes
import Synchronization
import Testing

@testable import KubernetesRuntime

@Suite struct WorkQueueStateTests {
    typealias Queue = WorkQueueState<String>

    static func at(_ milliseconds: Int) -> MonotonicTime { MonotonicTime(sinceOrigin: .milliseconds(milliseconds)) }

    static func add(_ queue: inout Queue, _ key: String, _ priority: WorkPriority = .normal, readyAt: Int = 0, now: Int = 0) {
        queue.add(key, priority: priority, readyAt: at(readyAt), now: at(now))
    }

    static func key(_ next: Queue.Next) -> String? { if case .run(let key, _) = next { key } else { nil } }

    @Test func keysComeInOrderAndOnce() {
        var queue = Queue(seed: 1)
        for key in ["a", "b", "a", "c", "b"] { Self.add(&queue, key) }
        #expect((0..<4).map { _ in Self.key(queue.next(now: Self.at(0))) } == ["a", "b", "c", nil])
    }

    @Test func keyAddedWhileRunningRunsOnceMoreAndNeverTwiceAtOnce() {
        var queue = Queue(seed: 1)
        Self.add(&queue, "a")
        #expect(Self.key(queue.next(now: Self.at(0))) == "a")
        for _ in 0..<3 { Self.add(&queue, "a", now: 1) }
        #expect(queue.next(now: Self.at(2)) == .idle(until: nil))
        queue.done("a", now: Self.at(3))
        #expect(Self.key(queue.next(now: Self.at(3))) == "a")
        queue.done("a", now: Self.at(4))
        #expect(queue.next(now: Self.at(4)) == .idle(until: nil))
    }

    @Test func earliestWishWins() {
        var queue = Queue(seed: 1)
        Self.add(&queue, "a", readyAt: 100)
        Self.add(&queue, "a", readyAt: 50)
        Self.add(&queue, "a", readyAt: 80)
        #expect(queue.next(now: Self.at(10)) == .idle(until: Self.at(50)))
        #expect(queue.next(now: Self.at(49)) == .idle(until: Self.at(50)))
        #expect(queue.next(now: Self.at(60)) == .run("a", waited: .milliseconds(10)))
        #expect(queue.depth == 0)
    }

    @Test func normalGoesBeforeLowUntilLowHasAged() {
        var queue = Queue(seed: 1)
        Self.add(&queue, "low", .low)
        Self.add(&queue, "normal", now: 5)
        #expect(Self.key(queue.next(now: Self.at(5))) == "normal")
        Self.add(&queue, "late", readyAt: 31_000, now: 31_000)
        #expect(Self.key(queue.next(now: Self.at(31_000))) == "low", "30 s of waiting count more than priority")
        Self.add(&queue, "raised", .low, readyAt: 40_000, now: 40_000)
        Self.add(&queue, "raised", .normal, readyAt: 40_000, now: 40_000)
        #expect(Self.key(queue.next(now: Self.at(40_000))) == "late")
        #expect(Self.key(queue.next(now: Self.at(40_000))) == "raised")
        #expect(queue.next(now: Self.at(99_000)) == .idle(until: nil), "the entry of the lower priority is void")
    }

    @Test func failuresBackOffForEachKeyUntilForgotten() {
        var queue = Queue(seed: 3)
        for failures in 1...20 {
            queue.addAfterFailure("a", now: Self.at(0))
            #expect(queue.failureCount("a") == failures)
        }
        #expect(queue.failureCount("b") == 0)
        queue.forget("a")
        #expect(queue.failureCount("a") == 0)
    }

    @Test func retryAfterIsTheLeastDelay() {
        var queue = Queue(seed: 3)
        queue.addAfterFailure("a", atLeast: .seconds(7), now: Self.at(0))
        #expect(queue.next(now: Self.at(0)) == .idle(until: Self.at(7000)))
    }

    @Test func bucketOfAllSlowsDownManyFailingKeys() {
        var queue = Queue(seed: 3)
        for key in 0..<101 { queue.addAfterFailure("\(key)", now: Self.at(0)) }
        queue.addAfterFailure("late", now: Self.at(0))
        while Self.key(queue.next(now: Self.at(100))) != nil {}
        #expect(queue.next(now: Self.at(199)) == .idle(until: Self.at(200)), "the 102nd failure waits for its token: 10 a second after 100 at once")
    }

    @Test func fullQueueCountsWhatItDrops() {
        var queue = Queue(seed: 1, keysMax: 2)
        for key in ["a", "b", "c", "a"] { Self.add(&queue, key) }
        #expect(queue.depth == 2 && queue.droppedTotal == 1)
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64]) func randomRunsKeepTheInvariants(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = Queue(seed: seed)
        var running: Set<String> = []
        var wanted: Set<String> = []
        for step in 0..<5000 {
            let key = "k\(Int.random(in: 0..<20, using: &random))"
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                Self.add(&queue, key, Bool.random(using: &random) ? .low : .normal, readyAt: step + Int.random(in: 0..<50, using: &random), now: step)
                wanted.insert(key)
            case 1:
                queue.addAfterFailure(key, now: Self.at(step))
                wanted.insert(key)
            case 2:
                guard let next = Self.key(queue.next(now: Self.at(step))) else { continue }
                #expect(running.insert(next).inserted, "seed \(seed): \(next) runs twice at once")
                #expect(wanted.remove(next) != nil, "seed \(seed): \(next) was not asked for")
            default:
                guard let done = running.randomElement(using: &random) else { continue }
                running.remove(done)
                queue.done(done, now: Self.at(step))
            }
        }
        for key in running { queue.done(key, now: Self.at(5000)) }
        while let key = Self.key(queue.next(now: Self.at(10_000_000))) { wanted.remove(key) }
        #expect(wanted.isEmpty, "seed \(seed): lost \(wanted)")
    }
}

@Suite struct BackoffTests {
    @Test func itemBackoffStaysWithinItsBounds() {
        var random = SplitMix64(seed: 11)
        for failures in 1...40 {
            let nominal = min(Duration.seconds(300), .milliseconds(5) * (1 << min(failures - 1, 20)))
            #expect(ExponentialBackoff.item.nominal(afterFailures: failures) == nominal)
            for _ in 0..<50 {
                let delay = ExponentialBackoff.item.delay(afterFailures: failures, random: &random)
                #expect(delay >= nominal * 0.5 && delay <= nominal)
            }
        }
    }

    @Test func jitterSpreads() {
        var random = SplitMix64(seed: 11)
        let delays = (0..<100).map { _ in ExponentialBackoff.item.delay(afterFailures: 17, random: &random) }
        #expect(Set(delays).count > 90)
    }

    @Test func bucketGivesItsBurstAndThenItsRate() {
        var bucket = TokenBucket(ratePerSecond: 10, burst: 3)
        let start = MonotonicTime(sinceOrigin: .seconds(1))
        #expect((0..<3).allSatisfy { _ in bucket.reserve(now: start) == .zero })
        #expect(bucket.reserve(now: start) == .milliseconds(100))
        #expect(bucket.reserve(now: start) == .milliseconds(200))
        #expect(bucket.reserve(now: start + .seconds(10)) == .zero)
        var taking = TokenBucket(ratePerSecond: 1, burst: 1)
        #expect(taking.take(now: start) && !taking.take(now: start) && taking.take(now: start + .seconds(1)))
    }
}

@Suite struct WorkQueueTests {
    @Test func waitingWorkerIsWokenByAnAddAndByTime() async {
        let time = ManualTime()
        let queue = WorkQueue<String>(name: "q", time: time, seed: 1)
        async let first = queue.next()
        queue.add("a")
        #expect(await first == "a")
        queue.done("a")
        queue.add("b", after: .seconds(5))
        async let second = queue.next()
        await time.waitForSleepers()
        time.advance(by: .seconds(5))
        #expect(await second == "b")
        queue.done("b")
    }

    @Test func shutdownAndCancellationEndTheWait() async {
        let queue = WorkQueue<String>(name: "q", time: ManualTime(), seed: 1)
        async let waiting = queue.next()
        queue.shutDown()
        #expect(await waiting == nil)
        queue.add("a")
        #expect(await queue.next() == nil)
        let other = WorkQueue<String>(name: "q", time: ManualTime(), seed: 1)
        await withTaskGroup(of: String?.self) { group in
            group.addTask { await other.next() }
            group.cancelAll()
            #expect(await group.next() == .some(nil))
        }
    }
}
