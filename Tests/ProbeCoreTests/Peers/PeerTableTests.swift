// Readings of the map of peers as points of the connect histogram, and addresses as texts.

import Foundation
import OTLPMessages
import ProbePrograms
import TestSupport
import Testing

@testable import ProbeCore

@Suite struct PeerTableTests {
    private static func mapped(_ four: [UInt8]) -> [UInt8] { [UInt8](repeating: 0, count: 10) + [0xff, 0xff] + four }

    private static func key(_ address: [UInt8], port: UInt32 = 5432, error: UInt32 = 0, cgroup: UInt64 = 2) -> [UInt8] {
        Fixture.key(cgroup, ConnectKey.Role.client.rawValue | port << 16, error) + address
    }

    private static func group(_ address: [UInt8], port: UInt32 = 5432, error: UInt32 = 0, _ count: UInt64) -> RawGroup {
        RawGroup(key: key(address, port: port, error: error), values: [Fixture.histogram([12: count]), Fixture.histogram([:])])
    }

    private static func attributes(_ address: String?, port: Int64 = 5432, error: String? = nil) -> [Attribute] {
        [Attribute("network.tcp.role", "client")] + (address.map { [Attribute("network.peer.address", .string($0))] } ?? [])
            + [Attribute("network.peer.port", .int(port))] + (error.map { [Attribute("error.type", .string($0))] } ?? [])
    }

    private static func aggregator(_ limit: Int = PeerTable.addressesPerOwner, perOwner: Int = 200) -> ProbeAggregator {
        var settings = Fixture.settings(perOwner: perOwner)
        settings.firstLabelsPerOwner[.peers] = limit
        return ProbeAggregatorTests.aggregator(settings)
    }

    private static let metric = "ebpf.tcp.connect.duration"

    @Test func aPeersAddressStandsBesideItsPortAndError() throws {
        var table = PeerTable(tellsAddresses: true), aggregator = Self.aggregator()
        let four = Self.mapped([10, 0, 0, 7]), six: [UInt8] = [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
        let groups = [Self.group(four, 3), Self.group(four, error: 111, 2), Self.group(six, port: 0, 1), Self.group(six, error: unknownKernelError, 4)]
        #expect(table.read("peers", groups, into: &aggregator).isEmpty)
        _ = table.read("peers", groups, into: &aggregator)
        // A connection that was made before addresses were told, or whose address found no room in the kernel's map.
        aggregator.absorb([RawGroup(key: Fixture.key(2, 5432 << 16, 0), values: [Fixture.histogram([12: 9])])], of: .connects)
        let metrics = aggregator.endWindow(at: 2000)
        #expect(try metrics.resource("nginx").metrics.filter { $0.name == Self.metric }.count == 1, "one metric of one name")
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes("10.0.0.7")) == 3)
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes("10.0.0.7", error: "ECONNREFUSED")) == 2)
        #expect(
            try metrics.value(Self.metric, of: "nginx", [Attribute("network.tcp.role", "client"), Attribute("network.peer.address", "2001:db8::1")]) == 1)
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes("2001:db8::1", error: "_OTHER")) == 4)
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes(nil)) == 9)
        #expect(aggregator.ledger[.connect, .seen] == 19 && aggregator.ledger[.connect, .exported] == 19)
    }

    @Test func addressesBeyondTheLimitKeepPortAndError() throws {
        var table = PeerTable(tellsAddresses: true), aggregator = Self.aggregator(2)
        var groups = (1...5).map { Self.group(Self.mapped([10, 0, 0, UInt8($0)]), UInt64($0)) }
        groups.append(Self.group(Self.mapped([10, 0, 0, 1]), error: 110, 7))
        _ = table.read("peers", groups, into: &aggregator)
        let metrics = aggregator.endWindow(at: 2000)
        // The busiest of a window come first: 10.0.0.1 with 7 failures, then 10.0.0.5.
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes("10.0.0.1", error: "ETIMEDOUT")) == 7)
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes("10.0.0.1")) == 1)
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes("10.0.0.5")) == 5)
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes("~other")) == 9)
        #expect(aggregator.ledger[.connect, .exported, "series_limit"] == 9)
        _ = table.read("peers", [Self.group(Self.mapped([10, 9, 9, 9]), error: 110, 1)], into: &aggregator)
        #expect(try aggregator.endWindow(at: 3000).value(Self.metric, of: "nginx", Self.attributes("~other", error: "ETIMEDOUT")) == 1)
    }

    @Test func theLimitOfSeriesHoldsForAddressesToo() throws {
        var table = PeerTable(tellsAddresses: true), aggregator = Self.aggregator(perOwner: 3)
        _ = table.read("peers", (1...9).map { Self.group(Self.mapped([10, 0, 0, UInt8($0)]), 1) }, into: &aggregator)
        let metrics = try aggregator.endWindow(at: 2000).resource("nginx").metrics
        guard case .exponentialHistogram(let points, .cumulative)? = metrics.first(where: { $0.name == Self.metric })?.data else { return #expect(Bool(false)) }
        #expect(points.count == 4 && points.reduce(0) { $0 + $1.count } == 9)
        #expect(points.contains { $0.attributes == [Attribute("network.tcp.role", "~other"), Attribute("network.peer.address", "~other")] && $0.count == 6 })
    }

    @Test func idleAddressesLeaveWithTheirLastCounts() throws {
        var table = PeerTable(tellsAddresses: true), aggregator = Self.aggregator()
        let address = Self.mapped([10, 0, 0, 7])
        var idle: [[UInt8]] = []
        for _ in 0...IdleReadings.idleReadingsMax { idle = table.read("peers", [Self.group(address, 3)], into: &aggregator) }
        #expect(idle == [Self.key(address)])
        // One more connection came before it was taken out, and one after that.
        table.forget("peers", [Self.group(address, 4)], into: &aggregator)
        _ = table.read("peers", [Self.group(address, 1)], into: &aggregator)
        #expect(try aggregator.endWindow(at: 2000).value(Self.metric, of: "nginx", Self.attributes("10.0.0.7")) == 5)
    }

    @Test func withTheSwitchOffWhatTheMapStillHadHasNoAddress() throws {
        var table = PeerTable(tellsAddresses: true), aggregator = Self.aggregator()
        let address = Self.mapped([10, 0, 0, 7])
        _ = table.read("peers", [Self.group(address, 3)], into: &aggregator)
        _ = aggregator.endWindow(at: 2000)
        table.tellsAddresses = false
        aggregator.forget(.peers)
        _ = table.read("peers", [Self.group(address, 5)], into: &aggregator)
        let metrics = aggregator.endWindow(at: 3000)
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes(nil)) == 2)
        #expect(try metrics.value(Self.metric, of: "nginx", Self.attributes("10.0.0.7")) == nil)
    }

    @Test func groupsThatAreNoneAreCounted() {
        var table = PeerTable(tellsAddresses: true), aggregator = Self.aggregator()
        let address = Self.mapped([10, 0, 0, 7])
        let values = [Fixture.histogram([12: 1])]
        let broken = [
            RawGroup(key: [1], values: values), RawGroup(key: Self.key(address) + [0], values: values), RawGroup(key: Self.key(address), values: []),
            RawGroup(key: Self.key(address), values: [[1]]),
        ]
        _ = table.read("peers", broken, into: &aggregator)
        [UInt8](repeating: 1, count: 40).withUnsafeBytes { table.take($0) }
        table.settle(into: &aggregator, monotonicNanoseconds: 1)
        #expect(aggregator.ledger[.connect, .dropped, "malformed"] == 5 && aggregator.ledger[.connect, .seen] == 5)
    }

    // MARK: Texts

    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("192.0.2.255", "192.0.2.255"), ("::", "::"), ("::1", "::1"), ("2001:db8::", "2001:db8::"),
        ("2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("fe80:0:0:0:1::", "fe80::1:0:0:0"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("::ffff:203.0.113.9", "203.0.113.9"), ("::fffe:203.0.113.9", "::fffe:cb00:7109"),
    ])
    func addressesAreWrittenAsRFC5952Says(written: String, expected: String) throws {
        var six = in6_addr(), four = in_addr()
        let bytes =
            if inet_pton(AF_INET, written, &four) == 1 { Self.mapped(withUnsafeBytes(of: four) { Array($0) }) } else {
                try #require(inet_pton(AF_INET6, written, &six) == 1 ? withUnsafeBytes(of: six) { Array($0) } : nil)
            }
        #expect(PeerAddress.text(bytes) == expected)
    }

    @Test func aThousandAddressesAreWrittenAsTheCLibraryWritesThem() {
        var random = Seeded()
        for _ in 0..<1000 {
            // Many groups of zeros; the first one is never one, since the C library writes ::/96 dotted.
            var bytes: [UInt8] = [0x20, 1]
            for _ in 1..<8 { bytes += random.below(2) == 0 ? [0, 0] : [UInt8(random.below(2)), UInt8(random.below(256))] }
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            _ = inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count))
            #expect(PeerAddress.text(bytes) == String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
    }

    @Test func labelsOfPeersSurviveTheirWord() {
        for port in [UInt16(0), 1, 443, 65535] {
            for error in [UInt32(0), 111, 4095, unknownKernelError] {
                let label = PeerLabel(port: port, error: error)
                #expect(PeerLabel(label.word) == label)
            }
        }
    }
}
