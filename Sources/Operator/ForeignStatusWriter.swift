// Finds another operator at work on the same resource: somebody else who writes its status.
// CollectorReconciler asks before it writes anything, so that two operators do not undo each other's work for ever.
// It never looks at people: what kubectl writes does not count, and neither does what was written long ago.

import JSON
import Kubernetes
import Synchronization

/// The newest write of a resource's status by another program.
struct ForeignStatusWrite: Hashable, Sendable {
    let manager: String
    let time: Timestamp

    /// So long after its last write the other operator counts as gone. One that runs writes again as soon as we touch its objects.
    static let window: Duration = .seconds(600)

    /// How long this write still counts; nil when it no longer does.
    func remaining(now: Timestamp) -> Duration? {
        let left = Self.window - now.since(time)
        return left > .zero ? left : nil
    }

    /// - Parameters:
    ///   - live: With `metadata.managedFields`.
    ///   - own: The field manager of our own status.
    static func newest(in live: JSONValue, own: String) -> ForeignStatusWrite? {
        let entries = live.at("metadata", "managedFields")?.array ?? []
        let writes = entries.compactMap { entry -> ForeignStatusWrite? in
            guard entry["subresource"]?.string == "status", let manager = entry["manager"]?.string, manager != own, !manager.hasPrefix("kubectl"),
                let time = entry["time"]?.string.flatMap(Timestamp.init(rfc3339:))
            else { return nil }
            return ForeignStatusWrite(manager: manager, time: time)
        }
        return writes.max { $0.time < $1.time }
    }
}

/// Remembers, for each resource, who wrote its status in which version: a resource is read live only when somebody changed it since.
final class ForeignStatusWriters: Sendable {
    private struct Memory {
        let resourceVersion: String
        let write: ForeignStatusWrite?
    }

    private static let memoriesMax = 20_000

    private let api: any KubernetesAPI
    private let own: String
    private let memories = Mutex<[String: Memory]>([:])

    init(api: any KubernetesAPI, own: String) {
        self.api = api
        self.own = own
    }

    /// - Parameter resource: As the store has it, without managed fields.
    func newest(_ resource: JSONValue, type: ResourceType) async throws -> ForeignStatusWrite? {
        let metadata = resource.metadata
        if let memory = memories.withLock({ $0[metadata.uid] }), ResourceVersion.isAtLeast(memory.resourceVersion, metadata.resourceVersion) {
            return memory.write
        }
        guard let live = try await api.getIfFound(type, metadata.objectName), live.metadata.uid == metadata.uid else { return nil }
        return remember(live)
    }

    /// Takes in the answer to our own write of the status.
    @discardableResult
    func remember(_ live: JSONValue) -> ForeignStatusWrite? {
        let write = ForeignStatusWrite.newest(in: live, own: own)
        memories.withLock { memories in
            // Forgetting costs one read of a resource.
            if memories.count >= Self.memoriesMax { memories.removeAll() }
            memories[live.metadata.uid] = Memory(resourceVersion: live.metadata.resourceVersion, write: write)
        }
        return write
    }

    func forget(uid: String) { memories.withLock { $0[uid] = nil } }
}
