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
    let content: ContentHash
    let contentWatch: ContentWatch
    let health: HealthWatcher

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
        observation.health = health.view(of: object)
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
            if let pause = Verdict.pause(after: error) { return (.after(pause), nil) }
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
        if CollectorAnnotations(object.metadata.annotations)[.prometheusRule] == true { return true }
        return spec.hasMonitors || spec.hasHTTPRoutes || spec["ingress"]?["type"]?.string == "route"
    }

    private func apply(_ observation: inout CollectorObservation) async throws {
        let owner = observation.collector.object
        let rendered = CollectorRendering.render(observation.collector, try await facts(for: &observation))
        let left = rendered.filter { context.neighbours.types.contains($0.type) && !context.neighbours.isServed($0.type) }
        let manifests = rendered.filter { !left.contains($0) }
        observation.notServed = left.map(\.reference)
        let rollout = rollout(of: observation.collector, manifests)
        try await prepareDetached(owner, rollout.manifests)
        let earlier = try await adoptEarlier(rollout.manifests, owner)
        var plan = try await context.plan(
            rollout.manifests, for: owner, kinds: prunableKinds, further: earlier, keptVersions: observation.collector.spec.configVersions)
        rollout.adjust(&plan)
        let performed = try await context.perform(plan, for: owner, type: .openTelemetryCollectors)
        let answers = performed.answers
        observation.withoutNamespace = performed.withoutNamespace
        if !rollout.isHolding { try await pruneDetached(owner, manifests) }
        if let type = observation.workloadType {
            observation.workload = answers[ObjectReference(type, CollectorScales.workloadName(of: observation.collector))] ?? observation.workload
        }
        observation.verdict = plan.waiting.map { Verdict(.rollingOut, $0, isStalled: false) } ?? routingVerdict(observation.collector, manifests, answers)
        if let verdict = rollout.verdict { observation.verdict = verdict }
        observation.isTrying = rollout.isTrying
    }

    private func rollout(of collector: OpenTelemetryCollector, _ manifests: [Manifest]) -> CanaryRollout {
        CanaryRollout(
            CanaryFacts(
                collector: collector, manifests: manifests, live: { [context] in context.stores[$0.type]?.get($0.name) }, pods: health.pods(of: collector),
                now: context.time.wallClock, compare: { [health] in health.comparison(of: collector.object, canary: $0, window: $1) }))
    }

    /// Nil when no pods route traces, or all of them are there.
    private func routingVerdict(
        _ collector: OpenTelemetryCollector, _ manifests: [Manifest], _ answers: [ObjectReference: JSONValue]
    ) -> Verdict? {
        let reference = ObjectReference(.deployments, CollectorRendering.routingName(of: collector.name))
        guard manifests.contains(where: { $0.reference == reference }) else { return nil }
        switch WorkloadState(answers[reference] ?? context.store(.deployments).get(reference.name), type: .deployments).phase {
        case .available: return nil
        case .rollingOut(let text), .noNodes(let text): return Verdict(.rollingOut, "\(reference): \(text)", isStalled: false)
        case .refused(let reason, let text): return Verdict(reason, "\(reference): \(text)", isStalled: false)
        case .stuck(let text): return Verdict(.crashLooping, "\(reference): \(text)", isStalled: true)
        }
    }

    /// What another operator left under this resource, taken in. - Returns: Its workloads, which the inventory does not have yet.
    private func adoptEarlier(_ manifests: [Manifest], _ owner: JSONValue) async throws -> [ChildObject] {
        guard let workload = manifests.first(where: { ResourcePlanner.workloadTypes.contains($0.type) }) else { return [] }
        let earlier = try await EarlierOperator.workloads(workload.name, ownerUID: owner.metadata.uid, in: context)
        guard let labels = workload.object.at("spec", "selector", "matchLabels")?.object else { return earlier }
        let texts = Dictionary(labels.compactMap { key, value in value.string.map { (key, $0) } }, uniquingKeysWith: { $1 })
        try await EarlierOperator.adoptLeftovers(earlier, keeping: Set(manifests.map(\.reference)), labels: texts, owner: owner, in: context)
        return earlier
    }

    /// What rendering needs from the cluster.
    private func facts(for observation: inout CollectorObservation) async throws -> CollectorFacts {
        var facts = context.collectorFacts
        let autoscalers = context.store(.horizontalPodAutoscalers).list(namespace: observation.collector.name.namespace)
        facts.scale = CollectorScales.scale(of: observation.collector, autoscalers: autoscalers)
        if let type = observation.workloadType, let workload = try await scaledWorkload(observation, type, facts.scale) {
            try await settleScale(of: workload, type, isOwnedByOthers: facts.scale.isOwnedByOthers)
            facts.scale.initialReplicas = nil
        }
        if let routing = context.store(.deployments).get(CollectorRendering.routingName(of: observation.collector.name)) {
            try await settleScale(of: routing, .deployments, isOwnedByOthers: facts.scale.isRoutingOwnedByOthers)
        }
        if ContentHash.isAsked(observation.collector.object) { contentWatch.begin() }
        let answer = try await content.answer(for: observation.collector, workload: observation.workload)
        facts.contentHash = answer?.hash
        observation.unreadable = answer?.forbidden ?? []
        return facts
    }

    /// The live workload; where others scale it also one that the store cannot have yet, as an earlier operator made it.
    private func scaledWorkload(_ observation: CollectorObservation, _ type: ResourceType, _ scale: CollectorScale) async throws -> JSONValue? {
        if let workload = observation.workload { return workload }
        guard scale.isOwnedByOthers else { return nil }
        let live = try await context.api.getIfFound(type, CollectorScales.workloadName(of: observation.collector))
        return live?.metadata.controller?.uid == observation.collector.metadata.uid ? live : nil
    }

    private func settleScale(of workload: JSONValue, _ type: ResourceType, isOwnedByOthers: Bool) async throws {
        if isOwnedByOthers {
            try await scaleHandover.handOver(workload, type: type)
        } else {
            scaleHandover.forget(uid: workload.metadata.uid)
        }
    }

    private func currentWorkload(_ observation: CollectorObservation) -> JSONValue? {
        guard let type = observation.workloadType else { return nil }
        let live = context.store(type).get(CollectorScales.workloadName(of: observation.collector))
        return live?.metadata.controller?.uid == observation.collector.metadata.uid ? live : nil
    }

    private static let namespacePause: Duration = .seconds(60)

    private func checkPods(_ observation: inout CollectorObservation) async throws -> (ReconcileResult, (any Error)?) {
        let (refusal, again) = try await context.podRefusal(observation.workload, type: observation.workloadType)
        observation.refusal = refusal
        if observation.isTrying { return (.after(context.configuration.rolloutPause), nil) }
        // Namespaces are not watched.
        if again == .done, !observation.withoutNamespace.isEmpty { return (.after(Self.namespacePause), nil) }
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
