// What the server's tests share: small objects, requests that must fail, watches that are read with a deadline.
// Every suite of this target uses it.
// It never sleeps: what a test waits for is an event.

import JSON
import Kubernetes
import KubernetesTestServer
import Testing
import YAML

extension ObjectName {
    static func inDefault(_ name: String) -> ObjectName { ObjectName(namespace: "default", name: name) }
}

func yaml(_ text: String) throws -> JSONValue { try #require(YAML.parse(text).first) }

func configMap(_ name: String, _ data: [String: String] = [:], labels: [String: String] = [:], namespace: String = "default") -> JSONValue {
    var out: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": .string(namespace)]]
    for (key, value) in data { out.set(["data", key], to: .string(value)) }
    for (key, value) in labels { out.set(["metadata", "labels", key], to: .string(value)) }
    return out
}

func deployment(_ name: String, image: String = "a:1") throws -> JSONValue {
    try yaml(
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name), namespace: default}
        spec:
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec:
              containers:
              - {name: main, image: "\(image)", ports: [{containerPort: 80}]}
        """)
}

/// The error of a request that must fail.
func failure(_ body: () async throws -> Void) async -> KubernetesError? {
    do {
        try await body()
        Issue.record("the request succeeded")
        return nil
    } catch let error as KubernetesError {
        return error
    } catch {
        Issue.record("no KubernetesError: \(error)")
        return nil
    }
}

/// The next events of a watch; fails the test when they do not come within 5 s.
func events(_ count: Int, of stream: WatchStream) async throws -> [WatchEvent] {
    try await withThrowingTaskGroup(of: [WatchEvent].self) { group in
        group.addTask {
            var out: [WatchEvent] = []
            var iterator = stream.makeAsyncIterator()
            while out.count < count, let event = try await iterator.next() { out.append(event) }
            return out
        }
        group.addTask {
            try await Task.sleep(for: .seconds(5))
            throw Late()
        }
        defer { group.cancelAll() }
        return try #require(try await group.next())
    }
}

struct Late: Error {}

extension WatchEvent {
    /// `ADDED a`, `BOOKMARK 12`: what a test compares.
    var summary: String {
        switch self {
        case .added(let object): "ADDED \(object.metadata.name)"
        case .modified(let object): "MODIFIED \(object.metadata.name)"
        case .deleted(let object): "DELETED \(object.metadata.name)"
        case .bookmark(let version, let isEnd): isEnd ? "INITIAL-END \(version)" : "BOOKMARK \(version)"
        case .failed(let error): "ERROR \(error.code.rawValue)"
        case .undecodable(let text): "UNDECODABLE \(text)"
        }
    }
}

/// A definition with what its schema's spec should hold.
func definition(_ specSchema: String, extra: String = "", kind: String = "Thing", plural: String = "things") throws -> JSONValue {
    let indented = specSchema.split(separator: "\n", omittingEmptySubsequences: false).map { "              " + $0 }.joined(separator: "\n")
    return try yaml(
        """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: \(plural).test.dev}
        spec:
          group: test.dev
          scope: Namespaced
          names: {kind: \(kind), plural: \(plural), shortNames: [th]}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            additionalPrinterColumns: [{name: Mode, type: string, jsonPath: .spec.mode}]
            schema:
              openAPIV3Schema:
                type: object
                properties:
                  spec:
        \(indented.split(separator: "\n", omittingEmptySubsequences: false).map { "      " + $0 }.joined(separator: "\n"))
                  status: {type: object, x-kubernetes-preserve-unknown-fields: true}
        \(extra)
        """)
}

let things = ResourceType(group: "test.dev", version: "v1", kind: "Thing", plural: "things")

func thing(_ name: String, _ spec: JSONValue) -> JSONValue {
    ["apiVersion": "test.dev/v1", "kind": "Thing", "metadata": ["name": .string(name), "namespace": "default"], "spec": spec]
}
