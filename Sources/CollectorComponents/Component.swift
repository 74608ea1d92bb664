// One component of the OpenTelemetry Collector as the registry knows it: names, signals, distributions, listeners, permissions, settings.
// Port inference, access rules, defaults and validation read it; rows of ComponentTable make it.
// It never knows a configuration: what a user wrote is read by CollectorConfig.

/// A component of the collector's own repositories.
public struct Component: Hashable, Sendable {
    /// What a component is in a pipeline, or beside it.
    public enum Kind: String, Sendable, CaseIterable {
        case receiver, processor, exporter, connector, `extension`
    }

    /// How far its maintainers vouch for a component, by signal.
    public enum Stability: String, Sendable, CaseIterable {
        case development, alpha, beta, stable, deprecated, unmaintained
    }

    /// A signal that goes through a component; connectors turn one into another.
    public struct Flow: Hashable, Sendable {
        /// What comes in: `traces`, `metrics`, `logs` or `profiles`; empty for an extension.
        public let from: String
        /// What goes out: as `from`, except for connectors.
        public let to: String
    }

    /// A name from before a rename, which newer releases take as an alias.
    public struct EarlierName: Hashable, Sendable {
        public let name: String
        /// No release before this one knows the newer name.
        public let newerNameNotBefore: ReleaseVersion
        /// This release and all after it know the newer name.
        public let newerNameFrom: ReleaseVersion
    }

    /// The releases of a distribution that carry a component.
    public struct Releases: Hashable, Sendable {
        /// The first one; nil when it is older than the registry's facts (0.100.0).
        public let first: ReleaseVersion?
        /// The last one; nil when the newest still carries it.
        public let last: ReleaseVersion?

        public func contains(_ version: ReleaseVersion) -> Bool { (first ?? version) <= version && version <= (last ?? version) }
    }

    /// A port that a component opens.
    public struct ListeningPort: Hashable, Sendable {
        /// The key below `protocols`; empty for a component with a single port.
        public let key: String
        /// Nil when there is no default and an address must be written.
        public let number: Int?
        /// `TCP` or `UDP`.
        public let transport: String
        /// `grpc` or `http`; nil when a Service says nothing.
        public let applicationProtocol: String?
    }

    /// Where Services find a component. The rules are those of the existing operator: objects that exist were made by them.
    public enum Listening: Hashable, Sendable {
        /// Not in the existing operator's table: one port when the settings have an `endpoint` or a `listen_address`, whatever they mean by it.
        case asWritten
        /// No port: its `endpoint` is what it reads from.
        case never
        /// One port, at `endpoint` or `listen_address`.
        case single(ListeningPort)
        /// A port for each key of `protocols`.
        case protocols([ListeningPort])
        /// The Prometheus receiver's own API server, when it is enabled.
        case apiServer
    }

    /// A listener that no Service shows, for rules about addresses.
    public struct HiddenListener: Hashable, Sendable {
        /// Keys from the component's settings to the address.
        public let path: [String]
        public let number: Int?
        public let transport: String
    }

    /// Permissions at the Kubernetes API that a component needs under a condition.
    public struct Access: Hashable, Sendable {
        /// When it needs them: `always`, or a name that the code for access rules knows.
        public let condition: String
        /// API groups; the core group is the empty text.
        public let group: String
        public let resources: [String]
        public let verbs: [String]
    }

    /// The keys at the top of a component's settings.
    public struct Keys: Hashable, Sendable {
        public let names: Set<String>
        /// The release whose source they were read from.
        public let readAt: ReleaseVersion
    }

    public let kind: Kind
    /// The newest name: `file_log`.
    public let type: String
    public var earlierName: EarlierName?
    public var flows: [Flow: Stability] = [:]
    /// Which distributions carry it, and since when and until when. Empty: none of the official images has it.
    public var carriers: [Distribution: Releases] = [:]
    public var listening: Listening = .asWritten
    public var hiddenListeners: [HiddenListener] = []
    public var access: [Access] = []
    /// Nil when they could not be read, or are not fixed.
    public var keys: Keys?

    init(kind: Kind, type: String) {
        self.kind = kind
        self.type = type
    }

    /// Signals that come in.
    public var signals: Set<String> { Set(flows.keys.map(\.from)) }

    /// Signals that go out: of connectors, what they make of the signals that come in.
    public func outputs(of signal: String) -> Set<String> { Set(flows.keys.filter { $0.from == signal }.map(\.to)) }

    /// All names, the newest first.
    public var names: [String] { [type] + (earlierName.map { [$0.name] } ?? []) }

    /// The name that a release knows best.
    public func name(in version: ReleaseVersion) -> String {
        guard let earlierName, version < earlierName.newerNameFrom else { return type }
        return earlierName.name
    }
}
