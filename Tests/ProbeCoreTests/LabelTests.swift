// Texts as numbers, the limit on labels of one owner, gauges, and cgroups that programs need not count for.

import OTLPMessages
import ProbePrograms
import Testing

@testable import ProbeCore

@Suite struct LabelTests {
    private typealias Aggregators = ProbeAggregatorTests

    private static func limited(_ limit: Int) -> ProbeAggregator {
        var settings = Fixture.settings()
        settings.firstLabelsPerOwner = [.syscalls: limit]
        return Aggregators.aggregator(settings)
    }

    private static func name(_ number: UInt32) -> [Attribute] { [Attribute("syscall.name", .string(SystemCalls.name(of: number) ?? ""))] }
    private static let other = [Attribute("syscall.name", .string("~other"))]

    @Test func aTextHasOneNumberAndTheTableIsBounded() {
        var table = LabelTable(limit: 2)
        let first = table.number(for: "a")
        #expect(table.number(for: "a") == first && table.number(for: "b") != first && table.text(first) == "a")
        #expect(table.number(for: "c") == LabelTable.overflow && table.text(LabelTable.overflow) == "~other" && table.count == 2)
        table.sweep { [first] }
        #expect(table.text(first) == "a" && table.count == 1 && table.number(for: "c") != LabelTable.overflow)
    }

    @Test func theLargestLabelsOfAWindowGetTheRoomAndTheRestIsCounted() throws {
        var aggregator = Self.limited(2)
        aggregator.absorb((1...5).map { Fixture.systemCall(2, number: UInt32($0), count: UInt64($0)) }, of: .syscalls)
        let metrics = aggregator.endWindow(at: 2000)
        #expect(try metrics.value("ebpf.syscall.duration", of: "nginx", Self.name(5)) == 5)
        #expect(try metrics.value("ebpf.syscall.duration", of: "nginx", Self.name(4)) == 4)
        #expect(try metrics.value("ebpf.syscall.duration", of: "nginx", Self.other) == 6)
        #expect(aggregator.ledger[.syscall, .exported, "series_limit"] == 6 && aggregator.ledger[.syscall, .exported] == 9)
    }

    @Test func anIdleLabelMakesRoomAndABusyOneStays() throws {
        var aggregator = Self.limited(1)
        aggregator.absorb([Fixture.systemCall(2, number: 1, count: 1)], of: .syscalls)
        for window in 1...(SeriesStore.idleWindowsMax + 1) { _ = aggregator.endWindow(at: UInt64(window) * 1000) }
        aggregator.absorb([Fixture.systemCall(2, number: 2, count: 7)], of: .syscalls)
        let metrics = aggregator.endWindow(at: 100_000)
        #expect(try metrics.value("ebpf.syscall.duration", of: "nginx", Self.name(2)) == 7)
        #expect(try metrics.value("ebpf.syscall.duration", of: "nginx", Self.name(1)) == nil)
        aggregator.absorb([Fixture.systemCall(2, number: 3, count: 1)], of: .syscalls)
        #expect(try aggregator.endWindow(at: 101_000).value("ebpf.syscall.duration", of: "nginx", Self.other) == 1)
    }

    @Test func rowsThatUserSpaceCountsAreNewsAndNoReadings() throws {
        var aggregator = Aggregators.aggregator()
        for _ in 0..<2 { aggregator.count(CounterRow([5]), cgroup: 2, first: RetransmitKey.Kind.fast.rawValue, kind: .retransmits) }
        #expect(try aggregator.endWindow(at: 2000).value("ebpf.tcp.retransmits", of: "nginx", Aggregators.fast) == 10)
    }

    @Test func onlyCgroupsOfNamespacesThatNobodyWantsAreIgnored() throws {
        let cases: [([String], [String], Bool)] = [([], ["shop"], true), (["shop"], [], false), (["other"], [], true), ([], [], false)]
        for (include, exclude, expected) in cases {
            var aggregator = Aggregators.aggregator(Fixture.settings(include: include, exclude: exclude), [Aggregators.srv])
            #expect(aggregator.ignoredCgroups.isEmpty, "a container without a name may still be wanted")
            aggregator.observe([try Aggregators.link()])
            #expect(aggregator.ignoredCgroups == (expected ? [11] : []), "include \(include), exclude \(exclude)")
        }
    }
}
