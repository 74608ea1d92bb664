// Small makers and waits shared by the runtime's tests.
// Every suite of this target uses them.
// They never wait for a time: waiting is looking for a fact, with a deadline in real time.

import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Testing

let quiet: Logger = {
    var logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    logger.logLevel = .critical
    return logger
}()

func configMap(_ name: String, version: String = "1", uid: String = "u", data: JSONValue? = nil, labels: JSONValue? = nil, owner: OwnerReference? = nil)
    -> JSONValue
{
    var object: JSONValue = ["metadata": ["name": .string(name), "namespace": "n", "uid": .string(uid), "resourceVersion": .string(version)]]
    if let data { object["data"] = data }
    if let labels { object.set(["metadata", "labels"], to: labels) }
    if let owner { object.set(["metadata", "ownerReferences"], to: [owner.jsonValue]) }
    return object
}

/// A manifest of a ConfigMap that belongs to `ownerUID`.
func manifest(_ name: String, ownerUID: String = "owner", data: JSONValue = ["k": "v"]) -> JSONValue {
    let owner = OwnerReference(apiVersion: "opentelemetry.io/v1beta1", kind: "OpenTelemetryCollector", name: "c", uid: ownerUID)
    return [
        "apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": [
            "name": .string(name), "namespace": "n", "labels": [Inventory.ownerLabel: .string(ownerUID)], "ownerReferences": [owner.jsonValue],
        ],
    ]
}

func named(_ name: String) -> ObjectName { ObjectName(namespace: "n", name: name) }

/// Looks again and again until the condition holds; records an issue after thirty seconds of real time.
/// Between looks it gives way for half a millisecond, so that many tests at once do not starve each other by looking.
func eventually(_ what: String, location: SourceLocation = #_sourceLocation, _ condition: @Sendable () async -> Bool) async {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(30)
    while clock.now < deadline {
        for _ in 0..<10 {
            if await condition() { return }
            await Task.yield()
        }
        try? await clock.sleep(for: .microseconds(500))
    }
    Issue.record("never became true: \(what)", sourceLocation: location)
}

/// Runs `background` while `body` runs, then cancels it and waits for its end.
func running<Value: Sendable>(_ background: [@Sendable () async throws -> Void], _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for work in background {
            group.addTask {
                do { try await work() } catch is CancellationError {}
            }
        }
        let value = try await body()
        group.cancelAll()
        try await group.waitForAll()
        return value
    }
}
