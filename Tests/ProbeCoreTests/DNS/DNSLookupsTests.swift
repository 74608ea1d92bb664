// What counts as one lookup, and how it ends.

import OTLPMessages
import ProbePrograms
import Testing

@testable import ProbeCore

@Suite struct DNSLookupsTests {
    private let searched = ["db.shop.shop.svc.cluster.local", "db.shop.svc.cluster.local", "db.shop.cluster.local", "db.shop"]

    @Test func aPairOfAAndAAAAIsOneLookupFromTheFirstQueryToTheLastAnswer() throws {
        var world = DNSWorld()
        world.pair("www.example.org", id: 1, at: 1000)
        guard case .lookup(let point)? = world.points(at: 2000)["example.org"] else { return #expect(Bool(false), "no lookup") }
        #expect(point.count == 1 && point.sum == 0.0015)
        #expect(point.bounds == [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] && point.bucketCounts[0] == 1)
        #expect(world.messages(.seen) == 4 && world.messages(.exported) == 4)
        #expect(world.aggregator.ledger[.dnsLookup, .seen] == 1 && world.aggregator.ledger[.dnsLookup, .exported] == 1)
    }

    @Test func theSecondOfAPairMayWaitForTheFirstAnswer() {
        var world = DNSWorld()
        world.ask("example.org", id: 1, at: 1000)
        world.answer("example.org", id: 1, at: 1040)
        world.ask("example.org", DNSFixture.aaaa, id: 2, at: 1041)
        world.answer("example.org", DNSFixture.aaaa, id: 2, at: 1080)
        #expect(world.end(at: 2000) == ["example.org": 1])
    }

    @Test func sameNamesBackToBackAreLookupsOfTheirOwn() {
        var world = DNSWorld()
        for index in 0..<200 { world.pair("www.example.org", id: UInt16(2 * index), at: 1000 + 2 * Double(index)) }
        #expect(world.end(at: 3000) == ["example.org": 200])
    }

    @Test func threadsAndProcessesThatAskForOneNameAtOnceAreLookupsOfTheirOwn() {
        var world = DNSWorld()
        let clients = [
            DNSWorld.Client(cookie: 1, thread: 10), DNSWorld.Client(cookie: 2, thread: 11), DNSWorld.Client(cookie: 3, tgid: 20, thread: 20),
        ]
        for (type, base) in [(DNSFixture.a, UInt16(1)), (DNSFixture.aaaa, 11)] {
            for (index, client) in clients.enumerated() { world.ask("example.org", type, id: base + UInt16(index), at: 1000, client) }
        }
        for (type, base) in [(DNSFixture.aaaa, UInt16(11)), (DNSFixture.a, 1)] {
            for (index, client) in clients.enumerated() { world.answer("example.org", type, id: base + UInt16(index), at: 1001, client) }
        }
        #expect(world.end(at: 2000) == ["example.org": 3])
    }

    @Test func stepsOfASearchListAreTheLookupOfTheirLastName() {
        var world = DNSWorld()
        for (index, name) in searched.enumerated() {
            world.pair(name, id: UInt16(2 * index), code: index == 3 ? 0 : 3, at: 1000 + 3 * Double(index))
        }
        guard case .lookup(let point)? = world.points(at: 2000)["db.shop"] else { return #expect(Bool(false), "no lookup") }
        #expect(point.count == 1 && abs(point.sum - 0.0105) < 1e-9, "the time of all steps: \(point.sum)")
        #expect(world.messages(.exported, "search_step") == 3)
    }

    @Test func aSearchThatFindsNothingIsOneLookupThatFailed() {
        var world = DNSWorld()
        for (index, name) in searched.enumerated() { world.pair(name, id: UInt16(2 * index), code: 3, at: 1000 + 3 * Double(index)) }
        #expect(world.end(at: 2000) == ["db.shop nxdomain": 1])
    }

    @Test func nothingFoundInOneDomainIsNoErrorWhenTheNextHasIt() {
        var world = DNSWorld()
        world.pair("db.one.test", id: 1, code: 3, at: 1000)
        world.pair("db.other.example", id: 3, at: 1002)
        #expect(world.end(at: 2000) == ["other.example": 1], "domains that have nothing in common, one thread, back to back")
    }

    @Test func nothingFoundIsAnErrorWhenNothingFollows() {
        let cases: [(String, Double, DNSWorld.Client, String)] = [
            ("web.one.test", 1002, .init(), "another first label"), ("db.two.test", 1020, .init(), "unrelated, and not at once"),
            ("db.two.test", 1002, .init(thread: 11), "unrelated, another thread"), ("db.x.one.test", 1200, .init(), "related, but too late"),
            ("db.x.one.test", 1002, .init(tgid: 11), "another process"),
        ]
        for (name, time, client, why) in cases {
            var world = DNSWorld()
            world.ask("db.one.test", id: 1, at: 1000)
            world.answer("db.one.test", id: 1, code: 3, at: 1001)
            world.ask(name, id: 2, at: time, client)
            world.answer(name, id: 2, at: time + 1, client)
            #expect(world.end(at: 2000)["one.test nxdomain"] == 1, "\(why)")
            #expect(world.messages(.exported, "search_step") == 0, "\(why)")
        }
    }

    @Test(arguments: [
        (UInt16(1), UInt64(100), 1.0, "the same id and socket"), (1, 200, 1, "the same id, another socket"), (7, 200, 1000, "another id after a wait"),
        (7, 200, 5001, "another id after the resolver's whole time"),
    ])
    func aQuestionThatIsAskedAgainIsOneLookup(id: UInt16, cookie: UInt64, wait: Double, why: String) {
        var world = DNSWorld()
        world.ask("example.org", id: 1, at: 1000)
        world.ask("example.org", id: id, at: 1000 + wait, DNSWorld.Client(cookie: cookie))
        world.answer("example.org", id: id, at: 1010 + wait, DNSWorld.Client(cookie: cookie))
        guard case .lookup(let point)? = world.points(at: 9000)["example.org"] else { return #expect(Bool(false), "\(why)") }
        #expect(point.count == 1 && abs(point.sum - (wait + 10) / 1000) < 1e-9, "\(why)")
        #expect(world.messages(.exported, "retry") == 1, "\(why)")
    }

    @Test func searchesForWhatDoesNotExistAreLookupsOfTheirOwn() {
        var world = DNSWorld()
        for round in 0..<20 {
            for (index, name) in searched.enumerated() {
                world.pair(name, id: UInt16(100 * round + 2 * index), code: 3, at: 1000 + 12 * Double(round) + 3 * Double(index))
            }
        }
        #expect(world.end(at: 4000) == ["db.shop nxdomain": 20])
    }

    @Test func failingLookupsBackToBackAreNotOneLongLookup() {
        var world = DNSWorld()
        for round in 0..<20 {
            // Each is asked twice with the same id, as glibc does, or with another, as Go does.
            for attempt in 0..<2 { world.pair("glibc.test", id: UInt16(10 * round), code: 2, at: 1000 + 10 * Double(round) + 2 * Double(attempt)) }
            for attempt in 0..<2 {
                world.pair("go.test", id: UInt16(500 + 10 * round + 3 * attempt), code: 2, at: 2000 + 10 * Double(round) + 2 * Double(attempt))
            }
        }
        #expect(world.end(at: 4000) == ["glibc.test servfail": 20, "go.test servfail": 20])
    }

    @Test func unansweredLookupsBackToBackAreTimeoutsOfTheirOwn() {
        var world = DNSWorld()
        for round in 0..<2 { for attempt in 0..<2 { world.ask("mute.test", id: UInt16(round), at: 1000 + 2000 * Double(round) + 1000 * Double(attempt)) } }
        #expect(world.end(at: 12000) == ["mute.test timeout": 2])
    }

    @Test func theAnswerToAnEarlierAttemptIsAnAnswer() {
        var world = DNSWorld()
        world.ask("example.org", id: 1, at: 1000)
        world.ask("example.org", id: 2, at: 2000, DNSWorld.Client(cookie: 101))
        world.answer("example.org", id: 1, at: 2001)
        #expect(world.end(at: 9000) == ["example.org": 1])
    }

    @Test func aServerThatFailedIsAskedAgainWithinTheLookup() {
        for (code, name) in [(UInt8(2), "servfail"), (5, "refused"), (1, "formerr")] {
            var world = DNSWorld()
            world.ask("example.org", id: 1, at: 1000)
            world.answer("example.org", id: 1, code: code, at: 1001)
            world.ask("example.org", id: 1, at: 1002, DNSWorld.Client(cookie: 101))
            world.answer("example.org", id: 1, at: 1003, DNSWorld.Client(cookie: 101))
            #expect(world.end(at: 2000) == ["example.org": 1], "\(name)")
        }
    }

    @Test func aTruncatedAnswerIsFollowedByTCPWithinTheLookup() {
        var world = DNSWorld()
        world.ask("example.org", id: 1, at: 1000)
        world.answer("example.org", id: 1, isTruncated: true, at: 1001)
        let tcp = DNSWorld.Client(cookie: 101)
        let query = DNSFixture.message(id: 9, "example.org"), response = DNSFixture.message(id: 9, "example.org", isResponse: true, answers: 40)
        world.transfer(.sent, at: 1200, tcp, stream: true, [0, UInt8(query.count)] + query)
        world.transfer(.received, at: 1300, tcp, stream: true, [0, UInt8(response.count)])
        world.transfer(.received, at: 1300, tcp, stream: true, response)
        guard case .lookup(let point)? = world.points(at: 9000)["example.org"] else { return #expect(Bool(false), "no lookup") }
        #expect(point.count == 1 && point.sum == 0.3)
    }

    @Test(arguments: [(UInt8(0), ""), (1, " formerr"), (2, " servfail"), (3, " nxdomain"), (5, " refused"), (4, " _OTHER"), (9, " _OTHER")])
    func responseCodesAreErrors(code: UInt8, error: String) {
        var world = DNSWorld()
        world.pair("www.example.org", id: 1, code: code, at: 1000)
        #expect(world.end(at: 2000) == ["example.org" + error: 1])
    }

    @Test func oneGoodAnswerMakesALookupGood() {
        var world = DNSWorld()
        world.ask("example.org", id: 1, at: 1000)
        world.ask("example.org", DNSFixture.aaaa, id: 2, at: 1000)
        world.answer("example.org", id: 1, at: 1001)
        world.answer("example.org", DNSFixture.aaaa, id: 2, code: 2, at: 1001)
        #expect(world.end(at: 2000) == ["example.org": 1])
    }

    @Test func whatNobodyAnswersIsATimeoutAfterFiveSecondsAndNotRefused() throws {
        var world = DNSWorld()
        world.ask("example.org", id: 1, at: 1000)
        #expect(world.end(at: 6400) == [:], "a resolver may still ask again")
        guard case .lookup(let point)? = world.points(at: 6600)["example.org timeout"] else { return #expect(Bool(false), "no lookup") }
        #expect(point.count == 1 && point.sum == 5)
    }

    @Test func aQuestionWhoseAnswerMayBeLostIsNoTimeout() {
        var world = DNSWorld()
        world.lose(0, at: 900)
        world.ask("before.test", id: 1, at: 1000)
        world.ask("www.example.org", id: 2, at: 4000)
        world.lose(7, at: 5000)
        world.ask("after.test", id: 3, at: 6000)
        #expect(world.end(at: 20000) == ["after.test timeout": 1], "the two that waited while records were lost have no outcome")
        #expect(world.aggregator.ledger[.dnsLookup, .dropped, "answer_lost"] == 2)
        #expect(world.aggregator.ledger[.dnsLookup, .seen] == 3 && world.aggregator.ledger[.dnsLookup, .exported] == 1)
    }

    @Test func lossesThatWereThereBeforeMakeNoTimeoutUnknown() {
        var world = DNSWorld()
        world.lose(7, at: 900)
        world.ask("example.org", id: 1, at: 1000)
        world.lose(7, at: 6000)
        #expect(world.end(at: 7000) == ["example.org timeout": 1])
    }

    @Test func halfAPairIsEnoughWhereTheOtherAnswerIsLost() throws {
        var world = DNSWorld()
        world.lose(0, at: 900)
        world.ask("example.org", id: 1, at: 1000)
        world.ask("example.org", DNSFixture.aaaa, id: 2, at: 1000)
        world.answer("example.org", id: 1, at: 1001)
        world.lose(1, at: 2000)
        guard case .lookup(let point)? = world.points(at: 7000)["example.org"] else { return #expect(Bool(false), "no lookup") }
        #expect(point.count == 1 && point.sum == 0.001, "it took as long as the answer that was seen: \(point.sum)")
    }

    @Test func anAnswerAfterItsLookupWasGivenUpAsUnknownIsLate() {
        var world = DNSWorld()
        world.lose(0, at: 900)
        world.ask("example.org", id: 1, at: 1000)
        world.lose(1, at: 2000)
        #expect(world.end(at: 7000) == [:])
        world.answer("example.org", id: 1, at: 7500)
        #expect(world.end(at: 9000) == [:] && world.messages(.dropped, "late_response") == 1)
    }

    @Test func aLateResponseIsCountedAndMakesNoSecondLookup() {
        for settles in [true, false] {
            var world = DNSWorld()
            world.ask("example.org", id: 1, at: 1000)
            if settles { _ = world.end(at: 6600) }
            world.answer("example.org", id: 1, at: 7000)
            #expect(world.end(at: 8000) == ["example.org timeout": 1])
            #expect(world.messages(.dropped, "late_response") == 1)
        }
    }

    @Test func aQuestionAfterATimeoutIsALookupOfItsOwn() {
        for settles in [true, false] {
            var world = DNSWorld()
            world.ask("example.org", id: 1, at: 1000)
            if settles { _ = world.end(at: 6600) }
            world.ask("example.org", id: 1, at: 6700)
            world.answer("example.org", id: 1, at: 6701)
            #expect(world.end(at: 8000) == ["example.org timeout": 1, "example.org": 1])
        }
    }

    @Test func queriesOfAServerToOthersAreItsOwnLookups() {
        var world = DNSWorld()
        let upstream = DNSWorld.Client(cgroup: 3, cookie: 300, tgid: 30, thread: 31)
        world.ask("example.org", id: 1, at: 1000)
        world.ask("example.org", id: 2, at: 1001, upstream)
        world.answer("example.org", id: 2, at: 1020, upstream)
        world.answer("example.org", id: 1, at: 1021)
        world.decoder.settle(into: &world.aggregator, monotonicNanoseconds: 2_000_000_000)
        let metrics = world.aggregator.endWindow(at: 2)
        for service in ["nginx", "coredns"] {
            guard case .histogram(let points, _) = try? metrics.resource(service).metrics.first?.data else { return #expect(Bool(false), "\(service)") }
            #expect(points.map(\.count) == [1], "\(service)")
        }
    }

    @Test func aServersViewIsInItsAnswersOnly() {
        var world = DNSWorld()
        let server = DNSWorld.Client(cookie: 400, tgid: 40, thread: 40)
        for (id, code) in [(UInt16(1), UInt8(0)), (2, 0), (3, 3), (4, 2), (5, 14)] {
            world.transfer(.received, at: 1000, server, DNSFixture.message(id: id, "example.org"))
            // The program sends no more than the header.
            let answer = DNSFixture.message(id: id, "example.org", isResponse: true, code: code)
            world.transfer(.sent, at: 1001, server, length: answer.count, Array(answer.prefix(12)))
        }
        #expect(world.end(at: 2000) == ["-> noerror": 2, "-> nxdomain": 1, "-> servfail": 1, "-> 14": 1])
        #expect(world.messages(.exported, "server_query") == 5)
        #expect(world.aggregator.ledger[.dnsAnswer, .exported] == 5 && world.aggregator.ledger[.dnsLookup, .seen] == 0)
    }

    @Test func whatIsNoDNSMakesNoLookup() {
        var world = DNSWorld()
        // The beginning of a TLS connection on a port that was said to carry DNS.
        world.transfer(.sent, at: 1000, .init(), stream: true, [0x16, 0x03, 0x01, 0x02] + [UInt8](repeating: 1, count: 507) + [0xff])
        world.transfer(.sent, at: 1000, .init(), [UInt8](repeating: 0xff, count: 100))
        [UInt8](repeating: 0, count: 20).withUnsafeBytes { world.decoder.take($0) }
        #expect(world.end(at: 9000) == [:])
        #expect(world.messages(.dropped, "malformed") == 2)
    }

    @Test(arguments: [false, true]) func aTimeThatNoClockShowsIsMalformed(isStream: Bool) {
        var world = DNSWorld()
        for time in [UInt64.max, DNSPacket.timeMax + 1] {
            let party = DNSPacket.Party(time: time, cgroup: 2, cookie: 1, tgid: 1, thread: 1)
            let message = (isStream ? [0, 29] : []) + DNSFixture.message(id: 1, "example.org")
            let packet = DNSPacket(party: party, direction: .sent, isStream: isStream, length: message.count, bytes: message)
            DNSFixture.record(packet).withUnsafeBytes { world.decoder.take($0) }
        }
        #expect(world.end(at: 9000) == [:])
        #expect(world.messages(.dropped, "malformed") == 2)
    }

    @Test func responsesThatNobodyAskedForAreCounted() {
        var world = DNSWorld()
        world.answer("example.org", id: 1, at: 1000)
        world.ask("example.org", id: 2, at: 1000)
        world.answer("example.com", id: 2, at: 1001)
        world.answer("example.org", id: 2, at: 1002)
        world.answer("example.org", id: 2, at: 1003)
        #expect(world.end(at: 2000) == ["example.org": 1])
        #expect(world.messages(.dropped, "unmatched_response") == 2 && world.messages(.dropped, "duplicate_response") == 1)
    }

    @Test func tablesHaveLimitsAndCountWhatFindsNoRoom() {
        var world = DNSWorld()
        let beyond = 10
        for number in 0..<DNSLookupTable.lookupsMax + beyond {
            world.ask("n\(number).example.org", id: UInt16(truncatingIfNeeded: number), at: 1000, .init(cookie: UInt64(number)))
        }
        for number in 0..<DNSLookups.streamsMax + beyond { world.transfer(.received, at: 1000, .init(cookie: UInt64(number)), stream: true, [0]) }
        #expect(world.end(at: 7000) == ["example.org timeout": UInt64(DNSLookupTable.lookupsMax)])
        #expect(world.messages(.dropped, "table_full") == UInt64(2 * beyond))
        world.transfer(.received, at: 90_000, .init(cookie: 1), stream: true, [0])
        _ = world.end(at: 90_000)
        #expect(world.messages(.dropped, "table_full") == UInt64(2 * beyond), "idle connections made room")
    }

    @Test func namesOfAPodAreCapped() {
        var settings = Fixture.settings()
        settings.firstLabelsPerOwner[.dnsLookups] = 2
        var world = DNSWorld(settings)
        for name in ["a.org", "b.org", "c.org", "d.org"] { world.pair(name, id: 1, at: 1000) }
        let ended = world.end(at: 2000)
        #expect(ended["~other"] == 2 && ended.count == 3 && ended.values.reduce(0, +) == 4)
    }

    @Test func messagesBalance() {
        var world = DNSWorld()
        world.pair("example.org", id: 1, at: 1000)
        world.ask("example.com", id: 3, at: 1000)
        world.answer("example.net", id: 4, at: 1000)
        world.transfer(.sent, at: 1000, .init(), [1, 2, 3])
        _ = world.end(at: 9000)
        let entries = world.aggregator.ledger.counts.filter { $0.key.eventClass == .dnsMessage }
        let outcome = { (outcome: EventLedger.Outcome) in entries.filter { $0.key.outcome == outcome }.values.reduce(0, +) }
        #expect(outcome(.seen) == 7 && outcome(.seen) == outcome(.exported) + outcome(.dropped))
    }
}
