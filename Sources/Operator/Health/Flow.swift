// What a collector counts about itself, as far as it tells whether data arrive: which counter, of which component, of which signal.
// TelemetrySample reads counters into flows; health, metrics and canaries are judged by them.
// It never distinguishes versions by number: every spelling that a collector has had is known, and one process writes one of them.

/// One counter of one component and signal.
struct Flow: Hashable, Sendable {
    enum Kind: String, Hashable, Sendable, CaseIterable {
        case accepted, sent
        /// The last try failed, or the answer was that no other try helps.
        case sendFailed
        /// There was no place in the sending queue.
        case enqueueFailed
        /// The remote write exporter could not translate; it counts such points as sent.
        case translationFailed
        case processorDropped
        /// Tail sampling had no room to wait for the decision.
        case traceEvicted
        case receiverRefused, receiverFailed, processorRefused

        enum Meaning { case good, lost, refused }

        var meaning: Meaning {
            switch self {
            case .accepted, .sent: .good
            case .sendFailed, .enqueueFailed, .translationFailed, .processorDropped, .traceEvicted: .lost
            // The client is told, and tries again.
            case .receiverRefused, .receiverFailed, .processorRefused: .refused
            }
        }

        /// The part of a collector that the label names.
        var component: String {
            switch self {
            case .sent, .sendFailed, .enqueueFailed, .translationFailed: "exporter"
            case .processorDropped, .traceEvicted, .processorRefused: "processor"
            case .accepted, .receiverRefused, .receiverFailed: "receiver"
            }
        }
    }

    enum Signal: String, Hashable, Sendable, CaseIterable {
        case spans, metricPoints = "metric_points", logRecords = "log_records", profileSamples = "profile_samples", traces

        var words: String { String(rawValue.map { $0 == "_" ? " " : $0 }) }
    }

    let kind: Kind
    /// The component's id, cleaned: `otlp_http/backup`.
    let component: String
    let signal: Signal
}

extension Flow {
    /// Names below `otelcol_` without `_total`, which collectors write or not by version and setting.
    private static let prefixes: [(String, Kind)] = [
        ("exporter_sent_", .sent), ("exporter_send_failed_", .sendFailed), ("exporter_enqueue_failed_", .enqueueFailed),
        ("receiver_accepted_", .accepted), ("receiver_refused_", .receiverRefused), ("receiver_failed_", .receiverFailed),
        // Until 0.10x for every processor, since then of the memory limiter alone.
        ("processor_refused_", .processorRefused), ("processor_memory_limiter_refused_", .processorRefused), ("processor_dropped_", .processorDropped),
    ]
    private static let whole: [String: (Kind, Signal)] = [
        "exporter_prometheusremotewrite_failed_translations": (.translationFailed, .metricPoints),
        "processor_tail_sampling_sampling_trace_dropped_too_early": (.traceEvicted, .traces),
    ]

    /// What a counter stands for; nil for all others.
    static func kind(ofCounter name: Substring) -> (Kind, Signal)? {
        if let found = whole[String(name)] { return found }
        for (prefix, kind) in prefixes where name.hasPrefix(prefix) {
            if let signal = Signal(rawValue: String(name.dropFirst(prefix.count))), signal != .traces { return (kind, signal) }
        }
        return nil
    }
}

/// One sending queue. Older collectors do not say of which signal.
struct QueueKey: Hashable, Sendable {
    let exporter: String
    /// As the collector names it: `traces`; empty when it does not.
    let dataType: String
}
