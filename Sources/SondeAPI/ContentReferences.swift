// The ConfigMaps and Secrets whose content a collector's pods take in: by mount, by variable, by all their variables.
// The operator watches them for resources that ask to be rolled when they change; the hash of their content goes into the pods.
// It never reads them.

import JSON

/// A ConfigMap or Secret in the resource's namespace.
public struct ContentReference: Hashable, Sendable {
    public enum Kind: String, Sendable { case configMap = "ConfigMap", secret = "Secret" }

    public let kind: Kind
    public let name: String
    /// Pods start without it too.
    public let isOptional: Bool

    public init(_ kind: Kind, _ name: String, isOptional: Bool = false) {
        self.kind = kind
        self.name = name
        self.isOptional = isOptional
    }

    /// Nil when the source names nothing. A volume names a Secret `secretName`, everything else `name`.
    init?(_ kind: Kind, _ source: JSONValue?) {
        guard let name = (source?["name"] ?? source?["secretName"])?.string, !name.isEmpty else { return nil }
        self.init(kind, name, isOptional: source?["optional"]?.bool ?? false)
    }
}

extension OpenTelemetryCollectorSpec {
    /// More than these are not looked at.
    public static let contentReferencesMax = 100

    /// Those that are looked at: the first hundred.
    public var contentReferences: [ContentReference] { Array(allContentReferences.prefix(Self.contentReferencesMax)) }

    /// From `configmaps`, `volumes`, `env` and `envFrom`, each once, sorted. One that is optional in one place and needed in another is needed.
    public var allContentReferences: [ContentReference] {
        var sources = (self["configmaps"]?.array ?? []).map { (ContentReference.Kind.configMap, JSONValue?.some($0)) }
        for volume in self["volumes"]?.array ?? [] {
            for source in [volume] + (volume.at("projected", "sources")?.array ?? []) {
                sources += [(.configMap, source["configMap"]), (.secret, source["secret"])]
            }
        }
        for variable in self["env"]?.array ?? [] {
            sources += [(.configMap, variable.at("valueFrom", "configMapKeyRef")), (.secret, variable.at("valueFrom", "secretKeyRef"))]
        }
        for source in self["envFrom"]?.array ?? [] { sources += [(.configMap, source["configMapRef"]), (.secret, source["secretRef"])] }
        let found = sources.compactMap { ContentReference($0, $1) }
        let unique = Dictionary(found.map { ("\($0.kind.rawValue)/\($0.name)", $0) }) { $0.isOptional ? $1 : $0 }
        return unique.sorted { $0.key < $1.key }.map(\.value)
    }
}
