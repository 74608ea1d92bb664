// Which of the official images a collector runs, read from the image's name: distribution and release.
// Validation asks it whether a component is in the image.
// It never guesses: a mirror, another build and a tag such as `latest` are images that nobody here knows.

/// The official distributions, by the word that rows of the registry use.
public enum Distribution: String, Sendable, CaseIterable {
    case core, contrib, k8s, otlp, profiler

    /// The end of the image's name.
    var imageName: String {
        switch self {
        case .core: "opentelemetry-collector"
        case .contrib: "opentelemetry-collector-contrib"
        case .k8s: "opentelemetry-collector-k8s"
        case .otlp: "opentelemetry-collector-otlp"
        case .profiler: "opentelemetry-collector-ebpf-profiler"
        }
    }
}

/// An image of which the registry knows the content.
public struct CollectorImage: Hashable, Sendable {
    /// What collectors run when neither the resource nor the operator names an image: pinned by each release of Sonde.
    public static let pinned = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.156.0"

    public let distribution: Distribution
    public let version: ReleaseVersion

    private static let repositories = [
        "ghcr.io/open-telemetry/opentelemetry-collector-releases/", "docker.io/otel/", "index.docker.io/otel/", "registry-1.docker.io/otel/", "otel/",
    ]

    /// Nil for images that are not known: other registries, tags without a version, releases that the registry is too old or too new for.
    public init?(_ image: String) {
        let named = image.prefix { $0 != "@" }
        guard let colon = named.lastIndex(of: ":"), !named[colon...].contains("/"),
            let version = ReleaseVersion(tag: String(named[named.index(after: colon)...])),
            let repository = Self.repositories.first(where: named.hasPrefix)
        else { return nil }
        let name = named[..<colon].dropFirst(repository.count)
        guard let distribution = Distribution.allCases.first(where: { $0.imageName == name }) else { return nil }
        guard ComponentRegistry.oldest <= version, version <= ComponentRegistry.newest else { return nil }
        self.distribution = distribution
        self.version = version
    }

    public func carries(_ component: Component) -> Bool { component.carriers[distribution]?.contains(version) ?? false }
}

extension CollectorImage: CustomStringConvertible {
    /// `opentelemetry-collector-contrib 0.156.0`.
    public var description: String { "\(distribution.imageName) \(version)" }
}
