// A whole controller against a cluster in memory: whatever is lost, repeated or cut off, the world ends up as wanted (docs/controllers.md rules 1, 2, 22).

import JSON
import Kubernetes
import KubernetesRuntime
import Synchronization
import Testing

/// A controller of a made-up kind: for each parent it wants the ConfigMaps that `spec.children` names, and counts them in the status.
struct ParentController {
    static let parents = ResourceType(group: "test.dev", version: "v1", kind: "Parent", plural: "parents")

    let informers: [Informer]
    let queue: WorkQueue<ObjectName>
    let controller: Controller<ObjectName>

    init(api: any KubernetesAPI, time: ManualTime, seed: UInt64) {
        let parents = Informer(api: api, type: Self.parents, options: .init(seed: seed), time: time, logger: quiet)
        let children = Informer(api: api, type: .configMaps, options: .init(seed: seed + 1), time: time, logger: quiet)
        let queue = WorkQueue<ObjectName>(name: "parents", time: time, seed: seed)
        let gate = WriteGate.withoutElection(time: time)
        let applier = Applier(api: api, gate: gate, stores: [.configMaps: children.store], logger: quiet)
        let status = StatusWriter(api: api, gate: gate)
        parents.feed(queue) { [$0.object.metadata.objectName] }
        children.feed(queue) { event in
            event.object.metadata.controller.map { [ObjectName(namespace: event.object.metadata.namespace, name: $0.name)] } ?? []
        }
        informers = [parents, children]
        self.queue = queue
        controller = Controller(name: "parents", queue: queue, time: time, logger: quiet) { key in
            guard let parent = parents.store.get(key) else { return .done }
            let wanted = Self.render(parent)
            _ = try await applier.converge(wanted, ownerUID: parent.metadata.uid, namespace: key.namespace, prunableKinds: [.configMaps])
            try await status.write(["children": JSONValue(wanted.count)], of: parent, type: Self.parents)
            return .done
        }
    }

    static func render(_ parent: JSONValue) -> [ChildObject] {
        (parent.at("spec", "children")?.array ?? []).compactMap(\.string).map { name in
            var child = manifest("\(parent.metadata.name)-\(name)", ownerUID: parent.metadata.uid, data: ["of": .string(parent.metadata.name)])
            child.set(["metadata", "ownerReferences"], to: [OwnerReference(controller: parent, type: Self.parents).jsonValue])
            return ChildObject(.configMaps, child)
        }
    }

    var tasks: [@Sendable () async throws -> Void] {
        informers.map { $0.run } + [
            { [self] in
                for informer in informers { try await informer.waitUntilSynced() }
                try await controller.run()
            }
        ]
    }

    var isIdle: Bool { queue.depth == 0 && queue.runningCount == 0 && informers.allSatisfy(\.store.hasSynced) }

    static func parent(_ name: String, children: [String]) -> JSONValue {
        ["metadata": ["name": .string(name), "namespace": "n"], "spec": ["children": .array(children.map { .string($0) })]]
    }

    /// What is true when every parent has exactly its children, and its status says so.
    static func isConverged(_ cluster: FakeCluster) -> Bool {
        cluster.with { state in
            let parents = state.objects.values.filter { $0.at("spec", "children") != nil }
            var expected: Set<String> = []
            for parent in parents {
                let wanted = render(parent)
                guard parent.at("status", "children")?.int == wanted.count else { return false }
                for child in wanted {
                    let path = ResourceType.configMaps.path(namespace: "n", name: child.object.metadata.name)
                    guard let live = state.objects[path], live["data"] == child.object["data"] else { return false }
                    expected.insert(path)
                }
            }
            return Set(state.objects.keys.filter { $0.contains("/configmaps/") }) == expected
        }
    }
}

/// Repeats, drops and reorders the events of every watch; what was dropped comes back with the list after a 410.
struct UnreliableWatches: KubernetesAPI {
    let cluster: FakeCluster
    let random: SharedRandom

    func send(_ request: KubernetesRequest) async throws -> JSONValue { try await cluster.send(request) }

    func watch(_ request: KubernetesRequest) async throws -> WatchStream {
        var inner = try await cluster.watch(request).makeAsyncIterator()
        let next: () async throws -> WatchEvent? = { try await inner.next() }
        return Self.disturbed(next, random)
    }

    private static func disturbed(_ next: @escaping () async throws -> WatchEvent?, _ random: SharedRandom) -> WatchStream {
        let source = Source(next)
        let held = Mutex<[WatchEvent]>([])
        return WatchStream {
            switch random.fraction() {
            case ..<0.1: return .failed(KubernetesError(.gone, status: 410, reason: "Expired", message: "by chance"))
            case ..<0.4:
                if let repeated = held.withLock({ $0.randomElement() }) { return repeated }
            case ..<0.5: _ = try await source.next()
            default: break
            }
            let event = try await source.next()
            if let event { held.withLock { $0 = Array(($0 + [event]).suffix(5)) } }
            return event
        }
    }

    /// `@unchecked`: a watch stream is pulled by one task at a time (KubernetesAPI's contract).
    private final class Source: @unchecked Sendable {
        let next: () async throws -> WatchEvent?
        init(_ next: @escaping () async throws -> WatchEvent?) { self.next = next }
    }

    final class SharedRandom: Sendable {
        private let random: Mutex<SplitMix64>
        init(seed: UInt64) { random = Mutex(SplitMix64(seed: seed)) }
        func fraction() -> Double { random.withLock { $0.fraction() } }
    }
}

@Suite struct ConvergenceTests {
    static let script: [@Sendable (FakeCluster) -> Void] = [
        { $0.put(ParentController.parents, ParentController.parent("p", children: ["a", "b"])) },
        { $0.put(ParentController.parents, ParentController.parent("q", children: ["a"])) },
        { $0.remove(.configMaps, named("p-a")) },
        { $0.put(ParentController.parents, ParentController.parent("p", children: ["b", "c"])) },
        { cluster in
            var drifted = cluster.object(.configMaps, named("p-b")) ?? [:]
            if drifted.metadata.name.isEmpty { return }
            drifted["data"] = ["of": "by hand"]
            cluster.put(.configMaps, drifted)
        },
        { $0.put(ParentController.parents, ParentController.parent("q", children: [])) },
    ]

    /// Time moves on only for whoever waits for a retry or a backoff, in small steps, until the world is right and nobody has work.
    static func settle(_ what: String, _ cluster: FakeCluster, _ controller: ParentController, _ time: ManualTime) async {
        await eventually(what) {
            if controller.isIdle, ParentController.isConverged(cluster) { return true }
            if controller.queue.runningCount == 0 { time.advance(by: .seconds(1)) }
            return false
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func lostRepeatedAndReorderedEventsEndInTheSameWorld(seed: UInt64) async throws {
        let cluster = FakeCluster()
        let time = ManualTime()
        let controller = ParentController(api: UnreliableWatches(cluster: cluster, random: .init(seed: seed)), time: time, seed: seed)
        try await running(controller.tasks) {
            for step in Self.script {
                step(cluster)
                for _ in 0..<Int(seed) * 3 { await Task.yield() }
            }
            // A dropped event comes back with the next list; a cut of the streams brings one.
            for round in 0..<3 {
                cluster.cutWatches(compact: true)
                await Self.settle("seed \(seed), round \(round): converged", cluster, controller, time)
            }
        }
        #expect(ParentController.isConverged(cluster), "seed \(seed)")
    }

    @Test(arguments: 1...24, [false, true]) func crashAtAnyCallConverges(call: Int, afterEffect: Bool) async throws {
        let cluster = FakeCluster()
        let time = ManualTime()
        cluster.put(ParentController.parents, ParentController.parent("p", children: ["a", "b"]))
        var leftover = manifest("p-old", ownerUID: cluster.object(ParentController.parents, named("p"))?.metadata.uid ?? "")
        leftover.set(["metadata", "ownerReferences"], to: nil)
        cluster.put(.configMaps, leftover)
        cluster.with { state in
            state.calls = 0
            state.failAtCall = (call, afterEffect)
        }
        // The first process dies at the failing call: it is thrown away, with all that it remembered.
        let first = ParentController(api: cluster, time: time, seed: 1)
        try await running(first.tasks) {
            await eventually("it came to the call or to its end") {
                cluster.with { $0.calls } >= call || (first.isIdle && ParentController.isConverged(cluster))
            }
        }
        let second = ParentController(api: cluster, time: time, seed: 2)
        try await running(second.tasks) { await Self.settle("call \(call): converged after the restart", cluster, second, time) }
    }

    @Test func thousandReconcilesOfASettledWorldWriteNothing() async throws {
        let cluster = FakeCluster()
        let time = ManualTime()
        for index in 0..<10 { cluster.put(ParentController.parents, ParentController.parent("p\(index)", children: ["a", "b"])) }
        let controller = ParentController(api: cluster, time: time, seed: 1)
        try await running(controller.tasks) {
            await Self.settle("converged", cluster, controller, time)
            let writes = cluster.writeCount
            #expect(writes == 30, "20 children and 10 statuses")
            let requests = cluster.with { $0.requests.count }
            for _ in 0..<100 {
                for index in 0..<10 { controller.queue.add(named("p\(index)")) }
                await eventually("the round is done") { controller.isIdle }
            }
            #expect(cluster.writeCount == writes)
            #expect(cluster.with { $0.requests.count } == requests, "not even reads: the stores know everything")
        }
    }
}
