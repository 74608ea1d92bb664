// Random resources: what is valid renders the same each time, whatever the order of keys, with names and ports that Kubernetes takes; garbage is an
// error with a path.
// Each run prints its seed and takes one back from SONDE_SEED.
// It never compares objects with expected ones: GoldenTests does.

import CollectorConfig
import Foundation
import JSON
import Kubernetes
import SondeAPI
import Testing

@testable import Rendering

@Suite struct RandomResourceTests {
    @Test func aValidResourceRendersTheSameEachTimeAndFits() throws {
        var random = Seeded()
        for _ in 0..<Seeded.rounds(150) {
            let object = RandomResource.make(&random)
            #expect(Validation.findings(collector: object).errors.isEmpty, "\(object.text()): \(Validation.findings(collector: object).errors)")
            let manifests = CollectorRendering.render(try OpenTelemetryCollector(object: object), .init())
            let again = CollectorRendering.render(try OpenTelemetryCollector(object: RandomResource.shuffled(object, &random)), .init())
            #expect(manifests.map { $0.object.text() } == again.map { $0.object.text() }, "\(object.text())")
            #expect(Set(manifests.map { "\($0.type.kind) \($0.name.name)" }).count == manifests.count, "\(object.text())")
            for manifest in manifests { try Self.fits(manifest) }
        }
    }

    private static func fits(_ manifest: Manifest) throws {
        let name = manifest.name.name
        #expect(!name.isEmpty && name.utf8.count <= 63 && LabelSyntax.isDNSSubdomain(name), "\(manifest.type.kind) \(name)")
        for (key, value) in manifest.object.metadata.labels { #expect(LabelSyntax.isValue(value), "\(name) \(key): \(value)") }
        let containers = manifest.object.at("spec", "template", "spec", "containers")?.array ?? []
        for (list, number) in [(manifest.object.at("spec", "ports"), "port")] + containers.map({ ($0["ports"], "containerPort") }) {
            let ports = list?.array ?? []
            let names = ports.compactMap { $0["name"]?.string }
            #expect(Set(names).count == ports.count && names.allSatisfy(Names.isPortName), "\(manifest.type.kind) \(name): \(ports)")
            let numbers = Set(ports.map { "\($0[number]?.int ?? 0)/\($0["protocol"]?.string ?? "")" })
            #expect(numbers.count == ports.count, "\(manifest.type.kind) \(name): \(ports)")
        }
    }

    @Test func garbageInAFieldIsAnErrorWithItsPathOrRenders() throws {
        var random = Seeded()
        for _ in 0..<Seeded.rounds(150) {
            var object = RandomResource.make(&random)
            let path = RandomResource.somePath(in: object["spec"] ?? [:], &random)
            object.set(["spec"] + path, to: RandomResource.garbage(&random))
            let errors = Validation.findings(collector: object).errors
            for error in errors { #expect(!error.path.isEmpty && !error.message.isEmpty, "\(object.text()): \(error)") }
            // A resource with errors is not rendered by anybody; but if it were, nothing may end the process.
            _ = CollectorRendering.render(try OpenTelemetryCollector(object: object), .init())
        }
    }
}

/// Makes resources out of pieces that are valid each for itself.
enum RandomResource {
    static func make(_ random: inout Seeded) -> JSONValue {
        let mode = ["deployment", "statefulset", "daemonset", "sidecar"][random.below(4)]
        var spec: JSONValue = ["mode": .string(mode), "config": config(&random)]
        for (field, value, modes) in pieces where random.below(3) == 0 && modes.contains(mode) { spec[field] = value }
        var metadata: JSONValue = ["name": .string(name(&random)), "namespace": "shop", "uid": "u"]
        if random.below(2) == 0 { metadata["labels"] = ["team": "a", "z.example.com/y": ""] }
        if random.below(3) == 0 { metadata["annotations"] = ["note": "x", "sonde.dev/pod-labels": "{a: b, c: d}", "sonde.dev/image-pull-secrets": "x, y"] }
        return ["apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector", "metadata": metadata, "spec": spec]
    }

    private static func name(_ random: inout Seeded) -> String {
        let letters = Array("abc019-.")
        let middle = String((0..<random.below(62)).map { _ in letters[random.below(letters.count)] })
        return "a" + middle.split(separator: ".", omittingEmptySubsequences: true).map { "x\($0)x" }.joined(separator: ".") + "z"
    }

    private static let scaled = ["deployment", "statefulset"], withPods = ["deployment", "statefulset", "daemonset"], all = withPods + ["sidecar"]

    private static let pieces: [(field: String, value: JSONValue, modes: [String])] = [
        ("replicas", 3, all), ("image", "registry:5000/a/b:1.0@sha256:00", all), ("autoscaler", ["maxReplicas": 5], withPods),
        ("ports", [["name": "own", "port": 4317], ["name": "otlp-grpc", "port": 1, "protocol": "UDP"], ["name": "otlp-http", "port": 2]], all),
        ("ingress", ["type": "ingress", "hostname": "a.b"], withPods), ("ingress", ["type": "route"], withPods),
        ("ingress", ["type": "ingress", "ruleType": "subdomain", "hostname": "a.b"], withPods),
        ("httpRoute", ["enabled": true, "gateway": "edge"], withPods), ("networkPolicy", ["enabled": false], all),
        ("observability", ["metrics": ["enableMetrics": true, "extraLabels": ["a": "b", "c": "d"]]], all), ("args", ["b": "1", "a": "2", "a-b": "3"], all),
        ("volumeClaimTemplates", [["metadata": ["name": "q"], "spec": ["accessModes": ["ReadWriteOnce"]]]], ["statefulset"]),
        ("podDisruptionBudget", ["minAvailable": 1], scaled), ("env", [["name": "POD_NAME", "value": "x"]], all), ("hostNetwork", true, withPods),
        ("configmaps", [["name": "one", "mountpath": "/a"], ["name": "two", "mountpath": "b/c/"]], all), ("podDnsConfig", ["nameservers": ["8.8.8.8"]], all),
        ("nodeSelector", ["b": "1", "a": "2"], all), ("podAnnotations", ["b": "1", "a": "2"], all), ("tolerations", [["operator": "Exists"]], withPods),
    ]

    private static func config(_ random: inout Seeded) -> JSONValue {
        let receivers: [(String, JSONValue)] = [
            ("otlp", ["protocols": ["http": [:], "grpc": [:]]]), ("statsd", [:]), ("otlp/two", ["protocols": ["grpc": ["endpoint": ":14317"]]]),
            ("hostmetrics", ["scrapers": ["cpu": [:]]]), ("carbon", [:]), ("signalfx/a_rather-long_name", [:]),
        ]
        let exporters: [(String, JSONValue)] = [("debug", [:]), ("prometheus", ["endpoint": "0.0.0.0:9464"]), ("otlp_http", ["endpoint": "http://a:4318"])]
        func some(_ all: [(String, JSONValue)], _ random: inout Seeded) -> [(String, JSONValue)] {
            let chosen = all.filter { _ in random.below(2) == 0 }
            return chosen.isEmpty ? [all[0]] : chosen
        }
        let (ins, outs) = (some(receivers, &random), some(exporters, &random))
        var service: JSONValue = [
            "pipelines": ["metrics": ["receivers": .array(ins.map { .string($0.0) }), "exporters": .array(outs.map { .string($0.0) })]]
        ]
        var config: JSONValue = ["receivers": .object(JSONObject(ins)), "exporters": .object(JSONObject(outs))]
        if random.below(2) == 0 {
            config["extensions"] = ["health_check": [:]]
            service["extensions"] = ["health_check"]
        }
        config["service"] = service
        return config
    }

    /// The same document with the members of every object in another order.
    static func shuffled(_ value: JSONValue, _ random: inout Seeded) -> JSONValue {
        switch value {
        case .object(let members): .object(JSONObject(members.map { ($0, shuffled($1, &random)) }.shuffled(using: &random)))
        case .array(let elements): .array(elements.map { shuffled($0, &random) })
        default: value
        }
    }

    /// A path of keys to some member.
    static func somePath(in value: JSONValue, _ random: inout Seeded) -> [String] {
        var (value, path) = (value, [String]())
        while let members = value.object, !members.isEmpty, path.isEmpty || random.below(3) > 0 {
            let key = members.keys[random.below(members.count)]
            path.append(key)
            value = members[key] ?? .null
        }
        return path
    }

    static func garbage(_ random: inout Seeded) -> JSONValue {
        let values: [JSONValue] = [
            .null, true, -1, 99_999_999_999, .double(0.5), "", "\u{0}\u{1F600}", [], [:], [.null], ["a": .null], [["name": 5, "port": "x"]],
            .string(String(repeating: "x", count: 5_000)),
        ]
        return values[random.below(values.count)]
    }
}
