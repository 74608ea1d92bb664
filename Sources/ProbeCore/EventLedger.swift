// The account of events: how many were seen, how many left the agent, how many did not and why.
// The aggregator, the kernel's loss counters and the exporter all book into it; it becomes `ebpf.agent.events`.
// It never estimates: for each class, seen = exported + sampled + dropped + what still waits for an owner.

import ProbePrograms

/// `ebpf.event.class`.
public enum EventClass: String, Sendable, Hashable, CaseIterable {
    /// Waits on the run queue and context switches.
    case sched
    case connect = "tcp_connect"
    /// Ends of connections, with how long they lasted.
    case lifetime = "tcp_lifetime"
    /// Retransmitted segments.
    case retransmit = "tcp_retransmit"
    /// Samples of round-trip times.
    case roundTrip = "tcp_rtt"
    case reset = "tcp_reset"
    /// Connections that a listener dropped; also what a walk over all tasks had no room for.
    case openSocket = "open_socket"
    /// Dropped packets.
    case drop = "packet_drop"
    case syscall
    /// Block requests.
    case disk
    /// Calls on files.
    case file
    /// Opens and syncs with their times; their calls on files are in the class before as well.
    case fileCall = "file_call"
    /// Paths of files; no count depends on them: calls on a file whose path is lost stand under `~other`.
    case filePath = "file_path"
    /// Messages of clients and servers.
    case dnsMessage = "dns_message"
    /// What messages of clients were put together to.
    case dnsLookup = "dns_lookup"
    /// Answers of servers.
    case dnsAnswer = "dns_answer"
    /// Numbers that the kernel keeps in files; they are no events, so none is ever booked.
    case hostFile = "host_file"
    /// OOM kills, crashes, program starts.
    case processEvent = "process_event"
    /// Log records handed to the exporter.
    case logRecord = "log_record"
    /// Points handed to the exporter.
    case metricPoint = "metric_point"

    /// The class of the events of a hook's function, or of a program's further account; nil for a name that is not known here.
    public init?(hook function: String) {
        switch function {
        case "sched_wakeup", "sched_wakeup_new", "sched_switch", "sched_switch_fast": self = .sched
        case "inet_sock_set_state": self = .connect
        case "tcp_retransmit_skb", "tcp_retransmit_synack": self = .retransmit
        case "sys_enter", "sys_exit", "sys_exit_count": self = .syscall
        case "sched_process_exec", "sched_process_exit", "mark_victim": self = .processEvent
        case "walk_tasks": self = .openSocket
        case "tcp_probe": self = .roundTrip
        case "tcp_send_reset", "tcp_receive_reset": self = .reset
        case "kfree_skb": self = .drop
        case "block_io_start", "block_io_done", "block_rq_issue", "block_rq_complete", "block_getrq": self = .disk
        case "files_exit": self = .file
        case "files_enter", "file_calls": self = .fileCall
        case "file_paths": self = .filePath
        case "lifetimes": self = .lifetime
        case "dns_send", "dns_recv": self = .dnsMessage
        default: return nil
        }
    }
}

/// Counts of events by class and outcome.
public struct EventLedger: Sendable, Equatable {
    /// Why events were not exported as their owner's own series.
    public enum Reason: String, Sendable, Hashable {
        /// Exported, but in a `~other` series.
        case seriesLimit = "series_limit"
        /// Exported, but without an owner: its cgroup was gone, or it has none.
        case unresolved
        /// Exported as a part of its lookup: a question that was asked again.
        case retry
        /// Exported as a part of its lookup: the next domain of a search list.
        case searchStep = "search_step"
        /// Exported as a part of its answer: a query as its server received it.
        case serverQuery = "server_query"
        /// Dropped: the namespace is not looked at.
        case namespaceFilter = "namespace_filter"
        /// Dropped: an entry of a map had a length that the layout does not know.
        case malformed
        /// Dropped: the signal was switched off before its last counts had an owner.
        case switchedOff = "switched_off"
        /// Dropped: a lookup without an answer, in a time in which received messages were lost.
        case answerLost = "answer_lost"
        /// Dropped: no room in a table of the agent.
        case tableFull = "table_full"
    }

    /// Reasons for which events are dropped on a healthy node too: left out on request, cut short by a signal (the kernel runs such a system call again), begun
    /// before the programs were there, answered twice or after the lookup was given up.
    static let expectedReasons: Set<String> = [
        Reason.namespaceFilter.rawValue, Reason.switchedOff.rawValue, ProgramLosses.Reason.interrupted.rawValue, ProgramLosses.Reason.unmeasured.rawValue,
        "duplicate_response",
        "late_response",
    ]

    public enum Outcome: String, Sendable, Hashable {
        case seen, exported, dropped
        /// Not looked at one by one: their number follows from the part of the time in which the program ran.
        case sampled
    }

    public struct Entry: Sendable, Hashable {
        public var eventClass: EventClass
        public var outcome: Outcome
        /// Empty for events that went the ordinary way.
        public var reason: String
    }

    public private(set) var counts: [Entry: UInt64] = [:]

    public init() {}

    public mutating func see(_ count: UInt64, _ eventClass: EventClass) { add(count, Entry(eventClass: eventClass, outcome: .seen, reason: "")) }

    public mutating func export(_ count: UInt64, _ eventClass: EventClass, because reason: Reason? = nil) {
        add(count, Entry(eventClass: eventClass, outcome: .exported, reason: reason?.rawValue ?? ""))
    }

    public mutating func drop(_ count: UInt64, _ eventClass: EventClass, because reason: String) {
        add(count, Entry(eventClass: eventClass, outcome: .dropped, reason: reason))
    }

    public mutating func sample(_ count: UInt64, _ eventClass: EventClass) { add(count, Entry(eventClass: eventClass, outcome: .sampled, reason: "")) }

    public subscript(_ eventClass: EventClass, _ outcome: Outcome, _ reason: String = "") -> UInt64 {
        counts[Entry(eventClass: eventClass, outcome: outcome, reason: reason)] ?? 0
    }

    private mutating func add(_ count: UInt64, _ entry: Entry) {
        if count > 0 { counts[entry, default: 0] &+= count }
    }
}
