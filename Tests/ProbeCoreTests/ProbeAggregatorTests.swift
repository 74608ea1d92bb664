// Windows of readings: what comes out, for whom, since when.

import OTLPMessages
import ProbePrograms
import Testing

@testable import ProbeCore

@Suite struct ProbeAggregatorTests {
    static let uid = CgroupPathTests.uid
    static let nginx = CgroupDirectory(id: 2, path: "/system.slice/nginx.service")
    static let srv = CgroupDirectory(id: 11, path: "/kubepods/pod\(uid)/\(CgroupPathTests.id)")
    static let fast = [Attribute("tcp.retransmit.kind", "fast")]

    static func link(namespace: String = "shop") throws -> ContainerLogLink {
        try #require(ContainerLogLink(name: "cart-0_\(namespace)_srv-\(CgroupPathTests.id).log", target: "/l/\(namespace)_cart-0_\(uid)/srv/0.log"))
    }

    static func aggregator(_ settings: ProbeAggregator.Settings = Fixture.settings(), _ directories: [CgroupDirectory] = [nginx]) -> ProbeAggregator {
        var aggregator = ProbeAggregator(settings: settings, startUnixNanoseconds: 1000)
        aggregator.observe(directories)
        return aggregator
    }

    @Test func cpusAreAdded() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(2, perCPU: [1, 20, 300])], of: .retransmits)
        #expect(try aggregator.endWindow(at: 2000).value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == 321)
    }

    @Test func readingsOfOneEntryAreNotAddedTwice() throws {
        var aggregator = Self.aggregator()
        for (reading, now) in [(5, 2000), (5, 3000), (9, 4000)] as [(UInt64, UInt64)] {
            aggregator.absorb([Fixture.segments(2, perCPU: [reading])], of: .retransmits)
            #expect(try aggregator.endWindow(at: now).value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == reading)
        }
        #expect(aggregator.ledger[.retransmit, .seen] == 9 && aggregator.ledger[.retransmit, .exported] == 9)
    }

    @Test func anEntryThatTheKernelMadeAnewGoesOnCounting() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(2, perCPU: [5, 5])], of: .retransmits)
        _ = aggregator.endWindow(at: 2000)
        aggregator.absorb([Fixture.segments(2, perCPU: [3, 0])], of: .retransmits)
        #expect(try aggregator.endWindow(at: 3000).value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == 13)
    }

    @Test func cgroupsOfOneOwnerAreOneSeries() throws {
        let worker = CgroupDirectory(id: 3, path: "/system.slice/nginx.service/worker")
        var aggregator = Self.aggregator(Fixture.settings(), [Self.nginx, worker])
        aggregator.absorb([Fixture.segments(2, perCPU: [1]), Fixture.segments(3, perCPU: [2])], of: .retransmits)
        #expect(try aggregator.endWindow(at: 2000).value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == 3)
    }

    @Test func aSeriesStartsWithTheWindowThatBroughtIt() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(2, perCPU: [1])], of: .retransmits)
        _ = aggregator.endWindow(at: 2000)
        aggregator.absorb([Fixture.segments(2, perCPU: [1]), Fixture.segments(2, kind: .tlp, perCPU: [1])], of: .retransmits)
        guard case .sum(let points, _, _) = try aggregator.endWindow(at: 3000).resource("nginx").metrics[0].data else { return #expect(Bool(false)) }
        let starts = Dictionary(uniqueKeysWithValues: points.map { ($0.attributes, $0.time) })
        #expect(starts[Self.fast] == TimeSpan(startUnixNanoseconds: 1000, endUnixNanoseconds: 3000))
        #expect(starts[[Attribute("tcp.retransmit.kind", "tlp")]] == TimeSpan(startUnixNanoseconds: 2000, endUnixNanoseconds: 3000))
    }

    // MARK: Owners that come late and go

    @Test func countsOfAnUnknownCgroupWaitAndGoToTheRightPod() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(11, perCPU: [4])], of: .retransmits)
        #expect(aggregator.hasUnknownCgroups)
        #expect(aggregator.endWindow(at: 2000).isEmpty)
        aggregator.observe([Self.nginx, Self.srv])
        #expect(!aggregator.hasUnknownCgroups && aggregator.needsLinks)
        #expect(aggregator.endWindow(at: 3000).isEmpty)
        aggregator.observe([try Self.link()])
        aggregator.absorb([Fixture.segments(11, perCPU: [7])], of: .retransmits)
        let metrics = aggregator.endWindow(at: 4000)
        #expect(try metrics.value("ebpf.tcp.retransmits", of: "cart", Self.fast) == 7)
        #expect(metrics.services == ["cart"])
        #expect(
            try metrics.resource("cart").resource.attributes == [
                Attribute("service.name", "cart"), Attribute("k8s.namespace.name", "shop"), Attribute("k8s.pod.name", "cart-0"),
                Attribute("k8s.pod.uid", .string(Self.uid)), Attribute("k8s.container.name", "srv"),
                Attribute("container.id", .string(CgroupPathTests.id)), Attribute("k8s.node.name", "node-1"),
            ])
        guard case .sum(let points, _, _) = try metrics.resource("cart").metrics[0].data else { return #expect(Bool(false)) }
        #expect(points[0].time.startUnixNanoseconds == 1000)
    }

    @Test func aCgroupThatNobodySawCountsAsUnresolvedAfterSomeWindows() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(99, perCPU: [4])], of: .retransmits)
        for window in 0..<ProbeAggregator.unknownWindowsMax { #expect(aggregator.endWindow(at: 2000 + UInt64(window)).isEmpty) }
        #expect(try aggregator.endWindow(at: 5000).value("ebpf.tcp.retransmits", of: "unknown_service", Self.fast) == 4)
        #expect(aggregator.ledger[.retransmit, .exported, "unresolved"] == 4)
        #expect(aggregator.takeStaleKeys() == [.retransmits: [Fixture.key(99, 1)]])
    }

    @Test func aSocketWithoutACgroupIsUnresolvedAtOnce() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(0, perCPU: [4])], of: .retransmits)
        #expect(try aggregator.endWindow(at: 2000).value("ebpf.tcp.retransmits", of: "unknown_service", Self.fast) == 4)
        #expect(aggregator.takeStaleKeys().isEmpty)
    }

    @Test func anOwnerThatWentComesALastTimeWithItsLastCounts() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(2, perCPU: [4])], of: .retransmits)
        _ = aggregator.endWindow(at: 2000)
        // The walk misses the cgroup; counts that came after the reading are read one window later.
        aggregator.absorb([Fixture.segments(2, perCPU: [5])], of: .retransmits)
        aggregator.observe([CgroupDirectory]())
        #expect(try aggregator.endWindow(at: 3000).value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == 5)
        #expect(aggregator.takeStaleKeys().isEmpty)
        aggregator.absorb([Fixture.segments(2, perCPU: [6])], of: .retransmits)
        #expect(try aggregator.endWindow(at: 4000).value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == 6)
        #expect(aggregator.takeStaleKeys() == [.retransmits: [Fixture.key(2, 1)]])
        #expect(aggregator.takeStaleKeys().isEmpty)
        #expect(aggregator.endWindow(at: 5000).isEmpty && aggregator.seriesCount == 0)
    }

    @Test func aLateSegmentOfAGonePodStillFindsIt() throws {
        var aggregator = Self.aggregator(Fixture.settings(), [Self.srv])
        aggregator.observe([try Self.link()])
        _ = aggregator.endWindow(at: 2000)
        aggregator.observe([CgroupDirectory]())
        _ = aggregator.endWindow(at: 3000)
        aggregator.absorb([Fixture.segments(11, kind: .rto, perCPU: [1])], of: .retransmits)
        #expect(try aggregator.endWindow(at: 4000).value("ebpf.tcp.retransmits", of: "cart", [Attribute("tcp.retransmit.kind", "rto")]) == 1)
    }

    /// A receiver that is away would never get the last counts of a pod that ends meanwhile.
    @Test func anOwnerThatWentStaysUntilItsLastCountsHaveArrived() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(2, perCPU: [4])], of: .retransmits)
        let first = aggregator.window
        _ = aggregator.endWindow(at: 2000, answered: -1)
        aggregator.observe([CgroupDirectory]())
        aggregator.absorb([Fixture.segments(2, perCPU: [6])], of: .retransmits)
        let last = aggregator.window
        #expect(last == first + 1)
        for window in 0..<5 {
            let metrics = aggregator.endWindow(at: 3000 + UInt64(window), answered: first)
            #expect(try metrics.value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == 6)
        }
        #expect(try aggregator.endWindow(at: 4000, answered: last).value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == 6)
        #expect(aggregator.endWindow(at: 5000, answered: last).isEmpty && aggregator.seriesCount == 0)
    }

    @Test func countsBetweenTheLastReadingAndTheEndOfAnEntryAreNotLost() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(2, perCPU: [4])], of: .retransmits)
        aggregator.observe([CgroupDirectory]())
        for window in 0..<2 { _ = aggregator.endWindow(at: 2000 + UInt64(window)) }
        let keys = aggregator.takeStaleKeys()
        #expect(keys == [.retransmits: [Fixture.key(2, 1)]])
        // Not handed out, wrong, and right.
        aggregator.absorbLast([Fixture.segments(9, perCPU: [8]), RawGroup(key: [1], values: []), Fixture.segments(2, perCPU: [5])], of: .retransmits)
        #expect(aggregator.ledger[.retransmit, .seen] == 5)
        #expect(try aggregator.endWindow(at: 3000).value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == 1)
        #expect(aggregator.ledger[.retransmit, .exported] == 5)
        // Taken once: a later entry of the same key counts from zero.
        aggregator.absorbLast([Fixture.segments(2, perCPU: [5])], of: .retransmits)
        aggregator.absorb([Fixture.segments(2, perCPU: [2])], of: .retransmits)
        #expect(aggregator.ledger[.retransmit, .seen] == 7)
    }

    @Test func nothingWaitsForItsNameAtTheAgentsEnd() throws {
        var aggregator = Self.aggregator(Fixture.settings(), [Self.srv])
        aggregator.absorb([Fixture.segments(11, perCPU: [4]), Fixture.segments(99, perCPU: [2])], of: .retransmits)
        #expect(aggregator.endWindow(at: 2000).isEmpty)
        let metrics = aggregator.endWindow(at: 3000, isLast: true)
        // The pod has its uid and no name yet; what is in no known cgroup has neither.
        #expect(metrics.count == 2 && aggregator.ledger[.retransmit, .exported] == 4 && aggregator.ledger[.retransmit, .exported, "unresolved"] == 2)
    }

    @Test func countsThatWaitWhenTheirSignalIsSwitchedOffAreDroppedAndCounted() {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(99, perCPU: [4])], of: .retransmits)
        aggregator.forget(.retransmits)
        #expect(aggregator.ledger[.retransmit, .seen] == 4 && aggregator.ledger[.retransmit, .dropped, "switched_off"] == 4)
        #expect(!aggregator.hasUnknownCgroups)
    }

    // MARK: Limits

    @Test func callsBeyondAnOwnersLimitAreOneSeriesWithTheRightTotal() throws {
        var aggregator = Self.aggregator(Fixture.settings(perOwner: 3))
        aggregator.absorb((0..<10).map { Fixture.systemCall(2, number: $0, count: 5) }, of: .syscalls)
        let metrics = aggregator.endWindow(at: 2000)
        guard case .exponentialHistogram(let points, _) = try metrics.resource("nginx").metrics[0].data else { return #expect(Bool(false)) }
        #expect(points.count == 4 && points.reduce(0) { $0 + $1.count } == 50)
        #expect(points.first { $0.attributes == [Attribute("syscall.name", "~other")] }?.count == 35)
        #expect(aggregator.ledger[.syscall, .exported] == 15 && aggregator.ledger[.syscall, .exported, "series_limit"] == 35)
    }

    @Test func ownersBeyondTheTotalAreOneResourceWithTheRightTotal() throws {
        let directories = (1...10).map { CgroupDirectory(id: UInt64($0), path: "/system.slice/u\($0).service") }
        var aggregator = Self.aggregator(Fixture.settings(total: 4), directories)
        aggregator.absorb(directories.map { Fixture.segments($0.id, perCPU: [2]) }, of: .retransmits)
        let metrics = aggregator.endWindow(at: 2000)
        #expect(metrics.count == 5)
        #expect(try metrics.value("ebpf.tcp.retransmits", of: "~other", [Attribute("tcp.retransmit.kind", "~other")]) == 12)
        #expect(aggregator.ledger[.retransmit, .exported] + aggregator.ledger[.retransmit, .exported, "series_limit"] == 20)
    }

    @Test func waitingGroupsAreLimited() {
        var aggregator = Self.aggregator()
        let count = UInt64(ProbeAggregator.waitingMax + 3)
        aggregator.absorb((0..<count).map { Fixture.segments(1000 + $0, perCPU: [1]) }, of: .retransmits)
        _ = aggregator.endWindow(at: 2000)
        #expect(aggregator.ledger[.retransmit, .exported, "unresolved"] == 3)
    }

    @Test(arguments: [
        ("a short key", RawGroup(key: [1, 2, 3], values: [Fixture.words([1])])),
        ("a key of another map", RawGroup(key: Fixture.key(2), values: [Fixture.words([1])])),
        ("a long value", RawGroup(key: Fixture.key(2, 1), values: [Fixture.words([1]), Fixture.words([1, 2])])),
        ("no value", RawGroup(key: Fixture.key(2, 1), values: [])),
    ])
    func entriesOfAnotherSizeAreRefusedAndCounted(reason: String, group: RawGroup) {
        var aggregator = Self.aggregator()
        aggregator.absorb([group], of: .retransmits)
        #expect(aggregator.endWindow(at: 2000).isEmpty && aggregator.ledger[.retransmit, .dropped, "malformed"] == 1, "\(reason)")
    }

    // MARK: Namespaces and changes

    @Test(
        arguments: [
            ("excluded", [], ["shop"], ["nginx"]), ("not among the included", ["web"], [], []),
            ("included: what is in no namespace is left out", ["shop"], [], ["cart"]), ("exclude wins", ["shop"], ["shop"], []),
            ("all", [], [], ["cart", "nginx"]),
        ] as [(String, [String], [String], Set<String>)])
    func namespacesAreFiltered(reason: String, include: [String], exclude: [String], services: Set<String>) throws {
        var aggregator = Self.aggregator(Fixture.settings(include: include, exclude: exclude), [Self.nginx, Self.srv])
        aggregator.observe([try Self.link()])
        aggregator.absorb([Fixture.segments(2, perCPU: [1]), Fixture.segments(11, perCPU: [1])], of: .retransmits)
        #expect(aggregator.endWindow(at: 2000).services == services, "\(reason)")
        #expect(aggregator.ledger[.retransmit, .dropped, "namespace_filter"] == UInt64(2 - services.count), "\(reason)")
    }

    @Test func aNewFilterEndsSeriesAtOnce() throws {
        var aggregator = Self.aggregator(Fixture.settings(), [Self.nginx, Self.srv])
        aggregator.observe([try Self.link()])
        aggregator.absorb([Fixture.segments(2, perCPU: [1]), Fixture.segments(11, perCPU: [1])], of: .retransmits)
        _ = aggregator.endWindow(at: 2000)
        aggregator.update(Fixture.settings(exclude: ["shop"]))
        #expect(aggregator.endWindow(at: 3000).services == ["nginx"])
    }

    @Test func aSignalThatIsSwitchedOffAndOnBeginsAnew() throws {
        var aggregator = Self.aggregator()
        aggregator.absorb([Fixture.segments(2, perCPU: [5])], of: .retransmits)
        aggregator.absorb([Fixture.sched(2, slots: [20: 1])], of: .sched)
        _ = aggregator.endWindow(at: 2000)
        aggregator.forget(.retransmits)
        let without = aggregator.endWindow(at: 3000)
        #expect(try without.resource("nginx").metrics.map(\.name) == ["ebpf.sched.runqueue.latency", "process.context_switches"])
        aggregator.absorb([Fixture.segments(2, perCPU: [6])], of: .retransmits)
        #expect(try aggregator.endWindow(at: 4000).value("ebpf.tcp.retransmits", of: "nginx", Self.fast) == 6)
    }
}
