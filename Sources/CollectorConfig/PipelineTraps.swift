// Processors in an order in which one spoils what the other does, or loses what it needs.
// Validation calls it.
// It never reports an error: such a configuration runs, and does less than it says.

import JSON
import SondeAPI

enum PipelineTraps {
    static func findings(_ subject: RuleSubject) -> [Finding] {
        subject.configuration.pipelines.flatMap { order($0, subject.configuration) } + associations(subject.configuration)
    }

    /// Pairs of processors of which the first must not stand before the second.
    private struct WrongOrder {
        let rule: String
        let severity: Finding.Severity
        let first: Set<String>
        let second: Set<String>
        let why: String
        var exception: @Sendable (JSONValue) -> Bool = { _ in false }
    }

    private static let kubernetesAttributes: Set<String> = ["k8s_attributes", "k8sattributes"]

    private static let wrongOrders: [WrongOrder] = [
        .init(
            rule: "batch-before-tail-sampling", severity: .info, first: ["batch"], second: ["tail_sampling"],
            why: "only adds delay and memory before tail_sampling, which groups by trace again"),
        .init(
            rule: "batch-before-memory-limiter", severity: .warning, first: ["batch"], second: ["memory_limiter"],
            why: "has told the client that all is well before memory_limiter refuses: what it refuses is then dropped"),
        .init(
            rule: "k8s-attributes-after-batch", severity: .warning, first: ["batch", "tail_sampling"], second: kubernetesAttributes,
            why: "loses the connection by which k8s_attributes finds the pod", exception: isAssociatedByResource),
    ]

    private static func order(_ pipeline: Pipeline, _ configuration: CollectorConfiguration) -> [Finding] {
        let types = pipeline.processors.map(ComponentID.type)
        return wrongOrders.compactMap { wrong in
            guard let first = types.firstIndex(where: wrong.first.contains) else { return nil }
            let second = types.indices.last { index in
                index > first && wrong.second.contains(types[index])
                    && !wrong.exception(configuration.components(.processors)[pipeline.processors[index]] ?? .null)
            }
            guard let second else { return nil }
            return Finding(
                wrong.severity, rule: wrong.rule, path: "spec.config.service.pipelines.\(pipeline.id).processors[\(first)]",
                message: "\(pipeline.processors[first]) \(wrong.why)", remedy: "put it after \(pipeline.processors[second])")
        }
    }

    // MARK: k8s_attributes

    /// The sources of the first rule of `pod_association`; nil when there is none, and the default counts.
    private static func firstAssociation(_ processor: JSONValue) -> [JSONValue]? {
        guard let first = processor["pod_association"]?.array?.first else { return nil }
        return first["sources"]?.array ?? [first]
    }

    private static func isAssociatedByResource(_ processor: JSONValue) -> Bool {
        (processor["pod_association"]?.array ?? []).contains { rule in
            (rule["sources"]?.array ?? [rule]).allSatisfy { $0["from"]?.string == "resource_attribute" }
        }
    }

    /// Data that others pass on, Sonde's agents and collectors in front among them, come from the sender's address.
    private static func associations(_ configuration: CollectorConfiguration) -> [Finding] {
        let takesOTLP = configuration.pipelines.filter { $0.receivers.contains { ComponentID.type($0) == "otlp" } }
        let exposed = Set(takesOTLP.flatMap(\.processors))
        return configuration.enabled(.processors, ofType: kubernetesAttributes).compactMap { id, value in
            guard exposed.contains(id) else { return nil }
            let first = firstAssociation(value)
            if let first, first.allSatisfy({ $0["from"]?.string == "resource_attribute" }) { return nil }
            let path = RuleSubject.path(.processors, id)
            return Finding(
                .warning, rule: "k8s-attributes-association", path: first == nil ? path : "\(path).pod_association[0]",
                message: "the pod is found by the connection's address first: data that an agent or another collector passes on get that one's pod",
                remedy: "begin pod_association with {sources: [{from: resource_attribute, name: k8s.pod.uid}]}")
        }
    }
}
