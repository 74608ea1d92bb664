// Records of processes as events with an owner, late names, limits, and bytes that are no record.

import OTLPMessages
import ProbePrograms
import TestSupport
import Testing

@testable import ProbeCore

@Suite struct ProcessEventsTests {
    static func record(
        _ kind: UInt32, cgroup: UInt64 = 2, time: UInt64 = 5, pid: UInt32 = 77, signal: UInt32 = 0, pages: UInt64 = 0, name: String, nameBytes: UInt32? = nil
    ) -> [UInt8] {
        let text = Array(name.utf8.prefix(ProcessEventLayout.nameByteCount))
        return Fixture.words([time, cgroup, pages, UInt64(kind) | UInt64(pid) << 32, UInt64(signal) | UInt64(nameBytes ?? UInt32(text.count)) << 32]) + text
            + [UInt8](repeating: 0, count: ProcessEventLayout.nameByteCount - text.count)
    }

    static func take(_ records: [[UInt8]], into aggregator: inout ProbeAggregator) {
        var events = ProcessEvents(pageBytes: 4096)
        for record in records { record.withUnsafeBytes { events.take($0) } }
        aggregator.unixMinusMonotonicNanoseconds = 1000
        events.settle(into: &aggregator, monotonicNanoseconds: 50)
    }

    @Test func aCrashBecomesALogRecordOfItsOwner() throws {
        var aggregator = ProbeAggregatorTests.aggregator()
        Self.take([Self.record(1, signal: 11, name: "srv")], into: &aggregator)
        let logs = aggregator.takeLogs()
        #expect(logs.count == 1 && logs[0].resource.attributes.contains(Attribute("service.name", "nginx")))
        let expected = LogRecord(
            eventName: "process.crash", unixNanoseconds: 1005, observedUnixNanoseconds: 1050, severity: .error, body: "srv (process 77) was ended by SIGSEGV",
            attributes: [Attribute("process.pid", 77), Attribute("process.executable.name", "srv"), Attribute("process.exit.signal", "SIGSEGV")])
        #expect(logs[0].records == [expected])
        #expect(aggregator.takeLogs().isEmpty, "once")
        #expect(aggregator.ledger[.processEvent, .seen] == 1 && aggregator.ledger[.processEvent, .exported] == 1)
    }

    @Test func anOOMKillSaysHowMuchMemoryThereWasAndAStartWhatWasStarted() throws {
        var aggregator = ProbeAggregatorTests.aggregator()
        Self.take([Self.record(2, pages: 256, name: "eater"), Self.record(0, name: "/usr/bin/env"), Self.record(2, pages: .max, name: "")], into: &aggregator)
        let records = try #require(aggregator.takeLogs().first).records
        #expect(records.map(\.eventName) == ["k8s.container.oom_kill", "process.exec", "k8s.container.oom_kill"])
        #expect(records[0].attributes.last == Attribute("process.memory.anonymous", 1_048_576))
        #expect(records[1].attributes.last == Attribute("process.executable.name", "env") && records[1].severity == .info)
        #expect(records[2].attributes == [Attribute("process.pid", 77)], "a lagging counter below zero is no memory, an empty name no name")
    }

    @Test func anEventWaitsForTheNameOfItsContainer() throws {
        var aggregator = ProbeAggregatorTests.aggregator(Fixture.settings(), [ProbeAggregatorTests.srv])
        Self.take([Self.record(1, cgroup: 11, signal: 6, name: "srv")], into: &aggregator)
        #expect(aggregator.takeLogs().isEmpty)
        aggregator.observe([try ProbeAggregatorTests.link()])
        #expect(aggregator.takeLogs().first?.resource.attributes.contains(Attribute("k8s.container.name", "srv")) == true)
    }

    @Test func anEventOfACgroupThatNobodySawLeavesWithoutAnOwnerAtLast() {
        var aggregator = ProbeAggregatorTests.aggregator()
        Self.take([Self.record(1, cgroup: 99, signal: 6, name: "x")], into: &aggregator)
        #expect(aggregator.hasUnknownCgroups)
        var windows = 0
        while aggregator.takeLogs().isEmpty, windows < 10 { windows += 1 }
        #expect(windows == ProbeAggregator.unknownWindowsMax)
        Self.take([Self.record(1, cgroup: 99, signal: 6, name: "x")], into: &aggregator)
        #expect(!aggregator.takeLogs(isLast: true).isEmpty, "at the end nothing waits")
    }

    @Test func aCrashLoopIsLimitedAndTheLedgerBalances() throws {
        var aggregator = ProbeAggregatorTests.aggregator()
        let count = EventLog.waitingMax + 10
        Self.take((0..<count).map { _ in Self.record(1, signal: 6, name: "loop") }, into: &aggregator)
        #expect(try #require(aggregator.takeLogs().first).records.count == EventLog.perOwnerMax)
        let ledger = aggregator.ledger
        #expect(ledger[.processEvent, .seen] == UInt64(count) && ledger[.processEvent, .dropped, "queue_full"] == 10)
        #expect(ledger[.processEvent, .dropped, "rate_limit"] == UInt64(EventLog.waitingMax - EventLog.perOwnerMax))
        #expect(ledger[.processEvent, .exported] == UInt64(EventLog.perOwnerMax))
    }

    @Test func eventsOfUnwantedNamespacesAreDroppedAndCounted() throws {
        var aggregator = ProbeAggregatorTests.aggregator(Fixture.settings(exclude: ["shop"]), [ProbeAggregatorTests.srv])
        aggregator.observe([try ProbeAggregatorTests.link()])
        Self.take([Self.record(1, cgroup: 11, signal: 6, name: "srv")], into: &aggregator)
        #expect(aggregator.takeLogs().isEmpty && aggregator.ledger[.processEvent, .dropped, "namespace_filter"] == 1)
    }

    @Test func bytesThatAreNoRecordAreCountedAndNothingElse() {
        var aggregator = ProbeAggregatorTests.aggregator()
        Self.take([[], [1, 2, 3], Self.record(9, name: "unknown kind"), Self.record(1, signal: 6, name: "a", nameBytes: .max)], into: &aggregator)
        #expect(aggregator.ledger[.processEvent, .dropped, "malformed"] == 3)
        #expect(aggregator.takeLogs().first?.records.count == 1, "a length beyond the record is cut")
    }

    @Test func anyBytesAreSafe() {
        var random = Seeded()
        var aggregator = ProbeAggregatorTests.aggregator()
        let rounds = Seeded.rounds(2000)
        let records = (0..<rounds).map { _ -> [UInt8] in
            let count = random.below(4) == 0 ? random.below(300) : ProcessEventLayout.byteCount
            return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
        Self.take(records, into: &aggregator)
        _ = aggregator.takeLogs(isLast: true)
        #expect(aggregator.ledger[.processEvent, .seen] == UInt64(rounds), "seed \(random.seed)")
    }
}
