// Orders and sizes of pipelines that lose or cut data in silence: sampling over replicas, processors in the wrong order, missing permissions.
// Validation calls it.
// It never reports an error: such a configuration runs, and does less than it says.

import JSON
import SondeAPI

enum PipelineTraps {
    static func findings(_ spec: OpenTelemetryCollectorSpec, _ configuration: CollectorConfiguration) -> [Finding] {
        sampling(spec, configuration) + configuration.pipelines.flatMap(order) + permissions(spec, configuration)
    }

    private static func sampling(_ spec: OpenTelemetryCollectorSpec, _ configuration: CollectorConfiguration) -> [Finding] {
        guard spec.mode == .deployment, spec.replicas > 1 else { return [] }
        return configuration.enabled(.processors, ofType: ["tail_sampling"]).map { id, _ in
            Finding(
                .warning, rule: "tail-sampling-replicas", path: "spec.config.processors.\(id)",
                message: "with \(spec.replicas) replicas the spans of one trace land on different pods, and each decides on a part",
                remedy: "write replicas: 1, or put a collector with the load_balancing exporter in front")
        }
    }

    /// Pairs of processors of which the first must not stand before the second.
    private static let wrongOrders: [(first: Set<String>, second: Set<String>, rule: String, why: String)] = [
        (["batch"], ["tail_sampling"], "batch-before-tail-sampling", "only adds delay and memory before tail_sampling, which groups by trace again"),
        (["batch"], ["memory_limiter"], "batch-before-memory-limiter", "keeps data that memory_limiter can then no longer refuse"),
        (
            ["batch", "tail_sampling"], ["k8s_attributes", "k8sattributes"], "k8s-attributes-after-batch",
            "loses the connection by which k8s_attributes finds the pod"
        ),
    ]

    private static func order(_ pipeline: Pipeline) -> [Finding] {
        wrongOrders.compactMap { wrong in
            let types = pipeline.processors.map(ComponentID.type)
            guard let first = types.firstIndex(where: wrong.first.contains), let second = types.lastIndex(where: wrong.second.contains), first < second else {
                return nil
            }
            return Finding(
                .warning, rule: wrong.rule, path: "spec.config.service.pipelines.\(pipeline.id).processors[\(first)]",
                message: "\(pipeline.processors[first]) \(wrong.why)", remedy: "put it after \(pipeline.processors[second])")
        }
    }

    /// Components that read the Kubernetes API, with what they need.
    private static let readers: [(kind: ComponentKind, types: Set<String>, needs: String)] = [
        (.receivers, ["kubeletstats", "kubelet_stats"], "get on nodes/stats"),
        (.receivers, ["k8s_cluster"], "get, list and watch on the objects that it counts"),
        (.receivers, ["k8s_events"], "get, list and watch on events"),
        (.receivers, ["k8sobjects", "k8s_objects"], "list and watch on the objects that it names"),
        (.processors, ["k8sattributes", "k8s_attributes"], "get, list and watch on pods, namespaces and replicasets"),
        (.extensions, ["k8s_observer"], "list and watch on what it observes"), (.extensions, ["k8s_leader_elector"], "all verbs on leases"),
    ]

    private static func permissions(_ spec: OpenTelemetryCollectorSpec, _ configuration: CollectorConfiguration) -> [Finding] {
        readers.flatMap { reader in
            configuration.enabled(reader.kind, ofType: reader.types).map { id, _ in
                Finding(
                    .warning, rule: "component-without-rbac", path: "spec.config.\(reader.kind.rawValue).\(id)",
                    message: "needs \(reader.needs), and this version grants nothing",
                    remedy: "bind a ClusterRole to \(spec.serviceAccount.map { "service account \($0)" } ?? "the collector's service account")")
            }
        }
    }
}
