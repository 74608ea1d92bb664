// Why an object was not applied or pruned, though the server could be asked.
// The applier throws it, controllers turn it into conditions, and the plan of a change reads it from dry runs.
// It never stands for an error of the network or of the server.

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
    }

    public let code: Code
    public let object: ObjectReference
    /// What failed and what to do.
    public let message: String

    public var description: String { message }

    /// Another controller's object may go without an event that concerns us, so it is looked at again.
    public var retryClass: RetryClass { code == .controlledByOther ? .retryAfter(.seconds(60)) : .terminal }

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
