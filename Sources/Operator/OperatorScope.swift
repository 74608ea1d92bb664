// The watches, queues and controllers for one namespace, or for all.
// SondeOperator has one for each namespace that it works in.
// It never shares a store with another scope: a namespaced service account may read nothing else.

import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Rendering
import SondeAPI

/// What all scopes of a process have in common.
struct SharedParts: Sendable {
    let slots: RequestSlots
    /// Of questions to collectors.
    let collectorSlots: RequestSlots
    let recorder: EventRecorder
    let findings: FindingsBoard
    let health: HealthMetrics
    let neighbours: NeighbourKinds
}

final class OperatorScope: Sendable {
    /// Kinds that are rendered; only objects of our inventory are watched and kept, autoscalers aside.
    static func childTypes(_ configuration: OperatorConfiguration) -> [ResourceType] {
        alwaysRendered + (configuration.grantsRoles ? CollectorAccess.types : [])
    }

    /// Kinds that need no right beyond a namespace.
    static let alwaysRendered: [ResourceType] = [
        .deployments, .statefulSets, .daemonSets, .configMaps, .services, .serviceAccounts, .podDisruptionBudgets, .horizontalPodAutoscalers, .ingresses,
        .networkPolicies,
    ]

    let informers: [Informer]
    let collectors: Controller<ObjectName>
    let probes: Controller<ObjectName>
    /// Rounds of questions to the agents of each probe.
    let agents: Controller<ObjectName>
    /// Looks at the metrics of each collector's pods.
    let health: Controller<ObjectName>
    private let collectorStore: ObjectStore
    private let probeStore: ObjectStore
    private let podInformer: Informer
    private let collectorPodInformer: Informer
    private let contentWatch: ContentWatch
    private let neighbours: NeighbourKinds
    private let neighbourInformers: [Informer]
    private let time: any TimeSource
    private let stopRequests: AsyncStream<Void>
    private let stopRequest: AsyncStream<Void>.Continuation

    /// All keys are looked at again after so long, as a safety net (docs/controllers.md rule 20).
    static let resyncInterval: Duration = .seconds(36_000)

    init(namespace: String?, environment: OperatorEnvironment, shared: SharedParts) {
        let neighbours = shared.neighbours
        let watches = Self.informers(namespace: namespace, environment)
        let neighbourWatches = Self.children(neighbours.types, namespace: namespace, environment)
        informers = Array(watches.values)
        time = environment.time
        collectorStore = Self.informer(.openTelemetryCollectors, watches).store
        probeStore = Self.informer(.ebpfProbes, watches).store
        podInformer = Self.podInformer(namespace: namespace, environment, AgentPods.selector, AgentPods.projection)
        collectorPodInformer = Self.podInformer(
            namespace: namespace, environment, CollectorPods.selector, CollectorPods.projection, indexers: [CollectorPods.index: CollectorPods.keys])
        self.neighbours = neighbours
        neighbourInformers = Array(neighbourWatches.values)
        contentWatch = ContentWatch(namespace: namespace, environment: environment)
        (stopRequests, stopRequest) = AsyncStream.makeStream()

        let all = watches.merging(neighbourWatches) { first, _ in first }
        let contexts = ["collector", "probe"].map { Self.context(name: $0, all, environment, shared) }
        let collectorQueue = WorkQueue<ObjectName>(name: "collector", time: time, metrics: environment.metrics)
        let healthWatcher = HealthWatcher(
            environment: environment, collectors: collectorStore, pods: collectorPodInformer.store, slots: shared.collectorSlots,
            events: contexts[0].events, counts: shared.health, hasNews: { collectorQueue.add($0) })
        let foreignWriters = ForeignStatusWriters(api: environment.api, own: environment.configuration.statusFieldManager)
        let collectorReconciler = CollectorReconciler(
            context: contexts[0], foreignWriters: foreignWriters,
            scaleHandover: ScaleHandover(api: contexts[0].api, fieldManager: environment.configuration.fieldManager),
            content: ContentHash(api: environment.api, versions: contentWatch.stores), contentWatch: contentWatch, health: healthWatcher)
        let probeQueue = WorkQueue<ObjectName>(name: "probe", time: time, metrics: environment.metrics)
        let watcher = AgentWatcher(
            environment: environment, probes: probeStore, daemonSets: Self.informer(.daemonSets, watches).store, pods: podInformer.store, slots: shared.slots,
            hasNews: { probeQueue.add($0) })
        let probeReconciler = ProbeReconciler(context: contexts[1], agents: watcher)
        collectors = Self.controller("collector", collectorQueue, contexts[0], environment) { try await collectorReconciler.reconcile($0) }
        probes = Self.controller("probe", probeQueue, contexts[1], environment) { try await probeReconciler.reconcile($0) }
        agents = Self.questions("agents", AgentWatcher.workers, AgentWatcher.deadline, environment) { try await watcher.look($0) }
        health = Self.questions("health", HealthWatcher.workers, HealthWatcher.deadline, environment) { try await healthWatcher.look($0) }
        feedQueues(watches, Self.childTypes(environment.configuration))
        feedScale(watches)
        for informer in neighbourInformers { informer.feed(collectors.queue) { Self.owners(in: $0, of: .openTelemetryCollectors) } }
        feedAgents(watches)
        feedHealth(watches)
    }

    /// Keeps the stores up to date until cancelled. - Throws: `CancellationError`.
    func runInformers() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for informer in informers + [podInformer, collectorPodInformer] { group.addTask { try await informer.run() } }
            for informer in neighbourInformers { group.addTask { try await self.follow(informer) } }
            group.addTask { await self.tellNeighbours() }
            group.addTask { try await self.contentWatch.run() }
            group.addTask { try await self.resync() }
            try await group.waitForAll()
        }
    }

    /// Not for the pods: without the right to read them probes are still rendered, and only what their agents say is missing.
    func waitUntilSynced() async throws {
        for informer in informers { try await informer.waitUntilSynced() }
    }

    /// Works until `stop()`; running keys end first. - Throws: A fatal error of a controller.
    func runControllers() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.collectors.run() }
            group.addTask { try await self.probes.run() }
            group.addTask { try await self.runQuestions() }
            try await group.waitForAll()
        }
    }

    /// A round may take longer than a stop; it only reads, so it is cancelled.
    private func runQuestions() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.agents.run() }
            group.addTask { try await self.health.run() }
            group.addTask { for await _ in self.stopRequests {} }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    func stop() {
        collectors.stop()
        probes.stop()
        agents.stop()
        health.stop()
        stopRequest.finish()
    }

    /// Watches a kind of another product for as long as the cluster serves it, again and again.
    private func follow(_ informer: Informer) async throws {
        while true {
            try await neighbours.wait(for: informer.type, served: true)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await informer.run() }
                group.addTask { try await self.neighbours.wait(for: informer.type, served: false) }
                defer { group.cancelAll() }
                try await group.next()
            }
            informer.forget()
        }
    }

    /// A kind that comes or goes concerns the collectors that ask for its objects.
    private func tellNeighbours() async {
        for await _ in neighbours.changes() {
            for object in collectorStore.list() where CollectorReconciler.asksForNeighbours(object) { collectors.queue.add(object.metadata.objectName) }
        }
    }

    private func resync() async throws {
        while true {
            try await time.sleep(for: Self.resyncInterval * Double.random(in: 0.9...1.1))
            for object in collectorStore.list() { collectors.queue.add(object.metadata.objectName, priority: .low) }
            for object in probeStore.list() { probes.queue.add(object.metadata.objectName, priority: .low) }
        }
    }

    // MARK: Building

    private static func informers(namespace: String?, _ environment: OperatorEnvironment) -> [ResourceType: Informer] {
        var informers: [ResourceType: Informer] = [:]
        let ours = LabelSelector([.init(Inventory.ownerLabel, .exists)])
        let childTypes = childTypes(environment.configuration)
        for type in [ResourceType.openTelemetryCollectors, .ebpfProbes] + childTypes {
            // Of autoscalers all are watched: somebody else's may scale a workload of ours.
            let isChild = childTypes.contains(type) && type != .horizontalPodAutoscalers
            let indexers: [IndexName: ObjectStore.Indexer] =
                switch type {
                case .ebpfProbes: [ProbeReconciler.collectorIndex: ProbeReconciler.collectorKeys]
                case .openTelemetryCollectors: [ContentWatch.index: ContentWatch.keys]
                default: [:]
                }
            let options = Informer.Options(namespace: namespace, labelSelector: isChild ? ours : nil, indexers: indexers)
            informers[type] = Informer(
                api: environment.api, type: type, options: options, time: environment.time, logger: environment.logger, metrics: environment.metrics)
        }
        return informers
    }

    private static func podInformer(
        namespace: String?, _ environment: OperatorEnvironment, _ selector: LabelSelector, _ transform: @escaping Informer.Transform,
        indexers: [IndexName: ObjectStore.Indexer] = [:]
    ) -> Informer {
        let options = Informer.Options(namespace: namespace, labelSelector: selector, indexers: indexers)
        return Informer(
            api: environment.api, type: .pods, options: options, time: environment.time, logger: environment.logger, metrics: environment.metrics,
            transform: transform)
    }

    /// Watches of objects of our inventory.
    private static func children(_ types: [ResourceType], namespace: String?, _ environment: OperatorEnvironment) -> [ResourceType: Informer] {
        let options = Informer.Options(namespace: namespace, labelSelector: LabelSelector([.init(Inventory.ownerLabel, .exists)]))
        let informers = types.map {
            Informer(api: environment.api, type: $0, options: options, time: environment.time, logger: environment.logger, metrics: environment.metrics)
        }
        return Dictionary(informers.map { ($0.type, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private static func informer(_ type: ResourceType, _ informers: [ResourceType: Informer]) -> Informer {
        guard let informer = informers[type] else { preconditionFailure("\(type.plural) are not watched") }
        return informer
    }

    private static func controller(
        _ name: String, _ queue: WorkQueue<ObjectName>, _ context: ReconcilerContext, _ environment: OperatorEnvironment,
        reconcile: @escaping Controller<ObjectName>.Reconcile
    ) -> Controller<ObjectName> {
        Controller(
            name: name, queue: queue, workers: environment.configuration.workers, time: environment.time, logger: environment.logger,
            metrics: environment.metrics, hold: { try await context.ownWrites.hold($0) }, reconcile: reconcile)
    }

    /// Of rounds of questions to pods.
    private static func questions(
        _ name: String, _ workers: Int, _ deadline: Duration, _ environment: OperatorEnvironment, reconcile: @escaping Controller<ObjectName>.Reconcile
    ) -> Controller<ObjectName> {
        Controller(
            name: name, queue: WorkQueue(name: name, time: environment.time, metrics: environment.metrics), workers: workers, deadline: deadline,
            time: environment.time, logger: environment.logger, metrics: environment.metrics, reconcile: reconcile)
    }

    private static func context(name: String, _ informers: [ResourceType: Informer], _ environment: OperatorEnvironment, _ shared: SharedParts)
        -> ReconcilerContext
    {
        let neighbours = shared.neighbours
        let configuration = environment.configuration
        let stores = informers.mapValues(\.store)
        let types = childTypes(configuration) + neighbours.types
        let children = types.compactMap { informers[$0] }
        return ReconcilerContext(
            configuration: configuration, api: GatedAPI(environment.api, gate: environment.gate), stores: stores, neighbours: neighbours,
            applier: Applier(
                api: environment.api, fieldManager: configuration.fieldManager, gate: environment.gate, stores: stores.filter { types.contains($0.key) },
                earlierManagers: EarlierOperator.fieldManagers, logger: environment.logger, metrics: environment.metrics),
            statusWriter: StatusWriter(
                api: environment.api, fieldManager: configuration.statusFieldManager, gate: environment.gate, metrics: environment.metrics),
            events: ResourceEvents(recorder: shared.recorder), findings: shared.findings,
            ownWrites: OwnWrites(informers: children, api: environment.api, time: environment.time, name: name, metrics: environment.metrics),
            time: environment.time, logger: environment.logger)
    }

    // MARK: Which change concerns which key

    private func feedQueues(_ informers: [ResourceType: Informer], _ childTypes: [ResourceType]) {
        let (collectorQueue, probeQueue, probeStore) = (collectors.queue, probes.queue, probeStore)
        let collectorInformer = Self.informer(.openTelemetryCollectors, informers)
        collectorInformer.feed(collectorQueue) { [$0.object.metadata.objectName] }
        contentWatch.feed(collectorQueue, collectors: collectorStore)
        // A probe's address comes from the collector that it names.
        collectorInformer.feed(probeQueue) { event in
            guard event.isSpecOrMetadataChange else { return [] }
            return probeStore.byIndex(ProbeReconciler.collectorIndex, event.object.metadata.objectName.description).map(\.metadata.objectName)
        }
        Self.informer(.ebpfProbes, informers).feed(probeQueue) { event in
            // Another probe's nodes may overlap with this one's.
            let others = event.isSpecOrMetadataChange ? probeStore.list().map(\.metadata.objectName) : []
            return others + [event.object.metadata.objectName]
        }
        for type in childTypes {
            let informer = Self.informer(type, informers)
            informer.feed(collectorQueue) { Self.owners(in: $0, of: .openTelemetryCollectors) + CollectorReconciler.detachedOwners(in: $0) }
            informer.feed(probeQueue) { Self.owners(in: $0, of: .ebpfProbes) }
        }
    }

    /// An autoscaler concerns the collector whose workload it scales, whoever made it.
    private func feedScale(_ informers: [ResourceType: Informer]) {
        let stores = [ResourceType.deployments, .statefulSets].map { Self.informer($0, informers).store }
        Self.informer(.horizontalPodAutoscalers, informers).feed(collectors.queue) { event in
            var autoscalers = [event.object]
            if case .updated(let old, _) = event { autoscalers.append(old) }
            return autoscalers.compactMap(CollectorScales.target(of:)).flatMap { target in
                stores.first { $0.type == target.type }?.get(target.name).map { Self.owners(in: .added($0), of: .openTelemetryCollectors) } ?? []
            }
        }
    }

    /// Rounds begin with a probe and soon after a pod of its agents changes.
    private func feedAgents(_ informers: [ResourceType: Informer]) {
        let (queue, daemonSets) = (agents.queue, Self.informer(.daemonSets, informers).store)
        Self.informer(.ebpfProbes, informers).addHandler { event in
            if event.isSpecOrMetadataChange { queue.add(event.object.metadata.objectName) }
        }
        podInformer.addHandler { event in
            guard AgentPods.isRelevant(event), let owner = event.object.metadata.controller, owner.kind == ResourceType.daemonSets.kind,
                let daemonSet = daemonSets.get(ObjectName(namespace: event.object.metadata.namespace, name: owner.name))
            else { return }
            for probe in Self.owners(in: .added(daemonSet), of: .ebpfProbes) { queue.add(probe, after: AgentWatcher.changePause) }
        }
    }

    private func feedHealth(_ informers: [ResourceType: Informer]) {
        let queue = health.queue
        Self.informer(.openTelemetryCollectors, informers).addHandler { event in
            if event.isSpecOrMetadataChange { queue.add(event.object.metadata.objectName) }
        }
    }

    /// The owners of a child before and after a change: one that took its owner away must be repaired too.
    static func owners(in event: StoreEvent, of type: ResourceType) -> [ObjectName] {
        var objects = [event.object]
        if case .updated(let old, _) = event { objects.append(old) }
        return objects.flatMap { object in
            object.metadata.ownerReferences.filter { $0.kind == type.kind && $0.group == type.group }
                .map { ObjectName(namespace: object.metadata.namespace, name: $0.name) }
        }
    }
}
