// DNS messages as bytes, and a small world in which clients ask and servers answer at given times.

import OTLPMessages
import ProbePrograms
import Testing

@testable import ProbeCore

enum DNSFixture {
    static let a: UInt16 = 1
    static let aaaa: UInt16 = 28

    /// A message with one question and the counts that its header claims; the records themselves are not there, nobody reads them.
    static func message(
        id: UInt16, _ name: String, type: UInt16 = a, isResponse: Bool = false, code: UInt8 = 0, answers: UInt16 = 0, isTruncated: Bool = false,
        questions: UInt16 = 1
    ) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 0xff), (isResponse ? 0x81 : 0x01) | (isTruncated ? 2 : 0), code]
        for count in [questions, answers, 0, 0] { bytes += [UInt8(count >> 8), UInt8(count & 0xff)] }
        for _ in 0..<questions {
            for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count)] + Array(label.utf8) }
            bytes += [0, UInt8(type >> 8), UInt8(type & 0xff), 0, 1]
        }
        return bytes
    }

    /// A record as the ring has it.
    static func record(_ packet: DNSPacket) -> [UInt8] {
        var record = Fixture.words([packet.party.time, packet.party.cgroup, packet.party.cookie])
        record += Fixture.words([UInt64(packet.party.tgid) | UInt64(packet.party.thread) << 32])
        record += Fixture.words([UInt64(packet.length) | UInt64(packet.bytes.count) << 32])
        record += [53, 0, packet.isStream ? 6 : 17, packet.direction.rawValue, 0, 0, 0, 0]
        return record + packet.bytes
    }
}

/// One decoder and one aggregator. Times are milliseconds.
struct DNSWorld {
    /// Who talks: unless a test says otherwise, one thread of one process in nginx's cgroup.
    struct Client {
        var cgroup: UInt64 = 2
        var cookie: UInt64 = 100
        var tgid: UInt32 = 10
        var thread: UInt32 = 10
    }

    var decoder = DNSLookups()
    var aggregator: ProbeAggregator

    init(_ settings: ProbeAggregator.Settings = Fixture.settings()) {
        let coredns = CgroupDirectory(id: 3, path: "/system.slice/coredns.service")
        aggregator = ProbeAggregatorTests.aggregator(settings, [ProbeAggregatorTests.nginx, coredns])
    }

    mutating func transfer(_ direction: DNSRecord.Direction, at ms: Double, _ client: Client, stream: Bool = false, length: Int? = nil, _ bytes: [UInt8]) {
        let party = DNSPacket.Party(
            time: UInt64(ms * 1e6), cgroup: client.cgroup, cookie: client.cookie, tgid: client.tgid, thread: client.thread)
        let packet = DNSPacket(party: party, direction: direction, isStream: stream, length: length ?? bytes.count, bytes: bytes)
        DNSFixture.record(packet).withUnsafeBytes { decoder.take($0) }
    }

    mutating func ask(_ name: String, _ type: UInt16 = DNSFixture.a, id: UInt16 = 1, at ms: Double, _ client: Client = Client()) {
        transfer(.sent, at: ms, client, DNSFixture.message(id: id, name, type: type))
    }

    mutating func answer(
        _ name: String, _ type: UInt16 = DNSFixture.a, id: UInt16 = 1, code: UInt8 = 0, records: UInt16 = 1, isTruncated: Bool = false, at ms: Double,
        _ client: Client = Client()
    ) {
        let records = code == 0 ? records : 0
        transfer(
            .received, at: ms, client,
            DNSFixture.message(id: id, name, type: type, isResponse: true, code: code, answers: records, isTruncated: isTruncated))
    }

    /// Asks and is answered at once, for A and AAAA, as getaddrinfo does.
    mutating func pair(_ name: String, id: UInt16, code: UInt8 = 0, at ms: Double, _ client: Client = Client()) {
        ask(name, DNSFixture.a, id: id, at: ms, client)
        ask(name, DNSFixture.aaaa, id: id + 1, at: ms + 0.1, client)
        answer(name, DNSFixture.a, id: id, code: code, at: ms + 1, client)
        answer(name, DNSFixture.aaaa, id: id + 1, code: code, at: ms + 1.5, client)
    }

    /// Ends a window.
    /// - Returns: lookups as `name` or `name error`, with how many of them there were since the beginning, and answers as `-> code`.
    mutating func end(at ms: Double, of service: String = "nginx") -> [String: UInt64] {
        points(at: ms, of: service).mapValues { point in
            switch point {
            case .lookup(let point): point.count
            case .answers(let count): count
            }
        }
    }

    enum Point {
        case lookup(HistogramPoint)
        case answers(UInt64)
    }

    mutating func points(at ms: Double, of service: String = "nginx") -> [String: Point] {
        decoder.settle(into: &aggregator, monotonicNanoseconds: UInt64(ms * 1e6))
        let name = Attribute("service.name", .string(service))
        let metrics = aggregator.endWindow(at: UInt64(ms * 1e6)).first { $0.resource.attributes.contains(name) }?.metrics ?? []
        var points: [String: Point] = [:]
        for metric in metrics {
            switch metric.data {
            case .histogram(let found, .cumulative) where metric.name == "dns.lookup.duration":
                for point in found { points[Self.text(point.attributes)] = .lookup(point) }
            case .sum(let found, .cumulative, .monotonic) where metric.name == "ebpf.dns.answers":
                for point in found { if case .int(let value) = point.value { points["-> " + Self.text(point.attributes)] = .answers(UInt64(value)) } }
            default: Issue.record("\(metric.name) is no metric of DNS")
            }
        }
        return points
    }

    private static func text(_ attributes: [Attribute]) -> String {
        attributes.map { if case .string(let text) = $0.value { text } else { "?" } }.joined(separator: " ")
    }

    /// What the kernel's program could not hand over of received messages since it was loaded.
    mutating func lose(_ total: UInt64, at ms: Double) {
        decoder.follow(losses: ["dns_send": 0, "dns_recv": total], monotonicNanoseconds: UInt64(ms * 1e6))
    }

    func messages(_ outcome: EventLedger.Outcome, _ reason: String = "") -> UInt64 { aggregator.ledger[.dnsMessage, outcome, reason] }
}
