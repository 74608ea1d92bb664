// Informers against a cluster in memory: gaps, silence, 410 both ways (docs/controllers.md rules 6, 7, 8, 12).

import JSON
import Kubernetes
import KubernetesRuntime
import Synchronization
import Testing

@Suite struct InformerTests {
    let time = ManualTime()
    let cluster = FakeCluster()

    func informer(content: ObjectContent = .full) -> Informer {
        Informer(api: cluster, type: .configMaps, options: .init(content: content, seed: 1), time: time, logger: quiet)
    }

    final class Events: Sendable {
        private let list = Mutex<[StoreEvent]>([])
        func add(_ event: StoreEvent) { list.withLock { $0.append(event) } }
        var all: [StoreEvent] { list.withLock { $0 } }
        var deleted: [String] { all.compactMap { if case .deleted(let object) = $0 { object.metadata.name } else { nil } } }
    }

    @Test func storeFollowsTheCluster() async throws {
        cluster.put(.configMaps, manifest("a"))
        let informer = informer()
        let events = Events()
        informer.addHandler(events.add)
        try await running([informer.run]) { [cluster] in
            try await informer.waitUntilSynced()
            #expect(informer.store.list().map(\.metadata.name) == ["a"])
            cluster.put(.configMaps, manifest("b"))
            cluster.put(.configMaps, manifest("a", data: ["k": "new"]))
            cluster.remove(.configMaps, named("b"))
            await eventually("the delete arrived") { events.deleted == ["b"] }
            #expect(informer.store.get(named("a"))?.at("data", "k") == "new")
        }
    }

    @Test(arguments: [false, true]) func childDeletedWhileTheStreamIsDownIsNoticed(isCompacted: Bool) async throws {
        let child = cluster.put(.configMaps, manifest("a", data: ["k": "last"]))
        let informer = informer()
        let events = Events()
        informer.addHandler(events.add)
        try await running([informer.run]) { [cluster, time] in
            try await informer.waitUntilSynced()
            await eventually("the watch is open") { cluster.watchesOpened == 1 }
            time.advance(by: .seconds(30))
            // In one step: no event of the delete is ever seen when the log is compacted as well.
            cluster.with { state in
                state.isSilent = true
                state.closeGeneration += 1
            }
            cluster.remove(.configMaps, named("a"))
            if isCompacted { cluster.cutWatches(compact: true) }
            cluster.with { $0.isSilent = false }
            await eventually("the delete is told") {
                // The next watch may have been cut as well, before it brought anything: then the reflector waits out a backoff.
                time.advance(by: .seconds(1))
                return events.deleted == ["a"]
            }
            #expect(events.all.last == .deleted(child), "with the last known form")
            #expect(informer.store.list().isEmpty)
        }
    }

    @Test func silentStreamIsGivenUpAfterItsTimeout() async throws {
        let informer = informer()
        try await running([informer.run]) { [cluster, time] in
            try await informer.waitUntilSynced()
            await eventually("the watch is open") { cluster.watchesOpened == 1 && time.sleeperCount == 1 }
            cluster.with { $0.isSilent = true }
            cluster.put(.configMaps, manifest("unseen"))
            time.advance(by: .seconds(606))
            await time.waitForSleepers()
            cluster.with { $0.isSilent = false }
            time.advance(by: .seconds(1))
            await eventually("a new watch brought the object") { informer.store.get(named("unseen")) != nil }
            #expect(cluster.watchesOpened == 2)
        }
    }

    @Test func goneInsideTheStreamIsFollowedByAList() async throws {
        let informer = informer()
        try await running([informer.run]) { [cluster, time] in
            try await informer.waitUntilSynced()
            await eventually("the watch is open") { cluster.watchesOpened == 1 }
            time.advance(by: .seconds(5))
            cluster.with { state in
                state.version += 1
                state.log.append((state.version, "/api/v1/configmaps", .failed(KubernetesError(.gone, status: 410, message: "too old"))))
                state.objects["/api/v1/namespaces/n/configmaps/quiet"] = configMap("quiet", version: "3")
            }
            await eventually("the list brought the object") { informer.store.get(named("quiet")) != nil }
            let lists = cluster.with { state in state.requests.filter { request in request.query.contains { $0.name == "limit" } } }
            #expect(lists.last?.query.contains { $0.name == "resourceVersionMatch" } == true, "the second list asks for nothing older")
        }
    }

    @Test func longListsComeInPages() async throws {
        for index in 0..<1201 { cluster.put(.configMaps, manifest("c\(index)")) }
        let informer = informer()
        try await running([informer.run]) { try await informer.waitUntilSynced() }
        #expect(informer.store.count == 1201)
        #expect(cluster.with { $0.requests.filter { request in request.query.contains { $0.name == "limit" } } }.count == 3)
    }

    @Test func failingListIsTriedAgain() async throws {
        let failures = Mutex(2)
        cluster.script { _ in
            failures.withLock {
                $0 -= 1; return $0 >= 0 ? KubernetesError(.forbidden, status: 403, message: "no") : nil
            }
        }
        let informer = informer()
        try await running([informer.run]) { [time] in
            for _ in 0..<2 {
                await time.waitForSleepers()
                time.advance(by: .seconds(30))
            }
            try await informer.waitUntilSynced()
        }
    }

    @Test func managedFieldsAreNotKept() async throws {
        var object = manifest("a")
        object.set(["metadata", "managedFields"], to: [["manager": "x"]])
        cluster.put(.configMaps, object)
        let informer = informer()
        try await running([informer.run]) { try await informer.waitUntilSynced() }
        #expect(informer.store.get(named("a"))?.at("metadata", "managedFields") == nil && informer.store.count == 1)
    }

    @Test func badEventsDoNotEndTheWatch() async throws {
        let informer = informer()
        try await running([informer.run]) { [cluster] in
            try await informer.waitUntilSynced()
            await eventually("the watch is open") { cluster.watchesOpened == 1 }
            cluster.with { state in
                state.version += 1
                state.log.append((state.version, "/api/v1/configmaps", .undecodable("half an object")))
            }
            cluster.put(.configMaps, manifest("after"))
            await eventually("the event after it arrived") { informer.store.get(named("after")) != nil }
            #expect(cluster.watchesOpened == 1)
        }
    }

    @Test func lateHandlersSeeWhatIsThere() async throws {
        cluster.put(.configMaps, manifest("a"))
        let informer = informer()
        let events = Events()
        try await running([informer.run]) {
            try await informer.waitUntilSynced()
            informer.addHandler(events.add)
        }
        #expect(events.all.map(\.object.metadata.name) == ["a"])
    }
}
