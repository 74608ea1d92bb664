// How a collector's receivers are reached from outside the cluster: Ingress, HTTPRoutes of the Gateway API, Routes of OpenShift.
// CollectorRendering renders them for every mode but sidecar.
// It never exposes a port that only an exporter or an extension listens on, except by spec.ports.

import CollectorConfig
import JSON
import Kubernetes
import SondeAPI

struct CollectorExposure {
    let context: CollectorContext
    private var resource: OpenTelemetryCollectorSpec { context.spec }
    private var ingress: JSONValue { resource["ingress"] ?? [:] }
    private var host: String { ingress["hostname"]?.string ?? "" }
    private var service: JSONValue { .string(context.baseName) }

    var manifests: [Manifest] {
        let ports = CollectorServices(context: context).receiverPorts
        if ports.isEmpty { return [] }
        var manifests: [Manifest] = []
        if ingress["type"]?.string == "ingress" { manifests.append(ingress(ports)) }
        if ingress["type"]?.string == "route" { manifests += ports.map(route) }
        return manifests + httpRoutes(ports)
    }

    // MARK: Ingress

    private func ingress(_ ports: [ExposedPort]) -> Manifest {
        let name = Names.ingress(context.collector.name.name)
        let rules = ingress["ruleType"]?.string == "subdomain" ? ports.map(subdomain) : [paths(ports)]
        let spec = JSONValue.members([("ingressClassName", ingress["ingressClassName"]), ("tls", ingress["tls"]), ("rules", .array(rules))])
        return context.builder.manifest(
            .ingresses, name: name, labels: context.metadata.labels(name: name), annotations: annotations, content: [("spec", spec)])
    }

    /// What the resource gives for these objects; its own annotations are not for them.
    private var annotations: [String: String] {
        Dictionary((ingress["annotations"]?.object ?? [:]).compactMap { key, value in value.string.map { (key, $0) } }, uniquingKeysWith: { $1 })
    }

    private func paths(_ ports: [ExposedPort]) -> JSONValue {
        .members([("host", host.isEmpty ? Optional.none : .string(host)), ("http", ["paths": .array(ports.map { path("/\($0.name)", $0) })])])
    }

    private func subdomain(_ port: ExposedPort) -> JSONValue {
        ["host": .string(host.isEmpty || host == "*" ? port.name : "\(port.name).\(host)"), "http": ["paths": [path("/", port)]]]
    }

    private func path(_ path: String, _ port: ExposedPort) -> JSONValue {
        ["path": .string(path), "pathType": "Prefix", "backend": ["service": ["name": service, "port": ["name": .string(port.name)]]]]
    }

    // MARK: Routes of OpenShift

    private func route(_ port: ExposedPort) -> Manifest {
        let name = Names.route(context.collector.name.name, port: port.name)
        // No version and nothing of the resource's own labels: so they are in existing clusters.
        var labels = context.metadata.selector
        labels["app.kubernetes.io/part-of"] = nil
        labels["app.kubernetes.io/name"] = name
        let spec = JSONValue.members([
            ("host", host.isEmpty ? Optional.none : .string("\(port.name).\(host)")), ("to", ["kind": "Service", "name": service]),
            ("port", ["targetPort": .string(port.name)]), ("wildcardPolicy", "None"), ("tls", termination.map { ["termination": .string($0)] }),
        ])
        return context.builder.manifest(.routes, name: name, labels: labels, annotations: annotations, content: [("spec", spec)])
    }

    /// Nil for `insecure`: no TLS at all.
    private var termination: String? {
        let given = ingress.at("route", "termination")?.string ?? ""
        if given.isEmpty { return "edge" }
        return given == "insecure" ? nil : given
    }

    // MARK: Gateway API

    private func httpRoutes(_ ports: [ExposedPort]) -> [Manifest] {
        guard let settings = resource["httpRoute"], settings["enabled"]?.bool == true, let gateway = settings["gateway"]?.string, !gateway.isEmpty else {
            return []
        }
        return ports.filter { !["grpc", "h2c"].contains($0.applicationProtocol) }.map { httpRoute($0, settings, gateway: gateway) }
    }

    private func httpRoute(_ port: ExposedPort, _ settings: JSONValue, gateway: String) -> Manifest {
        let name = Names.httpRoute(context.collector.name.name, port: port.name)
        let namespace = settings["gatewayNamespace"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? context.collector.name.namespace ?? "default"
        // Group, kind and weight are the definition's defaults; said here, an apply finds nothing to change whoever fills them in.
        let rule: JSONValue = [
            "matches": [["path": ["type": "PathPrefix", "value": .string("/\(port.name)")]]],
            "filters": [["type": "URLRewrite", "urlRewrite": ["path": ["type": "ReplacePrefixMatch", "replacePrefixMatch": "/"]]]],
            "backendRefs": [["group": "", "kind": "Service", "name": service, "port": JSONValue(port.number), "weight": 1]],
        ]
        let hostnames = settings["hostnames"].flatMap { $0 == [] ? Optional.none : .some($0) }
        let spec = JSONValue.members([
            (
                "parentRefs",
                [["group": "gateway.networking.k8s.io", "kind": "Gateway", "name": .string(gateway), "namespace": .string(namespace)]]
            ), ("hostnames", hostnames), ("rules", [rule]),
        ])
        return context.builder.manifest(.httpRoutes, name: name, labels: context.metadata.labels(name: name), content: [("spec", spec)])
    }
}
