// The Services of a collector: base and headless with its receivers' and exporters' ports, monitoring with its own metrics, extension.
// CollectorRendering renders them for deployment and daemonset.
// It never makes a Service without ports, and no type other than ClusterIP.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

struct CollectorServices {
    let context: CollectorContext

    private static let typeLabel = "operator.opentelemetry.io/collector-service-type"

    var manifests: [Manifest] {
        var manifests: [Manifest] = []
        let ports = servicePorts(context.ports.service, given: context.spec["ports"])
        if !ports.isEmpty { manifests += [base(ports), headless(ports)] }
        manifests.append(monitoring)
        let extensionPorts = servicePorts(context.ports.extensions, given: nil)
        if !extensionPorts.isEmpty { manifests.append(extensions(extensionPorts)) }
        return manifests
    }

    private func servicePorts(_ inferred: [ComponentPort], given: JSONValue?) -> [JSONValue] {
        let merge = PortMerge(given)
        let ports = merge.inferred(inferred).map { port in
            JSONValue.members([
                ("name", .string(port.name)), ("port", JSONValue(port.number)), ("targetPort", JSONValue(port.number)), ("protocol", .string(port.transport)),
                ("appProtocol", port.applicationProtocol.map { .string($0) }),
            ])
        }
        let users = merge.given.map { port -> JSONValue in
            var port = port
            port["hostPort"] = nil
            if port["nodePort"]?.int == 0 { port["nodePort"] = nil }
            return port
        }
        return users + ports
    }

    private func base(_ ports: [JSONValue]) -> Manifest {
        service(context.baseName, labelName: context.baseName, type: "base", content: traffic + families + [("ports", .array(ports))])
    }

    private func headless(_ ports: [JSONValue]) -> Manifest {
        let name = Names.headlessService(context.collector.name.name)
        return service(
            name, labelName: context.baseName, type: "headless", label: "operator.opentelemetry.io/collector-headless-service",
            annotations: ["service.beta.openshift.io/serving-cert-secret-name": "\(name)-tls"],
            content: [("clusterIP", "None")] + traffic + families + [("ports", .array(ports))])
    }

    private var monitoring: Manifest {
        let name = Names.monitoringService(context.collector.name.name)
        let port: JSONValue = ["name": "monitoring", "port": JSONValue(context.configuration.telemetryPort), "protocol": "TCP"]
        return service(
            name, labelName: name, type: "monitoring", label: "operator.opentelemetry.io/collector-monitoring-service",
            content: families + [("ports", [port])])
    }

    private func extensions(_ ports: [JSONValue]) -> Manifest {
        let name = Names.extensionService(context.collector.name.name)
        return service(name, labelName: name, type: "extension", content: [("ports", .array(ports))])
    }

    /// A DaemonSet's pods are reached on the caller's own node.
    private var traffic: [(String, JSONValue?)] {
        [("internalTrafficPolicy", context.spec.mode == .daemonset ? "Local" : "Cluster")]
    }

    private var families: [(String, JSONValue?)] {
        [("ipFamilyPolicy", context.spec["ipFamilyPolicy"] ?? "SingleStack"), ("ipFamilies", context.spec["ipFamilies"])]
    }

    private func service(
        _ name: String, labelName: String, type: String, label: String? = nil, annotations: [String: String] = [:], content: [(String, JSONValue?)]
    ) -> Manifest {
        var labels = context.metadata.labels(name: labelName)
        labels[Self.typeLabel] = type
        if let label { labels[label] = "Exists" }
        let copied = ["trafficDistribution", "sessionAffinity", "sessionAffinityConfig"].map { ($0, context.spec[$0]) }
        let spec = JSONValue.members([("selector", .texts(context.metadata.selector))] + copied + content)
        return context.builder.manifest(
            .services, name: name, labels: labels, annotations: context.metadata.annotations.merging(annotations) { _, ours in ours }, content: [("spec", spec)]
        )
    }
}
