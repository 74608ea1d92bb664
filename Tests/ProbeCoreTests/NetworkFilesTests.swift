// Files of /proc/net as numbers, and numbers as series of the host.

import OTLPMessages
import Testing

@testable import ProbeCore

@Suite struct NetworkFilesTests {
    private static let dev = """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
            lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
          eth0: 5       6    0    7    0     0          0         0      9       1    0    8    0     0       0          0
         br:0:1 1 1 1 1 1 1 1 1 1 1 2 1 1 1 1
          bad: 1 2 x
        """

    @Test func devicesHaveTheFourthNumberOfEachHalf() {
        let devices = NetworkFiles.devices(inDev: Self.dev)
        #expect(devices.map(\.name) == ["lo", "eth0", "br:0"])
        #expect(devices.map(\.receivedDropped) == [0, 7, 1] && devices.map(\.transmittedDropped) == [0, 8, 2])
    }

    @Test(arguments: [
        ("in its place", "Ip: A\nIp: 1\nTcp: X RetransSegs Y\nTcp: 1 42 3\n", UInt64?(42)), ("no such name", "Tcp: X\nTcp: 1\n", nil),
        ("a line is missing", "Tcp: X RetransSegs\n", nil), ("too few numbers", "Tcp: X RetransSegs\nTcp: 1\n", nil), ("empty", "", nil),
    ])
    func segments(reason: String, text: String, expected: UInt64?) { #expect(NetworkFiles.retransmittedSegments(inSNMP: text) == expected, "\(reason)") }

    @Test func statesAreHexadecimal() {
        #expect(NetworkFiles.state(inTCPLine: "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000") == 10)
        #expect(NetworkFiles.state(inTCPLine: "  sl  local_address rem_address   st tx_queue rx_queue") == nil)
        #expect(NetworkFiles.state(inTCPLine: "") == nil)
    }

    private static func host() -> ProbeAggregator {
        ProbeAggregatorTests.aggregator(Fixture.settings(), [CgroupDirectory(id: 1, path: "/")])
    }

    private static func drops(_ name: String, _ direction: String) -> [Attribute] {
        [Attribute("network.interface.name", .string(name)), Attribute("network.io.direction", .string(direction))]
    }

    @Test func dropsCountFromTheFirstReadingOrTheDevicesBeginning() throws {
        var aggregator = Self.host(), table = DeviceTable()
        let device = { (name: String, received: UInt64, sent: UInt64) in NetworkFiles.Device(name: name, receivedDropped: received, transmittedDropped: sent) }
        table.take([device("eth0", 100, 5)], host: 1, into: &aggregator)
        table.take([device("eth0", 103, 5), device("eth1", 4, 0)], host: 1, into: &aggregator)
        table.take([device("eth0", 2, 6), device("eth1", 4, 0)], host: 1, into: &aggregator)
        let metrics = aggregator.endWindow(at: 2000)
        let name = "system.network.packet.dropped"
        #expect(try metrics.value(name, of: "host", Self.drops("eth0", "receive")) == 5, "three, and two of a device that began anew")
        #expect(try metrics.value(name, of: "host", Self.drops("eth0", "transmit")) == 1)
        #expect(try metrics.value(name, of: "host", Self.drops("eth1", "receive")) == 4)
        #expect(aggregator.ledger.counts.isEmpty, "numbers in files are no events")
    }

    @Test func driftIsTheDifferenceSinceTheFirstReading() {
        var drift = RetransmitDrift()
        #expect(drift.take(kernel: 1000, ours: 3) == 0)
        #expect(drift.take(kernel: 1010, ours: 13) == 0)
        #expect(drift.take(kernel: 1020, ours: 13) == 10)
        #expect(drift.take(kernel: 1020, ours: 25) == -2)
        #expect(drift.take(kernel: 1021, ours: 0) == 0, "the programs were loaded anew")
        #expect(drift.take(kernel: 1025, ours: 4) == 0)
    }

    @Test func driftAndSocketsAreGaugesOfTheHost() throws {
        var aggregator = Self.host()
        aggregator.setRetransmitDrift(-2, host: 1)
        aggregator.setConnections(byState: [1: 7, 10: 2], host: 1)
        let metrics = try aggregator.endWindow(at: 2000).resource("host").metrics
        let drift = try #require(metrics.first { $0.name == "ebpf.tcp.retransmits.drift" })
        guard case .gauge(let points) = drift.data else { return #expect(Bool(false)) }
        #expect(points.map(\.value) == [.int(-2)] && drift.unit == "{segment}")
        let sockets = try #require(metrics.first { $0.name == "system.network.connection.count" })
        guard case .sum(let counts, .cumulative, .nonMonotonic) = sockets.data else { return #expect(Bool(false)) }
        #expect(Set(counts.map(\.value)) == [.int(7), .int(2)])
    }
}
