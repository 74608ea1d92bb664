// The hash of the ConfigMaps and Secrets that a collector takes in, for resources that ask to be rolled when these change.
// CollectorReconciler renders with it, and `sonde diff` too.
// It never keeps or tells content: only hashes leave this file.

import CollectorConfig
import Crypto
import JSON
import Kubernetes
import KubernetesRuntime
import Rendering
import SondeAPI
import Synchronization

/// Reads and hashes content. Thread rules: any task may call.
public final class ContentHash: Sendable {
    /// The annotation of a resource by which it asks.
    public static let annotation = CollectorAnnotations.rollOnContentKey

    private struct Memory {
        let version: String
        let hash: String
    }

    static let memoriesMax = 10_000

    private let api: any KubernetesAPI
    /// Of metadata; nil, or not synced, means that each object is read each time.
    private let versions: [ContentReference.Kind: ObjectStore]
    private let memories = Mutex<[String: Memory]>([:])

    public init(api: any KubernetesAPI) {
        self.api = api
        versions = [:]
    }

    init(api: any KubernetesAPI, versions: [ContentReference.Kind: ObjectStore]) {
        self.api = api
        self.versions = versions
    }

    public static func isAsked(_ resource: JSONValue) -> Bool { resource.metadata.annotations[annotation] == "true" }

    /// What came of the objects that a resource names.
    public struct Answer: Hashable, Sendable {
        /// Of all of them; one that may not be read counts as that.
        public let hash: String
        /// Objects that may not be read, `Secret payments/tokens`.
        public let forbidden: [String]
    }

    /// Nil when the resource does not ask, or names nothing.
    ///
    /// Something that pods need and that is missing rolls no pod: new ones could not start, and what is replaced is often missing for a moment.
    /// - Parameter workload: As it is; its hash stays meanwhile.
    /// - Throws: `KubernetesError`, apart from what is missing or forbidden.
    public func answer(for collector: OpenTelemetryCollector, workload: JSONValue? = nil) async throws -> Answer? {
        guard Self.isAsked(collector.object) else { return nil }
        let references = collector.spec.contentReferences
        guard !references.isEmpty else { return nil }
        var parts: [String] = []
        var forbidden: [String] = []
        var isMissing = false
        for reference in references {
            let name = ObjectName(namespace: collector.name.namespace, name: reference.name)
            let text = "\(reference.kind.rawValue) \(name)"
            do {
                let hash = try await hash(reference.kind, name)
                if hash == nil, !reference.isOptional { isMissing = true }
                parts.append("\(text)=\(hash ?? "missing")")
            } catch let error as KubernetesError where error.code == .forbidden {
                parts.append("\(text)=forbidden")
                forbidden.append(text)
            }
        }
        let hash = SHA256.hexadecimal(Array(parts.joined(separator: "\n").utf8))
        let live = workload?.at("spec", "template", "metadata", "annotations")?[CollectorRendering.contentAnnotation]?.string
        return Answer(hash: isMissing ? live ?? hash : hash, forbidden: forbidden)
    }

    private func hash(_ kind: ContentReference.Kind, _ name: ObjectName) async throws -> String? {
        let key = "\(kind.rawValue) \(name)"
        let known = versions[kind].flatMap { $0.hasSynced ? $0.get(name)?.metadata.resourceVersion : nil }
        if let known, let memory = memories.withLock({ $0[key] }), memory.version == known { return memory.hash }
        let type: ResourceType = kind == .configMap ? .configMaps : .secrets
        guard let live = try await api.getIfFound(type, name) else { return nil }
        var content: JSONValue = [:]
        for field in ["data", "binaryData"] { content[field] = live[field] }
        let hash = SHA256.hexadecimal(content.bytes(.goSorted))
        memories.withLock { memories in
            // Forgetting costs one read of each object.
            if memories.count >= Self.memoriesMax { memories.removeAll() }
            memories[key] = Memory(version: live.metadata.resourceVersion, hash: hash)
        }
        return hash
    }
}
