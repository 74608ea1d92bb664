// Orders and sizes of pipelines that lose or cut data in silence: sampling over replicas, processors in the wrong order.
// Validation calls it.
// It never reports an error: such a configuration runs, and does less than it says.

import JSON
import SondeAPI

enum PipelineTraps {
    static func findings(_ spec: OpenTelemetryCollectorSpec, _ configuration: CollectorConfiguration) -> [Finding] {
        sampling(spec, configuration) + configuration.pipelines.flatMap(order)
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
}
