// One lookup: everything that a resolver asks until it has its answer, however many messages that takes.
// DNSLookupTable makes lookups of queries and responses.
// It never knows what the program was told in the end: a lookup is as good as its best answer.

/// How a lookup ended; the raw values stand in keys of series.
enum DNSOutcome: UInt32, Sendable, CaseIterable {
    case success = 0
    case nxdomain = 1
    case servfail = 2
    case refused = 3
    case timeout = 4
    case formerr = 5
    case other = 6

    /// - Parameter code: RCODE (RFC 1035, 4.1.1).
    init(responseCode code: UInt8) {
        switch code {
        case 0: self = .success
        case 1: self = .formerr
        case 2: self = .servfail
        case 3: self = .nxdomain
        case 5: self = .refused
        default: self = .other
        }
    }

    /// nil for success.
    var errorType: String? {
        switch self {
        case .success: nil
        case .other: "_OTHER"
        default: "\(self)"
        }
    }
}

struct DNSLookup: Sendable {
    struct Answer: Sendable {
        var time: UInt64
        var outcome: DNSOutcome
        var hasRecords: Bool
        var isTruncated: Bool
    }

    enum State: Sendable {
        case pending
        case answered(Answer)
        /// Nobody answered until this time.
        case timedOut(UInt64)
        /// Nobody was seen to answer, but messages that were received in that time are lost: the answer may be one of them.
        case unknown
    }

    struct Question: Sendable {
        var type: UInt16
        /// Of the last attempt.
        var id: UInt16
        var sent: UInt64
        var state = State.pending
        /// Asked again with the same id, as glibc, musl and c-ares do: from then on another id is another lookup.
        var repeatsID = false
        /// How often it was asked again with another id, as Go does.
        var otherIDs = 0

        /// A program that asks over and over for a name that fails is not one long lookup.
        var mayTakeAnotherID: Bool { !repeatsID && otherIDs < DNSLookup.otherIDsMax }

        /// The resolver may ask again at once: elsewhere, without EDNS, or over TCP.
        var mayBeAskedAgain: Bool {
            guard case .answered(let answer) = state else { return false }
            return answer.isTruncated || [.servfail, .refused, .formerr, .other].contains(answer.outcome)
        }
    }

    /// A resolver asks for A, AAAA, HTTPS and little else at once.
    static let questionsMax = 8
    /// Go asks twice, where there is one server.
    static let otherIDsMax = 1
    /// Kubernetes takes 32 domains; the absolute name comes on top.
    static let stepsMax = 33

    let cgroup: UInt64
    let tgid: UInt32
    /// Of the last query.
    var thread: UInt32
    let start: UInt64
    /// When the present name was first asked for.
    var stepStart: UInt64
    var name: String
    /// Names that this lookup asked for before; a search asks for none twice.
    var earlierNames: [String] = []
    /// What the program asked for, once a search step has shown it: the name without the search list's domain.
    var base: String?
    var questions: [Question]
    /// What is known of the lookup by socket and id.
    var exchanges: [DNSExchange] = []

    var firstLabel: Substring { name.prefix { $0 != "." } }

    var isComplete: Bool { questions.allSatisfy { if case .pending = $0.state { false } else { true } } }

    /// Whether every question has its answer.
    var isAnswered: Bool { answers.count == questions.count }

    /// When the last question was answered or given up.
    var end: UInt64 {
        questions.reduce(start) { end, question in
            switch question.state {
            case .pending, .unknown: end
            case .answered(let answer): max(end, answer.time)
            case .timedOut(let time): max(end, time)
            }
        }
    }

    private var answers: [Answer] { questions.compactMap { if case .answered(let answer) = $0.state { answer } else { nil } } }

    /// A resolver with a search list goes on with the next domain.
    var mayBeSearchStep: Bool {
        answers.count == questions.count && answers.allSatisfy { $0.outcome == .nxdomain || $0.outcome == .success && !$0.hasRecords }
    }

    var isTruncated: Bool { answers.contains(where: \.isTruncated) }

    var mayBeAskedAgain: Bool { questions.contains(where: \.mayBeAskedAgain) }

    /// One good answer makes the lookup good. Of bad ones that counts which the next attempt would mend least.
    /// nil when a lost message may have been a good one.
    var outcome: DNSOutcome? {
        let outcomes = Set(answers.map(\.outcome))
        if outcomes.contains(.success) { return .success }
        if questions.contains(where: { if case .unknown = $0.state { true } else { false } }) { return nil }
        if answers.count < questions.count { return .timeout }
        return [.servfail, .refused, .formerr, .other].first(where: outcomes.contains) ?? .nxdomain
    }
}

/// What a response and its query have in common.
struct DNSExchange: Hashable, Sendable {
    var cookie: UInt64
    var id: UInt16
}
