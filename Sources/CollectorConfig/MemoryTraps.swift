// Collectors that are killed under load because nothing keeps them below their memory limit.
// Validation calls it.
// It never says which limit is right: that depends on the load.

import JSON
import SondeAPI

enum MemoryTraps {
    static func findings(_ subject: RuleSubject) -> [Finding] { limiters(subject) + runtimeLimit(subject) }

    /// Exporters that keep nothing.
    private static let withoutQueue: Set<String> = ["debug", "logging", "nop"]

    private static func limiters(_ subject: RuleSubject) -> [Finding] {
        let connectors = subject.configuration.components(.connectors)
        return subject.configuration.pipelines.compactMap { pipeline in
            // What connectors hand over has passed the limiter of the pipeline in front.
            guard !pipeline.receivers.isEmpty, !pipeline.receivers.allSatisfy(connectors.contains),
                !pipeline.processors.contains(where: { ComponentID.type($0) == "memory_limiter" })
            else { return nil }
            let isTrial = subject.memoryLimit == nil && pipeline.exporters.allSatisfy { withoutQueue.contains(ComponentID.type($0)) }
            return Finding(
                isTrial ? .info : .warning, rule: "missing-memory-limiter", path: "spec.config.service.pipelines.\(pipeline.id).processors",
                message: "has no memory_limiter: under load the collector is killed and loses its queues", remedy: remedy(subject))
        }
    }

    private static func remedy(_ subject: RuleSubject) -> String {
        let limiter =
            "name memory_limiter first, with processors: memory_limiter: {check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 25}"
        return subject.memoryLimit == nil ? "\(limiter), and set resources.limits.memory, of which it takes the percentage" : limiter
    }

    /// The operator sets GOMEMLIMIT from the limit, unless the resource has its own.
    private static func runtimeLimit(_ subject: RuleSubject) -> [Finding] {
        guard let limit = subject.memoryLimit else { return [] }
        let variables = (subject.spec["env"]?.array ?? []).enumerated().filter { $1["name"]?.string == "GOMEMLIMIT" && $1["valueFrom"] == nil }
        return variables.compactMap { index, variable in
            let text = variable["value"]?.plainText ?? ""
            if let bytes = bytes(text), bytes <= limit { return nil }
            let meaning = text.isEmpty || text == "off" ? "switches Go's memory limit off" : "is no limit below the container's"
            return Finding(
                .warning, rule: "limit-without-gomemlimit", path: "spec.env[\(index)].value",
                message: "GOMEMLIMIT \"\(text)\" \(meaning): the collector is killed at \(limit >> 20) MiB instead of collecting garbage before",
                remedy: "remove the variable: the operator sets it from resources.limits.memory")
        }
    }

    /// A number of bytes with Go's suffixes (runtime/debug.SetMemoryLimit): B, KiB, MiB, GiB, TiB.
    private static func bytes(_ text: String) -> Int64? {
        let suffixes: [(String, Int64)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1), ("", 1)]
        guard let (suffix, unit) = suffixes.first(where: { text.hasSuffix($0.0) }), let number = Int64(text.dropLast(suffix.count)) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : bytes
    }
}
