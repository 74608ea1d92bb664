// Records of what happened to processes, as events: OOM kills, crashes, program starts.
// The agent hands the records of process.bpf.c over; the aggregator gives each event its owner.
// It never trusts a record's length or text.

import OTLPMessages
import ProbePrograms

/// Names and attributes stand in docs/signals.md.
public struct ProcessEvents: EventDecoder {
    private struct Event: Sendable {
        var nanoseconds: UInt64
        var cgroup: UInt64
        var kind: ProcessEventLayout.Kind
        var pid: UInt32
        var signal: UInt32
        var anonymousBytes: Int64?
        var executable: String
    }

    private let pageBytes: UInt64
    private var events: [Event] = []
    private var malformed: UInt64 = 0

    /// - Parameter pageBytes: of this machine: the kernel counts memory in pages.
    public init(pageBytes: Int) { self.pageBytes = UInt64(max(pageBytes, 1)) }

    public mutating func take(_ record: UnsafeRawBufferPointer) {
        guard record.count == ProcessEventLayout.byteCount, let event = event(record) else {
            malformed += 1
            return
        }
        events.append(event)
    }

    private func event(_ record: UnsafeRawBufferPointer) -> Event? {
        func word(_ offset: Int) -> UInt32 { record.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
        func long(_ offset: Int) -> UInt64 { record.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        guard let kind = ProcessEventLayout.Kind(rawValue: word(ProcessEventLayout.kindOffset)) else { return nil }
        let nameBytes = min(Int(word(ProcessEventLayout.nameBytesOffset)), ProcessEventLayout.nameByteCount)
        let name = record[ProcessEventLayout.nameOffset..<ProcessEventLayout.nameOffset + nameBytes].prefix { $0 != 0 }
        let (bytes, isTooMany) = long(ProcessEventLayout.anonymousPagesOffset).multipliedReportingOverflow(by: pageBytes)
        // The kernel's counter is a sum over CPUs that lags, so it may be a little below zero.
        let memory = isTooMany || bytes > 1 << 50 || bytes == 0 ? nil : Int64(bytes)
        return Event(
            nanoseconds: long(ProcessEventLayout.timeOffset), cgroup: long(ProcessEventLayout.cgroupOffset), kind: kind,
            pid: word(ProcessEventLayout.pidOffset),
            signal: word(ProcessEventLayout.signalOffset), anonymousBytes: memory, executable: Self.executable(String(decoding: name, as: UTF8.self)))
    }

    /// `process.executable.name`: the last part of a path. A task's own name has no path.
    private static func executable(_ name: String) -> String {
        guard name.hasPrefix("/") || name.hasPrefix("./") || name.hasPrefix("../") else { return name }
        return String(name.split(separator: "/").last ?? "")
    }

    public mutating func settle(into aggregator: inout ProbeAggregator, monotonicNanoseconds now: UInt64) {
        for event in events { aggregator.log(Self.record(event, now: now, offset: aggregator.unixMinusMonotonicNanoseconds), cgroup: event.cgroup) }
        events.removeAll(keepingCapacity: true)
        aggregator.ledger.see(malformed, .processEvent)
        aggregator.ledger.drop(malformed, .processEvent, because: EventLedger.Reason.malformed.rawValue)
        malformed = 0
    }

    private static func record(_ event: Event, now: UInt64, offset: UInt64) -> LogRecord {
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

/// Names of the signals of a crash (signal(7)).
enum SignalNames {
    private static let names: [UInt32: String] = [
        4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
    ]

    static func name(of signal: UInt32) -> String { names[signal] ?? "signal \(signal)" }
}
