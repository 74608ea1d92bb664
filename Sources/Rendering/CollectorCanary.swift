// The Deployment of one pod in which a changed template is tried, made from the one that is rendered for all pods.
// The operator's rollout applies it beside the collector's own Deployment for as long as the trial lasts.
// It never has a label less than the others' pods: Services send it its share of the data, by which it is judged.

import CollectorConfig
import JSON
import Kubernetes

extension CollectorRendering {
    /// On canaries' pods: the revision of their template.
    public static let revisionLabel = "sonde.dev/revision"

    /// `N-collector-canary`, where `N-collector` is the workload.
    public static func canaryName(of workload: Manifest) -> ObjectName {
        ObjectName(namespace: workload.name.namespace, name: Names.canary(workload.name.name))
    }

    /// - Parameter workload: The rendered Deployment.
    public static func canary(of workload: Manifest, revision: String) -> Manifest {
        var object = workload.object
        let name = canaryName(of: workload)
        object.set(["metadata", "name"], to: .string(name.name))
        object.set(["spec", "replicas"], to: 1)
        object.set(["spec", "strategy"], to: nil)
        // A selector of its own; the pods of both carry what the other one's selector asks for, and each has an owner.
        object.set(["spec", "selector", "matchLabels", canaryLabel], to: "true")
        object.set(["spec", "template", "metadata", "labels", canaryLabel], to: "true")
        object.set(["spec", "template", "metadata", "labels", revisionLabel], to: .string(revision))
        return Manifest(type: workload.type, name: name, object: object)
    }
}
