// What the rules of a collector read: the resource, its configuration, and what is known of the installation around it.
// Validation makes one for each resource.
// It never holds the answer of a cluster: the same resource gives the same findings everywhere.

import CollectorComponents
import JSON
import Kubernetes
import SondeAPI

struct RuleSubject: Sendable {
    let metadata: ObjectMetadata
    let spec: OpenTelemetryCollectorSpec
    let configuration: CollectorConfiguration
    let facts: ValidationFacts

    init(_ object: JSONValue, _ facts: ValidationFacts) {
        metadata = object.metadata
        spec = OpenTelemetryCollectorSpec(object["spec"] ?? .null)
        configuration = CollectorConfiguration(spec.config)
        self.facts = facts
    }

    /// The image that the collector runs, as far as the registry knows its content.
    var image: CollectorImage? { CollectorImage(spec.image.isEmpty ? facts.collectorImage : spec.image) }

    /// The collector's version; nil for images that nobody here knows, which count as current.
    var version: ReleaseVersion? { image?.version }

    /// The service account of the pods.
    var serviceAccount: String { spec.serviceAccount ?? Names.collector(metadata.name) }

    /// The path of a component in the resource.
    static func path(_ kind: ComponentKind, _ id: String) -> String { "spec.config.\(kind.rawValue).\(id)" }

    /// The memory limit of the collector's container in bytes; nil without one, or when it is no quantity.
    var memoryLimit: Int64? {
        guard let limit = spec["resources"]?.at("limits", "memory"), let quantity = Quantity(limit.plainText) else { return nil }
        return quantity.value
    }
}

/// How many pods of a collector there may be at once.
enum Copies: Hashable, Sendable {
    case one
    /// Behind one Service: a sender may reach any of them.
    case many(Int)
    case onePerNode
    case onePerPod

    init(_ spec: OpenTelemetryCollectorSpec) {
        switch spec.mode {
        case .daemonset: self = .onePerNode
        case .sidecar: self = .onePerPod
        case .deployment, .statefulset, nil:
            let most = max(spec.replicas, spec["autoscaler"]?["maxReplicas"]?.int ?? 0, spec["autoscaler"]?["minReplicas"]?.int ?? 0)
            self = most > 1 ? .many(most) : .one
        }
    }
}

extension JSONValue {
    /// Every string in the document, keys aside.
    var allStrings: [String] {
        switch self {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap(\.allStrings)
        case .object(let members): members.flatMap { $1.allStrings }
        default: []
        }
    }
}
