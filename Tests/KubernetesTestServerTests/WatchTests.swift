// Watches and pages: order, resume points, selectors, bookmarks, what happens when the history is gone.
// hack/test runs it.
// It never sleeps; every wait is for an event.

import JSON
import Kubernetes
import KubernetesTestServer
import Testing

@Suite struct WatchTests {
    @Test func changesArriveInOrderFromAVersionOn() async throws {
        let server = TestAPIServer()
        let start = try await server.list(.configMaps).resourceVersion
        let stream = try await server.watch(.watch(.configMaps, resourceVersion: start))
        _ = try await server.create(.configMaps, configMap("a"))
        _ = try await server.patch(.configMaps, .inDefault("a"), .merge(["data": ["k": "v"]]))
        _ = try await server.delete(.configMaps, .inDefault("a"))
        let got = try await events(3, of: stream)
        #expect(got.map(\.summary) == ["ADDED a", "MODIFIED a", "DELETED a"])
        guard case .deleted(let last) = got[2] else { return }
        #expect(last.metadata.resourceVersion == server.resourceVersion)
        #expect(last.at("data", "k") == "v")
    }

    @Test func watchWithoutVersionStartsWithWhatIsThere() async throws {
        let server = TestAPIServer()
        _ = try await server.create(.configMaps, configMap("a"))
        _ = try await server.create(.configMaps, configMap("b"))
        let stream = try await server.watch(.watch(.configMaps, namespace: "default"))
        #expect(try await events(2, of: stream).map(\.summary) == ["ADDED a", "ADDED b"])
    }

    @Test func objectThatStopsMatchingIsDeletedForTheWatch() async throws {
        let server = TestAPIServer()
        let start = try await server.list(.configMaps).resourceVersion
        let stream = try await server.watch(.watch(.configMaps, labelSelector: LabelSelector(matching: ["app": "x"]), resourceVersion: start))
        _ = try await server.create(.configMaps, configMap("other", labels: ["app": "y"]))
        _ = try await server.create(.configMaps, configMap("a", labels: ["app": "x"]))
        _ = try await server.patch(.configMaps, .inDefault("a"), .merge(["metadata": ["labels": ["app": "y"]]]))
        _ = try await server.patch(.configMaps, .inDefault("a"), .merge(["metadata": ["labels": ["app": "x"]]]))
        #expect(try await events(3, of: stream).map(\.summary) == ["ADDED a", "DELETED a", "ADDED a"])
    }

    @Test func otherNamespacesAndKindsAreNotSeen() async throws {
        let server = TestAPIServer()
        let start = try await server.list(.configMaps).resourceVersion
        let stream = try await server.watch(.watch(.configMaps, namespace: "default", resourceVersion: start))
        _ = try await server.create(.configMaps, configMap("elsewhere", namespace: "kube-system"))
        _ = try await server.create(.secrets, ["metadata": ["name": "s", "namespace": "default"]])
        _ = try await server.create(.configMaps, configMap("here"))
        #expect(try await events(1, of: stream).map(\.summary) == ["ADDED here"])
    }

    @Test func bookmarksComeWithTimeAndAtTheEnd() async throws {
        let server = TestAPIServer(.init(bookmarkInterval: .milliseconds(20)))
        let start = try await server.list(.configMaps).resourceVersion
        let stream = try await server.watch(.watch(.configMaps, resourceVersion: start))
        _ = try await server.create(.secrets, ["metadata": ["name": "s", "namespace": "default"]])
        let later = server.resourceVersion
        var got = try await events(1, of: stream).map(\.summary)
        if got != ["BOOKMARK \(later)"] { got = try await events(1, of: stream).map(\.summary) }
        #expect(got == ["BOOKMARK \(later)"], "a bookmark covers what happened to other kinds")

        let short = try await server.watch(.watch(.configMaps, resourceVersion: later, timeoutSeconds: 0))
        #expect(try await events(9, of: short).map(\.summary) == ["BOOKMARK \(later)"], "one at the end, then the end")
        let without = try await server.watch(.watch(.configMaps, resourceVersion: later, timeoutSeconds: 0, allowBookmarks: false))
        #expect(try await events(9, of: without).isEmpty)
    }

    @Test func streamingListEndsWithItsBookmark() async throws {
        let server = TestAPIServer()
        _ = try await server.create(.configMaps, configMap("a"))
        var request = KubernetesRequest.watch(.configMaps, namespace: "default")
        request.query += [.init("sendInitialEvents", "true"), .init("resourceVersionMatch", "NotOlderThan")]
        #expect(try await events(2, of: server.watch(request)).map(\.summary) == ["ADDED a", "INITIAL-END \(server.resourceVersion)"])
    }

    @Test(arguments: [false, true]) func versionThatIsTooOldIsGone(asStatus: Bool) async throws {
        let server = TestAPIServer(.init(expiredWatchIsStatus: asStatus))
        let old = try await server.create(.configMaps, configMap("a")).metadata.resourceVersion
        _ = try await server.create(.configMaps, configMap("b"))
        server.expireHistory()
        if asStatus {
            let error = await failure { _ = try await server.watch(.watch(.configMaps, resourceVersion: old)) }
            #expect(error?.code == .gone)
            #expect(error?.reason == "Expired")
        } else {
            let stream = try await server.watch(.watch(.configMaps, resourceVersion: old))
            #expect(try await events(9, of: stream).map(\.summary) == ["ERROR gone"])
        }
        let fresh = try await server.watch(.watch(.configMaps, resourceVersion: server.resourceVersion))
        _ = try await server.create(.configMaps, configMap("c"))
        #expect(try await events(1, of: fresh).map(\.summary) == ["ADDED c"])
    }

    @Test func historyIsBounded() async throws {
        let server = TestAPIServer(.init(historyMax: 10))
        let old = try await server.create(.configMaps, configMap("first")).metadata.resourceVersion
        for number in 0..<20 { _ = try await server.create(.configMaps, configMap("n\(number)")) }
        let stream = try await server.watch(.watch(.configMaps, resourceVersion: old))
        #expect(try await events(1, of: stream).map(\.summary) == ["ERROR gone"])
    }

    @Test func cancelledWatchLeavesNothingBehind() async throws {
        let server = TestAPIServer()
        #expect(server.openWatches == 0)
        func openAndLeave() async throws {
            let stream = try await server.watch(.watch(.configMaps, resourceVersion: server.resourceVersion))
            #expect(server.openWatches == 1)
            let task = Task { for try await _ in stream {} }
            task.cancel()
            _ = await task.result
        }
        try await openAndLeave()
        #expect(server.openWatches == 0)
    }

    @Test func pagesShowOneState() async throws {
        let server = TestAPIServer()
        for name in ["a", "b", "c", "d", "e"] { _ = try await server.create(.configMaps, configMap(name)) }
        let first = try await server.send(.list(.configMaps, namespace: "default", limit: 2))
        #expect(first.at("metadata", "remainingItemCount") == 3)
        let token = try #require(first.at("metadata", "continue")?.string)
        _ = try await server.delete(.configMaps, .inDefault("c"))
        _ = try await server.create(.configMaps, configMap("cc"))
        let second = try await server.list(.configMaps, namespace: "default", limit: 2, continueToken: token)
        #expect(second.items.map(\.metadata.name) == ["c", "d"], "the page shows the state of the first one")
        #expect(second.resourceVersion == first.at("metadata", "resourceVersion")?.string)
        let third = try await server.list(.configMaps, namespace: "default", limit: 2, continueToken: second.continueToken)
        #expect(third.items.map(\.metadata.name) == ["e"])
        #expect(third.continueToken == nil)
    }

    @Test func pageAfterTheHistoryIsGone() async throws {
        let server = TestAPIServer()
        for name in ["a", "b", "c"] { _ = try await server.create(.configMaps, configMap(name)) }
        let token = try await server.list(.configMaps, namespace: "default", limit: 1).continueToken
        _ = try await server.create(.configMaps, configMap("d"))
        server.expireHistory()
        #expect(await failure { _ = try await server.list(.configMaps, namespace: "default", limit: 1, continueToken: token) }?.code == .gone)
        #expect(await failure { _ = try await server.list(.configMaps, limit: 1, continueToken: "zz") }?.code == .badRequest)
    }

    @Test func listOfAFutureVersionIsRefused() async throws {
        let server = TestAPIServer()
        let error = await failure { _ = try await server.list(.configMaps, resourceVersion: "999999") }
        #expect(error?.isTooLargeResourceVersion == true)
    }
}
