// One rendered object, and what all rendered objects of a resource share: owner, labels, annotations.
// Both renderers build manifests with it; the controllers apply them and the command line prints them.
// It never holds a field that Sonde has no opinion on: manifests are partial objects for server-side apply.

import CollectorConfig
import JSON
import Kubernetes

/// A partial object for server-side apply.
public struct Manifest: Hashable, Sendable {
    public let type: ResourceType
    public let name: ObjectName
    /// The object with apiVersion, kind and metadata.
    public let object: JSONValue

    public init(type: ResourceType, name: ObjectName, object: JSONValue) {
        self.type = type
        self.name = name
        self.object = object
    }
}

/// Makes the manifests of one resource: same namespace, owner and inventory label on each.
struct ManifestBuilder {
    /// The label that carries the owner's uid: what a resource once wrote is found by it, and pruned when it is no longer rendered.
    /// It stands on objects only, never on pod templates, so that it rolls no pod.
    static let inventoryLabel = "sonde.dev/owner-uid"
    /// Namespace and name of the owner, on objects that no owner reference reaches.
    static let ownerAnnotation = "sonde.dev/owner"

    let owner: JSONValue
    let ownerType: ResourceType

    func manifest(
        _ type: ResourceType, name: String, labels: [String: String], annotations: [String: String] = [:], content: [(String, JSONValue)]
    ) -> Manifest {
        var metadata: JSONValue = ["name": .string(name)]
        let objectName = ObjectName(namespace: owner.metadata.namespace, name: name)
        metadata["namespace"] = objectName.namespace.map { .string($0) }
        var labels = labels
        if !owner.metadata.uid.isEmpty {
            labels[Self.inventoryLabel] = owner.metadata.uid
            metadata["ownerReferences"] = [OwnerReference(controller: owner, type: ownerType).jsonValue]
        }
        metadata["labels"] = .texts(labels)
        return manifest(type, objectName, metadata, annotations, content)
    }

    /// An object outside the owner's namespace, or of the whole cluster: owner references do not reach it, so it is found by its labels and deleted by us.
    func detached(
        _ type: ResourceType, namespace: String?, name: String, labels: [String: String], annotations: [String: String], content: [(String, JSONValue)]
    ) -> Manifest {
        let objectName = ObjectName(namespace: namespace, name: name)
        var metadata: JSONValue = ["name": .string(name)]
        metadata["namespace"] = namespace.map { .string($0) }
        var labels = labels
        if !owner.metadata.uid.isEmpty { labels[Self.inventoryLabel] = owner.metadata.uid }
        metadata["labels"] = .texts(labels)
        let owned = annotations.merging([Self.ownerAnnotation: "\(owner.metadata.objectName)"]) { _, ours in ours }
        return manifest(type, objectName, metadata, owned, content)
    }

    private func manifest(
        _ type: ResourceType, _ objectName: ObjectName, _ metadata: JSONValue, _ annotations: [String: String], _ content: [(String, JSONValue)]
    ) -> Manifest {
        var metadata = metadata
        if !annotations.isEmpty { metadata["annotations"] = .texts(annotations) }
        var members: [(String, JSONValue)] = [("apiVersion", .string(type.apiVersion)), ("kind", .string(type.kind)), ("metadata", metadata)]
        members += content
        return Manifest(type: type, name: objectName, object: .object(JSONObject(members)))
    }
}

extension JSONValue {
    /// A mapping of texts in the order of its keys.
    static func texts(_ values: [String: String]) -> JSONValue {
        .object(JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    /// A mapping of those members that have a value.
    static func members(_ members: [(String, JSONValue?)]) -> JSONValue {
        .object(JSONObject(members.compactMap { key, value in value.map { (key, $0) } }))
    }
}
