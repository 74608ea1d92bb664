// Health from looks, one after the other: what grows is told once, stays steady, and ends; restarts and resets are no losses.
// Samples are texts, as a pod gives them; time is a number.
// It never asks anybody.

import KubernetesRuntime
import SondeAPI
import Testing

@testable import Operator

@Suite struct CollectorHealthTests {
    private static func sample(failed: Int = 0, refused: Int = 0, sent: Int = 0, queue: Int = 0, uptime: Double? = 5000) -> TelemetrySample {
        var lines = [
            "otelcol_exporter_sent_spans{exporter=\"otlp\"} \(sent)", "otelcol_exporter_queue_size{exporter=\"otlp\",data_type=\"traces\"} \(queue)",
            "otelcol_exporter_queue_capacity{exporter=\"otlp\",data_type=\"traces\"} 100",
        ]
        if failed > 0 { lines.append("otelcol_exporter_send_failed_spans{exporter=\"otlp\"} \(failed)") }
        if refused > 0 { lines.append("otelcol_receiver_refused_spans{receiver=\"otlp\"} \(refused)") }
        if let uptime { lines.append("otelcol_process_uptime \(uptime)") }
        return TelemetrySample(parsing: Array(lines.joined(separator: "\n").utf8))
    }

    /// Looks every 30 s at pods `a`, `b`, … that give these samples; nil is silence.
    private struct Run {
        var health = CollectorHealth(pause: .seconds(30))
        var now = 0

        mutating func look(_ samples: TelemetrySample?...) -> Bool {
            now += 30
            let uids = samples.indices.map { "\($0)" }
            health.begin(asking: Set(uids), of: samples.count)
            for (uid, sample) in zip(uids, samples) { if let sample { _ = health.answered(uid, sample, now: seconds(now)) } }
            return health.conclude(now: seconds(now))
        }

        var text: String? { health.report.map(HealthText.message) }
    }

    private static let flow = Flow(kind: .sendFailed, component: "otlp", signal: .spans)

    @Test func lossIsTheGrowthOfAllPodsInASecond() throws {
        var run = Run()
        #expect(run.look(Self.sample(failed: 1000), Self.sample(failed: 5)) == false, "a first look says nothing, whatever was lost before")
        #expect(run.health.report == nil)
        #expect(run.look(Self.sample(failed: 1300), Self.sample(failed: 65)) == true)
        #expect(run.health.report?.lost == [.init(flow: Self.flow, perSecond: 12)])
        let condition = try #require(run.health.report.flatMap(HealthText.condition))
        #expect(condition.isLoss && condition.reason == .dataDropped)
        #expect(condition.message.contains("exporter otlp: about 12 spans a second are lost") && condition.message.contains("retry_on_failure"))
    }

    @Test func aCounterThatAppearsIsGrowth() {
        var run = Run()
        _ = run.look(Self.sample())
        #expect(run.look(Self.sample(failed: 60)) == true)
        #expect(run.health.report?.lost == [.init(flow: Self.flow, perSecond: 2)])
    }

    @Test func numbersStayWhileTheyTrembleAndFollowWhenTheyDouble() {
        var run = Run()
        var total = 0
        _ = run.look(Self.sample(failed: 1))
        for growth in [300, 330, 270, 500, 200] {
            total += growth
            #expect(run.look(Self.sample(failed: 1 + total)) == (growth == 300), "\(growth)")
            #expect(run.health.report?.lost.first?.perSecond == 10)
        }
        #expect(run.look(Self.sample(failed: 1 + total + 900)) == true)
        #expect(run.health.report?.lost.first?.perSecond == 30)
    }

    @Test func lossEndsThreeLooksAfterTheLastSign() {
        var run = Run()
        _ = run.look(Self.sample(failed: 1))
        _ = run.look(Self.sample(failed: 301))
        for _ in 0..<2 { #expect(run.look(Self.sample(failed: 301)) == false) }
        #expect(run.look(Self.sample(failed: 301)) == true)
        #expect(run.health.report == HealthReport(podsAsked: 1, pods: 1) && run.text?.isEmpty == true)
    }

    @Test func aResetOrARestartIsNoLossOfEverything() {
        var run = Run()
        _ = run.look(Self.sample(failed: 1_000_000, sent: 10))
        #expect(run.look(Self.sample(failed: 30, sent: 10)) == true)
        #expect(run.health.report?.lost.first?.perSecond == 1, "the counter began anew")
        var restarted = Run()
        _ = restarted.look(Self.sample(failed: 100))
        #expect(restarted.look(Self.sample(failed: 300, uptime: 10)) == true)
        #expect(restarted.health.report?.lost.first?.perSecond == 10, "above the old value, but of a process that is 10 s old")
    }

    @Test func whatAYoungProcessLostIsCountedFromItsStart() {
        var run = Run()
        #expect(run.look(Self.sample(failed: 100, uptime: 10)) == true)
        #expect(run.health.report?.lost.first?.perSecond == 10)
        var silent = Run()
        _ = silent.look(Self.sample(failed: 100, uptime: nil))
        #expect(silent.health.report == nil)
    }

    @Test func refusedIsNotLost() throws {
        var run = Run()
        _ = run.look(Self.sample())
        #expect(run.look(Self.sample(refused: 90)) == true)
        let condition = try #require(run.health.report.flatMap(HealthText.condition))
        #expect(!condition.isLoss && condition.reason == .dataRefused)
        #expect(condition.message.contains("receiver otlp: about 3 spans a second are refused; nothing is lost"))
        #expect(run.look(Self.sample(failed: 30, refused: 180)) == true)
        let both = try #require(run.health.report.flatMap(HealthText.condition))
        #expect(both.isLoss && both.message.split(separator: "\n").count == 2)
    }

    @Test func aQueueIsNearlyFullUntilItHasRoomAgain() throws {
        var run = Run()
        _ = run.look(Self.sample(queue: 10))
        #expect(run.look(Self.sample(queue: 10)) == true, "the first report")
        #expect(run.look(Self.sample(queue: 80)) == true)
        let condition = try #require(run.health.report.flatMap(HealthText.condition))
        #expect(!condition.isLoss && condition.reason == .queueNearlyFull && condition.message.contains("sending queue of traces"))
        #expect(run.look(Self.sample(queue: 70)) == false)
        #expect(run.look(Self.sample(queue: 50)) == true)
        #expect(run.text?.isEmpty == true)
    }

    @Test func silenceEndsWhatWasKnown() {
        var run = Run()
        _ = run.look(Self.sample(failed: 1))
        _ = run.look(Self.sample(failed: 301))
        _ = run.look(nil)
        _ = run.look(nil)
        #expect(run.health.report?.lost.isEmpty == false)
        #expect(run.look(nil) == true)
        #expect(run.health.report == HealthReport())
    }

    @Test func messagesAreBoundedAndSayHowManyPodsWereCounted() throws {
        let rates = (0..<30).map { HealthReport.Rate(flow: Flow(kind: .sendFailed, component: "e\($0)", signal: .spans), perSecond: 1) }
        let message = HealthText.message(HealthReport(lost: rates, podsAsked: 20, pods: 300))
        #expect(message.contains("and 20 more") && message.hasSuffix("(counted in 20 of 300 pods)"))
        #expect(message.split(separator: "\n").count == HealthText.linesMax + 2)
    }

    @Test(arguments: [(0.004, "0.1"), (0.94, "0.9"), (1.0, "1"), (9.94, "9.9"), (12.4, "12"), (1234, "1200"), (8_765_432, "8800000")])
    func numbersHaveTwoDigits(value: Double, text: String) { #expect(HealthText.number(CollectorHealth.rounded(value)) == text) }

    @Test func aCanaryIsComparedInTheSameTime() {
        var run = Run()
        _ = run.look(Self.sample(failed: 1, sent: 100), Self.sample(sent: 100), Self.sample(sent: 100))
        _ = run.look(Self.sample(failed: 1, sent: 200), Self.sample(sent: 200), Self.sample(sent: 200))
        _ = run.look(Self.sample(failed: 21, refused: 5, sent: 230), Self.sample(sent: 250), Self.sample(failed: 2, sent: 250))
        let comparison = run.health.comparison(canary: ["0"], leavingOut: [], since: seconds(61))
        #expect(comparison.canary == .init(intervals: 1, good: 30, lost: 20, refused: 5))
        #expect(comparison.others == .init(intervals: 2, good: 100, lost: 2, refused: 0))
        let without = run.health.comparison(canary: ["0"], leavingOut: ["2"], since: seconds(61))
        #expect(without.others == .init(intervals: 1, good: 50, lost: 0, refused: 0), "pods that route traces are no measure for those that sample")
    }
}
