// When a collector that asks for managed trace routing cannot have it: each reason with its path and what to do instead.
// Validation calls it; TraceRouting parts a configuration only when it finds nothing.
// It never reports a warning: a configuration that is parted does what the user wrote, or it is not parted.

import CollectorComponents
import JSON
import Kubernetes
import SondeAPI

enum TraceRoutingRules {
    private static let rule = "trace-routing"

    static func findings(_ subject: RuleSubject) -> [Finding] {
        guard TraceRouting.isAsked(subject.metadata.annotations) else { return [] }
        let shape = TraceRoutingShape(subject.configuration)
        let place = places(subject)
        if !place.isEmpty { return place }
        if shape.deciding.isEmpty {
            return [
                annotation(
                    "no pipeline of traces decides over whole traces (tail_sampling, groupbytrace, service_graph)",
                    "remove the annotation, or name such a component in a pipeline of traces")
            ]
        }
        return ownRouting(subject) + receivers(shape) + origins(shape) + senders(shape) + reserved(shape) + ports(subject, shape)
    }

    private static let ways = "write mode: deployment or statefulset, or remove the annotation"

    private static func places(_ subject: RuleSubject) -> [Finding] {
        var findings: [Finding] = []
        switch subject.spec.mode {
        case .daemonset:
            findings.append(annotation("the pods of mode daemonset take in what their own node sends, so nothing can stand in front of them", ways))
        case .sidecar: findings.append(annotation("sidecars have no Service that something could stand behind", ways))
        case .deployment, .statefulset, nil: break
        }
        if subject.spec.hostNetwork {
            findings.append(error("spec.hostNetwork", "both tiers would take the same ports of a node", "remove it: the Services reach both tiers"))
        }
        guard let image = subject.image else { return findings }
        for name in ["load_balancing", "otlp_grpc"] {
            guard let component = ComponentRegistry.shared.component(.exporter, name), !image.carries(component) else { continue }
            findings.append(
                error("spec.image", "the \(image) has no exporter \(name), which the routing tier needs", "use the contrib or the k8s distribution"))
        }
        return findings
    }

    private static func ownRouting(_ subject: RuleSubject) -> [Finding] {
        let exporters = subject.configuration.enabled(.exporters, ofType: CollectorConfiguration.names(.exporters, "load_balancing"))
        let own = [Names.headlessService(subject.metadata.name), Names.collector(subject.metadata.name)]
        return exporters.filter { $0.value.allStrings.contains { text in own.contains { text == $0 || text.hasPrefix("\($0).") } } }.map { id, _ in
            error(RuleSubject.path(.exporters, id), "routes to this collector's own pods already", "remove it, or the annotation")
        }
    }

    // MARK: Receivers

    /// They read from a broker that gives each datum to one of several readers.
    private static let sharing: Set<String> = ["kafka", "pulsar", "googlecloudpubsub", "solace"]

    private static func receivers(_ shape: TraceRoutingShape) -> [Finding] {
        shape.sources.filter { $0.signal == "traces" }.flatMap { pipeline in
            pipeline.receivers.enumerated().compactMap { index, id -> Finding? in
                guard shape.moved.contains(id), !canMove(id, shape.configuration) else { return nil }
                return error(
                    "spec.config.service.pipelines.\(pipeline.id).receivers[\(index)]",
                    "\(id) listens at no address that is known, and what fetches data would fetch it once for each pod of the routing tier",
                    "write its endpoint if it listens; else take it out of pipelines that decide over whole traces, or remove the annotation")
            }
        }
    }

    private static func canMove(_ id: String, _ configuration: CollectorConfiguration) -> Bool {
        if sharing.contains(ComponentID.type(id)) { return true }
        let value = configuration.components(.receivers)[id] ?? .null
        switch ComponentID.registered(.receivers, id)?.listening {
        case .single?, .protocols?: return true
        case .never?, .apiServer?: return false
        case .asWritten?, nil:
            if let hidden = ComponentID.registered(.receivers, id)?.hiddenListeners, !hidden.isEmpty { return true }
            return ["endpoint", "listen_address"].contains { Endpoint.port(value[$0]?.string) != nil }
        }
    }

    /// Traces that a connector makes of another signal begin in each pod anew.
    private static func origins(_ shape: TraceRoutingShape) -> [Finding] {
        shape.sources.filter { $0.signal != "traces" }.map { pipeline in
            error(
                "spec.config.service.pipelines.\(pipeline.id)",
                "a connector makes traces of its \(pipeline.signal) for a pipeline that decides over whole traces, and each pod makes its own",
                "send those traces by an exporter to this collector's Service, or remove the annotation")
        }
    }

    // MARK: What needs the sender

    private static func senders(_ shape: TraceRoutingShape) -> [Finding] {
        let configuration = shape.configuration
        let why = "reads the sender's address or the metadata of its request, which end at the routing tier"
        let exporters = configuration.enabled(.exporters).map { (ComponentKind.exporters, $0) }
        let extensions = configuration.enabledExtensions.map { (ComponentKind.extensions, $0) }
        let late = (exporters + extensions).filter { kind, id in SenderNeed.readsRequest(configuration.components(kind)[id] ?? .null) }
        let outer = late.map { kind, id in
            error(RuleSubject.path(kind, id), why, "name the values in the configuration, or remove the annotation")
        }
        let inner = shape.fedByConnectors.flatMap { pipeline in
            TraceRoutingShape.prefix(pipeline, configuration).enumerated().compactMap { index, id -> Finding? in
                guard SenderNeed.isNeeded(byProcessor: id, configuration) else { return nil }
                return error(
                    "spec.config.service.pipelines.\(pipeline.id).processors[\(index)]", "\(id) \(why), and a connector feeds this pipeline",
                    "put it into the pipeline with the receiver, before the connector")
            }
        }
        return outer + inner
    }

    // MARK: Names and ports

    private static func reserved(_ shape: TraceRoutingShape) -> [Finding] {
        let components = ComponentKind.allCases.flatMap { kind in shape.configuration.components(kind).keys.map { ("spec.config.\(kind.rawValue).\($0)", $0) } }
        let pipelines = shape.configuration.pipelines.map { ("spec.config.service.pipelines.\($0.id)", $0.id) }
        return (components + pipelines).filter { $0.1.contains("/") && $0.1.contains(TraceRouting.mark) }.map { path, _ in
            error(path, "has a name that managed trace routing gives", "give it another name")
        }
    }

    /// Services find the tier of a port by the port's name in the pods, and a container names the ports that it is told of.
    private static func ports(_ subject: RuleSubject, _ shape: TraceRoutingShape) -> [Finding] {
        (subject.spec["ports"]?.array ?? []).enumerated().compactMap { index, port in
            guard let target = port["targetPort"]?.int, target != port["port"]?.int else { return nil }
            return error(
                "spec.ports[\(index)].targetPort", "is a number that differs from port, so nothing tells which tier's pods have it",
                "write the number of port, or remove it")
        }
    }

    private static func annotation(_ message: String, _ remedy: String) -> Finding {
        Finding(.error, rule: rule, path: CollectorAnnotations.path(CollectorAnnotations.Name.traceRouting.key), message: message, remedy: remedy)
    }

    private static func error(_ path: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.error, rule: rule, path: path, message: message, remedy: remedy)
    }
}
