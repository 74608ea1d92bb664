// The collector's container: arguments, environment, ports, probes and mounts, each by the rules of the existing operator.
// CollectorPod puts it before the resource's additional containers.
// It never invents a probe: probes exist only when the configuration enables the health_check extension.

import CollectorConfig
import JSON
import SondeAPI

struct CollectorContainer {
    static let name = PodTemplatePatch.containerName

    let context: CollectorContext
    private var spec: OpenTelemetryCollectorSpec { context.spec }

    var container: JSONValue {
        .members(
            [
                ("name", .string(Self.name)), ("image", .string(CollectorRendering.image(context.collector, context.facts))),
                ("imagePullPolicy", spec["imagePullPolicy"]), ("command", spec["command"]), ("args", arguments), ("env", environment),
                ("envFrom", spec["envFrom"]), ("resources", spec["resources"]), ("ports", ContainerPorts(context: context).ports), ("volumeMounts", mounts),
            ] + probes + [("securityContext", spec["securityContext"]), ("lifecycle", spec["lifecycle"])])
    }

    private var arguments: JSONValue {
        let given = (spec["args"]?.object ?? [:]).filter { key, _ in key != "config" }.map { "--\($0)=\($1.string ?? "")" }
        // Sorted as whole arguments, `=` included, as in existing clusters.
        let sorted = given.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return .array(["--config=/conf/collector.yaml"] + sorted.map { .string($0) })
    }

    private var environment: JSONValue {
        let given = spec["env"]?.array ?? []
        let names = Set(given.compactMap { $0["name"]?.string })
        var added: [(String, JSONValue)] = [
            ("POD_NAME", Self.field("metadata.name")), ("GOMEMLIMIT", Self.limit("limits.memory")), ("GOMAXPROCS", Self.limit("limits.cpu")),
        ]
        if !context.configuration.enabled(.receivers, ofType: ["kubeletstats", "kubelet_stats"]).isEmpty {
            added.append(("K8S_NODE_NAME", Self.field("spec.nodeName")))
        }
        let sources = added.map { ($0, JSONValue.members([("name", .string($0)), ("valueFrom", $1)])) }
        return .array(given + (sources + ProxyVariables.collectorEnvironment(context.facts.proxyVariables)).filter { !names.contains($0.0) }.map(\.1))
    }

    private static func field(_ path: String) -> JSONValue { ["fieldRef": ["fieldPath": .string(path)]] }

    private static func limit(_ resource: String) -> JSONValue {
        ["resourceFieldRef": ["containerName": .string(name), "resource": .string(resource)]]
    }

    private var mounts: JSONValue {
        let config: JSONValue = ["name": "otc-internal", "mountPath": "/conf"]
        return .array([config] + (spec["volumeMounts"]?.array ?? []) + CollectorPod(context: context).extraConfigMaps.map(\.mount))
    }

    private var probes: [(String, JSONValue?)] {
        guard let id = context.configuration.enabledExtensions.first(where: { ComponentID.type($0) == "health_check" }),
            let check = context.configuration.components(.extensions)[id]
        else { return [] }
        let get: JSONValue = [
            "path": .string(check["path"]?.string ?? "/"), "port": JSONValue(Endpoint.port(check["endpoint"]?.string) ?? Self.healthCheckPort),
        ]
        return ["livenessProbe", "readinessProbe", "startupProbe"].map { name in
            var probe: JSONValue = ["httpGet": get]
            for (key, value) in spec[name]?.object ?? [:] { probe[key] = value }
            return (name, probe)
        }
    }

    private static let healthCheckPort = 13133
}
