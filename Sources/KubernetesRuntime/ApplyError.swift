// Why an object was not applied or pruned, though the server could be asked.
// The applier throws it, controllers turn it into conditions, and the plan of a change reads it from dry runs.
// It never stands for an error of the network or of the server.

import JSON
import Kubernetes

/// An object that was left as it is, and why.
public struct ApplyError: RetryClassified, Hashable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        /// Another controller manages the live object.
        case controlledByOther
        /// The change needs a field that cannot change.
        case immutableField
        /// The kind holds data and is never deleted by inventory.
        case notPrunable
        /// The live object is being deleted, and is made anew when it is gone.
        case beingDeleted
    }

    public let code: Code
    public let object: ObjectReference
    /// What failed and what to do.
    public let message: String

    public var description: String { message }

    /// Another controller's object may go without an event that concerns us, so it is looked at again.
    public var retryClass: RetryClass {
        switch code {
        case .controlledByOther: .retryAfter(.seconds(60))
        case .beingDeleted: .retryAfter(.seconds(5))
        case .immutableField, .notPrunable: .terminal
        }
    }

    /// Why a live object is not touched; nil when it is ours, or was an earlier operator's for the same resource.
    ///
    /// Ours is what has the owner as its controller, or its inventory's label. What has neither, such as a ClusterRole from before, must have the labels of
    /// the resource: an object that somebody else made under the same name stays as it is.
    public static func refusal(of live: JSONValue, for manifest: JSONValue, _ object: ObjectReference, ownerUID: String) -> ApplyError? {
        let metadata = live.metadata
        if let other = metadata.controller { return other.uid == ownerUID ? nil : controlledByOther(object, other) }
        if metadata.labels[Inventory.ownerLabel] == ownerUID { return nil }
        let wanted = manifest.metadata.labels
        let isSame = resourceLabels.allSatisfy { metadata.labels[$0] != nil && metadata.labels[$0] == wanted[$0] }
        return isSame ? nil : notOurs(object)
    }

    private static let resourceLabels = ["app.kubernetes.io/managed-by", "app.kubernetes.io/instance"]

    static func notOurs(_ object: ObjectReference) -> ApplyError {
        ApplyError(
            code: .controlledByOther, object: object,
            message: "\(object) is there already, has no owner and was not made for this resource, so it is left alone; delete it, or give one of the two "
                + "another name")
    }

    /// A live object that is on its way out.
    public static func beingDeleted(_ object: ObjectReference) -> ApplyError {
        ApplyError(code: .beingDeleted, object: object, message: "\(object) is being deleted, and is made anew when it is gone")
    }

    public static func controlledByOther(_ object: ObjectReference, _ other: OwnerReference) -> ApplyError {
        ApplyError(
            code: .controlledByOther, object: object,
            message: "\(object) is managed by \(other.kind) \(other.name); rename one of the two resources or delete \(object)")
    }

    /// An object without a controller that carries another resource's inventory label.
    public static func claimedByOther(_ object: ObjectReference, owner: String) -> ApplyError {
        ApplyError(
            code: .controlledByOther, object: object,
            message: "\(object) belongs to \(owner), whose name and namespace give the same name; rename one of the two resources")
    }

    static func notPrunable(_ object: ObjectReference) -> ApplyError {
        ApplyError(code: .notPrunable, object: object, message: "\(object) may hold data and is never deleted by inventory; delete it by hand")
    }

    /// Reads a 422; nil when it is neither about an immutable field nor about a second controller.
    public init?(classifying error: KubernetesError, _ object: ObjectReference) {
        guard error.code == .invalid else { return nil }
        if error.causes.contains(where: { $0.field.hasPrefix("metadata.ownerReferences") }) {
            self.init(code: .controlledByOther, object: object, message: "\(object) is managed by another controller: \(error.message)")
            return
        }
        guard let cause = error.causes.first(where: { cause in Self.immutableTexts.contains(where: cause.message.contains) }) else { return nil }
        self.init(immutable: cause.field, object, remedy: "delete \(object) and it is made anew, or undo the change")
    }

    /// How the validation of built-in kinds says that a field of a live object is fixed (k8s.io/kubernetes, pkg/apis/*/validation).
    private static let immutableTexts = [
        "immutable", "updates to statefulset spec for fields other than", "may not change once set", "may not be changed", "cannot change roleRef",
    ]

    /// A change that needs a field that is fixed on a live object.
    /// - Parameter remedy: What to do, as an imperative without a full stop.
    public init(immutable field: String, _ object: ObjectReference, remedy: String) {
        self.init(code: .immutableField, object: object, message: "\(object): field \(field) cannot change on a live object; \(remedy)")
    }

    private init(code: Code, object: ObjectReference, message: String) {
        self.code = code
        self.object = object
        self.message = message
    }
}
