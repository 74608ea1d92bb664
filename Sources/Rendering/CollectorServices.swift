// The Services of a collector: base and headless with its receivers' and exporters' ports, monitoring with its own metrics, extension.
// CollectorRendering renders them for every mode but sidecar; what exposes the collector to the outside names their ports.
// It never makes a Service without ports.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

/// A port of the base Service as others name it.
struct ExposedPort: Hashable {
    let name: String
    let number: Int
    let applicationProtocol: String?
}

struct CollectorServices {
    /// Which of the Services one is, as its label says.
    enum Role: String { case base, headless, monitoring, `extension` }

    static let roleLabel = "operator.opentelemetry.io/collector-service-type"
    static let monitoringPort = "monitoring"

    let context: CollectorContext
    /// Whose pods the Services select, with managed trace routing.
    var tiers: TraceTiers?

    var manifests: [Manifest] {
        var manifests: [Manifest] = []
        let ports = servicePorts(context.ports.service, given: context.spec["ports"])
        if !ports.isEmpty { manifests += [base(ports), headless(ports)] }
        manifests.append(monitoring)
        let extensionPorts = servicePorts(context.ports.extensions, given: nil)
        if !extensionPorts.isEmpty { manifests.append(extensions(extensionPorts)) }
        return manifests
    }

    /// Ports of the base Service without those that only an exporter listens on: the user's first, then the receivers'.
    var receiverPorts: [ExposedPort] {
        let merge = PortMerge(context.spec["ports"])
        let receivers = Set(context.ports.receivers.map { "\($0.number)/\($0.transport)" })
        let inferred = merge.inferred(context.ports.service).filter { receivers.contains("\($0.number)/\($0.transport)") }
        let given = merge.given.map { port in
            ExposedPort(name: port["name"]?.string ?? "", number: port["port"]?.int ?? 0, applicationProtocol: port["appProtocol"]?.string)
        }
        return given + inferred.map { ExposedPort(name: $0.name, number: $0.number, applicationProtocol: $0.applicationProtocol) }
    }

    private func servicePorts(_ inferred: [ComponentPort], given: JSONValue?) -> [JSONValue] {
        let merge = PortMerge(given)
        let ports = merge.inferred(inferred).map { port in
            JSONValue.members([
                ("name", .string(port.name)), ("port", JSONValue(port.number)), ("targetPort", JSONValue(port.number)), ("protocol", .string(port.transport)),
                ("appProtocol", port.applicationProtocol.map { .string(applicationProtocol($0)) }),
            ])
        }
        let users = merge.given.map { port -> JSONValue in
            var port = port
            port["hostPort"] = nil
            if port["nodePort"]?.int == 0 { port["nodePort"] = nil }
            return port
        }
        let all = users + ports
        return tiers.map { tiers in all.map(tiers.byName) } ?? all
    }

    /// OpenShift's router speaks HTTP/2 without TLS only to ports that say `h2c`.
    private func applicationProtocol(_ name: String) -> String {
        name == "grpc" && context.spec["ingress"]?["type"]?.string == "route" ? "h2c" : name
    }

    private func base(_ ports: [JSONValue]) -> Manifest {
        let given = context.annotations
        let outside: [(String, JSONValue?)] = [
            ("type", given[.serviceType]), ("loadBalancerClass", given[.loadBalancerClass]), ("externalTrafficPolicy", given[.externalTrafficPolicy]),
        ]
        return service(
            context.baseName, labelName: context.baseName, .base, content: traffic + families + outside + [("ports", .array(ports))],
            own: given.texts(.serviceAnnotations),
            selector: tiers?.bothSelector)
    }

    private func headless(_ ports: [JSONValue]) -> Manifest {
        let name = Names.headlessService(context.collector.name.name)
        return service(
            name, labelName: context.baseName, .headless, label: "operator.opentelemetry.io/collector-headless-service",
            annotations: ["service.beta.openshift.io/serving-cert-secret-name": "\(name)-tls"],
            content: [("clusterIP", "None")] + traffic + families + [("ports", .array(ports))], selector: tiers?.selector(of: ports))
    }

    private var monitoring: Manifest {
        let name = Names.monitoringService(context.collector.name.name)
        let port: JSONValue = ["name": .string(Self.monitoringPort), "port": JSONValue(context.configuration.telemetryPort), "protocol": "TCP"]
        return service(
            name, labelName: name, .monitoring, label: "operator.opentelemetry.io/collector-monitoring-service", content: families + [("ports", [port])],
            selector: tiers?.bothSelector)
    }

    private func extensions(_ ports: [JSONValue]) -> Manifest {
        let name = Names.extensionService(context.collector.name.name)
        return service(name, labelName: name, .extension, content: [("ports", .array(ports))])
    }

    /// A DaemonSet's pods are reached on the caller's own node.
    private var traffic: [(String, JSONValue?)] {
        [("internalTrafficPolicy", context.spec.mode == .daemonset ? "Local" : "Cluster")]
    }

    private var families: [(String, JSONValue?)] {
        [("ipFamilyPolicy", context.spec["ipFamilyPolicy"] ?? "SingleStack"), ("ipFamilies", context.spec["ipFamilies"])]
    }

    private func service(
        _ name: String, labelName: String, _ role: Role, label: String? = nil, annotations: [String: String] = [:], content: [(String, JSONValue?)],
        own: [String: String] = [:], selector: [String: String]? = nil
    ) -> Manifest {
        var labels = context.metadata.unfilteredLabels(name: labelName)
        labels[Self.roleLabel] = role.rawValue
        if let label { labels[label] = "Exists" }
        let copied = ["trafficDistribution", "sessionAffinity", "sessionAffinityConfig"].map { ($0, context.spec[$0]) }
        let spec = JSONValue.members([("selector", .texts(selector ?? context.metadata.selector))] + copied + content)
        // The resource's annotations win over the default ones, as they do in existing clusters; what is given for this Service alone wins over both.
        return context.builder.manifest(
            .services, name: name, labels: labels,
            annotations: annotations.merging(context.metadata.annotations) { _, theirs in theirs }.merging(own) { _, own in own },
            content: [("spec", spec)])
    }
}
