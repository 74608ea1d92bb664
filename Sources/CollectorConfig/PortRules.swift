// Rules about ports: names and numbers that Kubernetes takes, and listeners that do not get in each other's way or hide from the Service.
// Validation calls it.
// It never checks ports of components that do not run.

import JSON
import SondeAPI

enum PortRules {
    static func findings(_ spec: OpenTelemetryCollectorSpec, _ configuration: CollectorConfiguration) -> [Finding] {
        let completed = configuration.completed()
        let ports = completed.ports
        return userPorts(spec) + ports.findings + duplicates(ports, telemetry: completed.telemetryPort) + loopback(configuration)
    }

    private static func userPorts(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        var findings: [Finding] = []
        var seen: Set<String> = []
        for (index, port) in (spec["ports"]?.array ?? []).enumerated() {
            let path = "spec.ports[\(index)]"
            if let name = port["name"]?.string, !Names.isPortName(name) {
                findings.append(
                    Finding(
                        .error, rule: "port-name", path: "\(path).name", message: "\"\(name)\" is no port name",
                        remedy: "use at most 15 lower-case letters, digits and single hyphens, with a letter among them"))
            }
            let key = "\(port["port"]?.int ?? 0)/\(port["protocol"]?.string ?? "TCP")"
            if !seen.insert(key).inserted {
                findings.append(Finding(.error, rule: "duplicate-port", path: path, message: "port \(key) is there twice", remedy: "remove one"))
            }
        }
        return findings
    }

    private static func duplicates(_ ports: ComponentPorts, telemetry: Int) -> [Finding] {
        var findings: [Finding] = []
        var owner: [String: ComponentPort] = [:]
        for port in ports.all {
            let key = "\(port.number)/\(port.transport)"
            if let other = owner[key] {
                findings.append(
                    Finding(
                        .error, rule: "duplicate-listener", path: port.path, message: "listens on port \(port.number), as \(other.path) does",
                        remedy: "give one of them another endpoint"))
            } else {
                owner[key] = port
            }
        }
        if let port = owner["\(telemetry)/TCP"] {
            findings.append(
                Finding(
                    .warning, rule: "duplicate-listener", path: port.path, message: "listens on port \(telemetry), as the collector's own metrics do",
                    remedy: "give it another endpoint, for example 0.0.0.0:\(telemetry + 1)"))
        }
        return findings
    }

    private static func loopback(_ configuration: CollectorConfiguration) -> [Finding] {
        configuration.enabled(.receivers).flatMap { id -> [Finding] in
            guard let listener = ListenerTable.receiver(ComponentID.type(id)) else { return [] }
            let value = configuration.components(.receivers)[id] ?? .null
            switch listener.shape {
            case .none: return []
            case .single: return hidden(value["endpoint"] ?? value["listen_address"], "spec.config.receivers.\(id).endpoint")
            case .protocols(let ports):
                return ports.flatMap { hidden(value.at("protocols", $0.key, "endpoint"), "spec.config.receivers.\(id).protocols.\($0.key).endpoint") }
            }
        }
    }

    private static func hidden(_ endpoint: JSONValue?, _ path: String) -> [Finding] {
        guard let text = endpoint?.string, Endpoint.isLoopback(text) else { return [] }
        let remedy = "write 0.0.0.0:\(Endpoint.port(text) ?? 4317), or leave the endpoint out"
        return [Finding(.warning, rule: "localhost-listener", path: path, message: "\(text) is reached from inside the pod only", remedy: remedy)]
    }
}
