// Reads the collectors' own metrics, look by look, and keeps what they mean.
// OperatorScope runs `look` as a controller of its own on the leader; CollectorReconciler reads `view`.
// It never makes a reconcile wait: an operator that cannot reach pods says so once, and everything else goes on.

import CollectorConfig
import CoreMetrics
import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import SondeAPI
import Synchronization

/// What is known of a collector's health.
enum HealthView: Hashable, Sendable {
    /// Nothing yet: what the resource's status says stands.
    case unknown
    /// Its metrics cannot be read by others, or nobody reads them.
    case off
    case known(HealthReport)
}

/// One for each scope; the slots are shared by all.
final class HealthWatcher: Sendable {
    /// Requests at once, over all collectors.
    static let requestsMax = 16
    static let requestDeadline: Duration = .seconds(3)
    /// Looks at so many collectors run at the same time.
    static let workers = 4
    /// Of a look with everything it may have to wait for.
    static let deadline: Duration = .seconds(60)
    private static let gatePause: Duration = .seconds(5)

    private struct Watched {
        let uid: String
        var isOff = false
        var health: CollectorHealth
        var due: MonotonicTime
        /// Looks in a row in which pods were asked and none answered.
        var deafLooks = 0
        var isTold = false
    }

    private let source: (any CollectorMetricsSource)?
    private let collectors, pods: ObjectStore
    private let slots: RequestSlots
    private let gate: WriteGate
    private let time: any TimeSource
    private let pause: Duration
    private let logger: Logger
    private let events: ResourceEvents
    private let counts: HealthMetrics
    private let answered, failed: Counter
    /// Called when a collector's status has something new to say.
    private let hasNews: @Sendable (ObjectName) -> Void
    /// No more than there are collectors in the store.
    private let watched = Mutex<[ObjectName: Watched]>([:])

    init(
        environment: OperatorEnvironment, collectors: ObjectStore, pods: ObjectStore, slots: RequestSlots, events: ResourceEvents, counts: HealthMetrics,
        hasNews: @escaping @Sendable (ObjectName) -> Void
    ) {
        source = environment.collectorMetrics
        (self.collectors, self.pods) = (collectors, pods)
        self.slots = slots
        gate = environment.gate
        time = environment.time
        pause = environment.configuration.healthPause
        logger = environment.logger
        self.events = events
        self.counts = counts
        self.hasNews = hasNews
        answered = environment.metrics.counter("collector_metrics_requests", ("result", "answered"))
        failed = environment.metrics.counter("collector_metrics_requests", ("result", "failed"))
    }

    func view(of collector: JSONValue) -> HealthView {
        guard source != nil else { return .off }
        guard let known = watched.withLock({ $0[collector.metadata.objectName] }), known.uid == collector.metadata.uid else { return .unknown }
        if known.isOff { return .off }
        return known.health.report.map { .known($0) } ?? .unknown
    }

    /// The canary's pods beside the others in the last `window`; nil while nobody reads their metrics.
    func comparison(of collector: JSONValue, canary: Set<String>, window: Duration) -> CanaryComparison? {
        guard source != nil, let known = watched.withLock({ $0[collector.metadata.objectName] }), known.uid == collector.metadata.uid, !known.isOff else {
            return nil
        }
        let routing = (try? OpenTelemetryCollector(object: collector)).map { pods(of: $0).filter(\.isRouting).map(\.uid) } ?? []
        return known.health.comparison(canary: canary, leavingOut: Set(routing), since: MonotonicTime(sinceOrigin: time.now.sinceOrigin - window))
    }

    /// The collector's pods, whether they can be asked or not.
    func pods(of collector: OpenTelemetryCollector) -> [CollectorPod] {
        CollectorPods.pods(of: collector, in: pods, port: CollectorConfiguration.defaultTelemetryPort)
    }

    /// Asks the pods of a collector when it is due. - Returns: When the next look is.
    func look(_ name: ObjectName) async throws -> ReconcileResult {
        guard source != nil else { return .done }
        guard let object = collectors.get(name), !object.metadata.isBeingDeleted, let collector = try? OpenTelemetryCollector(object: object) else {
            forget(name)
            return .done
        }
        guard case .port(let port) = Self.reach(collector) else { return switchOff(collector) }
        guard gate.isOpen, pods.hasSynced else { return .after(min(Self.gatePause, pause)) }
        let all = CollectorPods.pods(of: collector, in: pods, port: port).filter { $0.isReady && $0.address != nil }
        let asked = Array((all.filter(\.isCanary) + all.filter { !$0.isCanary }).prefix(CollectorHealth.podsMax))
        if let early = begin(collector, asked, of: all.count) { return .after(early) }
        let failure = try await ask(asked, name)
        let isNew = conclude(collector, asked.isEmpty ? nil : failure)
        if isNew { hasNews(name) }
        return .after(pause * Double.random(in: 1...1.1))
    }

    static func reach(_ collector: OpenTelemetryCollector) -> TelemetryReach {
        // The pods of a sidecar are other people's.
        guard let mode = collector.spec.mode, mode != .sidecar, collector.spec.config.object != nil else { return .off }
        return CollectorConfiguration(collector.spec.config).completed().telemetryReach
    }

    private func forget(_ name: ObjectName) {
        watched.withLock { $0[name] = nil }
        counts.forget(name)
    }

    private func switchOff(_ collector: OpenTelemetryCollector) -> ReconcileResult {
        let wasOn = watched.withLock { watched in
            let wasOn = watched[collector.name]?.isOff != true
            watched[collector.name] = Watched(uid: collector.metadata.uid, isOff: true, health: CollectorHealth(pause: pause), due: time.now)
            return wasOn
        }
        counts.forget(collector.name)
        if wasOn { hasNews(collector.name) }
        return .done
    }

    /// - Returns: How long it is until the next look when this one comes too early.
    private func begin(_ collector: OpenTelemetryCollector, _ asked: [CollectorPod], of all: Int) -> Duration? {
        watched.withLock { watched in
            let before = watched[collector.name].flatMap { $0.uid == collector.metadata.uid && !$0.isOff ? $0 : nil }
            var known = before ?? Watched(uid: collector.metadata.uid, health: CollectorHealth(pause: pause), due: time.now)
            if known.due > time.now { return known.due - time.now }
            known.due = time.now + pause
            known.health.begin(asking: Set(asked.map(\.uid)), of: all)
            watched[collector.name] = known
            return nil
        }
    }

    /// - Returns: Why nobody answered; nil when somebody did.
    private func ask(_ asked: [CollectorPod], _ name: ObjectName) async throws -> String? {
        try await withThrowingTaskGroup(of: String?.self) { group in
            for pod in asked { group.addTask { try await self.ask(pod, name) } }
            var isHeard = false
            var reason: String?
            for try await failure in group {
                if let failure { reason = failure } else { isHeard = true }
            }
            return isHeard ? nil : reason
        }
    }

    /// - Returns: Why the pod did not answer; nil when it did.
    private func ask(_ pod: CollectorPod, _ name: ObjectName) async throws -> String? {
        guard let address = pod.address, let source else { return nil }
        try await slots.take()
        defer { slots.give() }
        do {
            let text = try await withDeadline(Self.requestDeadline, "metrics", time: time) { try await source.metrics(at: address) }
            answered.increment()
            take(TelemetrySample(parsing: text), pod, name)
            return nil
        } catch {
            try Task.checkCancellation()
            failed.increment()
            return (error as? CollectorSilence)?.reason ?? (error is DeadlineExceeded ? "no answer within 3 s" : UntrustedText.clean("\(error)", maxBytes: 160))
        }
    }

    private func take(_ sample: TelemetrySample, _ pod: CollectorPod, _ name: ObjectName) {
        let interval = watched.withLock { watched -> PodMeter.Interval? in
            guard var known = watched.removeValue(forKey: name) else { return nil }
            defer { watched[name] = known }
            return known.health.answered(pod.uid, sample, now: time.now)
        }
        if let interval { counts.count(interval.growth, of: name) }
    }

    private func conclude(_ collector: OpenTelemetryCollector, _ failure: String?) -> Bool {
        let (isNew, isDeaf, fills) = watched.withLock { watched -> (Bool, Bool, [QueueKey: Double]) in
            guard var known = watched.removeValue(forKey: collector.name) else { return (false, false, [:]) }
            known.deafLooks = failure == nil ? 0 : known.deafLooks + 1
            if failure == nil { known.isTold = false }
            // The first time a pod may just have begun.
            let isDeaf = known.deafLooks >= 2 && !known.isTold
            if isDeaf { known.isTold = true }
            let isNew = known.health.conclude(now: time.now)
            watched[collector.name] = known
            return (isNew, isDeaf, known.health.fills)
        }
        counts.record(fills, of: collector.name)
        if isDeaf, let failure { tell(collector, failure) }
        return isNew
    }

    private func tell(_ collector: OpenTelemetryCollector, _ reason: String) {
        let note =
            "the operator cannot read the metrics of the collector's pods (\(reason)), so it does not see whether data are lost; everything else works. It "
            + "must run in the cluster and reach the pods' metrics port (NetworkPolicy)"
        logger.warning("Collectors' metrics cannot be read", metadata: ["object": "\(collector.name)", "reason": "\(reason)"])
        events.record(
            EventNote(.normal, reason: "CollectorMetricsNotReachable", action: "Observe", note: note), about: collector.object, type: .openTelemetryCollectors)
    }
}
