// What a probe may cost, which namespaces it looks at and which attributes it sends: typed forms of `budget`, `namespaces`, `attributes`.
// The agent holds itself to them; the operator copies them from the resource and sizes the pod by the budget.
// It never holds a default or a limit: those stand in ProbeSchema.

import JSON

/// `namespaces`: whose containers are looked at. An empty `include` means all; `exclude` wins.
public struct ProbeNamespaces: Hashable, Sendable {
    public var include: [String]
    public var exclude: [String]

    /// Whether a pod of this namespace is looked at.
    public func contains(_ namespace: String) -> Bool {
        !exclude.contains(namespace) && (include.isEmpty || include.contains(namespace))
    }
}

/// `budget`: the most that a probe takes of one node.
public struct ProbeBudget: Hashable, Sendable {
    /// Kernel time of the programs plus the agent, in thousandths of a core.
    public var cpuMillicores: Int
    /// Maps and user space together; the pod's memory limit.
    public var memoryBytes: Int
    public var seriesPerPod: Int
    public var seriesTotal: Int
    public var spansPerSecond: Int
}

/// `attributes`: what is sent only on request, because it multiplies series.
public struct ProbeAttributes: Hashable, Sendable {
    public enum Ports: String, Sendable, CaseIterable {
        /// No port numbers.
        case none = "None"
        /// Ports below the ephemeral range.
        case wellKnown = "WellKnown"
        case all = "All"
    }

    /// Raw IP addresses of peers.
    public var addresses: Bool
    public var ports: Ports
}

extension ProbeNamespaces {
    init(complete value: DocumentReader) { self.init(include: value.strings("include"), exclude: value.strings("exclude")) }

    public var document: JSONValue {
        ["include": .array(include.map { .string($0) }), "exclude": .array(exclude.map { .string($0) })]
    }
}

extension ProbeBudget {
    init(complete value: DocumentReader) {
        self.init(
            cpuMillicores: value.int("cpuMillicores"), memoryBytes: value.value["memory"].flatMap(ByteQuantity.bytes) ?? 0,
            seriesPerPod: value.int("seriesPerPod"), seriesTotal: value.int("seriesTotal"), spansPerSecond: value.int("spansPerSecond"))
    }

    public var document: JSONValue {
        [
            "cpuMillicores": JSONValue(cpuMillicores), "memory": .string(ByteQuantity.text(memoryBytes)), "seriesPerPod": JSONValue(seriesPerPod),
            "seriesTotal": JSONValue(seriesTotal), "spansPerSecond": JSONValue(spansPerSecond),
        ]
    }
}

extension ProbeAttributes {
    init(complete value: DocumentReader) { self.init(addresses: value.bool("addresses"), ports: value.choice("ports", .wellKnown)) }

    public var document: JSONValue { ["addresses": .bool(addresses), "ports": .string(ports.rawValue)] }
}
