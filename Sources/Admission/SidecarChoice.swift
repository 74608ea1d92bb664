// Which collector a new pod gets as a sidecar: the annotation of the pod, of its namespace, and what they name.
// SidecarInjection asks it; it is given the collectors that exist.
// It never looks anything up.

import JSON
import Kubernetes
import SondeAPI

/// What an annotation asks for.
public enum SidecarWish: Hashable, Sendable {
    public static let annotation = "sidecar.opentelemetry.io/inject"

    case none
    /// The one collector of the pod's namespace in mode sidecar.
    case theOnlyOne
    case named(ObjectName)

    /// A pod's `"false"` wins over everything; a name, or `<namespace>/<name>`, of the pod wins over its namespace; `"true"` of the pod takes the name that the
    /// namespace gives, if it gives one.
    public init(pod: JSONValue, namespace: JSONValue) {
        let own = Self.value(pod)
        let outer = Self.value(namespace)
        let isTrue = { (text: String) in text.lowercased() == "true" }
        let isFalse = { (text: String) in text.lowercased() == "false" }
        let chosen: String
        switch (own, outer) {
        case ("", ""): chosen = "false"
        case (let pod, _) where isFalse(pod): chosen = "false"
        case ("", let namespace): chosen = namespace
        case (let pod, let namespace) where isTrue(pod) && !namespace.isEmpty && !isFalse(namespace): chosen = namespace
        case (let pod, _): chosen = pod
        }
        self.init(chosen, in: namespace.metadata.name)
    }

    private init(_ text: String, in namespace: String) {
        switch text.lowercased() {
        case "false": self = .none
        case "true": self = .theOnlyOne
        default:
            let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
            self = .named(parts.count == 2 ? ObjectName(namespace: parts[0], name: parts[1]) : ObjectName(namespace: namespace, name: text))
        }
    }

    private static func value(_ object: JSONValue) -> String { object.metadata.annotations[annotation]?.filter { $0 != " " } ?? "" }
}

/// Why a pod that asked for a sidecar does not get one.
public struct SidecarRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// One CamelCase word, for events.
    public let reason: String
    public let message: String

    public init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }

    public var description: String { message }

    static func none(in namespace: String) -> SidecarRefusal {
        SidecarRefusal("NoSidecarCollector", "no OpenTelemetryCollector of namespace \(namespace) has mode sidecar; make one, or name one of another namespace")
    }

    static func several(_ names: [String], in namespace: String) -> SidecarRefusal {
        SidecarRefusal(
            "SeveralSidecarCollectors",
            "namespace \(namespace) has \(names.count) collectors with mode sidecar (\(names.sorted().prefix(5).joined(separator: ", "))); "
                + "write the name of one into the annotation \(SidecarWish.annotation)")
    }

    static func missing(_ name: ObjectName) -> SidecarRefusal {
        SidecarRefusal("SidecarCollectorNotFound", "there is no OpenTelemetryCollector \(name); the annotation \(SidecarWish.annotation) names it")
    }

    static func otherMode(_ name: ObjectName, _ mode: String) -> SidecarRefusal {
        SidecarRefusal("SidecarCollectorMode", "OpenTelemetryCollector \(name) has mode \(mode), and must have mode sidecar")
    }

    static func invalid(_ name: ObjectName, _ finding: Finding) -> SidecarRefusal {
        SidecarRefusal("SidecarCollectorInvalid", "OpenTelemetryCollector \(name) cannot run: \(finding)")
    }

    static func taken(_ container: String, by name: ObjectName) -> SidecarRefusal {
        SidecarRefusal(
            "SidecarContainerNameTaken",
            "the pod has a container \(container) of its own, and OpenTelemetryCollector \(name) brings one of that name; rename the pod's")
    }

    static func tooLong(_ name: ObjectName, _ sizeBytes: Int, _ maxBytes: Int) -> SidecarRefusal {
        SidecarRefusal(
            "SidecarConfigurationTooLong",
            "the configuration of OpenTelemetryCollector \(name) has \(sizeBytes) bytes; an environment variable holds \(maxBytes)")
    }
}
