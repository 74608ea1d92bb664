// Collectors as far as the operator sees them from outside: a pod with an address, and an HTTP server that answers with metrics.
// Tests of health and of canaries run them; pods' addresses lead to the loopback, as a cluster's network would lead to a pod.
// They never run a collector.

import HTTPServer
import JSON
import Kubernetes
import Operator
import Synchronization

@testable import sonde_operator

/// One process that serves metrics at a port of the loopback.
final class FakeCollector: Sendable {
    /// What the server answers with, read at each request.
    private final class Text: Sendable { let value = Mutex("") }

    private let server: HTTPServer
    private let text: Text
    private let isStopped = Mutex(false)

    private init(_ server: HTTPServer, _ text: Text) {
        self.server = server
        self.text = text
    }

    static func start() async throws -> FakeCollector {
        let text = Text()
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: World.quiet) { request in
            request.path == "/metrics" ? .text(text.value.withLock { $0 }, contentType: "text/plain; version=0.0.4") : .text("", status: 404)
        }
        return FakeCollector(server, text)
    }

    var port: Int { server.port }

    func say(_ lines: String) { text.value.withLock { $0 = lines } }

    /// May be called more than once.
    func stop() async throws {
        let isFirst = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return !isStopped
        }
        if isFirst { try await server.shutdown(grace: .zero) }
    }
}

/// Reads through real sockets: every pod is at the loopback.
struct LoopbackPods: CollectorMetricsSource {
    private let client = HTTPCollectorMetricsSource()

    func metrics(at address: AgentAddress) async throws -> [UInt8] { try await client.metrics(ofServer: "127.0.0.1:\(address.port)") }

    func stop() async { await client.shutdown() }
}

extension World {
    /// Makes a ready pod of a collector's Deployment, as its controllers and a kubelet would.
    func startCollectorPod(_ deploymentName: String, _ name: String, address: String, metricsPort: Int) async throws {
        let deployment = try await get(.deployments, deploymentName)
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": .string(namespace),
                "ownerReferences": [OwnerReference(controller: deployment, type: .deployments).jsonValue],
                "labels": deployment.at("spec", "template", "metadata", "labels") ?? [:],
            ],
            "spec": [
                "serviceAccountName": deployment.at("spec", "template", "spec", "serviceAccountName") ?? "", "automountServiceAccountToken": false,
                "containers": [
                    ["name": "otc-container", "image": "localhost/busybox:1", "ports": [["name": "metrics", "containerPort": JSONValue(metricsPort)]]]
                ],
            ],
        ]
        try await api.create(.pods, pod)
        let status: JSONValue = [
            "phase": "Running", "podIP": .string(address), "podIPs": [["ip": .string(address)]], "conditions": [["type": "Ready", "status": "True"]],
        ]
        try await merge(.pods, name, ["status": status], subresource: "status")
    }
}
