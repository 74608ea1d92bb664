// The state machine: limits, pauses, losses, and one event per change of state.

import Testing

@testable import OTLPExport

@Suite struct ExportQueueTests {
    static func batch(_ points: Int = 1, bytes: Int = 10) -> ExportBatch {
        ExportBatch(body: [UInt8](repeating: UInt8(truncatingIfNeeded: points), count: bytes), points: points)
    }

    static func queue(_ change: (inout ExportPolicy) -> Void = { _ in }) -> ExportQueue {
        var policy = ExportPolicy()
        change(&policy)
        return ExportQueue(policy: policy)
    }

    static let busy = ExportFailure(reason: "http_503", message: "busy")

    /// Sends what is due and finishes it.
    static func step(_ queue: inout ExportQueue, _ outcome: ExportOutcome, at now: Duration = .zero, random: Double = 0) -> (points: Int?, event: ExportEvent?)
    {
        guard case .send(let batch, _) = queue.next(now: now) else { return (nil, nil) }
        return (batch.points, queue.finish(outcome, now: now, random: random))
    }

    static let accepted = ExportOutcome.accepted(rejectedPoints: 0, message: "")

    @Test func batchesLeaveInOrder() {
        var queue = Self.queue()
        queue.enqueue(Self.batch(1))
        queue.enqueue(Self.batch(2))
        #expect(Self.step(&queue, Self.accepted).points == 1)
        #expect(Self.step(&queue, Self.accepted).points == 2)
        #expect(queue.next(now: .zero) == .wait(nil))
        #expect(queue.counts.seen == 3 && queue.counts.exported == 3 && queue.counts.dropped.isEmpty)
    }

    @Test func theOldestIsDroppedWhenTooManyWait() {
        var queue = Self.queue { $0.batchesMax = 2 }
        for points in 1...4 { queue.enqueue(Self.batch(points)) }
        #expect(queue.waitingCount == 2 && queue.counts.dropped == ["queue_full": 3])
        #expect(Self.step(&queue, Self.accepted).points == 3)
    }

    @Test func theOldestAreDroppedWhenTooManyBytesWait() {
        var queue = Self.queue { $0.bytesMax = 25 }
        for points in 1...3 { queue.enqueue(Self.batch(points, bytes: 10)) }
        #expect(queue.counts.dropped == ["queue_full": 1])
        queue.enqueue(Self.batch(9, bytes: 26))
        #expect(queue.waitingCount == 0 && queue.counts.dropped == ["queue_full": 15])
    }

    // MARK: Windows

    @Test func aWindowIsAnsweredWhenAllOfItIs() {
        var queue = Self.queue()
        queue.enqueue([Self.batch(1), Self.batch(2)], window: 7)
        #expect(Self.step(&queue, Self.accepted).points == 1 && queue.answeredWindow == nil)
        // Refused for ever is an answer too: it will not be taken later either.
        #expect(Self.step(&queue, .refused(Self.busy)).points == 2 && queue.answeredWindow == 7)
        queue.enqueue([Self.batch(3)], window: 8)
        _ = Self.step(&queue, .retry(Self.busy, after: nil))
        #expect(queue.answeredWindow == 7)
        _ = Self.step(&queue, Self.accepted, at: .seconds(5))
        #expect(queue.answeredWindow == 8)
    }

    @Test func aWindowOfWhichAPartFoundNoRoomIsNeverAnswered() {
        var queue = Self.queue { $0.batchesMax = 2 }
        queue.enqueue([Self.batch(1), Self.batch(2)], window: 1)
        queue.enqueue([Self.batch(3)], window: 2)
        #expect(queue.counts.dropped == ["queue_full": 1])
        #expect(Self.step(&queue, Self.accepted).points == 2 && queue.answeredWindow == nil)
        #expect(Self.step(&queue, Self.accepted).points == 3 && queue.answeredWindow == 2)
    }

    @Test func logsBelongToNoWindow() {
        var queue = Self.queue()
        queue.enqueue([Self.batch(1)], window: 1)
        queue.enqueue(ExportBatch(signal: .logs, body: [1], points: 4))
        _ = Self.step(&queue, Self.accepted)
        #expect(queue.answeredWindow == 1)
        _ = Self.step(&queue, Self.accepted)
        #expect(queue.answeredWindow == 1 && queue.logCounts.exported == 4)
    }

    @Test func newLimitsHoldForWhatWaitsAlready() {
        var queue = Self.queue()
        for points in 1...4 { queue.enqueue(Self.batch(points)) }
        var policy = ExportPolicy()
        policy.batchesMax = 1
        queue.update(policy)
        #expect(queue.waitingCount == 1 && queue.counts.dropped == ["queue_full": 6])
    }

    @Test func aBatchThatComesBackCountsAgainstTheLimit() {
        var queue = Self.queue { $0.batchesMax = 1 }
        queue.enqueue(Self.batch(1))
        guard case .send = queue.next(now: .zero) else { return #expect(Bool(false)) }
        queue.enqueue(Self.batch(2))
        _ = queue.finish(.retry(Self.busy, after: nil), now: .zero, random: 0)
        #expect(queue.counts.dropped == ["queue_full": 1] && queue.waitingCount == 1)
    }

    @Test func pausesDoubleUpToALimitWithJitter() {
        var queue = Self.queue { $0.pauseMax = .seconds(6) }
        queue.enqueue(Self.batch())
        var now = Duration.zero
        for (random, pause) in [(0.0, 0.5), (0.0, 1.0), (0.0, 2.0), (0.0, 3.0), (1.0, 6.0), (0.5, 4.5)] {
            #expect(Self.step(&queue, .retry(Self.busy, after: nil), at: now, random: random).points == 1)
            #expect(queue.next(now: now) == .wait(.seconds(pause)))
            now += .seconds(pause)
        }
        #expect(Self.step(&queue, Self.accepted, at: now).points == 1)
        // A success ends the doubling.
        queue.enqueue(Self.batch())
        _ = Self.step(&queue, .retry(Self.busy, after: nil), at: now)
        #expect(queue.next(now: now) == .wait(.milliseconds(500)))
    }

    @Test(arguments: [(7, 7.0), (0, 0.95), (100_000, 300)]) func theReceiversWishHoldsUpToALimitAndOurPauseWhenItWantsNone(wish: Int, pause: Double) {
        var queue = Self.queue()
        queue.enqueue(Self.batch())
        _ = Self.step(&queue, .retry(Self.busy, after: .seconds(wish)), random: 0.9)
        #expect(queue.next(now: .zero) == .wait(.seconds(pause)))
    }

    @Test func aNewBatchDoesNotShortenAPause() {
        var queue = Self.queue()
        queue.enqueue(Self.batch())
        _ = Self.step(&queue, .retry(Self.busy, after: .seconds(5)))
        queue.enqueue(Self.batch())
        #expect(queue.next(now: .seconds(1)) == .wait(.seconds(4)))
    }

    @Test func aNewDestinationIsTriedAtOnceAndPausesBeginAnew() {
        var queue = Self.queue()
        queue.enqueue(Self.batch())
        var now = Duration.zero
        for _ in 0..<6 {
            _ = Self.step(&queue, .retry(Self.busy, after: nil), at: now)
            now += .seconds(40)
        }
        _ = Self.step(&queue, .retry(Self.busy, after: .seconds(200)), at: now)
        queue.forgetFailures()
        #expect(Self.step(&queue, .retry(Self.busy, after: nil), at: now).points == 1)
        #expect(queue.next(now: now) == .wait(.milliseconds(500)))
    }

    @Test func aRefusedBatchIsNotSentAgainAndCounted() {
        var queue = Self.queue()
        queue.enqueue(Self.batch(3))
        let failure = ExportFailure(reason: "http_400", message: "bad")
        #expect(Self.step(&queue, .refused(failure)).event == .refused(failure))
        #expect(queue.next(now: .zero) == .wait(nil) && queue.counts.dropped == ["http_400": 3])
    }

    @Test(arguments: [(2, 3, 2), (0, 5, 0), (99, 0, 5), (-1, 5, 0)]) func rejectedPointsAreCounted(rejected: Int, exported: UInt64, dropped: UInt64) {
        var queue = Self.queue()
        queue.enqueue(Self.batch(5))
        _ = Self.step(&queue, .accepted(rejectedPoints: rejected, message: ""))
        #expect(queue.counts.exported == exported && queue.counts.dropped["rejected"] ?? 0 == dropped)
    }

    @Test func eachChangeOfStateIsOneEvent() {
        var queue = Self.queue { $0.pauseMin = .zero }
        for _ in 0..<9 { queue.enqueue(Self.batch()) }
        let bad = ExportFailure(reason: "http_400", message: "bad")
        let other = ExportFailure(reason: "refused", message: "away")
        let steps: [(ExportOutcome, ExportEvent?)] = [
            (Self.accepted, .working), (Self.accepted, nil), (.retry(Self.busy, after: nil), .waiting(Self.busy)), (.retry(other, after: nil), nil),
            (Self.accepted, .working), (.refused(bad), .refused(bad)), (.refused(bad), nil),
            (.accepted(rejectedPoints: 1, message: "no"), .partlyRejected(points: 1, message: "no")), (.accepted(rejectedPoints: 1, message: "no"), nil),
            (Self.accepted, .working),
        ]
        for (number, (outcome, event)) in steps.enumerated() { #expect(Self.step(&queue, outcome).event == event, "step \(number)") }
    }

    // MARK: The end

    @Test func closingSendsWhatWaitsAtOnceAndThenFinishes() {
        var queue = Self.queue()
        queue.enqueue(Self.batch(1))
        _ = Self.step(&queue, .retry(Self.busy, after: .seconds(100)))
        queue.close(deadline: .seconds(5))
        #expect(queue.next(now: .seconds(2)) == .send(Self.batch(1), timeout: .seconds(3)))
        _ = queue.finish(Self.accepted, now: .seconds(2), random: 0)
        #expect(queue.next(now: .seconds(2)) == .finished)
    }

    @Test func whatIsLeftAtTheDeadlineIsCounted() {
        var queue = Self.queue()
        queue.enqueue(Self.batch(4))
        queue.close(deadline: .seconds(5))
        _ = Self.step(&queue, .retry(Self.busy, after: .seconds(100)), at: .seconds(1))
        #expect(queue.next(now: .seconds(1)) == .wait(.seconds(4)))
        #expect(queue.next(now: .seconds(5)) == .finished)
        #expect(queue.counts.dropped == ["shutdown": 4] && queue.waitingCount == 0)
    }

    @Test func atryNeverOutlivesItsTimeout() {
        var queue = Self.queue { $0.tryTimeout = .seconds(3) }
        queue.enqueue(Self.batch())
        #expect(queue.next(now: .zero) == .send(Self.batch(), timeout: .seconds(3)))
    }
}
