// Events that wait for their owner, and the limit on how many one owner may send.
// ProbeAggregator parks them until the cgroup has a name and hands them out at the end of a window.
// It never holds more than `waitingMax` events.

import OTLPMessages

struct EventLog: Sendable {
    /// More events than this wait for no owner: they are dropped and counted.
    static let waitingMax = 1024
    /// Events of one owner in one window; a crash loop says nothing new after these.
    static let perOwnerMax = 50

    struct Waiting: Sendable {
        var record: LogRecord
        var cgroup: UInt64
        var windows = 0
    }

    private(set) var waiting: [Waiting] = []

    /// - Returns: whether there was room.
    mutating func park(_ record: LogRecord, cgroup: UInt64) -> Bool {
        guard waiting.count < Self.waitingMax else { return false }
        waiting.append(Waiting(record: record, cgroup: cgroup))
        return true
    }

    /// Takes out the events whose owner is known by now; the others wait on.
    mutating func settle(_ owner: (Waiting) -> Owner?) -> [(owner: Owner, record: LogRecord)] {
        var settled: [(Owner, LogRecord)] = []
        var rest: [Waiting] = []
        for var event in waiting {
            if let owner = owner(event) {
                settled.append((owner, event.record))
            } else {
                event.windows += 1
                rest.append(event)
            }
        }
        waiting = rest
        return settled
    }
}

extension ProbeAggregator {
    /// Takes an event; it leaves with `takeLogs` under its owner's resource.
    mutating func log(_ record: LogRecord, cgroup: UInt64) {
        ledger.see(1, .processEvent)
        if !events.park(record, cgroup: cgroup) { ledger.drop(1, .processEvent, because: "queue_full") }
    }

    /// Events whose owner is known, by owner; to be called after the walk of a window, before `endWindow`.
    /// - Parameter isLast: nothing waits any longer, as at the agent's end.
    public mutating func takeLogs(isLast: Bool = false) -> [ResourceLogs] {
        var waiting = events
        let settled = waiting.settle { event in
            switch resolve(event.cgroup) {
            case .known(let owner): owner
            case .incomplete(let owner): isLast ? owner : nil
            case .unknown: isLast || event.windows >= Self.unknownWindowsMax ? .unresolved : nil
            }
        }
        events = waiting
        var records: [Owner: [LogRecord]] = [:]
        for (owner, record) in settled {
            if !isSelected(owner) {
                ledger.drop(1, .processEvent, because: EventLedger.Reason.namespaceFilter.rawValue)
            } else if records[owner]?.count ?? 0 >= EventLog.perOwnerMax {
                ledger.drop(1, .processEvent, because: "rate_limit")
            } else {
                records[owner, default: []].append(record)
                ledger.export(1, .processEvent)
            }
        }
        return records.map { ResourceLogs(resource: $0.resource(on: settings.node), scope: settings.scope, records: $1) }
    }
}
