// The decoder of the DNS program's records: what clients asked becomes lookups, what servers answered becomes counts.
// The agent owns one while the program runs.
// It never reports a lookup twice: a response that comes when its lookup is over is only counted.

import ProbePrograms

public struct DNSLookups: EventDecoder {
    static let streamsMax = 1024
    /// A connection that carried nothing for so long is forgotten; its end is not seen.
    static let streamIdleNanoseconds: UInt64 = 60_000_000_000
    /// Names, outcomes and cgroups between two hand-overs; lookups of further names stand under `~other`.
    static let rowsMax = 8192
    /// Records of a moment ago may still be on their way when a second ends.
    static let slackNanoseconds: UInt64 = 20_000_000

    /// What became of a message.
    private enum Fate: Hashable {
        case exported(EventLedger.Reason?)
        case dropped(String)
    }

    private struct StreamKey: Hashable {
        var cookie: UInt64
        var direction: DNSRecord.Direction
    }

    private struct LookupKey: Hashable {
        var cgroup: UInt64
        var name: String
        var outcome: DNSOutcome
    }

    private struct AnswerKey: Hashable {
        var cgroup: UInt64
        var code: UInt32
    }

    private var table = DNSLookupTable()
    private var streams: [StreamKey: DNSStream] = [:]
    private var fates: [Fate: UInt64] = [:]
    private var finished: [LookupKey: CounterRow] = [:]
    private var answers: [AnswerKey: UInt64] = [:]
    /// Lookups whose answer may be among the messages that were lost: no outcome, no time.
    private var unknown: UInt64 = 0
    /// Messages that were received and lost since the program was loaded, and when that was read.
    private var lostMessages: (count: UInt64, time: UInt64)?

    public init() {}

    // MARK: Losses

    public var followsLosses: Bool { true }

    /// A query that was lost makes no lookup. A response that was lost looks like a server that does not answer.
    public mutating func follow(losses totals: [String: UInt64], monotonicNanoseconds now: UInt64) {
        let count = totals["dns_recv"] ?? 0
        let before = lostMessages ?? (0, 0)
        lostMessages = (count, now)
        guard count > before.count, now > before.time else { return }
        table.miss((before.time > Self.slackNanoseconds ? before.time - Self.slackNanoseconds : 0)...now)
    }

    // MARK: Records

    public mutating func take(_ record: UnsafeRawBufferPointer) {
        guard let packet = DNSPacket(record) else { return count(.dropped(EventLedger.Reason.malformed.rawValue)) }
        take(packet)
    }

    mutating func take(_ packet: DNSPacket) {
        if packet.isStream { return takePiece(packet) }
        if !take(packet.bytes, packet) { count(.dropped(EventLedger.Reason.malformed.rawValue)) }
    }

    /// A piece of a stream is no message: those that it completes are counted.
    private mutating func takePiece(_ packet: DNSPacket) {
        let key = StreamKey(cookie: packet.party.cookie, direction: packet.direction)
        guard var stream = streams.removeValue(forKey: key) ?? (streams.count < Self.streamsMax ? DNSStream() : nil) else {
            return count(.dropped("table_full"))
        }
        if stream.isLost { count(.dropped("stream_lost")) }
        for message in stream.take(packet.bytes, length: packet.length, time: packet.party.time) where !stream.isLost {
            if !take(message, packet) {
                count(.dropped(EventLedger.Reason.malformed.rawValue))
                stream.lose()
            }
        }
        streams[key] = stream
    }

    /// False for bytes that are no message.
    private mutating func take(_ bytes: [UInt8], _ packet: DNSPacket) -> Bool {
        guard let header = try? DNSHeader(bytes) else { return false }
        switch (packet.direction, header.isResponse) {
        case (.sent, true): answered(header, packet)
        // A server's view of a query: its answer is what counts.
        case (.received, false): count(.exported(.serverQuery))
        case (.sent, false):
            guard let message = try? DNSMessage(bytes), let question = message.question else { return false }
            asked(DNSQuery(party: packet.party, id: header.id, question: question))
        case (.received, true):
            guard let message = try? DNSMessage(bytes) else { return false }
            received(message, packet)
        }
        return true
    }

    private mutating func answered(_ header: DNSHeader, _ packet: DNSPacket) {
        let key = AnswerKey(cgroup: packet.party.cgroup, code: UInt32(header.responseCode))
        guard answers[key] != nil || answers.count < Self.rowsMax else { return count(.dropped("table_full")) }
        answers[key, default: 0] += 1
        count(.exported(nil))
    }

    private mutating func asked(_ query: DNSQuery) {
        switch table.ask(query) {
        case .new, .paired: count(.exported(nil))
        case .retry: count(.exported(.retry))
        case .searchStep: count(.exported(.searchStep))
        case .full: count(.dropped("table_full"))
        }
    }

    private mutating func received(_ message: DNSMessage, _ packet: DNSPacket) {
        switch table.answer(message, to: packet.party) {
        case .answered: count(.exported(nil))
        case .duplicate: count(.dropped("duplicate_response"))
        case .late: count(.dropped("late_response"))
        case .unmatched: count(.dropped("unmatched_response"))
        }
    }

    private mutating func count(_ fate: Fate) { fates[fate, default: 0] += 1 }

    // MARK: Hand-over

    public mutating func settle(into aggregator: inout ProbeAggregator, monotonicNanoseconds now: UInt64) {
        close(at: now)
        book(into: &aggregator.ledger)
        for (key, row) in finished {
            aggregator.count(row, cgroup: key.cgroup, first: aggregator.labels.number(for: key.name), second: key.outcome.rawValue, kind: .dnsLookups)
        }
        for (key, count) in answers { aggregator.count(CounterRow([count]), cgroup: key.cgroup, first: key.code, kind: .dnsAnswers) }
        finished = [:]
        answers = [:]
    }

    /// Lookups of one cgroup that ended alike.
    public struct Lookups: Sendable {
        public var cgroup: UInt64
        /// Reduced, as in `dns.question.name`.
        public var name: String
        /// `error.type`; nil when they were answered.
        public var error: String?
        public var count: UInt64
        public var sumNanoseconds: UInt64
        /// Of `bounds`, and one beyond.
        public var buckets: [UInt64]

        /// Upper bounds in seconds, inclusive.
        public static var bounds: [Double] { SecondsHistogram.bounds }
    }

    /// For who has no aggregator: what ended since the last call. Nothing is booked, and answers of servers are left out.
    public mutating func takeLookups(monotonicNanoseconds now: UInt64) -> [Lookups] {
        close(at: now)
        defer {
            finished = [:]
            answers = [:]
            fates = [:]
            unknown = 0
        }
        return finished.map { key, row in
            Lookups(
                cgroup: key.cgroup, name: key.name, error: key.outcome.errorType, count: SecondsHistogram.count(row), sumNanoseconds: row.counters[0],
                buckets: Array(row.counters.dropFirst()))
        }
    }

    private mutating func close(at now: UInt64) {
        for lookup in table.takeFinished(at: now > Self.slackNanoseconds ? now - Self.slackNanoseconds : 0) { add(lookup) }
        streams = streams.filter { $0.value.lastTime + Self.streamIdleNanoseconds > now }
    }

    private mutating func add(_ lookup: DNSLookup) {
        guard let outcome = lookup.outcome else {
            unknown += 1
            return
        }
        let row = SecondsHistogram.row(nanoseconds: lookup.end - lookup.start)
        var key = LookupKey(cgroup: lookup.cgroup, name: DNSName.reduced(lookup.name), outcome: outcome)
        if finished[key] == nil, finished.count >= Self.rowsMax { key.name = overflowValue }
        if (finished[key]? += row) == nil { finished[key] = row }
    }

    private mutating func book(into ledger: inout EventLedger) {
        for (fate, number) in fates {
            ledger.see(number, .dnsMessage)
            switch fate {
            case .exported(let reason): ledger.export(number, .dnsMessage, because: reason)
            case .dropped(let reason): ledger.drop(number, .dnsMessage, because: reason)
            }
        }
        fates = [:]
        ledger.see(unknown, .dnsLookup)
        ledger.drop(unknown, .dnsLookup, because: EventLedger.Reason.answerLost.rawValue)
        unknown = 0
    }
}
