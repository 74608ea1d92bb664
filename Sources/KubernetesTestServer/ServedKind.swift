// One kind as this server serves it: names, fields, subresources and columns.
// The registry holds built-in kinds and those of custom resource definitions in this form; every request finds its kind first.
// It never holds objects.

import JSON
import Kubernetes

/// A kind in one version.
struct ServedKind: Sendable {
    /// What counts as a new generation.
    enum Generation: Sendable {
        case none
        /// A change outside of metadata and status.
        case outsideStatus
        /// A change outside of metadata: custom kinds without the status subresource.
        case outsideMetadata
    }

    struct Column: Sendable {
        var name: String
        var type: String
        var format = ""
        var description = ""
        var priority = 0
        /// Path of the value, as JSONPath without the leading dot's meaning: `.spec.mode`.
        var path: String
    }

    /// Where a kind's scale subresource finds its numbers.
    struct Scale: Sendable {
        var specReplicas: [String]
        var statusReplicas: [String]
        /// A path to a selector's text, or to a LabelSelector for built-in kinds.
        var selector: [String]?
    }

    var type: ResourceType
    var singular: String
    var shortNames: [String] = []
    var categories: [String] = []
    var schema: Schema
    var hasStatus = false
    var generation = Generation.none
    var scale: Scale?
    var columns: [Column] = []
    /// Field selectors beyond metadata.name and metadata.namespace.
    var selectableFields: [String] = []
    /// The definition's name; nil for built-in kinds.
    var definition: String?
    /// The schema as the definition gives it, for OpenAPI; nil for built-in kinds.
    var openAPI: JSONValue?
    var listKind: String
    /// The version in which objects of a custom kind are stored.
    var storageVersion: String?
    /// How to reach the webhook that converts between versions; nil: objects of all versions look alike.
    var conversion: JSONValue?

    init(_ type: ResourceType, schema: Schema) {
        self.type = type
        self.schema = schema
        singular = type.kind.lowercased()
        listKind = type.kind + "List"
    }

    var isCustom: Bool { definition != nil }

    /// Versions of one kind, and both groups of events, share their objects.
    var storageKey: String { Self.storageKey(group: type.group, plural: type.plural) }

    static func storageKey(group: String, plural: String) -> String {
        plural == "events" && (group.isEmpty || group == "events.k8s.io") ? "events" : group.isEmpty ? plural : "\(plural).\(group)"
    }

    /// `deployments.apps`, `pods`: the name in messages.
    var qualifiedPlural: String { type.group.isEmpty ? type.plural : "\(type.plural).\(type.group)" }

    /// `Deployment.apps`: the kind in messages of invalid objects.
    var qualifiedKind: String { type.group.isEmpty ? type.kind : "\(type.kind).\(type.group)" }
}
