// Rules about `spec.autoscaler`: replicas that fit its range, a behaviour and metrics that a HorizontalPodAutoscaler takes.
// Validation calls it; the rules are those of the existing operator's admission, and none keeps another from being looked at.
// It never looks at the numbers of a live autoscaler.

import JSON
import Kubernetes
import SondeAPI

enum AutoscalerRules {
    private static let windowSeconds = 0...3600

    static func findings(_ spec: OpenTelemetryCollectorSpec) -> [Finding] {
        guard let autoscaler = spec["autoscaler"] else { return [] }
        return range(spec, autoscaler) + behavior(autoscaler) + metrics(autoscaler)
    }

    private static func range(_ spec: OpenTelemetryCollectorSpec, _ autoscaler: JSONValue) -> [Finding] {
        let least = autoscaler["minReplicas"]?.int
        guard let most = autoscaler["maxReplicas"]?.int else {
            if least == nil { return [] }
            return [error("autoscaler.maxReplicas", "must be set where minReplicas is: without it there is no autoscaler", "add maxReplicas")]
        }
        var findings: [Finding] = []
        if spec.replicas > most {
            findings.append(error("replicas", "must be at most autoscaler.maxReplicas, \(most), is \(spec.replicas)", "lower it, or raise maxReplicas"))
        }
        if let least, least > most {
            findings.append(error("autoscaler.minReplicas", "must be at most maxReplicas, \(most), is \(least)", "lower it, or raise maxReplicas"))
        }
        return findings
    }

    private static func behavior(_ autoscaler: JSONValue) -> [Finding] {
        ["scaleUp", "scaleDown"].compactMap { direction in
            guard let seconds = autoscaler.at("behavior", direction, "stabilizationWindowSeconds")?.int, !windowSeconds.contains(seconds) else { return nil }
            return error(
                "autoscaler.behavior.\(direction).stabilizationWindowSeconds", "must be from 0 to 3600, is \(seconds)", "write a number in that range")
        }
    }

    private static func metrics(_ autoscaler: JSONValue) -> [Finding] {
        (autoscaler["metrics"]?.array ?? []).enumerated().flatMap { index, metric in
            let path = "autoscaler.metrics[\(index)]"
            guard metric["type"]?.string == "Pods" else {
                return [error("\(path).type", "must be Pods, the only kind that this resource has", "write type: Pods, and the metric below pods")]
            }
            return target(metric.at("pods", "target"), "\(path).pods.target")
        }
    }

    private static func target(_ target: JSONValue?, _ path: String) -> [Finding] {
        let fields = ["AverageValue": "averageValue", "Value": "value"]
        guard let field = target?["type"]?.string.flatMap({ fields[$0] }) else {
            return [error("\(path).type", "must be AverageValue or Value", "write type: AverageValue and averageValue: \"100\"")]
        }
        let unit: Int128 = 1_000_000_000
        if let value = target?[field], let quantity = Quantity(value.plainText), quantity.nanos >= unit, quantity.nanos % unit == 0 { return [] }
        return [error("\(path).\(field)", "must be a whole number of at least 1", "write for example \(field): \"100\"")]
    }

    private static func error(_ field: String, _ message: String, _ remedy: String) -> Finding {
        Finding(.error, rule: "autoscaler", path: "spec.\(field)", message: message, remedy: remedy)
    }
}
