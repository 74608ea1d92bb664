// Random OpenTelemetryCollectors that are valid: every field of the spec, every mode, long names, pipelines of all signals.
// PropertyTests renders them; a seed gives the same resource again.
// It never makes a resource that admission would refuse: what it fills in is what the rules ask for.

import JSON
import SondeAPI
import TestSupport

struct RandomCollector {
    private var random: Seeded
    /// Fields of the spec that the last resource has.
    private(set) var mode = "deployment"

    init(_ random: Seeded) { self.random = random }

    mutating func object() -> JSONValue {
        mode = pick(CollectorSchema.modes)
        var spec: JSONValue = ["config": config()]
        if bool() { spec["mode"] = .string(mode) } else { mode = "deployment" }
        for field in shuffled(CollectorSchema.spec.fields.map(\.name)) where bool() && !isOfOtherMode(field) {
            if let value = value(of: field) { spec[field] = value }
        }
        fit(&spec)
        var annotations: JSONValue = [:]
        for _ in 0..<below(3) { annotations["example.com/\(word())"] = .string(word()) }
        return [
            "apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector",
            "metadata": [
                "name": .string(name()), "namespace": .string(word()), "uid": "0a1b2c", "labels": ["team": .string(word())], "annotations": annotations,
            ],
            "spec": spec,
        ]
    }

    /// Fields that admission refuses in the mode, or that the schema has and this generator makes elsewhere.
    private func isOfOtherMode(_ field: String) -> Bool {
        switch field {
        case "mode", "config", "targetAllocator": true
        case "volumeClaimTemplates", "persistentVolumeClaimRetentionPolicy": mode != "statefulset"
        case "tolerations", "priorityClassName", "affinity", "additionalContainers", "ingress": mode == "sidecar"
        case "daemonSetUpdateStrategy": mode != "daemonset"
        case "deploymentUpdateStrategy": mode != "deployment"
        default: false
        }
    }

    /// What fields ask of each other.
    private func fit(_ spec: inout JSONValue) {
        guard let most = spec.at("autoscaler", "maxReplicas")?.int else { return }
        if let replicas = spec["replicas"]?.int, replicas > most { spec["replicas"] = JSONValue(most) }
    }

    // MARK: Fields

    private mutating func value(of field: String) -> JSONValue? {
        container(field) ?? pod(field) ?? network(field) ?? scale(field)
    }

    private mutating func container(_ field: String) -> JSONValue? {
        switch field {
        case "args": ["feature-gates": .string(word()), "set": .string(word())]
        case "command": [.string("/\(word())")]
        case "configmaps": [["name": .string(word()), "mountpath": .string(word())]]
        case "image": .string(pick(["", "img", "example.com/img:1.2", "r:5000/a/img:1.0@sha256:\(String(repeating: "a", count: 64))", "r:5000/img"]))
        case "imagePullPolicy": .string(pick(["Always", "IfNotPresent", "Never"]))
        case "env":
            [["name": .string(word().uppercased()), "value": .string(word())], ["name": "NODE", "valueFrom": ["fieldRef": ["fieldPath": "spec.nodeName"]]]]
        case "envFrom": [["secretRef": ["name": .string(word())]]]
        case "resources": ["limits": ["memory": .string(pick(["512Mi", "2Gi", "1G"])), "cpu": .string(pick(["1", "500m"]))]]
        case "securityContext": ["runAsNonRoot": true]
        case "lifecycle": ["preStop": ["exec": ["command": ["sleep", "1"]]]]
        case "volumeMounts": [["name": .string(word()), "mountPath": .string("/\(word())")]]
        case "ports": .array((0..<below(4)).map { ["name": .string("p\($0)-\(word().prefix(6))"), "port": JSONValue(20_000 + $0 * 100 + below(100))] })
        case "livenessProbe", "readinessProbe", "startupProbe": ["periodSeconds": JSONValue(1 + below(60)), "failureThreshold": JSONValue(1 + below(5))]
        default: nil
        }
    }

    private mutating func pod(_ field: String) -> JSONValue? {
        switch field {
        case "podAnnotations", "nodeSelector": ["example.com/\(word())": .string(word())]
        case "podSecurityContext": ["fsGroup": JSONValue(below(1000))]
        case "serviceAccount", "priorityClassName": .string(word())
        case "tolerations": [["operator": "Exists"]]
        case "affinity": ["nodeAffinity": [:]]
        case "topologySpreadConstraints": [["maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"]]
        case "terminationGracePeriodSeconds": JSONValue(below(600))
        case "hostNetwork", "hostUsers": .bool(bool())
        case "hostPID": .bool(bool())
        case "shareProcessNamespace": false
        case "hostAliases": [["ip": "10.0.0.1", "hostnames": [.string(word())]]]
        case "dnsPolicy": .string(pick(["ClusterFirstWithHostNet", "ClusterFirst", "Default"]))
        case "podDnsConfig": ["nameservers": ["10.0.0.10"]]
        case "volumes": [["name": .string(word()), "emptyDir": [:]]]
        case "initContainers", "additionalContainers": [["name": .string(word()), "image": "a:1"]]
        default: nil
        }
    }

    private mutating func network(_ field: String) -> JSONValue? {
        switch field {
        case "ipFamilyPolicy": .string(pick(["SingleStack", "PreferDualStack", "RequireDualStack"]))
        case "ipFamilies": pick([["IPv4"], ["IPv6"], ["IPv6", "IPv4"]])
        case "trafficDistribution": "PreferClose"
        case "sessionAffinity": .string(pick(["None", "ClientIP"]))
        case "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": JSONValue(1 + below(100))]]
        case "ingress":
            [
                "type": .string(pick(["ingress", "route"])), "ruleType": .string(pick(["path", "subdomain"])), "hostname": .string("\(word()).example"),
                "annotations": ["a": .string(word())],
            ]
        case "httpRoute": ["enabled": .bool(bool()), "gateway": .string(word()), "hostnames": [.string("\(word()).example")]]
        case "networkPolicy": ["enabled": .bool(bool())]
        case "observability":
            ["metrics": ["enableMetrics": .bool(bool()), "extraLabels": ["a": .string(word())], "disablePrometheusAnnotations": .bool(bool())]]
        default: nil
        }
    }

    private mutating func scale(_ field: String) -> JSONValue? {
        switch field {
        case "managementState": "managed"
        case "upgradeStrategy": .string(pick(["automatic", "none"]))
        case "configVersions": JSONValue(1 + below(9))
        case "replicas": JSONValue(below(6))
        case "autoscaler":
            [
                "minReplicas": JSONValue(1 + below(2)), "maxReplicas": JSONValue(3 + below(5)), "targetCPUUtilization": JSONValue(1 + below(99)),
                "metrics": [["type": "Pods", "pods": ["metric": ["name": .string(word())], "target": ["type": "AverageValue", "averageValue": "100"]]]],
                "behavior": ["scaleDown": ["stabilizationWindowSeconds": JSONValue(below(3600))]],
            ]
        case "podDisruptionBudget": pick([["minAvailable": 1], ["maxUnavailable": "50%"]])
        case "volumeClaimTemplates": [["metadata": ["name": .string(word())], "spec": ["accessModes": ["ReadWriteOnce"]]]]
        case "persistentVolumeClaimRetentionPolicy": ["whenDeleted": "Delete", "whenScaled": "Retain"]
        case "serviceName": .string(word())
        case "podManagementPolicy": .string(pick(["OrderedReady", "Parallel"]))
        case "deploymentUpdateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1]]
        case "daemonSetUpdateStrategy": ["type": .string(pick(["OnDelete", "RollingUpdate"]))]
        default: nil
        }
    }

    // MARK: Configuration

    private mutating func config() -> JSONValue {
        var receivers: JSONValue = ["otlp": ["protocols": ["grpc": bool() ? [:] : ["endpoint": "0.0.0.0:4317"], "http": [:]]]]
        var pipelines: JSONValue = [:]
        let more: [(String, JSONValue, String)] = [
            ("zipkin", [:], "traces"), ("jaeger/\(word())", ["protocols": ["thrift_http": [:]]], "traces"), ("statsd", [:], "metrics"),
            ("filelog/\(word())", ["include": ["/a"]], "logs"), ("prometheus", ["config": ["scrape_configs": [["job_name": .string(word())]]]], "metrics"),
        ]
        for signal in ["traces", "metrics", "logs"] where bool() || signal == "traces" {
            let mine = more.filter { $0.2 == signal && bool() }
            for (id, value, _) in mine { receivers.set([id], to: value) }
            pipelines[bool() ? signal : "\(signal)/\(word())"] = [
                "receivers": .array(["otlp"] + mine.map { .string($0.0) }), "processors": bool() ? ["batch"] : [], "exporters": ["debug"],
            ]
        }
        var config: JSONValue = [
            "receivers": receivers, "processors": ["batch": ["timeout": "1s", "send_batch_size": JSONValue(below(9999))]],
            "exporters": ["debug": ["verbosity": .string(pick(["basic", "0e12", "1_000", "yes"]))]], "service": ["pipelines": pipelines],
        ]
        if bool() {
            config["extensions"] = ["health_check": [:], "zpages": [:]]
            config.set(["service", "extensions"], to: ["health_check", "zpages"])
        }
        if bool() { config.set(["service", "telemetry"], to: ["metrics": ["address": "0.0.0.0:9999"], "logs": ["level": "info"]]) }
        return config
    }

    // MARK: Chance

    private mutating func bool() -> Bool { random.next() & 1 == 0 }
    private mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
    private mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
    private mutating func shuffled<Value>(_ values: [Value]) -> [Value] { values.shuffled(using: &random) }
    private mutating func word() -> String { String((0...below(9)).map { _ in pick(Array("abcdefghijklmnopqrstuvwxyz")) }) }

    /// As long as a name may be, with dots, or short.
    private mutating func name() -> String {
        let text = (0...below(bool() ? 10 : 250)).map { _ in pick(Array("abcdefghij0123456789-.")) }
        return "a" + String(text).split(whereSeparator: { $0 == "." || $0 == "-" }).joined(separator: pick(["-", "."])) + "z"
    }

    /// The same document with the keys of all mappings in another order.
    mutating func reordered(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map { reordered($0) })
        case .object(let members): .object(JSONObject(shuffled(members.map { ($0, $1) }).map { ($0.0, reordered($0.1)) }))
        default: value
        }
    }

    /// A document with one value somewhere replaced by garbage. - Returns: It, and the path of the value.
    mutating func damaged(_ value: JSONValue, at path: String = "") -> (JSONValue, String) {
        let garbage: [JSONValue] = ["\u{0}€ garbage", -1, 1.5, true, [], [[]], ["x": ["y"]], .int(.max), [nil]]
        switch value {
        case .object(let members) where !members.isEmpty && below(4) > 0:
            let key = pick(members.keys)
            var copy = members
            let (changed, place) = damaged(members[key] ?? .null, at: path.isEmpty ? key : "\(path).\(key)")
            copy[key] = changed
            return (.object(copy), place)
        case .array(let elements) where !elements.isEmpty && below(4) > 0:
            let index = below(elements.count)
            var copy = elements
            let (changed, place) = damaged(elements[index], at: "\(path)[\(index)]")
            copy[index] = changed
            return (.array(copy), place)
        default: return (pick(garbage), path)
        }
    }
}
