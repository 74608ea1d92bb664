// What the Prometheus operator reads to scrape a collector: ServiceMonitors, or for sidecars a PodMonitor.
// CollectorRendering renders them when the resource asks for metrics; the controller applies them where their definitions are installed.
// It never names a port that the Services or pods do not have.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

struct CollectorMonitors {
    let context: CollectorContext

    var manifests: [Manifest] {
        guard context.spec.hasMonitors else { return [] }
        if context.spec.mode == .sidecar { return [podMonitor] }
        let monitoring = serviceMonitor(
            Names.monitoringServiceMonitor(context.collector.name.name), of: .monitoring, endpoints: [["port": .string(CollectorServices.monitoringPort)]])
        let exporters = prometheusPorts
        return (exporters.isEmpty ? [] : [serviceMonitor(context.baseName, of: .base, endpoints: exporters)]) + [monitoring]
    }

    /// Ports of Prometheus exporters, by the names that Service and container give them.
    private var prometheusPorts: [JSONValue] {
        PortMerge(context.spec["ports"]).inferred(context.ports.service)
            .filter { port in ComponentID.type(port.component) == "prometheus" && context.ports.exporters.contains { $0.number == port.number } }
            .map { ["port": .string($0.name)] }
    }

    private func labels(name: String) -> [String: String] {
        context.metadata.unfilteredLabels(name: name).merging(context.spec.monitorLabels) { _, theirs in theirs }
    }

    private var namespaceSelector: JSONValue { ["matchNames": [.string(context.collector.name.namespace ?? "default")]] }

    private func serviceMonitor(_ name: String, of type: CollectorServices.Role, endpoints: [JSONValue]) -> Manifest {
        var selector = context.metadata.selector
        selector[CollectorServices.roleLabel] = type.rawValue
        let spec: JSONValue = [
            "endpoints": .array(endpoints), "namespaceSelector": namespaceSelector, "selector": ["matchLabels": .texts(selector)],
        ]
        return context.builder.manifest(.serviceMonitors, name: name, labels: labels(name: name), content: [("spec", spec)])
    }

    /// The collector's own metrics first, then Prometheus exporters, by the names that the container gives them.
    private var podPorts: [String] {
        let exporters = context.ports.exporters.filter { ComponentID.type($0.component) == "prometheus" }.map(\.number)
        let ports = ContainerPorts(context: context).ports.array ?? []
        return ([context.configuration.telemetryPort] + exporters).compactMap { number in
            ports.first { $0["containerPort"]?.int == number && $0["protocol"] == "TCP" }?["name"]?.string
        }
    }

    /// Pods that carry the sidecar, by the label that injection puts on them; they are in any namespace, and none has the labels of a workload of ours.
    private var podMonitor: Manifest {
        let injected = Names.instance(namespace: context.collector.name.namespace ?? "default", name: context.collector.name.name)
        let spec: JSONValue = [
            "jobLabel": "app.kubernetes.io/instance",
            "podTargetLabels": ["app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by"],
            "namespaceSelector": ["any": true], "selector": ["matchLabels": [SidecarRendering.label: .string(injected)]],
            "podMetricsEndpoints": .array(podPorts.map { ["port": .string($0)] }),
        ]
        return context.builder.manifest(.podMonitors, name: context.baseName, labels: labels(name: context.baseName), content: [("spec", spec)])
    }
}
