// Watches of ConfigMaps and Secrets by their metadata, begun when the first resource asks to be rolled when their content changes.
// OperatorScope runs it and hands its stores to ContentHash.
// It never keeps content, labels or annotations, and watches nothing while nobody asks.

import JSON
import Kubernetes
import KubernetesRuntime
import SondeAPI

final class ContentWatch: Sendable {
    /// Collectors by the objects that they name, for those that ask: `Secret payments/tokens`.
    static let index = IndexName("content")

    static func keys(_ collector: JSONValue) -> [String] {
        guard ContentHash.isAsked(collector) else { return [] }
        return OpenTelemetryCollectorSpec(collector["spec"] ?? .null).contentReferences.map {
            "\($0.kind.rawValue) \(ObjectName(namespace: collector.metadata.namespace, name: $0.name))"
        }
    }

    private let informers: [ContentReference.Kind: Informer]
    private let requests: AsyncStream<Void>
    private let request: AsyncStream<Void>.Continuation

    init(namespace: String?, environment: OperatorEnvironment) {
        var informers: [ContentReference.Kind: Informer] = [:]
        for (kind, type) in [(ContentReference.Kind.configMap, ResourceType.configMaps), (.secret, .secrets)] {
            let options = Informer.Options(namespace: namespace, content: .metadataOnly)
            informers[kind] = Informer(
                api: environment.api, type: type, options: options, time: environment.time, logger: environment.logger, metrics: environment.metrics,
                transform: Self.identity)
        }
        self.informers = informers
        (requests, request) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var stores: [ContentReference.Kind: ObjectStore] { informers.mapValues(\.store) }

    /// Begins the watches, if they have not begun.
    func begin() { request.yield() }

    /// Keeps the stores up to date once `begin` was called. - Throws: `CancellationError`.
    func run() async throws {
        for await _ in requests { break }
        try Task.checkCancellation()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for informer in informers.values { group.addTask { try await informer.run() } }
            try await group.waitForAll()
        }
    }

    /// Puts the collectors of an object that changed into a queue.
    func feed(_ queue: WorkQueue<ObjectName>, collectors: ObjectStore) {
        for (kind, informer) in informers {
            informer.feed(queue) { event in
                collectors.byIndex(Self.index, "\(kind.rawValue) \(event.object.metadata.objectName)").map(\.metadata.objectName)
            }
        }
    }

    /// All that is needed to know that something changed.
    private static let identity: Informer.Transform = { object in
        var metadata: JSONValue = [:]
        for key in ["name", "namespace", "uid", "resourceVersion"] { metadata[key] = object.at("metadata", key) }
        return ["metadata": metadata]
    }
}
