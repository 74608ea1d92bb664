// Rules about `spec.targetAllocator`: modes, strategy, the receiver that it feeds, certificates.
// Validation calls it; the rules are those of the existing operator's admission, as far as they need no cluster.
// It never says whether an allocator is rendered: other rules do.

import JSON
import SondeAPI

enum TargetAllocatorRules {
    static func findings(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        guard let allocator = spec["targetAllocator"], allocator["enabled"]?.bool == true else { return [] }
        return modes(spec, allocator) + receiver(spec, allocator) + certificates(allocator)
    }

    private static func modes(_ spec: OpenTelemetryCollectorSpec, _ allocator: JSONValue) -> [Finding] {
        guard let mode = spec.mode else { return [] }
        var findings: [Finding] = []
        if mode != .statefulset && mode != .daemonset {
            findings.append(
                error(
                    "targetAllocator", "works with modes statefulset and daemonset only, and the mode is \(mode.rawValue)",
                    "write mode: statefulset, or enabled: false"))
        }
        let isPerNode = allocator["allocationStrategy"]?.string == "per-node"
        if isPerNode != (mode == .daemonset) {
            findings.append(
                error(
                    "targetAllocator.allocationStrategy", "must be per-node with mode daemonset, and only there",
                    mode == .daemonset ? "write allocationStrategy: per-node" : "write allocationStrategy: consistent-hashing"))
        }
        return findings
    }

    private static func receiver(_ spec: OpenTelemetryCollectorSpec, _ allocator: JSONValue) -> [Finding] {
        let path = "config.receivers.prometheus"
        guard let receivers = spec.config["receivers"]?.object, receivers.contains("prometheus") else {
            return [error(path, "is required by the target allocator, which feeds it its targets", "name the receiver exactly prometheus")]
        }
        let receiver = receivers["prometheus"] ?? .null
        if let config = receiver["config"], !config.isNull, config.object == nil {
            return [error("\(path).config", "must be a mapping, is \(config.kindInWords)", "write a Prometheus configuration there")]
        }
        let jobs = receiver.at("config", "scrape_configs")?.array ?? []
        if !jobs.isEmpty || allocator.at("prometheusCR", "enabled")?.bool == true { return [] }
        return [
            error("\(path).config.scrape_configs", "is required unless prometheusCR is enabled: there is nothing to allocate", "add scrape_configs")
        ]
    }

    /// Whether cert-manager is there cannot be seen here; without it each certificate must be given.
    private static func certificates(_ allocator: JSONValue) -> [Finding] {
        guard let tls = allocator["mtls"], tls["enabled"]?.bool == true, tls["useCertManager"]?.bool == false else { return [] }
        return ["certificateAuthorityCertificate", "serverCertificate", "clientCertificate"].filter { tls.at("tls", $0)?.object?.isEmpty != false }.map {
            error("targetAllocator.mtls.tls.\($0)", "is required with useCertManager: false", "name the object that holds it, or write useCertManager: true")
        }
    }

    private static func error(_ field: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.error, rule: "target-allocator", path: "spec.\(field)", message: message, remedy: remedy)
    }
}
