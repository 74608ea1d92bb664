// What the agent says about itself.

import OTLPMessages
import Testing

@testable import ProbeCore

@Suite struct AgentTelemetryTests {
    static let process = ProcessReading(userSeconds: 1.5, systemSeconds: 0.5, residentBytes: 9_000_000)

    static func metrics(_ telemetry: AgentTelemetry, _ aggregator: ProbeAggregator = ProbeAggregatorTests.aggregator(), export: ExportReading = ExportReading())
        -> [String: Metric]
    {
        let reading = AgentReading(process: process, export: export, maps: [MapReading(name: "connects", used: 5, capacity: 20)])
        let metrics = telemetry.metrics(reading, aggregator: aggregator, version: "1.2", at: 2000).metrics
        return Dictionary(uniqueKeysWithValues: metrics.map { ($0.name, $0) })
    }

    static func points(_ metric: Metric?) -> [[Attribute]: NumberPoint.Value] {
        switch metric?.data {
        case .sum(let points, .cumulative, _), .gauge(let points): Dictionary(uniqueKeysWithValues: points.map { ($0.attributes, $0.value) })
        default: [:]
        }
    }

    static func hook(runs: UInt64, sampled: UInt64, ns: UInt64, losses: [String: UInt64] = [:]) -> HookReading {
        HookReading(function: "sched_switch", runs: runs, sampledRuns: sampled, sampledNanoseconds: ns, losses: losses)
    }

    static let program = [Attribute("ebpf.program.name", "sched_switch")]

    @Test func kernelTimeIsEstimatedFromSampledRuns() {
        var telemetry = AgentTelemetry(startUnixNanoseconds: 1000)
        telemetry.record(Self.hook(runs: 640, sampled: 10, ns: 2000))
        var metrics = Self.metrics(telemetry)
        #expect(Self.points(metrics["ebpf.agent.program.time"])[Self.program] == .double(0.000128))
        // A cheaper window adds its own mean: the sum never falls.
        telemetry.record(Self.hook(runs: 1280, sampled: 20, ns: 2100))
        metrics = Self.metrics(telemetry)
        #expect(Self.points(metrics["ebpf.agent.program.time"])[Self.program] == .double(0.000128 + 0.0000064))
        #expect(Self.points(metrics["ebpf.agent.program.runs"])[Self.program] == .int(1280))
        // Runs without a sample among them take the mean of all.
        telemetry.record(Self.hook(runs: 1300, sampled: 20, ns: 2100))
        #expect(Self.points(Self.metrics(telemetry)["ebpf.agent.program.runs"])[Self.program] == .int(1300))
    }

    @Test func aProgramThatIsLoadedAgainGoesOnCounting() {
        var telemetry = AgentTelemetry(startUnixNanoseconds: 1000)
        telemetry.record(Self.hook(runs: 640, sampled: 10, ns: 2000, losses: ["map_full": 4]))
        telemetry.record(Self.hook(runs: 64, sampled: 1, ns: 100, losses: ["map_full": 1]))
        let metrics = Self.metrics(telemetry)
        #expect(Self.points(metrics["ebpf.agent.program.runs"])[Self.program] == .int(704))
        let dropped = [Attribute("ebpf.event.class", "sched"), Attribute("ebpf.event.outcome", "dropped"), Attribute("ebpf.event.reason", "map_full")]
        #expect(Self.points(metrics["ebpf.agent.events"])[dropped] == .int(5))
        #expect(Self.points(metrics["ebpf.agent.events"])[[Attribute("ebpf.event.class", "sched"), Attribute("ebpf.event.outcome", "seen")]] == .int(5))
    }

    /// Faster than its reading before: the counters alone do not tell that the program was loaded again.
    @Test func aProgramThatWentIsCountedFromZero() {
        var telemetry = AgentTelemetry(startUnixNanoseconds: 1000)
        telemetry.record(Self.hook(runs: 64, sampled: 1, ns: 100, losses: ["map_full": 4]))
        telemetry.restart("sched_switch")
        telemetry.record(Self.hook(runs: 640, sampled: 10, ns: 2000, losses: ["map_full": 6]))
        let metrics = Self.metrics(telemetry)
        #expect(Self.points(metrics["ebpf.agent.program.runs"])[Self.program] == .int(704))
        #expect(Self.points(metrics["ebpf.agent.events"])[[Attribute("ebpf.event.class", "sched"), Attribute("ebpf.event.outcome", "seen")]] == .int(10))
    }

    /// What one hook counts into two classes is lost in two classes.
    @Test(arguments: [("lifetimes", "tcp_lifetime"), ("file_calls", "file_call"), ("file_paths", "file_path")])
    func furtherAccountsHaveLossesAndNoRuns(account: String, eventClass: String) {
        var telemetry = AgentTelemetry(startUnixNanoseconds: 1000)
        for losses: UInt64 in [3, 5] {
            telemetry.record(
                HookReading(function: account, runs: 0, sampledRuns: 0, sampledNanoseconds: 0, losses: ["map_full": losses], isHook: false))
        }
        telemetry.restart(account)
        telemetry.record(HookReading(function: account, runs: 0, sampledRuns: 0, sampledNanoseconds: 0, losses: ["map_full": 7], isHook: false))
        let metrics = Self.metrics(telemetry)
        let name = Attribute("ebpf.event.class", .string(eventClass))
        let dropped = [name, Attribute("ebpf.event.outcome", "dropped"), Attribute("ebpf.event.reason", "map_full")]
        #expect(Self.points(metrics["ebpf.agent.events"])[dropped] == .int(12))
        #expect(Self.points(metrics["ebpf.agent.events"])[[name, Attribute("ebpf.event.outcome", "seen")]] == .int(12))
        #expect(metrics["ebpf.agent.program.runs"] == nil && metrics["ebpf.agent.program.time"] == nil)
    }

    @Test func seenIsExportedAndDropped() {
        var aggregator = ProbeAggregatorTests.aggregator(Fixture.settings(exclude: ["shop"]), [ProbeAggregatorTests.nginx])
        aggregator.absorb([Fixture.segments(2, perCPU: [7]), RawGroup(key: [], values: [])], of: .retransmits)
        _ = aggregator.endWindow(at: 2000)
        let events = Self.points(Self.metrics(AgentTelemetry(startUnixNanoseconds: 1000), aggregator)["ebpf.agent.events"])
        func event(_ outcome: String, _ reason: String? = nil) -> NumberPoint.Value? {
            let attributes = [Attribute("ebpf.event.class", "tcp_retransmit"), Attribute("ebpf.event.outcome", .string(outcome))]
            return events[attributes + (reason.map { [Attribute("ebpf.event.reason", .string($0))] } ?? [])]
        }
        #expect(event("seen") == .int(8) && event("exported") == .int(7) && event("dropped", "malformed") == .int(1))
    }

    @Test func theExportersLossesLeaveOnTheSamePath() {
        let export = ExportReading(seen: 10, exported: 6, dropped: ["queue_full": 3, "http_400": 1])
        let events = Self.points(Self.metrics(AgentTelemetry(startUnixNanoseconds: 1000), export: export)["ebpf.agent.events"])
        let point = Attribute("ebpf.event.class", "metric_point"), dropped = Attribute("ebpf.event.outcome", "dropped")
        #expect(events[[point, Attribute("ebpf.event.outcome", "seen")]] == .int(10))
        #expect(events[[point, Attribute("ebpf.event.outcome", "exported")]] == .int(6))
        #expect(events[[point, dropped, Attribute("ebpf.event.reason", "queue_full")]] == .int(3))
        #expect(events[[point, dropped, Attribute("ebpf.event.reason", "http_400")]] == .int(1))
    }

    @Test func whatIsDroppedOnHealthyNodesTooIsNoLoss() {
        var telemetry = AgentTelemetry(startUnixNanoseconds: 1000)
        let losses: [String: UInt64] = ["interrupted": 5, "unmeasured": 6, "map_full": 7, "storage_full": 0]
        telemetry.record(HookReading(function: "sys_exit", runs: 100, sampledRuns: 1, sampledNanoseconds: 100, losses: losses))
        telemetry.record(HookReading(function: "dns_recv", runs: 100, sampledRuns: 1, sampledNanoseconds: 100, losses: ["ring_full": 3]))
        var ledger = EventLedger()
        ledger.drop(9, .connect, because: EventLedger.Reason.namespaceFilter.rawValue)
        ledger.drop(2, .dnsMessage, because: "late_response")
        ledger.drop(4, .dnsMessage, because: "table_full")
        let lost = telemetry.lostEvents(ledger, ExportReading(seen: 10, exported: 8, dropped: ["queue_full": 2]))
        #expect(lost == ["syscall": 7, "dns_message": 7, "metric_point": 2])
        let logs = ExportReading(seen: 5, exported: 1, dropped: ["queue_full": 3, "shutdown": 1])
        #expect(telemetry.lostEvents(EventLedger(), ExportReading(), logs: logs)["log_record"] == 4)
    }

    @Test func theProcessAndTheMapsAreReported() {
        let metrics = Self.metrics(AgentTelemetry(startUnixNanoseconds: 1000))
        #expect(Self.points(metrics["process.cpu.time"]) == [[Attribute("cpu.mode", "user")]: .double(1.5), [Attribute("cpu.mode", "system")]: .double(0.5)])
        #expect(
            metrics["process.memory.usage"]?.data
                == .sum([NumberPoint(time: TimeSpan(startUnixNanoseconds: 1000, endUnixNanoseconds: 2000), value: .int(9_000_000))], .cumulative, .nonMonotonic)
        )
        #expect(Self.points(metrics["ebpf.agent.map.usage"]) == [[Attribute("ebpf.map.name", "connects")]: .double(0.25)])
        #expect(Self.points(metrics["ebpf.agent.series"]) == [[]: .int(0)])
        #expect(metrics["process.cpu.time"]?.unit == "s" && metrics["process.memory.usage"]?.unit == "By")
    }
}
