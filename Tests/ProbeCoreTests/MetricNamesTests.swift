// Names, units and attributes of what is sent: the table of docs/signals.md.

import OTLPMessages
import ProbePrograms
import Testing

@testable import ProbeCore

@Suite struct MetricNamesTests {
    static func metrics(_ kind: GroupKind, _ groups: [RawGroup]) throws -> [Metric] {
        var aggregator = ProbeAggregatorTests.aggregator()
        aggregator.absorb(groups, of: kind)
        return try aggregator.endWindow(at: 2000).resource("nginx").metrics
    }

    /// Attributes of every point of a kind's only metric, in the order of the groups.
    static func attributes(_ kind: GroupKind, _ group: RawGroup) throws -> [Attribute] {
        switch try metrics(kind, [group])[0].data {
        case .exponentialHistogram(let points, .cumulative): points[0].attributes
        case .sum(let points, .cumulative, .monotonic): points[0].attributes
        default: []
        }
    }

    @Test func theSchedulerGivesLatencyAndSwitches() throws {
        let metrics = try Self.metrics(.sched, [Fixture.sched(2, slots: [15: 2], sumNanoseconds: 70_000, voluntary: 3, involuntary: 4)])
        #expect(metrics.map(\.name) == ["ebpf.sched.runqueue.latency", "process.context_switches"] && metrics.map(\.unit) == ["s", "{context_switch}"])
        guard case .exponentialHistogram(let latency, .cumulative) = metrics[0].data, case .sum(let switches, .cumulative, .monotonic) = metrics[1].data else {
            return #expect(Bool(false))
        }
        #expect(latency[0].attributes.isEmpty && latency[0].count == 2 && latency[0].sum == 0.00007)
        #expect(
            switches.map(\.attributes) == [[Attribute("process.context_switch.type", "voluntary")], [Attribute("process.context_switch.type", "involuntary")]])
        #expect(switches.map(\.value) == [.int(3), .int(4)])
    }

    @Test(
        arguments: [
            (ConnectKey.Role.client, 0, [Attribute("network.tcp.role", "client")]),
            (.server, 0, [Attribute("network.tcp.role", "server")]),
            (.client, 111, [Attribute("network.tcp.role", "client"), Attribute("error.type", "ECONNREFUSED")]),
            (.client, unknownKernelError, [Attribute("network.tcp.role", "client"), Attribute("error.type", "_OTHER")]),
            (.client, 4000, [Attribute("network.tcp.role", "client"), Attribute("error.type", "4000")]),
        ] as [(ConnectKey.Role, UInt32, [Attribute])])
    func connections(role: ConnectKey.Role, error: UInt32, expected: [Attribute]) throws {
        let group = RawGroup(key: Fixture.key(2, role.rawValue, error), values: [Fixture.histogram([12: 1])])
        #expect(try Self.attributes(.connects, group) == expected)
        let metric = try Self.metrics(.connects, [group])[0]
        #expect(metric.name == "ebpf.tcp.connect.duration" && metric.unit == "s")
    }

    @Test(arguments: [(ConnectKey.Role.client, "network.peer.port"), (.server, "network.local.port")])
    func serversPortsAreTold(role: ConnectKey.Role, name: String) throws {
        let group = RawGroup(key: Fixture.key(2, role.rawValue | 5432 << 16, 111), values: [Fixture.histogram([12: 1])])
        #expect(
            try Self.attributes(.connects, group) == [
                Attribute("network.tcp.role", .string("\(role)")), Attribute(name, 5432), Attribute("error.type", "ECONNREFUSED"),
            ])
    }

    @Test(arguments: zip(RetransmitKey.Kind.allCases, ["rto", "fast", "tlp", "synack"])) func retransmits(kind: RetransmitKey.Kind, name: String) throws {
        #expect(try Self.attributes(.retransmits, Fixture.segments(2, kind: kind, perCPU: [1])) == [Attribute("tcp.retransmit.kind", .string(name))])
        let failed = try Self.attributes(.retransmits, Fixture.segments(2, kind: kind, error: 105, perCPU: [1]))
        #expect(failed.last == Attribute("error.type", "ENOBUFS"))
        let metric = try Self.metrics(.retransmits, [Fixture.segments(2, perCPU: [1])])[0]
        #expect(metric.name == "ebpf.tcp.retransmits" && metric.unit == "{segment}")
    }

    @Test(arguments: [("read", false), ("write", false), ("epoll_pwait", true), ("futex", true), ("nanosleep", true), ("ppoll", true)])
    func systemCalls(name: String, waits: Bool) throws {
        let number = try #require(SystemCalls.number(of: name))
        let wait = waits ? [Attribute("syscall.wait", true)] : []
        #expect(try Self.attributes(.syscalls, Fixture.systemCall(2, number: number, count: 1)) == [Attribute("syscall.name", .string(name))] + wait)
        let failed = try Self.attributes(.syscalls, Fixture.systemCall(2, number: number, error: 11, count: 1))
        #expect(failed == [Attribute("syscall.name", .string(name)), Attribute("error.type", "EAGAIN")] + wait)
    }

    @Test(arguments: ["read", "futex"]) func systemCallsWithoutTheirTimes(name: String) throws {
        let number = try #require(SystemCalls.number(of: name))
        func group(_ error: UInt32) -> RawGroup { RawGroup(key: Fixture.key(2, number, error), values: [Fixture.words([3]), Fixture.words([4])]) }
        #expect(try Self.attributes(.syscallCalls, group(0)) == [Attribute("syscall.name", .string(name))], "that it waits says something of a time only")
        #expect(try Self.attributes(.syscallCalls, group(11)) == [Attribute("syscall.name", .string(name)), Attribute("error.type", "EAGAIN")])
        let metric = try Self.metrics(.syscallCalls, [group(0)])[0]
        #expect(metric.name == "ebpf.syscall.calls" && metric.unit == "{call}")
        guard case .sum(let points, .cumulative, .monotonic) = metric.data else { return #expect(Bool(false)) }
        #expect(points.map(\.value) == [.int(7)])
    }

    @Test func aCallWithoutANameKeepsItsNumber() throws {
        let counted = RawGroup(key: Fixture.key(2, 511), values: [Fixture.words([1])])
        #expect(try Self.attributes(.syscallCalls, counted) == [Attribute("syscall.name", "511")])
        #expect(try Self.attributes(.syscalls, Fixture.systemCall(2, number: 511, count: 1)) == [Attribute("syscall.name", "511")])
    }

    @Test(arguments: [
        ("host", "/", [Attribute("service.name", "host"), Attribute("k8s.node.name", "node-1")]),
        ("unit", "/system.slice/cron.service", [Attribute("service.name", "cron"), Attribute("k8s.node.name", "node-1")]),
    ])
    func resourcesOfTheHost(reason: String, path: String, expected: [Attribute]) throws {
        var aggregator = ProbeAggregatorTests.aggregator(Fixture.settings(), [CgroupDirectory(id: 1, path: path)])
        aggregator.absorb([Fixture.segments(1, perCPU: [1])], of: .retransmits)
        #expect(aggregator.endWindow(at: 2000)[0].resource.attributes == expected, "\(reason)")
    }

    @Test func outsideOfKubernetesTheHostHasTheName() {
        #expect(Node(kubernetesName: nil, hostName: "h").attribute == Attribute("host.name", "h"))
    }

    /// FileTable and PeerTable read files by their paths and connections by their addresses, which no kind's key holds.
    @Test func kindsMatchTheProgramsMaps() {
        let maps = ProbeProgram.all.flatMap(\.groupMaps).filter { !FileTable.maps.union(PeerTable.maps).contains($0.name) }
        #expect(Set(maps.map(\.name)) == Set(GroupKind.all.filter(\.isMap).map(\.name)))
        for map in maps {
            let kind = GroupKind(map: map.name)
            #expect(kind?.keyBytes == map.keyBytes && kind?.valueBytes == map.valueBytes, "\(map.name)")
        }
        #expect(ProbeProgram.all.flatMap(\.hooks).allSatisfy { EventClass(hook: $0.function) != nil })
    }
}

extension MetricNamesTests {
    private static let dropCases: [(String, UInt32, UInt32, [Attribute])] = [
        ("a core reason", 12, 6 | 1 << 16, attributes("netfilter_drop", "transmit", "tcp")),
        ("a subsystem's", 2 << 16 | 5, 17, attributes("openvswitch_5", "receive", "udp")),
        ("a reason without a name", 77, 256, attributes("77", "receive", nil)),
    ]

    private static func attributes(_ reason: String, _ direction: String, _ transport: String?) -> [Attribute] {
        [Attribute("network.drop.reason", .string(reason)), Attribute("network.io.direction", .string(direction))]
            + (transport.map { [Attribute("network.transport", .string($0))] } ?? [])
    }

    @Test(arguments: dropCases)
    func drops(reason: String, number: UInt32, second: UInt32, expected: [Attribute]) throws {
        var aggregator = ProbeAggregatorTests.aggregator()
        aggregator.names.dropReasons = [12: "netfilter_drop", 2 << 16: "openvswitch"]
        aggregator.absorb([RawGroup(key: Fixture.key(2, number, second), values: [Fixture.words([3, 400])])], of: .drops)
        let metrics = aggregator.endWindow(at: 2000)
        #expect(try metrics.value("ebpf.network.drops", of: "nginx", expected) == 3, "\(reason)")
        #expect(try metrics.value("ebpf.network.drops.size", of: "nginx", expected) == 400, "\(reason)")
    }

    @Test func tcpsOtherNames() throws {
        let histogram = Fixture.histogram([20: 2], sumNanoseconds: 9)
        #expect(try Self.metrics(.lifetimes, [RawGroup(key: Fixture.key(2, 1), values: [histogram])]).map(\.name) == ["ebpf.tcp.connection.duration"])
        #expect(try Self.attributes(.lifetimes, RawGroup(key: Fixture.key(2, 1), values: [histogram])) == [Attribute("network.tcp.role", "server")])
        #expect(try Self.metrics(.roundTrips, [RawGroup(key: Fixture.key(2), values: [histogram])]).map(\.name) == ["ebpf.tcp.rtt"])
        #expect(try Self.attributes(.resets, RawGroup(key: Fixture.key(2, 1), values: [Fixture.words([4])])) == [Attribute("network.io.direction", "transmit")])
        #expect(
            try Self.attributes(.disks, RawGroup(key: Fixture.key(2, 254 << 20 | 3, 1), values: [histogram])) == [
                Attribute("disk.io.direction", "write"), Attribute("system.device", "254:3"),
            ])
    }
}
