// Rules about ports: names and numbers that Kubernetes takes, and listeners that do not get in each other's way or hide from the Service.
// Validation calls it.
// It never checks ports of components that do not run.

import JSON
import SondeAPI

enum PortRules {
    static func findings(_ spec: OpenTelemetryCollectorSpec, _ configuration: CollectorConfiguration) -> [Finding] {
        let completed = configuration.completed()
        let ports = completed.ports
        return userPorts(spec) + ports.findings + duplicates(completed.listeners, telemetry: completed.telemetryPort) + loopback(configuration)
    }

    private static func userPorts(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        var findings: [Finding] = []
        var seen: Set<String> = []
        for (index, port) in (spec["ports"]?.array ?? []).enumerated() {
            let path = "spec.ports[\(index)]"
            let name = port["name"]?.string ?? ""
            if !Names.isPortName(name) {
                findings.append(
                    Finding(
                        .error, rule: "port-name", path: "\(path).name", message: name.isEmpty ? "has no name" : "\"\(name)\" is no port name",
                        remedy: "use at most 15 lower-case letters, digits and single hyphens, with a letter among them"))
            }
            let key = "\(port["port"]?.int ?? 0)/\(port["protocol"]?.string ?? "TCP")"
            if !seen.insert(key).inserted {
                findings.append(Finding(.error, rule: "duplicate-port", path: path, message: "port \(key) is there twice", remedy: "remove one"))
            }
        }
        return findings
    }

    private static func duplicates(_ listeners: [Listener], telemetry: Int) -> [Finding] {
        var findings: [Finding] = []
        for (index, listener) in listeners.enumerated() {
            guard let other = listeners[..<index].first(where: { $0.collides(with: listener) }) else { continue }
            findings.append(
                Finding(
                    .error, rule: "duplicate-listener", path: listener.path,
                    message: "listens on port \(listener.number), as \(other.path) does, so the collector does not start",
                    remedy: "give one of them another endpoint"))
        }
        if let listener = listeners.first(where: { $0.number == telemetry && $0.transport == "TCP" }) {
            findings.append(
                Finding(
                    .warning, rule: "duplicate-listener", path: listener.path,
                    message: "listens on port \(telemetry), as the collector's own metrics do, so the collector does not start",
                    remedy: "give it another endpoint, for example 0.0.0.0:\(telemetry + 1)"))
        }
        return findings
    }

    /// Only what a Service or another pod is meant to reach: receivers with an address that is written.
    private static func loopback(_ configuration: CollectorConfiguration) -> [Finding] {
        configuration.listeners.compactMap { listener in
            guard listener.kind == .receivers, listener.isWritten, Endpoint.isLoopback(listener.address) else { return nil }
            return Finding(
                .warning, rule: "localhost-listener", path: listener.path, message: "\(listener.address) is reached from inside the pod only",
                remedy: "write 0.0.0.0:\(listener.number), or leave the endpoint out")
        }
    }
}
