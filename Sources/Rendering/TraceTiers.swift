// A collector with managed trace routing as two tiers of pods: what each tier's pods run, and by which labels Services and policies tell them apart.
// CollectorRendering renders both; Services, policies and workloads ask it for selectors and ports.
// It never exists for a resource without the annotation, whose objects are the same as ever.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// Which pods of a resource a context renders.
enum CollectorTier: String, Hashable {
    /// All: there is one tier.
    case whole
    /// Those that decide over whole traces, and do everything else that the configuration says.
    case sampling
    /// Those that take data in and pass traces on by trace id.
    case routing
}

struct TraceTiers {
    /// On pods only: which tier they are. The selector of the sampling pods is that of a collector without tiers, as a workload's selector cannot change.
    static let podLabel = "sonde.dev/trace-tier"

    let routing: CollectorContext
    let sampling: CollectorContext
    private let plan: TraceRouting

    /// Nil without the annotation.
    init?(_ collector: OpenTelemetryCollector, _ facts: CollectorFacts) {
        guard let plan = TraceRouting.of(collector, collectorImage: facts.collectorImage) else { return nil }
        self.plan = plan
        routing = CollectorContext(Self.routingPart(collector, plan), Self.routingFacts(facts), tier: .routing)
        sampling = CollectorContext(Self.samplingPart(collector, plan), facts, tier: .sampling)
    }

    // MARK: The parts as resources

    private static func samplingPart(_ collector: OpenTelemetryCollector, _ plan: TraceRouting) -> OpenTelemetryCollector {
        collector.with { spec in
            spec["config"] = plan.sampling.value
            spec["ports"] = ports(spec["ports"]) { !plan.movedPorts.contains($0) }
        }
    }

    /// What the routing pods have of the resource's own pods: image, environment, files, security and place; not what adds containers or asks for more.
    private static let shared = [
        "image", "imagePullPolicy", "command", "args", "env", "envFrom", "volumes", "configmaps", "podAnnotations", "podSecurityContext", "securityContext",
        "nodeSelector", "tolerations", "priorityClassName", "terminationGracePeriodSeconds", "hostAliases", "hostUsers", "dnsPolicy", "podDnsConfig",
        "serviceAccount", "observability", "networkPolicy", "livenessProbe", "readinessProbe", "startupProbe",
    ]
    /// Routing keeps nothing: it decodes, hashes and encodes. The limit is what memory_limiter reckons with.
    private static let resources: JSONValue = ["requests": ["cpu": "100m", "memory": "256Mi"], "limits": ["memory": "512Mi"]]
    private static let replicasMin = 2

    private static func routingPart(_ collector: OpenTelemetryCollector, _ plan: TraceRouting) -> OpenTelemetryCollector {
        let whole = collector.spec
        return collector.with { spec in
            var part = JSONValue.members(shared.map { ($0, whole[$0]) })
            part["mode"] = "deployment"
            part["config"] = plan.routing.value
            part["resources"] = resources
            // Half of the pods that decide, and two so that one may go.
            let least = whole["autoscaler"]?["minReplicas"]?.int ?? 0
            part["replicas"] = JSONValue(max(replicasMin, (max(least, whole.replicas) + 1) / 2))
            part["ports"] = ports(whole["ports"]) { plan.movedPorts.contains($0) }
            let volumes = Set((whole["volumes"]?.array ?? []).compactMap { $0["name"]?.string })
            // Claims of a StatefulSet are not there.
            let mounts = (whole["volumeMounts"]?.array ?? []).filter { $0["name"]?.string.map(volumes.contains) == true }
            if !mounts.isEmpty { part["volumeMounts"] = .array(mounts) }
            if let nodes = whole["affinity"]?["nodeAffinity"] { part["affinity"] = ["nodeAffinity": nodes] }
            part["topologySpreadConstraints"] = [spread(collector)]
            spec = part
        }
    }

    private static func spread(_ collector: OpenTelemetryCollector) -> JSONValue {
        [
            "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": ["matchLabels": .texts(CollectorMetadata(collector: collector, tier: .routing).selector)],
        ]
    }

    private static func routingFacts(_ facts: CollectorFacts) -> CollectorFacts {
        var facts = facts
        facts.scale = CollectorScale(isOwnedByOthers: facts.scale.isRoutingOwnedByOthers)
        return facts
    }

    private static func ports(_ ports: JSONValue?, _ isWanted: (String) -> Bool) -> JSONValue? {
        ports?.array.map { .array($0.filter { isWanted("\($0["port"]?.int ?? 0)/\($0["protocol"]?.string ?? "TCP")") }) }
    }

    // MARK: Services

    /// Labels of the pods of both tiers, and of those that a resource had before it had tiers.
    var bothSelector: [String: String] { sampling.metadata.selector.filter { $0.key != CollectorMetadata.componentLabel } }

    /// The selector for ports of which each is of one tier: pods that do not name a port are not found by it.
    /// - Parameter ports: Of a Service.
    func selector(of ports: [JSONValue]) -> [String: String] {
        let moved = ports.filter { plan.movedPorts.contains("\($0["port"]?.int ?? 0)/\($0["protocol"]?.string ?? "TCP")") }
        if moved.count == ports.count { return routing.metadata.selector }
        return moved.isEmpty ? sampling.metadata.selector : bothSelector
    }

    /// The same port with the name in place of the number that its target has in the pods.
    func byName(_ port: JSONValue) -> JSONValue {
        let number = port["targetPort"]?.int ?? port["port"]?.int
        guard port["targetPort"]?.string == nil, let number else { return port }
        let named = [routing, sampling].lazy.flatMap { ContainerPorts(context: $0).ports.array ?? [] }.first {
            $0["containerPort"]?.int == number && $0["protocol"]?.string == port["protocol"]?.string ?? "TCP"
        }
        var port = port
        if let name = named?["name"] { port["targetPort"] = name }
        return port
    }

    /// How the routing pods find the others. Pods from before the tiers lack its label, so none of them is found.
    var samplingService: Manifest {
        let context = sampling, name = Names.samplingService(context.collector.name.name)
        let ports = plan.lanePorts.enumerated().map { index, port -> JSONValue in
            ["name": .string("lane-\(index + 1)"), "port": JSONValue(port), "targetPort": JSONValue(port), "protocol": "TCP", "appProtocol": "grpc"]
        }
        var selector = context.metadata.selector
        selector[Self.podLabel] = CollectorTier.sampling.rawValue
        let spec = JSONValue.members([
            ("clusterIP", "None"), ("ipFamilyPolicy", context.spec["ipFamilyPolicy"] ?? "SingleStack"), ("ipFamilies", context.spec["ipFamilies"]),
            ("selector", .texts(selector)), ("ports", .array(ports)),
        ])
        return context.builder.manifest(
            .services, name: name, labels: context.metadata.unfilteredLabels(name: name), annotations: context.metadata.annotations,
            content: [("spec", spec)])
    }

    // MARK: Policies

    /// Besides the policy of a resource without tiers, which stays as it is for the pods that decide: policies add up, so that pods of either kind are
    /// reached while one takes the place of the other.
    var networkPolicies: [Manifest] { [lanePolicy, routing.networkPolicy].compactMap(\.self) }

    /// Lanes are open to the routing tier only.
    private var lanePolicy: Manifest? {
        guard sampling.spec.hasNetworkPolicy else { return nil }
        let name = Names.samplingService(sampling.collector.name.name)
        var pods = sampling.metadata.selector
        pods[Self.podLabel] = CollectorTier.sampling.rawValue
        let rule: JSONValue = [
            "from": [["podSelector": ["matchLabels": .texts(routing.metadata.selector)]]],
            "ports": .array(plan.lanePorts.map { ["port": JSONValue($0), "protocol": "TCP"] }),
        ]
        let content: JSONValue = ["podSelector": ["matchLabels": .texts(pods)], "policyTypes": ["Ingress"], "ingress": [rule]]
        return sampling.builder.manifest(
            .networkPolicies, name: name, labels: sampling.metadata.labels(name: name), annotations: sampling.metadata.annotations,
            content: [("spec", content)])
    }
}

extension OpenTelemetryCollector {
    /// The same object with a changed spec.
    fileprivate func with(_ change: (inout JSONValue) -> Void) -> OpenTelemetryCollector {
        var object = object
        var spec = object["spec"] ?? [:]
        change(&spec)
        object["spec"] = spec
        // Kind and name are those of an object that has been read.
        return (try? OpenTelemetryCollector(object: object)) ?? self
    }
}
