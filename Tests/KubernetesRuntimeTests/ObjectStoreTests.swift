// The store: what a relist and each event change, and the indexes (docs/controllers.md rule 7).

import JSON
import Kubernetes
import KubernetesRuntime
import Testing

@Suite struct ObjectStoreTests {
    let store = ObjectStore(type: .configMaps)

    @Test func relistTellsWhatVanishedWithItsLastForm() {
        #expect(!store.hasSynced)
        let a = configMap("a", version: "1", data: ["k": "last"])
        let b = configMap("b", version: "2")
        #expect(store.replace([a, b], resourceVersion: "5") == [.added(a), .added(b)])
        #expect(store.hasSynced && store.syncedVersion == "5")
        let changed = configMap("b", version: "7")
        let new = configMap("c", version: "8")
        #expect(Set(store.replace([changed, new], resourceVersion: "9")) == [.updated(old: b, new: changed), .added(new), .deleted(a)])
        #expect(store.get(named("a")) == nil && store.count == 2)
        #expect(store.replace([changed, new], resourceVersion: "10").isEmpty, "the same list changes nothing")
    }

    @Test func recreatedUnderTheSameNameIsADeleteAndAnAdd() {
        let old = configMap("a", version: "1", uid: "u1")
        let new = configMap("a", version: "4", uid: "u2")
        _ = store.replace([old], resourceVersion: "2")
        #expect(store.replace([new], resourceVersion: "5") == [.deleted(old), .added(new)])
        let newer = configMap("a", version: "9", uid: "u3")
        #expect(store.apply(.modified(newer)) == [.deleted(new), .added(newer)])
    }

    @Test func duplicateAndOutdatedEventsChangeNothing() {
        let first = configMap("a", version: "5")
        let second = configMap("a", version: "6")
        #expect(store.apply(.added(first)) == [.added(first)])
        #expect(store.apply(.modified(second)) == [.updated(old: first, new: second)])
        #expect(store.apply(.modified(second)).isEmpty)
        #expect(store.apply(.modified(first)).isEmpty)
        #expect(store.apply(.deleted(first)).isEmpty, "an older delete belongs to an older object")
        #expect(store.get(named("a")) == second)
        #expect(store.apply(.deleted(configMap("a", version: "7"))) == [.deleted(second)])
        #expect(store.apply(.deleted(configMap("a", version: "7"))).isEmpty)
    }

    @Test func versionsOfAnotherFormStillCount() {
        let first = configMap("a", version: "x-9")
        let second = configMap("a", version: "x-1")
        _ = store.apply(.added(first))
        #expect(store.apply(.modified(second)) == [.updated(old: first, new: second)], "unordered versions are only equal or not")
    }

    @Test func bookmarkMovesTheSyncedVersion() {
        _ = store.replace([], resourceVersion: "5")
        #expect(store.apply(.bookmark(resourceVersion: "50", isInitialEventsEnd: false)).isEmpty)
        #expect(store.syncedVersion == "50")
    }

    @Test func indexesFollowTheObjects() {
        let owner = OwnerReference(apiVersion: "v1", kind: "X", name: "o", uid: "owner-1")
        let owned = configMap("a", version: "1", labels: [Inventory.ownerLabel: "owner-1"], owner: owner)
        _ = store.replace([owned, configMap("b", version: "2")], resourceVersion: "3")
        #expect(store.owned(byUID: "owner-1") == [owned])
        #expect(store.byIndex(.inventory, "owner-1") == [owned])
        #expect(store.list(namespace: "n").count == 2 && store.list(namespace: "other").isEmpty && store.list().count == 2)
        _ = store.apply(.modified(configMap("a", version: "4")))
        #expect(store.owned(byUID: "owner-1").isEmpty && store.byIndex(.inventory, "owner-1").isEmpty)
    }

    @Test func customIndexes() {
        let name = IndexName("data")
        let store = ObjectStore(type: .configMaps, indexers: [name: { $0["data"]?.object?.keys ?? [] }])
        _ = store.apply(.added(configMap("a", data: ["x": "1", "y": "2"])))
        #expect(store.byIndex(name, "y").count == 1 && store.byIndex(name, "z").isEmpty)
    }

    @Test func fullStoreCountsWhatItLeavesOut() {
        let store = ObjectStore(type: .configMaps, objectsMax: 1)
        #expect(store.replace([configMap("a"), configMap("b")], resourceVersion: "3").count == 1)
        #expect(store.count == 1 && store.droppedTotal == 1)
    }

    @Test func liveReadIsTakenInOnlyWhenTheWatchIsBehindIt() {
        _ = store.replace([], resourceVersion: "5")
        let live = configMap("a", version: "6")
        #expect(store.observe(live) == [.added(live)])
        _ = store.apply(.deleted(configMap("a", version: "7")))
        #expect(store.observe(live).isEmpty, "a delete that the watch has told must stand")
        #expect(store.get(named("a")) == nil)
    }

    @Test func statusWritesAreToldFromChangesOfSpecAndMetadata() {
        let old: JSONValue = ["metadata": ["name": "a", "generation": 1], "status": ["x": 1]]
        func isChange(_ new: JSONValue) -> Bool { StoreEvent.updated(old: old, new: new).isSpecOrMetadataChange }
        #expect(!isChange(["metadata": ["name": "a", "generation": 1], "status": ["x": 2]]))
        #expect(isChange(["metadata": ["name": "a", "generation": 2]]))
        #expect(isChange(["metadata": ["name": "a", "generation": 1, "labels": ["a": "b"]]]))
        #expect(isChange(["metadata": ["name": "a", "generation": 1, "annotations": ["a": "b"]]]))
        #expect(isChange(["metadata": ["name": "a", "generation": 1, "deletionTimestamp": "2026-01-01T00:00:00Z"]]))
        #expect(StoreEvent.deleted(old).isSpecOrMetadataChange)
    }
}
