// The metadata of an object (meta/v1 ObjectMeta) as a read-only view over its JSON.
// Stores, controllers and the test server read names, versions, labels and owners through it.
// It never changes an object, and a missing or mistyped field reads as empty instead of failing.

import JSON

/// The fields of `metadata` that Sonde reads. Text fields are `""` when absent.
public struct ObjectMetadata: Sendable {
    private let fields: JSONObject

    /// - Parameter object: The whole object, not its `metadata`.
    public init(_ object: JSONValue) { fields = object["metadata"]?.object ?? JSONObject() }

    public var name: String { text("name") }
    /// Nil for cluster-scoped objects.
    public var namespace: String? {
        let namespace = text("namespace")
        return namespace.isEmpty ? nil : namespace
    }
    public var objectName: ObjectName { ObjectName(namespace: namespace, name: name) }
    public var uid: String { text("uid") }
    public var resourceVersion: String { text("resourceVersion") }
    /// 0 when the kind has no generation.
    public var generation: Int { fields["generation"]?.int ?? 0 }
    public var creationTimestamp: Timestamp? { Timestamp(rfc3339: text("creationTimestamp")) }
    public var deletionTimestamp: Timestamp? { Timestamp(rfc3339: text("deletionTimestamp")) }
    /// True once a delete was asked for, even when its time cannot be read.
    public var isBeingDeleted: Bool { !text("deletionTimestamp").isEmpty }
    public var labels: [String: String] { texts("labels") }
    public var annotations: [String: String] { texts("annotations") }
    public var finalizers: [String] { fields["finalizers"]?.array?.compactMap(\.string) ?? [] }
    /// Entries that lack a uid, kind or name are left out.
    public var ownerReferences: [OwnerReference] { fields["ownerReferences"]?.array?.compactMap(OwnerReference.init(decoding:)) ?? [] }
    /// The owner that manages the object; there is at most one.
    public var controller: OwnerReference? { ownerReferences.first(where: \.controller) }

    private func text(_ key: String) -> String { fields[key]?.string ?? "" }

    private func texts(_ key: String) -> [String: String] {
        guard let members = fields[key]?.object else { return [:] }
        return Dictionary(members.compactMap { key, value in value.string.map { (key, $0) } }, uniquingKeysWith: { $1 })
    }
}

extension JSONValue {
    /// This object's metadata; empty when the value is no object.
    public var metadata: ObjectMetadata { ObjectMetadata(self) }
    public var kind: String { self["kind"]?.string ?? "" }
    public var apiVersion: String { self["apiVersion"]?.string ?? "" }
}

/// One entry of `metadata.ownerReferences` (meta/v1 OwnerReference).
public struct OwnerReference: Hashable, Sendable {
    public let apiVersion: String
    public let kind: String
    public let name: String
    public let uid: String
    /// True for the one owner that manages the object.
    public let controller: Bool
    public let blockOwnerDeletion: Bool

    public init(apiVersion: String, kind: String, name: String, uid: String, controller: Bool = true, blockOwnerDeletion: Bool = true) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.controller = controller
        self.blockOwnerDeletion = blockOwnerDeletion
    }

    /// The reference that makes `owner`, an object of `type`, the managing owner. The type is given because items of lists carry no kind.
    public init(controller owner: JSONValue, type: ResourceType) {
        let metadata = owner.metadata
        self.init(apiVersion: type.apiVersion, kind: type.kind, name: metadata.name, uid: metadata.uid)
    }

    /// Nil when uid, kind or name is missing.
    public init?(decoding value: JSONValue) {
        guard let uid = value["uid"]?.string, let kind = value["kind"]?.string, let name = value["name"]?.string else { return nil }
        self.init(
            apiVersion: value["apiVersion"]?.string ?? "", kind: kind, name: name, uid: uid,
            controller: value["controller"]?.bool ?? false, blockOwnerDeletion: value["blockOwnerDeletion"]?.bool ?? false)
    }

    /// The API group of the owner: `""` for the core group.
    public var group: String {
        guard let slash = apiVersion.firstIndex(of: "/") else { return "" }
        return String(apiVersion[..<slash])
    }

    public var jsonValue: JSONValue {
        [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid),
            "controller": .bool(controller), "blockOwnerDeletion": .bool(blockOwnerDeletion),
        ]
    }
}
