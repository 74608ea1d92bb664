// Requests and watches of one client side by side, and what ends on one side leaves the other alone.
// Runs in process, and unchanged on the cluster that KUBECONFIG names, over TLS.
// It uses ConfigMaps only: nobody else writes them.

import JSON
import Kubernetes
import KubernetesRuntime
import SondeAPI
import Testing

@Suite(.timeLimit(.minutes(2))) struct ConnectionTests {
    /// Watches end all the time, by the server's clock and by ours; no request may wait for one of them.
    @Test func requestsAreAnsweredWhileWatchesComeAndGo() async throws {
        try await World.with { world in
            let api = world.api, namespace = world.namespace
            let end = ContinuousClock.now + .seconds(4)
            try await withThrowingTaskGroup { group in
                for index in 0..<16 {
                    group.addTask {
                        while ContinuousClock.now < end {
                            let watch = try await api.watch(.configMaps, namespace: namespace, timeoutSeconds: index % 3 + 1)
                            var seen = 0
                            for try await _ in watch {
                                seen += 1
                                if index.isMultiple(of: 2), seen > 3 { break }
                            }
                        }
                    }
                }
                for index in 0..<4 {
                    group.addTask {
                        var round = 0
                        while ContinuousClock.now < end {
                            round += 1
                            let text = String(repeating: "\(round)", count: 2000 * (index + 1))
                            let object: JSONValue = [
                                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string("c\(index)"), "namespace": .string(namespace)],
                                "data": ["text": .string(text)],
                            ]
                            let begin = ContinuousClock.now
                            try await api.apply(.configMaps, object, fieldManager: "sonde-e2e", force: true)
                            #expect(ContinuousClock.now - begin < .seconds(10))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
