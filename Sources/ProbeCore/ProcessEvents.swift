// Records of what happened to processes, as events: OOM kills, crashes, program starts.
// The agent hands the records of process.bpf.c over; the aggregator gives each event its owner.
// It never trusts a record's length or text.

import OTLPMessages
import ProbePrograms

/// Names and attributes stand in docs/signals.md.
public struct ProcessEvents: EventDecoder {
    private let pageBytes: Int
    private var events: [ProcessEvent] = []
    private var malformed: UInt64 = 0

    /// - Parameter pageBytes: of this machine: the kernel counts memory in pages.
    public init(pageBytes: Int) { self.pageBytes = pageBytes }

    public mutating func take(_ record: UnsafeRawBufferPointer) {
        guard let event = ProcessEvent(record, pageBytes: pageBytes) else {
            malformed += 1
            return
        }
        events.append(event)
    }

    public mutating func settle(into aggregator: inout ProbeAggregator, monotonicNanoseconds now: UInt64) {
        for event in events { aggregator.log(Self.record(event, now: now, offset: aggregator.unixMinusMonotonicNanoseconds), cgroup: event.cgroup) }
        events.removeAll(keepingCapacity: true)
        aggregator.ledger.see(malformed, .processEvent)
        aggregator.ledger.drop(malformed, .processEvent, because: EventLedger.Reason.malformed.rawValue)
        malformed = 0
    }

    private static func record(_ event: ProcessEvent, now: UInt64, offset: UInt64) -> LogRecord {
        var attributes = [Attribute("process.pid", .int(Int64(event.pid)))]
        if !event.executable.isEmpty { attributes.append(Attribute("process.executable.name", .string(event.executable))) }
        let who = event.executable.isEmpty ? "process \(event.pid)" : "\(event.executable) (process \(event.pid))"
        let (name, severity, body): (String, LogRecord.Severity, String)
        switch event.kind {
        case .exec: (name, severity, body) = ("process.exec", .info, "\(who) was started")
        case .crash:
            let signal = SignalNames.name(of: event.signal)
            attributes.append(Attribute("process.exit.signal", .string(signal)))
            (name, severity, body) = ("process.crash", .error, "\(who) was ended by \(signal)")
        case .oomKill:
            if let bytes = event.anonymousBytes { attributes.append(Attribute("process.memory.anonymous", .int(bytes))) }
            (name, severity, body) = ("k8s.container.oom_kill", .error, "\(who) was killed because memory was short")
        }
        return LogRecord(
            eventName: name, unixNanoseconds: event.nanoseconds &+ offset, observedUnixNanoseconds: now &+ offset, severity: severity, body: body,
            attributes: attributes)
    }
}
