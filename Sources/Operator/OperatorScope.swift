// The watches, queues and controllers for one namespace, or for all.
// SondeOperator has one for each namespace that it works in.
// It never shares a store with another scope: a namespaced service account may read nothing else.

import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import SondeAPI

final class OperatorScope: Sendable {
    /// Kinds that are rendered; only objects of our inventory are watched and kept.
    static let childTypes: [ResourceType] = [.deployments, .daemonSets, .configMaps, .services, .serviceAccounts, .podDisruptionBudgets]

    let informers: [Informer]
    let collectors: Controller<ObjectName>
    let probes: Controller<ObjectName>
    private let collectorStore: ObjectStore
    private let probeStore: ObjectStore
    private let time: any TimeSource

    /// All keys are looked at again after so long, as a safety net (docs/controllers.md rule 20).
    static let resyncInterval: Duration = .seconds(36_000)

    init(namespace: String?, environment: OperatorEnvironment) {
        let watches = Self.informers(namespace: namespace, environment)
        let logger = environment.logger
        informers = Array(watches.values)
        time = environment.time
        collectorStore = Self.informer(.openTelemetryCollectors, watches).store
        probeStore = Self.informer(.ebpfProbes, watches).store

        let contexts = ["collector", "probe"].map { Self.context(name: $0, watches, environment) }
        let foreignWriters = ForeignStatusWriters(api: environment.api, own: environment.configuration.statusFieldManager)
        let collectorReconciler = CollectorReconciler(context: contexts[0], foreignWriters: foreignWriters)
        let probeReconciler = ProbeReconciler(context: contexts[1])
        collectors = Controller(
            name: "collector", queue: WorkQueue(name: "collector", time: time, metrics: environment.metrics), workers: environment.configuration.workers,
            time: time,
            logger: logger, metrics: environment.metrics, hold: { try await contexts[0].ownWrites.hold($0) },
            reconcile: { try await collectorReconciler.reconcile($0) })
        probes = Controller(
            name: "probe", queue: WorkQueue(name: "probe", time: time, metrics: environment.metrics), workers: environment.configuration.workers, time: time,
            logger: logger, metrics: environment.metrics, hold: { try await contexts[1].ownWrites.hold($0) },
            reconcile: { try await probeReconciler.reconcile($0) })
        feedQueues(watches)
    }

    /// Keeps the stores up to date until cancelled. - Throws: `CancellationError`.
    func runInformers() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for informer in informers { group.addTask { try await informer.run() } }
            group.addTask { try await self.resync() }
            try await group.waitForAll()
        }
    }

    func waitUntilSynced() async throws {
        for informer in informers { try await informer.waitUntilSynced() }
    }

    /// Works until `stop()`; running keys end first. - Throws: A fatal error of a controller.
    func runControllers() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.collectors.run() }
            group.addTask { try await self.probes.run() }
            try await group.waitForAll()
        }
    }

    func stop() {
        collectors.stop()
        probes.stop()
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
        for type in [ResourceType.openTelemetryCollectors, .ebpfProbes] + childTypes {
            let isChild = childTypes.contains(type)
            let indexers: [IndexName: ObjectStore.Indexer] = type == .ebpfProbes ? [ProbeReconciler.collectorIndex: ProbeReconciler.collectorKeys] : [:]
            let options = Informer.Options(namespace: namespace, labelSelector: isChild ? ours : nil, indexers: indexers)
            informers[type] = Informer(
                api: environment.api, type: type, options: options, time: environment.time, logger: environment.logger, metrics: environment.metrics)
        }
        return informers
    }

    private static func informer(_ type: ResourceType, _ informers: [ResourceType: Informer]) -> Informer {
        guard let informer = informers[type] else { preconditionFailure("\(type.plural) are not watched") }
        return informer
    }

    private static func context(name: String, _ informers: [ResourceType: Informer], _ environment: OperatorEnvironment) -> ReconcilerContext {
        let configuration = environment.configuration
        let stores = informers.mapValues(\.store)
        let children = childTypes.compactMap { informers[$0] }
        return ReconcilerContext(
            configuration: configuration, api: GatedAPI(environment.api, gate: environment.gate), stores: stores,
            applier: Applier(
                api: environment.api, fieldManager: configuration.fieldManager, gate: environment.gate, stores: stores.filter { childTypes.contains($0.key) },
                logger: environment.logger, metrics: environment.metrics),
            statusWriter: StatusWriter(
                api: environment.api, fieldManager: configuration.statusFieldManager, gate: environment.gate, metrics: environment.metrics),
            ownWrites: OwnWrites(informers: children, api: environment.api, time: environment.time, name: name, metrics: environment.metrics),
            time: environment.time, logger: environment.logger)
    }

    // MARK: Which change concerns which key

    private func feedQueues(_ informers: [ResourceType: Informer]) {
        let (collectorQueue, probeQueue, probeStore) = (collectors.queue, probes.queue, probeStore)
        let collectorInformer = Self.informer(.openTelemetryCollectors, informers)
        collectorInformer.feed(collectorQueue) { [$0.object.metadata.objectName] }
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
        for type in Self.childTypes {
            let informer = Self.informer(type, informers)
            informer.feed(collectorQueue) { Self.owners(in: $0, of: .openTelemetryCollectors) }
            informer.feed(probeQueue) { Self.owners(in: $0, of: .ebpfProbes) }
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
