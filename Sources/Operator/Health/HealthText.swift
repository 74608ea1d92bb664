// What a health report says in a condition: which component, which signal, how much in a second, and what to do.
// CollectorStatus sets the condition DataLoss with it.
// It never says that something is lost that the client still has: refused data have a reason of their own.

import SondeAPI

enum HealthText {
    static let linesMax = 10

    /// The reason and message of `DataLoss`; nil when there is nothing to say. It is True only for data that are gone.
    static func condition(_ report: HealthReport) -> (isLoss: Bool, reason: ConditionReason, message: String)? {
        guard !report.isEmpty else { return nil }
        let lines = report.lost.map(line) + report.refused.map(line) + report.queues.map(line)
        let shown = lines.prefix(linesMax) + (lines.count > linesMax ? ["and \(lines.count - linesMax) more"] : [])
        let sample = report.podsAsked < report.pods ? ["(counted in \(report.podsAsked) of \(report.pods) pods)"] : []
        let message = (shown + sample).joined(separator: "\n")
        if !report.lost.isEmpty { return (true, .dataDropped, message) }
        return (false, report.refused.isEmpty ? .queueNearlyFull : .dataRefused, message)
    }

    /// Empty when there is nothing to say.
    static func message(_ report: HealthReport) -> String { condition(report)?.message ?? "" }

    private static func line(_ rate: HealthReport.Rate) -> String {
        let flow = rate.flow
        return "\(flow.kind.component) \(flow.component): about \(number(rate.perSecond)) \(flow.signal.words) a second \(effect(flow.kind))"
    }

    private static func line(_ queue: QueueKey) -> String {
        let signal = queue.dataType.isEmpty ? "" : " of \(queue.dataType)"
        return "exporter \(queue.exporter): its sending queue\(signal) is more than \(Int(CollectorHealth.nearlyFull * 100)) % full, and data are lost when it "
            + "is; raise sending_queue.num_consumers or queue_size, add replicas, or look at why the destination is slow"
    }

    private static func effect(_ kind: Flow.Kind) -> String {
        switch kind {
        case .sendFailed:
            "are lost, because sending failed for good; the pods' log has the destination's answer (\"Exporting failed\"): mend endpoint, credentials or "
                + "limits there, or raise retry_on_failure.max_elapsed_time if it is away for long"
        case .enqueueFailed:
            "are lost, because the sending queue is full; raise sending_queue.queue_size or num_consumers, add replicas, or make the destination faster"
        case .translationFailed:
            "are lost, because they cannot be written as Prometheus series, and count as sent; make delta temporality cumulative (deltatocumulative)"
        case .processorDropped: "are lost, because the processor drops them; its log has the reason"
        case .traceEvicted: "are evicted before they are decided on; raise num_traces and the memory limit, or lower decision_wait"
        case .receiverRefused, .receiverFailed:
            "are refused; nothing is lost as long as clients try again: look for a full queue or the memory limit, and add replicas"
        case .processorRefused:
            "are refused at the memory limit; nothing is lost as long as clients try again: raise the memory limit, or add replicas"
        case .accepted, .sent: "pass"
        }
    }

    static func number(_ value: Double) -> String {
        if value >= 10 { return "\(Int64(value.rounded()))" }
        let tenths = Int64((value * 10).rounded())
        if tenths >= 1 { return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)" }
        return "0.1"
    }
}
