// From queries and responses to lookups: pairs of A and AAAA, steps of a search list and retries are one lookup.
// DNSLookups feeds it in the order of the records and takes lookups that are over.
// It never holds more than its limits: what finds no room is refused, and the caller counts it.

/// A query as its client sent it.
struct DNSQuery {
    var party: DNSPacket.Party
    var id: UInt16
    var question: DNSMessage.Question
}

struct DNSLookupTable: Sendable {
    /// glibc's and most other resolvers' time for an answer. They ask again when it is over, a little later: the grace.
    static let timeoutNanoseconds: UInt64 = 5_000_000_000
    static let graceNanoseconds: UInt64 = 500_000_000
    /// Queries for other types of a name within this time belong to the first one.
    static let pairNanoseconds: UInt64 = 5_000_000
    /// The same question with another id from another socket is asked again, not by somebody else, when the first has waited so long.
    static let retryNanoseconds: UInt64 = 200_000_000
    /// A resolver that goes on, with another server or the next domain, does it at once; on a busy machine it waits for a CPU first.
    static let followNanoseconds: UInt64 = 100_000_000
    /// Names that have nothing in common but the first label are steps of one search only when one thread asks for them back to back.
    static let unrelatedNanoseconds: UInt64 = 5_000_000
    static let lookupsMax = 8192
    static let expiredMax = 4096
    static let exchangesPerLookupMax = 16
    /// Lookups of one process and name, or first label, that are looked at, newest first.
    static let candidatesMax = 16

    /// What became of a query.
    enum Placement { case new, paired, retry, searchStep, full }
    /// What became of a response.
    enum Reception { case answered, duplicate, late, unmatched }

    private struct NameKey: Hashable {
        var tgid: UInt32
        var name: String
    }

    private struct Target {
        var lookup: UInt64
        var type: UInt16
    }

    private var lookups: [UInt64: DNSLookup] = [:]
    private var lastNumber: UInt64 = 0
    private var exchanges: [DNSExchange: Target] = [:]
    /// Lookups by name, and those that may have a next search step by first label; oldest first.
    private var named: [NameKey: [UInt64]] = [:]
    private var failed: [NameKey: [UInt64]] = [:]
    /// Complete lookups, in the order in which they became so: they wait for a pair, a retry or a next step.
    private var complete: [UInt64] = []
    private var completeStart = 0
    /// Queries that nobody answered in time, oldest first in `expiredOrder`.
    private var expired: Set<DNSExchange> = []
    private var expiredOrder: [DNSExchange] = []
    private var over: [DNSLookup] = []
    /// Times within which messages that clients received were lost, oldest first.
    private var gaps: [ClosedRange<UInt64>] = []

    var count: Int { lookups.count }

    // MARK: Queries

    mutating func ask(_ query: DNSQuery) -> Placement {
        release(at: query.party.time)
        if let target = exchanges[query.exchange], let index = repeated(query, target) {
            return again(query, target.lookup, index)
        }
        let known = candidates(named, query.party.tgid, query.question.name)
        // Two threads may ask for one name at once: each is its own lookup's first.
        for number in known where isOf(query.party.thread, number) { if let placement = join(query, number) { return placement } }
        for number in known where !isOf(query.party.thread, number) { if let placement = join(query, number) { return placement } }
        for number in candidates(failed, query.party.tgid, query.firstLabel) {
            if step(query, number) { return .searchStep }
        }
        return begin(query)
    }

    private func candidates(_ index: [NameKey: [UInt64]], _ tgid: UInt32, _ name: String) -> [UInt64] {
        index[NameKey(tgid: tgid, name: name)].map { $0.suffix(Self.candidatesMax).reversed() } ?? []
    }

    private func isOf(_ thread: UInt32, _ number: UInt64) -> Bool { lookups[number]?.thread == thread }

    /// Nobody waits for an answer any more.
    private func isExpired(_ question: DNSLookup.Question, _ now: UInt64) -> Bool {
        elapsed(question.sent, now) >= Self.timeoutNanoseconds + Self.graceNanoseconds
    }

    /// The question that was sent before, from the same socket with the same id, and that still may be.
    private func repeated(_ query: DNSQuery, _ target: Target) -> Int? {
        guard let lookup = lookups[target.lookup], lookup.name == query.question.name, lookup.tgid == query.party.tgid,
            let index = lookup.questions.firstIndex(where: { $0.type == query.question.type })
        else { return nil }
        if case .pending = lookup.questions[index].state { return isExpired(lookup.questions[index], query.party.time) ? nil : index }
        return lookup.questions[index].mayBeAskedAgain ? index : nil
    }

    private mutating func join(_ query: DNSQuery, _ number: UInt64) -> Placement? {
        guard let lookup = lookups[number] else { return nil }
        if let index = lookup.questions.firstIndex(where: { $0.type == query.question.type }) {
            return isRetry(query, of: lookup.questions[index], lookup) ? again(query, number, index) : nil
        }
        let sinceStart = elapsed(lookup.stepStart, query.party.time)
        // With the option single-request the second question of a pair waits for the answer to the first.
        let isNext = lookup.isComplete && lookup.thread == query.party.thread && elapsed(lookup.end, query.party.time) <= Self.pairNanoseconds
        guard lookup.questions.count < DNSLookup.questionsMax, sinceStart <= Self.pairNanoseconds || isNext else { return nil }
        lookups[number]?.questions.append(DNSLookup.Question(type: query.question.type, id: query.id, sent: query.party.time))
        connect(query, number)
        return .paired
    }

    private func isRetry(_ query: DNSQuery, of question: DNSLookup.Question, _ lookup: DNSLookup) -> Bool {
        switch question.state {
        case .pending:
            if isExpired(question, query.party.time) { return false }
            return query.id == question.id || question.mayTakeAnotherID && elapsed(question.sent, query.party.time) >= Self.retryNanoseconds
        case .timedOut, .unknown: return false
        case .answered(let answer):
            let gap = elapsed(answer.time, query.party.time)
            if answer.isTruncated { return gap <= Self.timeoutNanoseconds }
            let isSameResolver = query.id == question.id || question.mayTakeAnotherID && lookup.thread == query.party.thread
            return question.mayBeAskedAgain && isSameResolver && gap <= Self.followNanoseconds
        }
    }

    private mutating func again(_ query: DNSQuery, _ number: UInt64, _ index: Int) -> Placement {
        if lookups[number]?.questions[index].id == query.id {
            lookups[number]?.questions[index].repeatsID = true
        } else {
            lookups[number]?.questions[index].otherIDs += 1
        }
        lookups[number]?.questions[index].state = .pending
        lookups[number]?.questions[index].sent = query.party.time
        lookups[number]?.questions[index].id = query.id
        lookups[number]?.thread = query.party.thread
        connect(query, number)
        return .retry
    }

    /// Makes the query the next step of a search that failed so far; false when it is none.
    private mutating func step(_ query: DNSQuery, _ number: UInt64) -> Bool {
        guard var lookup = lookups[number], lookup.name != query.question.name, lookup.isComplete, lookup.mayBeSearchStep,
            lookup.earlierNames.count < DNSLookup.stepsMax, !lookup.earlierNames.contains(query.question.name)
        else { return false }
        let gap = elapsed(lookup.end, query.party.time)
        if let base = SearchStep.base(of: lookup.name, next: query.question.name, known: lookup.base), gap <= Self.followNanoseconds {
            lookup.base = base
        } else if lookup.base == nil, lookup.thread == query.party.thread, gap <= Self.unrelatedNanoseconds {
            lookup.base = SearchStep.commonLabels(lookup.name, query.question.name)
        } else {
            return false
        }
        forget(number, lookup)
        lookup.exchanges = []
        lookup.earlierNames.append(lookup.name)
        lookup.name = query.question.name
        lookup.stepStart = query.party.time
        lookup.thread = query.party.thread
        lookup.questions = [DNSLookup.Question(type: query.question.type, id: query.id, sent: query.party.time)]
        insert(lookup, number, query)
        return true
    }

    private mutating func begin(_ query: DNSQuery) -> Placement {
        guard lookups.count < Self.lookupsMax else { return .full }
        lastNumber += 1
        let lookup = DNSLookup(
            cgroup: query.party.cgroup, tgid: query.party.tgid, thread: query.party.thread, start: query.party.time, stepStart: query.party.time,
            name: query.question.name, questions: [DNSLookup.Question(type: query.question.type, id: query.id, sent: query.party.time)])
        insert(lookup, lastNumber, query)
        return .new
    }

    private mutating func insert(_ lookup: DNSLookup, _ number: UInt64, _ query: DNSQuery) {
        lookups[number] = lookup
        named[NameKey(tgid: lookup.tgid, name: lookup.name), default: []].append(number)
        connect(query, number)
    }

    /// Lets a response to the query find the lookup, and so do responses to earlier attempts.
    private mutating func connect(_ query: DNSQuery, _ number: UInt64) {
        if exchanges.updateValue(Target(lookup: number, type: query.question.type), forKey: query.exchange)?.lookup == number { return }
        lookups[number]?.exchanges.append(query.exchange)
        if let known = lookups[number]?.exchanges, known.count > Self.exchangesPerLookupMax {
            disconnect(known[0], number)
            lookups[number]?.exchanges.removeFirst()
        }
    }

    private mutating func disconnect(_ exchange: DNSExchange, _ number: UInt64) {
        if exchanges[exchange]?.lookup == number { exchanges[exchange] = nil }
    }

    // MARK: Responses

    mutating func answer(_ message: DNSMessage, to party: DNSPacket.Party) -> Reception {
        let exchange = DNSExchange(cookie: party.cookie, id: message.header.id)
        guard let target = exchanges[exchange], let lookup = lookups[target.lookup] else { return expired.contains(exchange) ? .late : .unmatched }
        guard let index = lookup.questions.firstIndex(where: { $0.type == target.type }),
            message.question.map({ $0.name == lookup.name && $0.type == target.type }) ?? true
        else { return .unmatched }
        guard case .pending = lookup.questions[index].state else { return .duplicate }
        if isExpired(lookup.questions[index], party.time) { return .late }
        let answer = DNSLookup.Answer(
            time: party.time, outcome: DNSOutcome(responseCode: message.header.responseCode), hasRecords: message.header.answerCount > 0,
            isTruncated: message.header.isTruncated)
        lookups[target.lookup]?.questions[index].state = .answered(answer)
        if let lookup = lookups[target.lookup], lookup.isComplete { wait(lookup, target.lookup) }
        return .answered
    }

    private mutating func wait(_ lookup: DNSLookup, _ number: UInt64) {
        complete.append(number)
        if lookup.mayBeSearchStep { failed[NameKey(tgid: lookup.tgid, name: String(lookup.firstLabel)), default: []].append(number) }
    }

    // MARK: Losses

    /// Some messages that clients received between these times are lost, nobody knows which.
    mutating func miss(_ gap: ClosedRange<UInt64>) {
        if let last = gaps.last, gap.lowerBound <= last.upperBound {
            gaps[gaps.count - 1] = last.lowerBound...max(last.upperBound, gap.upperBound)
        } else {
            gaps.append(gap)
        }
    }

    /// Whether an answer to the question may be among what was lost.
    private func mayHaveMissed(answerTo question: DNSLookup.Question) -> Bool {
        gaps.contains { $0.overlaps(question.sent...question.sent + Self.timeoutNanoseconds + Self.graceNanoseconds) }
    }

    /// A question older than a question can be waits for nothing any more. One turn more is kept: questions end only when somebody looks.
    private mutating func forgetGaps(at now: UInt64) {
        let past = gaps.prefix { elapsed($0.upperBound, now) > 2 * (Self.timeoutNanoseconds + Self.graceNanoseconds) }.count
        gaps.removeFirst(past)
    }

    // MARK: Ends

    /// How long a complete lookup may still turn out to go on.
    private static func deadline(of lookup: DNSLookup) -> UInt64 {
        if lookup.isTruncated { return lookup.end + timeoutNanoseconds }
        if lookup.mayBeAskedAgain || lookup.mayBeSearchStep { return lookup.end + followNanoseconds }
        return lookup.end + pairNanoseconds
    }

    /// Takes out complete lookups that nothing can come after any more. One that waits longer than those behind it holds them up: the order is kept, and no
    /// wait is long but that for TCP, which steps aside.
    private mutating func release(at time: UInt64) {
        while completeStart < complete.count {
            let number = complete[completeStart]
            if let lookup = lookups[number], lookup.isComplete {
                if Self.deadline(of: lookup) >= time, !lookup.isTruncated { break }
                if Self.deadline(of: lookup) < time { end(lookup, number) }
            }
            completeStart += 1
        }
        if completeStart > 1024 || completeStart == complete.count {
            complete.removeFirst(completeStart)
            completeStart = 0
        }
    }

    /// Lookups that are over. Those that nobody answered in time are among them.
    mutating func takeFinished(at now: UInt64) -> [DNSLookup] {
        release(at: now)
        for (number, known) in lookups {
            guard let lookup = known.isComplete ? known : giveUp(known, now) else { continue }
            if lookup.isComplete, Self.deadline(of: lookup) < now {
                end(lookup, number)
            } else if !known.isComplete {
                lookups[number] = lookup
            }
        }
        forgetGaps(at: now)
        defer { over = [] }
        return over
    }

    /// The lookup without hope for what nobody answered in time; nil when there is no such question.
    private func giveUp(_ lookup: DNSLookup, _ now: UInt64) -> DNSLookup? {
        var lookup = lookup
        var hasChanged = false
        for (index, question) in lookup.questions.enumerated() {
            guard case .pending = question.state, isExpired(question, now) else { continue }
            lookup.questions[index].state = mayHaveMissed(answerTo: question) ? .unknown : .timedOut(question.sent + Self.timeoutNanoseconds)
            hasChanged = true
        }
        return hasChanged ? lookup : nil
    }

    private mutating func end(_ lookup: DNSLookup, _ number: UInt64) {
        forget(number, lookup)
        lookups[number] = nil
        if !lookup.isAnswered { remember(lookup.exchanges) }
        over.append(lookup)
    }

    private mutating func remember(_ unanswered: [DNSExchange]) {
        for exchange in unanswered where expired.insert(exchange).inserted { expiredOrder.append(exchange) }
        while expiredOrder.count > Self.expiredMax { expired.remove(expiredOrder.removeFirst()) }
    }

    private mutating func forget(_ number: UInt64, _ lookup: DNSLookup) {
        for exchange in lookup.exchanges { disconnect(exchange, number) }
        Self.remove(number, NameKey(tgid: lookup.tgid, name: lookup.name), from: &named)
        Self.remove(number, NameKey(tgid: lookup.tgid, name: String(lookup.firstLabel)), from: &failed)
    }

    private static func remove(_ number: UInt64, _ key: NameKey, from index: inout [NameKey: [UInt64]]) {
        guard var numbers = index.removeValue(forKey: key) else { return }
        numbers.removeAll { $0 == number }
        if !numbers.isEmpty { index[key] = numbers }
    }

    /// Records of two CPUs may come in another order than they were stamped.
    private func elapsed(_ start: UInt64, _ end: UInt64) -> UInt64 { end > start ? end - start : 0 }
}

extension DNSQuery {
    var exchange: DNSExchange { DNSExchange(cookie: party.cookie, id: id) }
    var firstLabel: String { String(question.name.prefix { $0 != "." }) }
}
