// The controller: one key at once, error classes, deadlines and an orderly end (docs/controllers.md rules 15, 18, 19, 33).

import Kubernetes
import KubernetesRuntime
import Synchronization
import Testing

@Suite struct ControllerTests {
    struct Terminal: RetryClassified { var retryClass: RetryClass { .terminal } }
    struct Fatal: RetryClassified { var retryClass: RetryClass { .fatal } }

    final class Log: Sendable {
        let entries = Mutex<[String]>([])
        func add(_ entry: String) { entries.withLock { $0.append(entry) } }
        var all: [String] { entries.withLock { $0 } }
    }

    let time = ManualTime()
    let log = Log()

    func controller(
        workers: Int = 2, deadline: Duration = .seconds(60), hold: (@Sendable (String) async throws -> Duration?)? = nil,
        _ reconcile: @escaping @Sendable (String) async throws -> ReconcileResult
    ) -> Controller<String> {
        let queue = WorkQueue<String>(name: "test", time: time, seed: 1)
        return Controller(name: "test", queue: queue, workers: workers, deadline: deadline, time: time, logger: quiet, hold: hold, reconcile: reconcile)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func oneKeyNeverRunsTwiceAtOnce(seed: UInt64) async throws {
        let active = Mutex<Set<String>>([])
        let runs = Mutex(0)
        let controller = controller(workers: 4) { key in
            #expect(active.withLock { $0.insert(key).inserted }, "seed \(seed): \(key) runs twice")
            for _ in 0..<5 { await Task.yield() }
            active.withLock { _ = $0.remove(key) }
            runs.withLock { $0 += 1 }
            return .done
        }
        try await running([controller.run]) {
            var random = SplitMix64(seed: seed)
            for _ in 0..<500 {
                controller.queue.add("k\(Int.random(in: 0..<5, using: &random))")
                if Bool.random(using: &random) { await Task.yield() }
            }
            await eventually("the queue is empty") { controller.queue.depth == 0 && controller.queue.runningCount == 0 }
        }
        #expect(runs.withLock { $0 } >= 5)
    }

    @Test func failureIsTriedAgainWithBackoffAndSuccessResetsIt() async throws {
        let failures = Mutex(2)
        let controller = controller { [log] key in
            log.add(key)
            if failures.withLock({
                $0 -= 1; return $0 >= 0
            }) {
                throw KubernetesError(.internalError, message: "no")
            }
            return .done
        }
        try await running([controller.run]) { [time, log] in
            controller.queue.add("a")
            await eventually("three tries") {
                time.advancedToNextDeadlineIfRetrying(controller.queue)
                return log.all.count == 3 && controller.queue.runningCount == 0
            }
        }
        #expect(controller.queue.failureCount("a") == 0)
    }

    @Test func terminalErrorIsNotTriedAgainAndStopsNobodyElse() async throws {
        let controller = controller { [log] key in
            log.add(key)
            if key == "bad" { throw Terminal() }
            if key == "invalid" { throw KubernetesError(.invalid, status: 422, message: "no") }
            return .done
        }
        try await running([controller.run]) { [log] in
            for key in ["bad", "invalid", "good"] { controller.queue.add(key) }
            await eventually("all ran") { log.all.count == 3 && controller.queue.runningCount == 0 }
        }
        #expect(controller.queue.depth == 0)
    }

    @Test func retryAfterPutsTheKeyOff() async throws {
        let controller = controller { [log] key in
            log.add(key)
            throw KubernetesError(.tooManyRequests, status: 429, message: "slow", retryAfter: .seconds(30))
        }
        try await running([controller.run]) { [log, time] in
            controller.queue.add("a")
            await eventually("it ran and waits") {
                log.all.count == 1 && controller.queue.depth == 1 && time.sleeperCount > 0 && controller.queue.runningCount == 0
            }
            #expect(time.nextDeadline == time.now + .seconds(30))
        }
    }

    @Test func afterIsNoRetry() async throws {
        let controller = controller { [log] key in
            log.add(key)
            return .after(.seconds(20))
        }
        try await running([controller.run]) { [log, time] in
            controller.queue.add("a")
            await eventually("it waits") { log.all.count == 1 && controller.queue.runningCount == 0 && time.nextDeadline == time.now + .seconds(20) }
            #expect(controller.queue.failureCount("a") == 0)
            time.advance(by: .seconds(20))
            await eventually("it ran again") { log.all.count == 2 }
        }
    }

    @Test func deadlineCancelsAReconcileAndItIsTriedAgain() async throws {
        let controller = controller(workers: 1, deadline: .seconds(60)) { [time, log] key in
            log.add(key)
            if log.all.count == 1 { try await time.sleep(for: .seconds(3600)) }
            return .done
        }
        try await running([controller.run]) { [log, time] in
            controller.queue.add("a")
            await time.waitForSleepers(2)
            time.advance(by: .seconds(60))
            await eventually("it ran again") {
                if log.all.count == 1, controller.queue.depth == 1 { time.advancedToNextDeadlineIfRetrying(controller.queue) }
                return log.all.count == 2
            }
        }
    }

    @Test func fatalErrorEndsTheController() async {
        let controller = controller(workers: 3) { _ in throw Fatal() }
        controller.queue.add("a")
        await #expect(throws: Fatal.self) { try await controller.run() }
    }

    @Test func stopLetsRunningKeysEndAndTakesNoMore() async throws {
        let controller = controller(workers: 1) { [time, log] key in
            try await time.sleep(for: .seconds(10))
            log.add(key)
            return .done
        }
        controller.queue.add("a")
        controller.queue.add("b")
        async let run: Void = controller.run()
        await time.waitForSleepers(2)
        controller.stop()
        time.advance(by: .seconds(10))
        try await run
        #expect(log.all == ["a"])
    }

    @Test func heldKeyIsPutOffWithoutRunning() async throws {
        let holds = Mutex(2)
        let controller = controller(hold: { _ in
            holds.withLock {
                $0 -= 1; return $0 >= 0 ? .milliseconds(50) : nil
            }
        }) { [log] key in
            log.add(key)
            return .done
        }
        try await running([controller.run]) { [time, log] in
            controller.queue.add("a")
            await eventually("it ran") {
                time.advancedToNextDeadlineIfRetrying(controller.queue)
                return !log.all.isEmpty
            }
        }
        #expect(holds.withLock { $0 } == -1 && controller.queue.failureCount("a") == 0)
    }

    @Test func reconcileIDIsKnownInsideAReconcileOnly() async throws {
        let controller = controller { [log] _ in
            log.add(ReconcileID.current ?? "none")
            return .done
        }
        try await running([controller.run]) { [log] in
            controller.queue.add("a")
            controller.queue.add("b")
            await eventually("both ran") { log.all.count == 2 }
        }
        #expect(Set(log.all).count == 2 && !log.all.contains("none") && ReconcileID.current == nil)
    }
}

extension ManualTime {
    /// Moves time to the next deadline, but only while a key waits for its time and none runs (a running key's deadline must not pass).
    func advancedToNextDeadlineIfRetrying(_ queue: WorkQueue<String>) {
        if queue.depth > 0, queue.runningCount == 0 { advanceToNextDeadline() }
    }
}
