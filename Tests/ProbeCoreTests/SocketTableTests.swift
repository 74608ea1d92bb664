// Connections by state, and what listeners dropped between two walks.

import OTLPMessages
import ProbePrograms
import Testing

@testable import ProbeCore

@Suite struct SocketTableTests {
    private static func socket(_ address: UInt64, state: UInt32, drops: UInt32 = 0) -> OpenSocket {
        OpenSocket(address: address, cgroup: 2, walk: 1, drops: drops, state: state)
    }

    private static func attributes(_ state: String) -> [Attribute] {
        [Attribute("network.connection.state", .string(state)), Attribute("network.transport", "tcp")]
    }

    private static func counts(_ metrics: [ResourceMetrics]) throws -> [[Attribute]: NumberPoint.Value] {
        guard
            case .sum(let points, .cumulative, .nonMonotonic)? = try metrics.resource("nginx").metrics.first(where: {
                $0.name == "system.network.connection.count"
            })?.data
        else { return [:] }
        return Dictionary(uniqueKeysWithValues: points.map { ($0.attributes, $0.value) })
    }

    @Test func connectionsAreWhatIsOpenNow() throws {
        var aggregator = ProbeAggregatorTests.aggregator()
        var table = SocketTable()
        table.take([Self.socket(1, state: 1), Self.socket(2, state: 1), Self.socket(3, state: 10)], into: &aggregator)
        #expect(try Self.counts(aggregator.endWindow(at: 2000)) == [Self.attributes("established"): .int(2), Self.attributes("listen"): .int(1)])
        table.take([Self.socket(2, state: 8)], into: &aggregator)
        #expect(try Self.counts(aggregator.endWindow(at: 3000)) == [Self.attributes("close_wait"): .int(1)])
    }

    @Test func dropsBeforeTheFirstWalkAreNotCountedAndANewListenerCountsFromItsBeginning() throws {
        var aggregator = ProbeAggregatorTests.aggregator()
        var table = SocketTable()
        let walks: [([(UInt64, UInt32)], UInt64?)] = [([(1, 100)], nil), ([(1, 103)], 3), ([(1, 103), (2, 4)], 7), ([(2, 1)], 8), ([], 8)]
        for (index, (listeners, total)) in walks.enumerated() {
            table.take(listeners.map { Self.socket($0.0, state: 10, drops: $0.1) } + [Self.socket(99, state: 1)], into: &aggregator)
            #expect(try aggregator.endWindow(at: UInt64(index + 2) * 1000).value("ebpf.tcp.listen.overflows", of: "nginx") == total, "walk \(index)")
        }
    }

    @Test func anEntryOfAWrongLengthIsNoSocket() {
        #expect(
            OpenSocket(RawGroup(key: Fixture.words([7]), values: [Fixture.words([2, 1, 1 << 32 | 5])]))
                == OpenSocket(address: 7, cgroup: 2, walk: 1, drops: 5, state: 1))
        #expect(
            OpenSocket(RawGroup(key: [1], values: [Fixture.words([2, 1, 5])])) == nil && OpenSocket(RawGroup(key: Fixture.words([7]), values: [[1]])) == nil)
    }

    @Test func statesHaveTheConventionsNames() {
        #expect(
            (1...12).map { ConnectionState.name(of: $0) } == [
                "established", "syn_sent", "syn_received", "fin_wait_1", "fin_wait_2", "time_wait", "closed", "close_wait", "last_ack", "listen", "closing",
                "syn_received",
            ])
        #expect(ConnectionState.name(of: 0) == "0" && ConnectionState.name(of: 99) == "99")
    }
}
