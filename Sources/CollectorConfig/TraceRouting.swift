// A collector's configuration parted in two tiers, so that all spans of a trace reach one pod: routing pods take data in and pass traces on by trace id,
// sampling pods decide. Rendering makes both tiers' objects from it; TraceRoutingRules says when it cannot be done.
// It never changes what a pipeline does with data: processors, exporters and connectors run once, in their order.

import CollectorComponents
import JSON
import Kubernetes
import SondeAPI

/// The configurations of the two tiers of a collector with `sonde.dev/trace-routing: managed`.
public struct TraceRouting: Hashable, Sendable {
    /// The name part of every component and pipeline that is added: `otlp/sonde-routing`.
    static let mark = "sonde-routing"
    /// The first port that the sampling tier may take lanes in at; ports that the collector uses otherwise are skipped.
    private static let firstLanePort = 14317
    private static let healthCheckPort = 13133

    /// What the pods of the routing tier run; as written, without defaults.
    public let routing: CollectorConfiguration
    /// What the pods of the sampling tier run; as written, without defaults.
    public let sampling: CollectorConfiguration
    /// Ports that only the routing tier listens on, as `number/TRANSPORT`.
    public let movedPorts: Set<String>
    /// Ports at which the sampling tier takes in what the routing tier passes on, a port a lane; at least one.
    public let lanePorts: [Int]

    /// Whether a resource asks for it.
    public static func isAsked(_ annotations: [String: String]) -> Bool { CollectorAnnotations(annotations)[.traceRouting] == "managed" }

    /// Nil when the resource does not ask for it, or when it cannot be done: Validation has errors then.
    public static func of(_ collector: OpenTelemetryCollector, collectorImage: String) -> TraceRouting? {
        guard isAsked(collector.metadata.annotations) else { return nil }
        let subject = RuleSubject(collector.object, ValidationFacts(collectorImage: collectorImage))
        return TraceRoutingRules.findings(subject).isEmpty ? TraceRouting(subject) : nil
    }

    init(_ subject: RuleSubject) {
        let shape = TraceRoutingShape(subject.configuration)
        let version = subject.version
        var taken = Set(subject.configuration.ports.all.map(\.number) + [subject.configuration.telemetryPort])
        for port in subject.spec["ports"]?.array ?? [] { if let number = port["port"]?.int { taken.insert(number) } }
        let lanePorts = (0..<shape.laneCount).map { _ in Self.free(from: Self.firstLanePort, &taken) }
        let host = "\(Names.samplingService(subject.metadata.name)).\(subject.metadata.namespace ?? "default").svc"
        let parts = TraceRoutingParts(shape: shape, lanePorts: lanePorts, host: host, version: version)
        routing = parts.routing(healthCheckPort: Self.free(from: Self.healthCheckPort, &taken))
        sampling = parts.sampling
        self.lanePorts = lanePorts
        movedPorts = Set(shape.configuration.movedPorts(shape.moved))
    }

    private static func free(from first: Int, _ taken: inout Set<Int>) -> Int {
        let port = (first...65535).first { !taken.contains($0) } ?? first
        taken.insert(port)
        return port
    }
}

extension CollectorConfiguration {
    /// Where receivers listen, as `number/TRANSPORT`, whether or not a Service shows it.
    fileprivate func movedPorts(_ receivers: [String]) -> [String] {
        let inferred = ports.receivers.filter { receivers.contains($0.component) }.map { "\($0.number)/\($0.transport)" }
        let hidden = completed().listeners.filter { listener in
            listener.kind == .receivers && receivers.contains { listener.path.hasPrefix("spec.config.receivers.\($0).") }
        }
        return inferred + hidden.map { "\($0.number)/\($0.transport)" }
    }
}

/// Data of one signal that takes one way: from these receivers, through these processors, to these pipelines.
struct TraceLane: Hashable, Sendable {
    let signal: String
    /// Among the lanes of its signal, from 0; lanes of several signals with one number share a port.
    let number: Int
    let receivers: [String]
    /// Processors that need the sender's connection, with what stands before them.
    let processors: [String]
    let pipelines: [String]
}

/// Which pipelines and receivers of a configuration have a part in whole traces.
struct TraceRoutingShape: Sendable {
    let configuration: CollectorConfiguration
    /// Pipelines of traces that decide over whole traces.
    let deciding: [Pipeline]
    /// Those and the pipelines whose connectors feed them.
    let sources: [Pipeline]
    /// Receivers of the sources: they run in the routing tier.
    let moved: [String]
    /// Pipelines of any signal with such a receiver.
    let parted: [Pipeline]
    let lanes: [TraceLane]

    var laneCount: Int { lanes.map { $0.number + 1 }.max() ?? 0 }

    init(_ configuration: CollectorConfiguration) {
        self.configuration = configuration
        let pipelines = configuration.pipelines
        let deciding = pipelines.filter { $0.signal == "traces" && Self.decides($0, configuration) }
        let sources = Self.closure(of: deciding, in: pipelines) { from, to in
            from.receivers.contains { Self.isConnector($0, configuration) && to.exporters.contains($0) }
        }
        let defined = configuration.components(.receivers)
        let moved = Self.unique(sources.filter { $0.signal == "traces" }.flatMap(\.receivers).filter(defined.contains))
        let parted = pipelines.filter { $0.receivers.contains(where: moved.contains) }
        self.deciding = deciding
        self.sources = sources
        self.moved = moved
        self.parted = parted
        lanes = Self.unique(parted.map(\.signal)).flatMap { signal in Self.lanes(signal, parted.filter { $0.signal == signal }, moved, configuration) }
    }

    /// The pipelines that connectors of the parted ones feed, in any number of steps.
    var fedByConnectors: [Pipeline] {
        let reached = Self.closure(of: parted, in: configuration.pipelines) { from, to in
            from.exporters.contains { Self.isConnector($0, configuration) && to.receivers.contains($0) }
        }
        return reached.filter { $0.receivers.contains { Self.isConnector($0, configuration) } }
    }

    // MARK: What needs whole traces, and what needs the sender

    private static let decidingProcessors: Set<String> = ["tail_sampling", "groupbytrace"]
    private static let decidingConnectors = CollectorConfiguration.names(.connectors, "service_graph")

    static func decides(_ processor: String) -> Bool { decidingProcessors.contains(ComponentID.type(processor)) }

    private static func decides(_ pipeline: Pipeline, _ configuration: CollectorConfiguration) -> Bool {
        let processors = pipeline.processors.filter(configuration.components(.processors).contains)
        let connectors = pipeline.exporters.filter(configuration.components(.connectors).contains)
        return processors.contains(where: decides) || connectors.contains { decidingConnectors.contains(ComponentID.type($0)) }
    }

    static func isConnector(_ id: String, _ configuration: CollectorConfiguration) -> Bool {
        configuration.components(.connectors).contains(id) && !configuration.components(.receivers).contains(id)
    }

    /// What must run where the sender's connection ends: up to the last processor that needs it, as far as nothing decides over whole traces.
    static func prefix(_ pipeline: Pipeline, _ configuration: CollectorConfiguration) -> [String] {
        let before = pipeline.processors.prefix { !decides($0) }
        guard let last = before.lastIndex(where: { SenderNeed.isNeeded(byProcessor: $0, configuration) }) else { return [] }
        return Array(before[...last])
    }

    // MARK: Lanes

    /// Receivers that feed the same pipelines share a lane; one that feeds fewer of them has its own, or its data would reach the others.
    private static func lanes(_ signal: String, _ pipelines: [Pipeline], _ moved: [String], _ configuration: CollectorConfiguration) -> [TraceLane] {
        var lanes: [TraceLane] = []
        for processors in unique(pipelines.map { prefix($0, configuration) }) {
            let group = pipelines.filter { prefix($0, configuration) == processors }
            let targets = moved.map { receiver in group.filter { $0.receivers.contains(receiver) }.map(\.id) }
            for target in unique(targets) where !target.isEmpty {
                let receivers = zip(moved, targets).filter { $0.1 == target }.map(\.0)
                lanes.append(TraceLane(signal: signal, number: lanes.count, receivers: receivers, processors: processors, pipelines: target))
            }
        }
        return lanes
    }

    /// The pipelines and all that `leads` to from one of them to another, in document order.
    private static func closure(of start: [Pipeline], in all: [Pipeline], leads: (Pipeline, Pipeline) -> Bool) -> [Pipeline] {
        var reached = Set(start.map(\.id))
        var border = start
        while let pipeline = border.popLast() {
            for next in all where leads(pipeline, next) && reached.insert(next.id).inserted { border.append(next) }
        }
        return all.filter { reached.contains($0.id) }
    }

    private static func unique<Element: Hashable>(_ elements: [Element]) -> [Element] {
        var seen: Set<Element> = []
        return elements.filter { seen.insert($0).inserted }
    }
}

/// Components that read the sender's address or the metadata of its request, which no second hop has.
enum SenderNeed {
    static func isNeeded(byProcessor id: String, _ configuration: CollectorConfiguration) -> Bool {
        let value = configuration.components(.processors)[id] ?? .null
        if ["k8s_attributes", "k8sattributes"].contains(ComponentID.type(id)) { return !isAssociatedByResource(value) }
        return readsRequest(value) || value.allStrings.contains { $0.contains("otelcol.client") || $0.contains("otelcol.grpc") }
    }

    /// Whether settings name a value of the request: `from_context`, or keys by which batches are parted.
    static func readsRequest(_ value: JSONValue) -> Bool {
        switch value {
        case .array(let elements): elements.contains(where: readsRequest)
        case .object(let members):
            members.contains { key, member in key == "from_context" || key == "metadata_keys" && member != [] && !member.isNull || readsRequest(member) }
        default: false
        }
    }

    private static func isAssociatedByResource(_ processor: JSONValue) -> Bool {
        let rules = processor["pod_association"]?.array ?? []
        return !rules.isEmpty && rules.allSatisfy { ($0["sources"]?.array ?? [$0]).allSatisfy { $0["from"]?.string == "resource_attribute" } }
    }
}
