// Bytes of messages, names, streams and records, good and bad.

import ProbePrograms
import TestSupport
import Testing

@testable import ProbeCore

@Suite struct DNSMessageTests {
    @Test func aQueryIsRead() throws {
        let message = try DNSMessage(DNSFixture.message(id: 0xbeef, "WWW.Example.ORG", type: 28))
        #expect(message.header.id == 0xbeef && !message.header.isResponse && message.header.responseCode == 0 && !message.header.isTruncated)
        #expect(message.question == .init(name: "www.example.org", type: 28))
    }

    @Test func aResponseIsRead() throws {
        let message = try DNSMessage(DNSFixture.message(id: 1, "a.b", isResponse: true, code: 3, answers: 7, isTruncated: true))
        #expect(message.header.isResponse && message.header.responseCode == 3 && message.header.isTruncated && message.header.answerCount == 7)
    }

    @Test func aResponseMayRepeatNoQuestion() throws {
        #expect(try DNSMessage(DNSFixture.message(id: 1, "", isResponse: true, code: 1, questions: 0)).question == nil)
    }

    @Test func oddBytesOfLabelsAreEscaped() throws {
        #expect(try DNSMessage(Self.query([1, 0x2e, 2, 0x5c, 0xff, 0])).question?.name == #"\046.\092\255"#)
        #expect(try DNSMessage(Self.query([0])).question?.name == ".")
    }

    private static func query(_ name: [UInt8]) -> [UInt8] { DNSFixture.message(id: 1, "").prefix(12) + name + [0, 1, 0, 1] }

    @Test func whatIsNoMessageIsRefused() {
        let label = [63] + [UInt8](repeating: 0x61, count: 63)
        let cases: [([UInt8], DNSFailure, String)] = [
            ([], .short, "nothing"), ([UInt8](repeating: 0, count: 11), .short, "half a header"),
            (Array(Self.query([1, 0x61, 0]).dropLast(1)), .short, "no whole class"),
            (Array(Self.query([5]).prefix(13)), .short, "a length and nothing behind it"),
            (Self.query([0xc0, 0x0c]), .pointer, "a pointer to itself"), (Self.query([1, 0x61, 0xc0, 0x00]), .pointer, "a pointer into the header"),
            (Self.query([0x40, 0]), .label, "an extended label"), (Self.query([0x80, 0]), .label, "a reserved label"),
            (Self.query(label + label + label + label + [0]), .name, "a name of 257 bytes"),
            (DNSFixture.message(id: 1, "a", questions: 2), .questions, "two questions"),
            (DNSFixture.message(id: 1, "a", questions: 0), .questions, "a query without one"),
            ([0, 1, 0x28, 0] + [UInt8](repeating: 0, count: 8), .opcode, "an update"),
        ]
        for (bytes, failure, why) in cases {
            #expect(throws: failure, "\(why)") { try DNSMessage(bytes) }
        }
    }

    @Test func theLongestNameIsRead() throws {
        let label = [63] + [UInt8](repeating: 0x61, count: 63)
        let name = label + label + label + [61] + [UInt8](repeating: 0x62, count: 61) + [0]
        #expect(name.count == 255)
        #expect(try DNSMessage(Self.query(name)).question?.name.utf8.count == 253)
        #expect(throws: DNSFailure.name) { try DNSMessage(Self.query(label + label + label + [62] + [UInt8](repeating: 0x62, count: 62) + [0])) }
    }

    @Test func noBytesBreakTheParserOrTheDecoder() {
        var random = Seeded()
        let rounds = Seeded.rounds(20_000)
        var world = DNSWorld()
        var read = 0
        for round in 0..<rounds {
            var bytes = DNSFixture.message(
                id: UInt16(random.below(4)), ["a.org", "b.a.org", "x.svc.cluster.local"][random.below(3)], isResponse: random.below(2) == 1,
                code: UInt8(random.below(6)))
            for _ in 0..<random.below(4) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            bytes.removeLast(random.below(bytes.count) * random.below(2))
            if (try? DNSMessage(bytes)) != nil { read += 1 }
            let direction: DNSRecord.Direction = random.below(2) == 1 ? .sent : .received
            let client = DNSWorld.Client(cookie: UInt64(random.below(3)))
            if !bytes.isEmpty {
                world.transfer(
                    direction, at: Double(round) * 2, client, stream: random.below(4) == 0, length: bytes.count + random.below(2) * random.below(600),
                    bytes)
            }
            var record = (0..<random.below(120)).map { _ in UInt8(random.below(256)) }
            if record.count > 43 { record[43] = UInt8(random.below(3)) }
            record.withUnsafeBytes { world.decoder.take($0) }
            if round % 500 == 0 { _ = world.end(at: Double(round) * 2) }
        }
        _ = world.end(at: Double(rounds) * 2 + 20_000)
        let counts = world.aggregator.ledger.counts.filter { $0.key.eventClass == .dnsMessage }
        let sum = { (isSeen: Bool) in counts.filter { ($0.key.outcome == .seen) == isSeen }.values.reduce(0, +) }
        #expect(sum(true) == sum(false) && sum(true) > UInt64(rounds), "seed \(random.seed)")
        #expect(read > rounds / 4 && read < rounds, "seed \(random.seed): \(read) of \(rounds) could be read")
    }

    @Test func recordsOfWrongLengthsAreRefused() throws {
        let party = DNSPacket.Party(time: 1, cgroup: 2, cookie: 3, tgid: 4, thread: 5)
        let packet = DNSPacket(party: party, direction: .received, isStream: true, length: 600, bytes: [UInt8](repeating: 7, count: 512))
        let record = DNSFixture.record(packet)
        #expect(record.withUnsafeBytes { DNSPacket($0) } == packet)
        for (change, why) in [
            ({ Array($0.dropLast()) }, "a byte short"), ({ $0 + [0] }, "a byte long"), ({ Array($0.prefix(48)) }, "no bytes"), ({ _ in [] }, "nothing"),
            ({ Array($0.prefix(DNSRecord.directionOffset)) + [2] + Array($0.dropFirst(DNSRecord.directionOffset + 1)) }, "a third direction"),
            ({ Array($0.prefix(32)) + [1, 0, 0, 0] + Array($0.dropFirst(36)) }, "more captured than there was"),
        ] as [(([UInt8]) -> [UInt8], String)] {
            #expect(change(record).withUnsafeBytes { DNSPacket($0) } == nil, "\(why)")
        }
    }

    @Test func aStreamGivesItsMessagesHoweverItIsCut() {
        let messages = [DNSFixture.message(id: 1, "a.example.org"), DNSFixture.message(id: 2, "b.example.org", isResponse: true)]
        let bytes: [UInt8] = messages.reduce(into: []) { $0 += [0, UInt8($1.count)] + $1 }
        for size in 1...bytes.count {
            var stream = DNSStream()
            var found: [[UInt8]] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = Array(bytes[start..<min(start + size, bytes.count)])
                found += stream.take(piece, length: piece.count, time: 1)
            }
            #expect(found == messages && !stream.isLost, "pieces of \(size)")
        }
    }

    @Test func aLongMessageIsSkippedAndWhatFollowsIsRead() {
        var stream = DNSStream()
        let long = DNSFixture.message(id: 1, "a.org", isResponse: true) + [UInt8](repeating: 9, count: 1000)
        let next = DNSFixture.message(id: 2, "b.org")
        #expect(stream.take([UInt8(long.count >> 8), UInt8(long.count & 0xff)], length: 2, time: 1) == [])
        #expect(stream.take(Array(long.prefix(512)), length: long.count, time: 1) == [Array(long.prefix(DNSStream.keptBytesMax))])
        #expect(stream.take([0, UInt8(next.count)] + next, length: 2 + next.count, time: 1) == [next])
    }

    @Test func aStreamIsLostWhenABoundaryIsWhereNobodyLooked() {
        var stream = DNSStream()
        #expect(stream.take([0, 20] + [UInt8](repeating: 0, count: 10), length: 40, time: 1).count == 1)
        #expect(stream.isLost)
        var short = DNSStream()
        #expect(short.take([0, 11, 1], length: 3, time: 1) == [] && short.isLost, "no message has eleven bytes")
    }

    @Test(arguments: [
        ("api.shop.svc.cluster.local", "api.shop.svc.cluster.local", "a service"),
        ("cart-0.cart.shop.svc.cluster.local", "cart.shop.svc.cluster.local", "a pod of a headless service"),
        ("_http._tcp.api.shop.svc.cluster.local", "api.shop.svc.cluster.local", "a port of a service"),
        ("10-1-2-3.shop.pod.cluster.local", "shop.pod.cluster.local", "a pod by its address"), ("www.example.org", "example.org", "a domain"),
        ("a.b.c.example.co.uk", "example.co.uk", "a domain below two labels"), ("x.example.com.au", "example.com.au", "the same elsewhere"),
        ("www.co.uk", "www.co.uk", "directly below them"), ("co.uk", "co.uk", "they themselves"), ("www.t.co", "t.co", "co is no second level here"),
        ("4.3.2.1.in-addr.arpa", "in-addr.arpa", "reverse"), ("10.1.2.3", "~other", "an address"), ("localhost", "localhost", "one label"),
        (".", ".", "the root"), ("svc.example.org", "example.org", "somebody's host"), ("a.svc", "a.svc", "no zone"),
    ])
    func namesAreReduced(name: String, expected: String, why: String) { #expect(DNSName.reduced(name) == expected, "\(why)") }

    @Test(
        arguments: [
            ("db.ns.svc.cluster.local", "db.svc.cluster.local", nil, "db", "domains in one another"),
            ("db.shop.cluster.local", "db.shop", nil, "db.shop", "the absolute name last"),
            ("db.shop", "db.shop.ns.svc.cluster.local", nil, "db.shop", "the absolute name first"),
            ("db.cluster.local", "db.ec2.internal", "db", "db", "the base is known"), ("db.one.test", "db.two.test", nil, nil, "nothing in common"),
            ("db.one.test", "db.two.test", "db.one", nil, "another base"),
        ] as [(String, String, String?, String?, String)])
    func searchStepsAreKnownByTheirNames(name: String, next: String, known: String?, base: String?, why: String) {
        #expect(SearchStep.base(of: name, next: next, known: known) == base, "\(why)")
    }
}
