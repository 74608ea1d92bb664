// Keeps a store of one kind up to date: performs the reflector's actions and tells handlers what changed.
// Controllers own one for each kind they read; several controllers may share one.
// It never blocks on a handler's work: handlers put keys into queues and return.

import CoreMetrics
import JSON
import Kubernetes
import Logging
import Synchronization

/// A watched kind. Start `run()` in a task of its own; cancel that task to stop.
public final class Informer: Sendable {
    /// Runs on the informer's task, in the order of the changes. Must return at once.
    public typealias Handler = @Sendable (StoreEvent) -> Void
    public typealias Transform = @Sendable (JSONValue) -> JSONValue

    public struct Options: Sendable {
        /// Nil watches all namespaces.
        public var namespace: String?
        public var labelSelector: LabelSelector?
        public var fieldSelector: FieldSelector?
        /// `.metadataOnly` for kinds where existence, labels and owners are enough.
        public var content: ObjectContent
        public var firstList: ReflectorMachine.FirstList
        public var indexers: [IndexName: ObjectStore.Indexer]
        /// Of the jitter and the watch timeouts.
        public var seed: UInt64

        public init(
            namespace: String? = nil, labelSelector: LabelSelector? = nil, fieldSelector: FieldSelector? = nil, content: ObjectContent = .full,
            firstList: ReflectorMachine.FirstList = .consistent, indexers: [IndexName: ObjectStore.Indexer] = [:],
            seed: UInt64 = .random(in: .min ... .max)
        ) {
            self.namespace = namespace
            self.labelSelector = labelSelector
            self.fieldSelector = fieldSelector
            self.content = content
            self.firstList = firstList
            self.indexers = indexers
            self.seed = seed
        }
    }

    public let type: ResourceType
    public let store: ObjectStore
    private let api: any KubernetesAPI
    private let options: Options
    private let time: any TimeSource
    private let logger: Logger
    private let transform: Transform
    private let handlers = Mutex<[@Sendable (StoreEvent, Bool) -> Void]>([])
    private let machine: Mutex<ReflectorMachine>
    private let synced = Signal()
    private let metrics: InformerMetrics

    /// - Parameter transform: Applied to every object before it is stored; by default `managedFields` are dropped.
    public init(
        api: any KubernetesAPI, type: ResourceType, options: Options = Options(), time: any TimeSource = SystemTime(), logger: Logger,
        metrics: RuntimeMetrics = RuntimeMetrics(), transform: @escaping Transform = Informer.withoutManagedFields
    ) {
        self.api = api
        self.type = type
        self.options = options
        self.time = time
        self.logger = logger
        self.transform = transform
        self.metrics = InformerMetrics(metrics, kind: type.kind)
        store = ObjectStore(type: type, indexers: options.indexers)
        machine = Mutex(ReflectorMachine(firstList: options.firstList, seed: options.seed))
    }

    public static let withoutManagedFields: Transform = { object in
        guard object["metadata"]?["managedFields"] != nil else { return object }
        var pruned = object
        pruned.set(["metadata", "managedFields"], to: nil)
        return pruned
    }

    /// Adds a handler; what the store already holds reaches it as `.added` at once.
    public func addHandler(_ handler: @escaping Handler) { add { event, _ in handler(event) } }

    /// Puts the keys that an event concerns into a queue; those of the first list with low priority.
    public func feed<Key>(_ queue: WorkQueue<Key>, keys: @escaping @Sendable (StoreEvent) -> [Key]) {
        add { event, isFirstList in
            for key in keys(event) { queue.add(key, priority: isFirstList ? .low : .normal) }
        }
    }

    private func add(_ handler: @escaping @Sendable (StoreEvent, Bool) -> Void) {
        handlers.withLock { $0.append(handler) }
        for object in store.list() { handler(.added(object), true) }
    }

    /// Returns once the first list is in the store. - Throws: `CancellationError`.
    public func waitUntilSynced() async throws {
        while true {
            let seen = synced.generation
            if store.hasSynced { return }
            try Task.checkCancellation()
            await synced.wait(after: seen)
        }
    }

    /// Lists and watches until the task is cancelled; failures are logged, counted and retried. - Throws: `CancellationError`.
    public func run() async throws {
        var action = step(.start)
        while true {
            try Task.checkCancellation()
            switch action {
            case .list(let list): action = step(try await perform(list))
            case .replace(let items, let resourceVersion):
                replace(items, resourceVersion)
                action = step(.replaced)
            case .watch(let watch): action = try await perform(watch)
            case .wait(let delay, let error):
                report(error, delay)
                try await time.sleep(for: delay)
                action = step(.waited)
            case .deliver, .report: preconditionFailure("events are handled inside the watch")
            }
        }
    }

    /// Empties the store after `run` has ended, for a kind that the server no longer serves; `run` may be called again.
    public func forget() { store.reset() }

    /// Takes in an object that was read directly, so that readers of the store see it before the watch brings it.
    public func observe(_ live: JSONValue) { notify(store.observe(transform(live)), isFirstList: false) }

    private func step(_ input: ReflectorMachine.Input) -> ReflectorMachine.Action { machine.withLock { $0.on(input, now: time.now) } }

    private func perform(_ step: ReflectorMachine.ListStep) async throws -> ReflectorMachine.Input {
        do {
            metrics.lists.increment()
            var list = try await api.list(
                type, namespace: options.namespace, labelSelector: options.labelSelector, fieldSelector: options.fieldSelector, limit: step.limit,
                continueToken: step.continueToken, resourceVersion: step.resourceVersion, content: options.content)
            // Page by page: a whole list at its full size may be more than there is memory.
            list.items = list.items.map(transform)
            return .listed(list)
        } catch let error as KubernetesError {
            return .failed(error)
        }
    }

    private func replace(_ items: [JSONValue], _ resourceVersion: String) {
        let isFirstList = !store.hasSynced
        let nameless = items.count { $0.metadata.name.isEmpty }
        if nameless > 0 { undecodable("a list holds \(nameless) objects without a name", count: nameless) }
        let events = store.replace(items, resourceVersion: resourceVersion)
        if isFirstList { synced.notify() }
        notify(events, isFirstList: isFirstList)
    }

    /// Reads one watch to its end. - Returns: What to do after it.
    private func perform(_ step: ReflectorMachine.WatchStep) async throws -> ReflectorMachine.Action {
        metrics.watches.increment()
        do {
            return try await withDeadline(step.deadline, "watch", time: time) { try await self.read(step) }
        } catch is DeadlineExceeded {
            return self.step(
                .failed(KubernetesError(.network, message: "the watch was silent beyond its timeout of \(step.timeoutSeconds) s: the connection is dead")))
        } catch let error as KubernetesError {
            return self.step(.failed(error))
        }
    }

    private func read(_ step: ReflectorMachine.WatchStep) async throws -> ReflectorMachine.Action {
        let stream = try await api.watch(
            type, namespace: options.namespace, labelSelector: options.labelSelector, fieldSelector: options.fieldSelector,
            resourceVersion: step.resourceVersion, timeoutSeconds: step.timeoutSeconds, content: options.content)
        for try await event in stream {
            try Task.checkCancellation()
            metrics.lastEvent.record(time.wallClock.secondsSinceEpoch)
            switch self.step(.received(event)) {
            case .deliver(let event): deliver(event)
            case .report(let text): undecodable(text, count: 1)
            case let next: return next
            }
        }
        try Task.checkCancellation()
        return self.step(.ended)
    }

    private func deliver(_ event: WatchEvent) {
        let transformed: WatchEvent =
            switch event {
            case .added(let object): .added(transform(object))
            case .modified(let object): .modified(transform(object))
            case .deleted(let object): .deleted(transform(object))
            case .bookmark, .failed, .undecodable: event
            }
        notify(store.apply(transformed), isFirstList: false)
    }

    private func notify(_ events: [StoreEvent], isFirstList: Bool) {
        metrics.objects.record(store.count)
        metrics.dropped.record(store.droppedTotal)
        let handlers = handlers.withLock { $0 }
        for event in events {
            for handler in handlers { handler(event, isFirstList) }
        }
    }

    private func undecodable(_ text: String, count: Int) {
        metrics.undecodable.increment(by: count)
        logger.warning("Skipped objects that could not be read", metadata: ["kind": "\(type.kind)", "reason": "\(text)"])
    }

    private func report(_ error: KubernetesError, _ delay: Duration) {
        metrics.failures.increment()
        let hint = error.code == .forbidden ? "the service account needs the verbs list and watch on \(type.plural)" : ""
        logger.warning(
            "List or watch failed",
            metadata: ["kind": "\(type.kind)", "code": "\(error.code.rawValue)", "error": "\(error)", "retryIn": "\(delay)", "hint": "\(hint)"])
    }
}

private struct InformerMetrics: Sendable {
    let lists, watches, failures, undecodable: Counter
    let objects, dropped, lastEvent: Gauge

    init(_ metrics: RuntimeMetrics, kind: String) {
        lists = metrics.counter("watch_lists", ("kind", kind))
        watches = metrics.counter("watch_starts", ("kind", kind))
        failures = metrics.counter("watch_failures", ("kind", kind))
        undecodable = metrics.counter("watch_undecodable_objects", ("kind", kind))
        objects = metrics.gauge("store_objects", ("kind", kind))
        dropped = metrics.gauge("store_dropped_objects", ("kind", kind))
        lastEvent = metrics.gauge("watch_last_event_timestamp_seconds", ("kind", kind))
    }
}
