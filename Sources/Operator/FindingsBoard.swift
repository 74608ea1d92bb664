// How many findings the resources have at the moment, by severity, as a metric.
// Both reconcilers report here after each validation.
// It never counts a resource twice, and forgets one that is gone.

import CoreMetrics
import Kubernetes
import KubernetesRuntime
import SondeAPI
import Synchronization

/// `sonde_findings{severity}`: findings of all resources that this process works on. Thread rules: any task may report.
final class FindingsBoard: Sendable {
    private struct State {
        /// As many as there are resources in the stores.
        var counts: [ObjectReference: [Finding.Severity: Int]] = [:]
        var totals: [Finding.Severity: Int] = [:]
    }

    private let state = Mutex(State())
    private let gauges: [Finding.Severity: Gauge]

    init(metrics: RuntimeMetrics) {
        gauges = Dictionary(uniqueKeysWithValues: Finding.Severity.allCases.map { ($0, metrics.gauge("findings", ("severity", $0.rawValue))) })
    }

    func report(_ findings: [Finding], of reference: ObjectReference) {
        set(Dictionary(findings.map { ($0.severity, 1) }, uniquingKeysWith: +), reference)
    }

    func forget(_ reference: ObjectReference) { set(nil, reference) }

    private func set(_ counts: [Finding.Severity: Int]?, _ reference: ObjectReference) {
        state.withLock { state in
            for (severity, count) in state.counts[reference] ?? [:] { state.totals[severity, default: 0] -= count }
            state.counts[reference] = counts
            for (severity, count) in counts ?? [:] { state.totals[severity, default: 0] += count }
            // Under the lock, so that the last word is the newest.
            for (severity, gauge) in gauges { gauge.record(state.totals[severity] ?? 0) }
        }
    }
}
