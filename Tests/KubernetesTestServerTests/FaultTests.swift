// Faults on request: each effect does what it says, to the requests that it matches, as often as it says.
// hack/test runs it.
// It never depends on chance.

import JSON
import Kubernetes
import KubernetesTestServer
import Testing

@Suite struct FaultTests {
    let server = TestAPIServer()

    @Test func errorIsAnsweredAsOftenAsAsked() async throws {
        server.faults.add(.tooManyRequests(retryAfterSeconds: 3, verb: "list", pathContains: "configmaps", count: 2))
        _ = try await server.list(.secrets)
        for _ in 0..<2 {
            let error = await failure { _ = try await server.list(.configMaps) }
            #expect(error?.code == .tooManyRequests)
            #expect(error?.retry == .after(.seconds(3)))
        }
        _ = try await server.list(.configMaps)
        #expect(server.faults.spoiledRequests == 2)
    }

    @Test func faultCanWaitForItsTurn() async throws {
        server.faults.add(Fault(.error(KubernetesError(.internalError, status: 500, message: "broken")), verb: "create", skipping: 1))
        _ = try await server.create(.configMaps, configMap("a"))
        #expect(await failure { _ = try await server.create(.configMaps, configMap("b")) }?.code == .internalError)
        _ = try await server.create(.configMaps, configMap("c"))
    }

    @Test func errorAfterwardsHasDoneTheWork() async throws {
        server.faults.add(Fault(.errorAfterwards(KubernetesError(.timeout, status: 504, message: "late")), verb: "create"))
        #expect(await failure { _ = try await server.create(.configMaps, configMap("a")) }?.code == .timeout)
        #expect(try await server.getIfFound(.configMaps, .inDefault("a")) != nil)
    }

    @Test func forbiddenStaysUntilItIsTakenAway() async throws {
        server.faults.add(.forbidden(verb: "list", pathContains: "/secrets"))
        for _ in 0..<3 { #expect(await failure { _ = try await server.list(.secrets) }?.code == .forbidden) }
        server.faults.removeAll()
        _ = try await server.list(.secrets)
    }

    @Test func watchIsCut() async throws {
        server.faults.add(Fault(.cutAfterEvents(1), verb: "watch"))
        for name in ["a", "b"] { _ = try await server.create(.configMaps, configMap(name)) }
        var iterator = try await server.watch(.watch(.configMaps, namespace: "default")).makeAsyncIterator()
        #expect(try await iterator.next()?.summary == "ADDED a")
        #expect(await failure { _ = try await iterator.next() }?.code == .network)
    }

    @Test func watchExpiresInTheMiddle() async throws {
        server.faults.add(Fault(.expireAfterEvents(1), verb: "watch"))
        for name in ["a", "b"] { _ = try await server.create(.configMaps, configMap(name)) }
        let stream = try await server.watch(.watch(.configMaps, namespace: "default"))
        #expect(try await events(9, of: stream).map(\.summary) == ["ADDED a", "ERROR gone"])
    }

    @Test func silentWatchEndsWhenItIsCancelled() async throws {
        server.faults.add(Fault(.silence, verb: "watch"))
        _ = try await server.create(.configMaps, configMap("a"))
        let stream = try await server.watch(.watch(.configMaps, namespace: "default"))
        await #expect(throws: (any Error).self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for try await event in stream { Issue.record("a silent watch sent \(event)") } }
                group.addTask {
                    try await Task.sleep(for: .milliseconds(20))
                    throw Late()
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    @Test func delayComesBeforeTheWork() async throws {
        server.faults.add(Fault(.delay(.milliseconds(50)), verb: "get"))
        _ = try await server.create(.configMaps, configMap("a"))
        let start = ContinuousClock.now
        _ = try await server.get(.configMaps, .inDefault("a"))
        #expect(start.duration(to: .now) >= .milliseconds(50))
    }
}
