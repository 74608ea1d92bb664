// Brings one OpenTelemetryCollector's objects to what its spec asks for, and its status to what was observed.
// The collector controller calls it with a key; it reads stores, renders, applies, prunes and writes the status, in this order.
// It never writes to the resource itself, its status and the finalizer for what owner references do not reach aside.

import CollectorConfig
import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Rendering
import SondeAPI

struct CollectorReconciler: Sendable {
    let context: ReconcilerContext
    let foreignWriters: ForeignStatusWriters
    let scaleHandover: ScaleHandover

    /// Kinds in which leftovers of a collector are looked for; one that is not served has none.
    private var prunableKinds: [ResourceType] { OperatorScope.childTypes(context.configuration) + context.neighbours.types.filter(context.neighbours.isServed) }

    func reconcile(_ name: ObjectName) async throws -> ReconcileResult {
        guard let object = context.store(.openTelemetryCollectors).get(name) else {
            context.forget(ObjectReference(.openTelemetryCollectors, name))
            return .done
        }
        if object.metadata.isBeingDeleted { return try await release(object) }
        let collector = try OpenTelemetryCollector(object: object)
        // An unknown mode is refused below; meanwhile the pods are most likely those of a Deployment.
        let mode = collector.spec.mode ?? .deployment
        var observation = CollectorObservation(collector: collector, workloadType: CollectorRendering.workloadType(of: mode))
        observation.workload = currentWorkload(observation)
        let (result, failure) = try await converge(&observation)
        try await writeStatus(observation)
        if let failure { throw failure }
        return result
    }

    /// Fills the observation with what came of it. - Returns: When to look again, and the error to end with after the status is written.
    private func converge(_ observation: inout CollectorObservation) async throws -> (ReconcileResult, (any Error)?) {
        let collector = observation.collector
        observation.isPaused = !collector.spec.isManaged || ResourceAnnotations.isPaused(collector.object)
        if observation.isPaused { return (.done, nil) }
        let findings = Validation.findings(collector: collector.object, facts: context.validationFacts)
        observation.findings = findings
        context.findings.report(findings, of: ObjectReference(.openTelemetryCollectors, collector.name))
        observation.verdict = Verdict(errors: findings.errors)
        if observation.verdict != nil { return (.done, nil) }
        if let (verdict, remaining) = try await otherOperator(collector) {
            observation.verdict = verdict
            return (.after(remaining), nil)
        }
        do {
            try await apply(&observation)
            if let verdict = Self.unsupported(collector) { observation.verdict = verdict }
            return try await checkPods(&observation)
        } catch {
            guard let verdict = Verdict(error) else { throw error }
            observation.verdict = verdict
            return (.done, error)
        }
    }

    /// What Sonde does not do; the objects of everything else are written all the same.
    static func unsupported(_ collector: OpenTelemetryCollector) -> Verdict? {
        guard collector.spec.hasTargetAllocator else { return nil }
        return Verdict(
            .unsupported,
            "spec.targetAllocator: Sonde runs no target allocator, so every pod scrapes all targets of its own scrape_configs; everything else of the "
                + "resource runs. Set targetAllocator.enabled: false and either run one replica, or in mode daemonset keep each pod to its node with a "
                + "relabelling on ${env:K8S_NODE_NAME}",
            isStalled: true)
    }

    static func asksForNeighbours(_ object: JSONValue) -> Bool {
        let spec = OpenTelemetryCollectorSpec(object["spec"] ?? .null)
        return spec.hasMonitors || spec.hasHTTPRoutes || spec["ingress"]?["type"]?.string == "route"
    }

    private func apply(_ observation: inout CollectorObservation) async throws {
        let collector = observation.collector
        let facts = try await facts(for: observation)
        let rendered = CollectorRendering.render(collector, facts)
        let left = rendered.filter { context.neighbours.types.contains($0.type) && !context.neighbours.isServed($0.type) }
        let manifests = rendered.filter { !left.contains($0) }
        observation.notServed = left.map(\.reference)
        try await prepareDetached(collector.object, manifests)
        let answers = try await context.applyAll(manifests, for: collector.object, type: .openTelemetryCollectors)
        let keeping = Set(manifests.map(\.reference)).union(keptConfigMaps(collector, current: manifests))
        try await context.prune(collector.object, kinds: prunableKinds, keeping: keeping)
        try await pruneDetached(collector.object, manifests)
        observation.workload = answers.first { $0.key.type == observation.workloadType }?.value ?? observation.workload
    }

    private func facts(for observation: CollectorObservation) async throws -> CollectorFacts {
        var facts = context.collectorFacts
        let autoscalers = context.store(.horizontalPodAutoscalers).list(namespace: observation.collector.name.namespace)
        facts.scale = CollectorScales.scale(of: observation.collector, autoscalers: autoscalers)
        if let workload = observation.workload, let type = observation.workloadType {
            if facts.scale.isOwnedByOthers {
                try await scaleHandover.handOver(workload, type: type)
            } else {
                scaleHandover.forget(uid: workload.metadata.uid)
            }
        }
        return facts
    }

    /// The newest earlier ConfigMaps, as many as the spec asks for: pods of the version before still mount one.
    private func keptConfigMaps(_ collector: OpenTelemetryCollector, current: [Manifest]) -> [ObjectReference] {
        let currentNames = Set(current.map(\.name))
        let earlier = context.store(.configMaps).byIndex(.inventory, collector.metadata.uid).filter { !currentNames.contains($0.metadata.objectName) }
        let newestFirst = earlier.sorted { left, right in
            let (a, b) = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
            guard let a, let b, a != b else { return left.metadata.name > right.metadata.name }
            return a > b
        }
        return newestFirst.prefix(collector.spec.configVersions).map { ObjectReference(.configMaps, $0.metadata.objectName) }
    }

    private func currentWorkload(_ observation: CollectorObservation) -> JSONValue? {
        guard let type = observation.workloadType else { return nil }
        let live = context.store(type).get(CollectorScales.workloadName(of: observation.collector))
        return live?.metadata.controller?.uid == observation.collector.metadata.uid ? live : nil
    }

    private func checkPods(_ observation: inout CollectorObservation) async throws -> (ReconcileResult, (any Error)?) {
        let (refusal, again) = try await context.podRefusal(observation.workload, type: observation.workloadType)
        observation.refusal = refusal
        return (again, nil)
    }

    private func otherOperator(_ collector: OpenTelemetryCollector) async throws -> (Verdict, Duration)? {
        let now = context.time.wallClock
        guard let write = try await foreignWriters.newest(collector.object, type: .openTelemetryCollectors), let remaining = write.remaining(now: now) else {
            return nil
        }
        let message =
            "another operator (field manager \(write.manager)) wrote this resource's status at \(write.time.rfc3339); nothing is changed while it is at work. "
            + "Stop one of the two; \(ForeignStatusWrite.window.components.seconds / 60) minutes after its last write Sonde takes over"
        return (Verdict(.conflictingOperator, message, isStalled: true), remaining + .seconds(1))
    }

    private func writeStatus(_ observation: CollectorObservation) async throws {
        let object = observation.collector.object
        let outcome = try await context.writeStatus(observation.status(now: context.time.wallClock), of: object, type: .openTelemetryCollectors)
        if case .written(let answer) = outcome { foreignWriters.remember(answer) }
    }

    /// Children in the resource's namespace have owner references; what is elsewhere is deleted here.
    private func release(_ object: JSONValue) async throws -> ReconcileResult {
        foreignWriters.forget(uid: object.metadata.uid)
        try await releaseDetached(object)
        return .done
    }
}
