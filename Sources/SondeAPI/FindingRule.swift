// Every rule by which findings are named, with the severities that it may have: one list.
// Validation silences findings by it, docs/validation.md explains each, tests compare both with the code.
// It never holds texts: those name paths and are made where a finding is.

/// A rule of the validation.
public struct FindingRule: Hashable, Sendable {
    /// Kebab case: `undefined-component`.
    public let name: String
    /// What a finding of it may be, the gravest first.
    public let severities: [Finding.Severity]

    /// Whether an annotation may silence it: errors stay.
    public var canBeSilenced: Bool { severities != [.error] }

    /// The rule of this name; nil when there is none.
    public static func named(_ name: String) -> FindingRule? { byName[name] }

    private static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// All rules, in the order of docs/validation.md.
    public static let all: [FindingRule] = documents + fields + graph + ports + scraping + traces + logs + metrics + memory + probes

    private static func rules(_ severities: Finding.Severity..., names: [String]) -> [FindingRule] {
        names.map { FindingRule(name: $0, severities: severities) }
    }

    /// What is no document of ours, and what no document of ours may have.
    private static let documents =
        rules(.error, names: ["no-object", "fragment", "wrong-kind", "unknown-version", "missing-field", "wrong-type", "unknown-value", "out-of-range"])
        + rules(.error, names: ["bad-format", "bad-quantity", "too-long", "too-many", "duplicate-entry"])
        + rules(.error, names: ["unreadable-config", "annotation-value"])
        + rules(.warning, names: ["unknown-field", "annotation-without-effect", "unknown-annotation", "unknown-rule"])

    /// Fields of a collector's spec that do not go together.
    private static let fields =
        rules(.error, names: ["field-of-other-mode", "two-limits", "autoscaler", "ingress", "target-allocator"])
        + rules(.warning, names: ["mode-change", "field-not-rendered", "null-component", "content-not-watched"])

    private static let graph =
        rules(.error, names: ["undefined-component", "no-pipeline", "no-receiver", "no-exporter", "unknown-signal", "half-connector"])
        + rules(.error, .warning, names: ["signal-mismatch"]) + rules(.error, names: ["component-not-in-image", "component-disabled"])
        + rules(.warning, names: ["unknown-component", "unknown-key"])
        + rules(.info, names: ["unused-component", "renamed-component", "queue-without-storage"])

    private static let ports =
        rules(.error, names: ["port-name", "port-number", "duplicate-port", "port-unknown", "unknown-protocol"])
        + rules(.error, .warning, names: ["duplicate-listener"]) + rules(.warning, names: ["localhost-listener"])

    private static let scraping =
        rules(.warning, names: ["scraped-namespace-filter", "attribute-name-not-produced", "label-drop-without-aggregation", "hubble-selector"])
        + rules(.warning, names: ["sd-without-rbac", "component-without-rbac", "dollar-not-escaped"]) + rules(.error, names: ["mixed-filter-styles"])

    private static let traces =
        rules(.warning, names: ["tail-sampling-replicas", "tail-sampling-memory", "k8s-attributes-after-batch", "k8s-attributes-association"])
        + rules(.info, names: ["batch-before-tail-sampling"]) + rules(.error, names: ["trace-routing"])

    private static let logs = rules(
        .warning,
        names: [
            "files-not-mounted", "container-operator-needs-path", "level-without-severity", "body-kept-whole", "literal-z-layout", "unanchored-level-regex",
        ])

    private static let metrics =
        rules(.warning, .info, names: ["delta-to-remote-write"]) + rules(.warning, names: ["cumulative-through-replicas", "high-cardinality-attribute"])
        + rules(.warning, names: ["telemetry-address"])

    private static let memory =
        rules(.warning, .info, names: ["missing-memory-limiter"]) + rules(.warning, names: ["limit-without-gomemlimit", "batch-before-memory-limiter"])

    /// Fields of a probe that do not go together, and what its destination does not take.
    private static let probes =
        rules(.error, names: ["one-destination", "no-otlp-receiver", "collector-not-found", "grpc-path"])
        + rules(.warning, names: ["port-of-other-protocol", "namespace-excluded", "no-signal", "insecure-tls"])
}
