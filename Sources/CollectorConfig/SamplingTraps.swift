// Tail sampling that decides on parts of traces, or forgets traces before it has decided.
// Validation calls it for every tail_sampling processor that runs.
// It never reports an error: spans are sampled, only not those that were meant.

import JSON
import Kubernetes
import SondeAPI

enum SamplingTraps {
    static func findings(_ subject: RuleSubject) -> [Finding] {
        subject.configuration.enabled(.processors, ofType: ["tail_sampling"]).flatMap { id, value in
            let path = RuleSubject.path(.processors, id)
            return copies(path, subject) + evicted(value, path) + memory(value, path, subject)
        }
    }

    private static func copies(_ path: String, _ subject: RuleSubject) -> [Finding] {
        // What cannot be routed there is an error of TraceRoutingRules.
        if hasOwnRouting(subject) || TraceRouting.isAsked(subject.metadata.annotations) { return [] }
        let message: String
        var remedy = "put a collector with the load_balancing exporter (routing by trace id) in front, which reaches the pods by the headless Service"
        switch Copies(subject.spec) {
        case .one: return []
        case .many(let count):
            message = "with \(count) replicas the spans of one trace land on different pods, and each decides on a part"
            remedy = "annotate the resource with \(CollectorAnnotations.Name.traceRouting.key): managed, write replicas: 1, or \(remedy)"
        case .onePerNode: message = "with a pod on each node the spans of one trace land on different pods, and each decides on a part"
        case .onePerPod: message = "each sidecar sees the spans of its own pod, and decides on that part of a trace"
        }
        return [Finding(.warning, rule: "tail-sampling-replicas", path: path, message: message, remedy: remedy)]
    }

    /// Whether another pipeline of the same collector routes by trace id to this collector's own pods.
    private static func hasOwnRouting(_ subject: RuleSubject) -> Bool {
        let own = Names.headlessService(subject.metadata.name)
        return subject.configuration.enabled(.exporters, ofType: ["load_balancing", "loadbalancing"]).contains {
            $0.value.allStrings.contains { $0.hasPrefix(own) }
        }
    }

    private static let tracesDefault = 50_000
    private static let waitSecondsDefault = 30.0

    private static func evicted(_ value: JSONValue, _ path: String) -> [Finding] {
        let most = value["num_traces"]?.int ?? tracesDefault
        let wait = value["decision_wait"]?.string.flatMap(GoDuration.seconds) ?? waitSecondsDefault
        guard let rate = value["expected_new_traces_per_sec"]?.double, rate > 0, rate * wait > Double(most) else { return [] }
        return [
            Finding(
                .warning, rule: "tail-sampling-memory", path: "\(path).num_traces",
                message: "\(count(rate)) new traces a second for \(count(wait)) s are \(count(rate * wait)) at once, more than num_traces (\(most)): "
                    + "the oldest are dropped undecided",
                remedy: "write num_traces: \(count(rate * wait * 2)), or a shorter decision_wait")
        ]
    }

    /// What a trace takes while it waits, as a rule of thumb: ten spans of 1 KiB.
    private static let bytesPerTrace: Int64 = 10 * 1024

    private static func memory(_ value: JSONValue, _ path: String, _ subject: RuleSubject) -> [Finding] {
        guard let limit = subject.memoryLimit, limit > 0 else { return [] }
        let most = Int64(clamping: value["num_traces"]?.int ?? tracesDefault)
        let (needed, overflow) = most.multipliedReportingOverflow(by: bytesPerTrace)
        guard overflow || needed > limit / 5 * 4 else { return [] }
        let fitting = max(1, limit / 2 / bytesPerTrace)
        return [
            Finding(
                .warning, rule: "tail-sampling-memory", path: "\(path).num_traces",
                message: "\(most) traces of ten spans of 1 KiB are \(overflow ? "more than any" : "\(needed >> 20) MiB of") memory, and the limit is "
                    + "\(limit >> 20) MiB: the collector is killed, or memory_limiter refuses spans",
                remedy: "write num_traces: \(fitting), or raise resources.limits.memory")
        ]
    }

    private static func count(_ number: Double) -> String {
        Int(exactly: number.rounded(.up)).map(String.init) ?? "\(number)"
    }
}

/// Durations as collectors write them: `10s`, `1m30s`, `500ms`.
enum GoDuration {
    private static let units: [(name: String, seconds: Double)] = [
        ("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600),
    ]

    /// Nil when the text is no duration.
    static func seconds(_ text: String) -> Double? {
        var rest = text[...]
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let number = Double(digits), let unit = units.first(where: { $0.name == name }) else { return nil }
            total += number * unit.seconds
        }
        return text.isEmpty ? nil : total
    }
}
