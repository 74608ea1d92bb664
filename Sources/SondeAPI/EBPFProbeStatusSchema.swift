// Fields and descriptions of EBPFProbe's status.
// The custom resource definition is generated from it; the controller writes exactly these fields.
// It never lists more than 20 nodes or kernels: each list stands beside a count.

import JSON

extension EBPFProbeSchema {
    /// `status`.
    public static let status = Schema(
        .object([
            .init("observedGeneration", ResourceSchema.observedGeneration),
            .init("conditions", ResourceSchema.conditions),
            .init("destination", Schema(.string(.free, maxLength: 2048), "The resolved OTLP base URL.")),
            .init("nodes", nodes),
            .init("signals", signals),
            .init(
                "kernels",
                Schema(
                    .list(
                        Schema(
                            .object([
                                .init("version", required: true, Schema(.string(.free, maxLength: 128), "The kernel's release.")),
                                .init("nodes", required: true, count("Nodes that run it.")),
                            ]), "One kernel."), maxItems: 20, .map(keys: ["version"])), "Kernels of the nodes, most frequent first.")),
            .init("overhead", overhead),
            .init(
                "unsupportedNodes",
                Schema(
                    .list(
                        Schema(
                            .object([
                                .init("name", required: true, Schema(.string(.free, maxLength: 253), "The node.")),
                                .init("reason", required: true, Schema(.string(.free, maxLength: 1024), "Why.")),
                            ]), "One node."), maxItems: 20, .map(keys: ["name"])), "Nodes on which no signal can be taken; nodes.unsupported counts all.")),
        ]), "What was observed.")

    private static let nodes = Schema(
        .object([
            .init("desired", count("Nodes that should run the agent.")), .init("ready", count("Nodes whose agent is ready.")),
            .init("degraded", count("Nodes on which a signal is missing.")), .init("unsupported", count("Nodes on which no signal can be taken.")),
            .init("silent", count("Nodes whose agent runs and does not answer the operator.")),
            .init("summary", Schema(.string(.free, maxLength: 32), "ready/desired, for the table.")),
        ]), "Number of nodes.")

    private static let signals = Schema(
        .list(
            Schema(
                .object([
                    .init("name", required: true, Schema(.string(.free, maxLength: 63), "The signal, as in spec.signals.")),
                    .init("active", count("Nodes on which it is taken.")), .init("degraded", count("Nodes on which it is taken in part.")),
                    .init("unsupported", count("Nodes that cannot give it.")),
                    .init("reason", Schema(.string(.free, maxLength: 1024), "Why not everywhere.")),
                ]), "One signal."), maxItems: 32, .map(keys: ["name"])),
        "Signals that are switched on.")

    private static let overhead = Schema(
        .object([.init("kernelMillicores", quantiles("Kernel time of the programs")), .init("agentMillicores", quantiles("CPU time of the agent"))]),
        "What the probe costs, in thousandths of a core.")

    private static func quantiles(_ what: String) -> Schema {
        Schema(.object([.init("p50", count("\(what) on the median node.")), .init("max", count("\(what) on the busiest node."))]), "\(what) per node.")
    }

    private static func count(_ description: String) -> Schema { Schema(.integer(0...ResourceSchema.int32Max), description) }
}
