// Why the API server refuses a workload's pods, and what a user does about it.
// WorkloadState takes the text of a condition or event through it; the probe's controller looks for such events with it.
// It never decides by message alone that all is well: no refusal found means nothing.

import JSON
import Kubernetes
import SondeAPI

enum PodRefusal {
    /// The phase for a refusal's text. Pod Security answers `violates PodSecurity "baseline:latest"` (k8s.io/pod-security-admission).
    static func phase(_ message: String, namespace: String) -> WorkloadState.Phase {
        guard message.contains("violates PodSecurity") else { return .refused(.podsRefused, "pods are refused: \(message)") }
        let remedy =
            "allow them with: kubectl label namespace \(namespace) pod-security.kubernetes.io/enforce=privileged --overwrite "
            + "(the label `pod-security.kubernetes.io/enforce: privileged`)"
        return .refused(.podSecurity, "pods are refused by the Pod Security level of namespace \(namespace); \(remedy). The server says: \(message)")
    }

    /// The text of the newest FailedCreate event about a workload; nil when there is none.
    /// - Parameter events: `events.k8s.io/v1` events of its namespace.
    static func newest(in events: [JSONValue], about workload: JSONValue) -> String? {
        let failures = events.filter { $0["reason"]?.string == "FailedCreate" && $0.at("regarding", "uid")?.string == workload.metadata.uid }
        return failures.max { time($0) < time($1) }?["note"]?.string
    }

    private static func time(_ event: JSONValue) -> Timestamp {
        let texts = [event.at("series", "lastObservedTime"), event["deprecatedLastTimestamp"], event["eventTime"]]
        let times = texts.compactMap { $0?.string }.compactMap(Timestamp.init(rfc3339:))
        return times.max() ?? event.metadata.creationTimestamp ?? Timestamp(secondsSinceEpoch: 0)
    }
}
