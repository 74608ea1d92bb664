// The two CustomResourceDefinition objects, made from the schemas: names, columns, subresources, OpenAPI.
// `sonde generate crds` writes them to crds/ and into the chart; tests and the in-process API server register them.
// It never talks to a cluster.

import JSON
import Kubernetes

extension ResourceType {
    /// `opentelemetry.io/v1beta1`.
    public static let openTelemetryCollectors = ResourceType(
        group: "opentelemetry.io", version: "v1beta1", kind: "OpenTelemetryCollector", plural: "opentelemetrycollectors")

    /// `sonde.dev/v1alpha1`.
    public static let ebpfProbes = ResourceType(group: "sonde.dev", version: "v1alpha1", kind: "EBPFProbe", plural: "ebpfprobes")
}

/// The custom resource definitions that an installation needs.
public enum CustomResourceDefinitions {
    /// Both definitions with the names of their files in `crds/`.
    public static var all: [(fileName: String, object: JSONValue)] {
        [("opentelemetry.io_opentelemetrycollectors.yaml", openTelemetryCollector), ("sonde.dev_ebpfprobes.yaml", ebpfProbe)]
    }

    /// The definition of OpenTelemetryCollector, served and stored as v1beta1. It knows v1alpha1 too, which is served only while a webhook converts it.
    public static var openTelemetryCollector: JSONValue {
        var definition = definition(
            .openTelemetryCollectors, singular: "opentelemetrycollector", shortNames: ["otelcol", "otelcols"], categories: [],
            description:
                "OpenTelemetryCollector is a collector pipeline and how it runs: as a Deployment, a StatefulSet, a DaemonSet, or as a sidecar of other pods.",
            spec: CollectorSchema.spec, status: CollectorSchema.status,
            columns: [
                column("Mode", ".spec.mode", "How the collector runs."),
                column("Version", ".status.version", "The collector's version."),
                column("Ready", ".status.scale.statusReplicas", "Pods that are ready, of all."),
                column("Age", ".metadata.creationTimestamp", "Time since the resource was made.", type: "date"),
                column("Image", ".status.image", "The image that the pods run."),
                column("Management", ".spec.managementState", "Whether Sonde writes this collector's objects."),
            ], selectable: [".spec.mode", ".spec.managementState"],
            scale: [
                "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.scale.replicas", "labelSelectorPath": ".status.scale.selector",
            ])
        definition.set(["spec", "versions"], to: .array((definition.at("spec", "versions")?.array ?? []) + [olderCollector]))
        return definition
    }

    /// v1alpha1 is kept without a description of its fields: what is stored, and what is checked, is v1beta1.
    private static var olderCollector: JSONValue {
        func open(_ description: String) -> JSONValue { ["description": .string(description), "type": "object", "x-kubernetes-preserve-unknown-fields": true] }
        return [
            "name": "v1alpha1", "served": false, "storage": false, "deprecated": true,
            "deprecationWarning": "OpenTelemetryCollector v1alpha1 is deprecated: write opentelemetry.io/v1beta1, where config is a mapping instead of a text",
            "schema": [
                "openAPIV3Schema": [
                    "description": "The earlier version of OpenTelemetryCollector. Served while the webhook is on.", "type": "object",
                    "properties": [
                        "apiVersion": ["type": "string", "description": "Group and version of this kind."],
                        "kind": ["type": "string", "description": "The kind's name."], "metadata": ["type": "object"],
                        "spec": open("As in v1beta1, with config as a text of YAML and updateStrategy instead of daemonSetUpdateStrategy."),
                        "status": open("As in v1beta1."),
                    ],
                ]
            ],
            "subresources": [
                "status": [:],
                "scale": [
                    "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.scale.replicas",
                    "labelSelectorPath": ".status.scale.selector",
                ],
            ],
        ]
    }

    /// The definition of EBPFProbe, served and stored as v1alpha1.
    public static var ebpfProbe: JSONValue {
        definition(
            .ebpfProbes, singular: "ebpfprobe", shortNames: ["ebp"], categories: ["sonde"],
            description: "EBPFProbe takes signals from the kernels of a cluster's nodes with eBPF and sends them to a collector.",
            spec: EBPFProbeSchema.spec, status: EBPFProbeSchema.status,
            columns: [
                column("Ready", ".status.conditions[?(@.type==\"Ready\")].status", "Whether all agents run and the destination is known."),
                column("Nodes", ".status.nodes.summary", "Agents that are ready, of all."),
                column("Degraded", ".status.conditions[?(@.type==\"Degraded\")].status", "Whether a signal is missing somewhere."),
                column("Collector", ".spec.collectorRef.name", "Who gets the data."),
                column("Reason", ".status.conditions[?(@.type==\"Ready\")].reason", "Why it is ready or not.", priority: 1),
                column("Age", ".metadata.creationTimestamp", "Time since the resource was made.", type: "date"),
            ], selectable: [".spec.collectorRef.name"],
            scale: nil)
    }

    private static func column(_ name: String, _ path: String, _ description: String, type: String = "string", priority: Int = 0) -> JSONValue {
        var column: JSONValue = ["name": .string(name), "type": .string(type), "description": .string(description), "jsonPath": .string(path)]
        if priority > 0 { column["priority"] = JSONValue(priority) }
        return column
    }

    private static func definition(
        _ type: ResourceType, singular: String, shortNames: [String], categories: [String], description: String, spec: Schema, status: Schema,
        columns: [JSONValue], selectable: [String], scale: JSONValue?
    ) -> JSONValue {
        var names: JSONValue = [
            "kind": .string(type.kind), "listKind": .string(type.kind + "List"), "plural": .string(type.plural), "singular": .string(singular),
            "shortNames": .array(shortNames.map { .string($0) }),
        ]
        if !categories.isEmpty { names["categories"] = .array(categories.map { .string($0) }) }
        var subresources: JSONValue = ["status": [:]]
        subresources["scale"] = scale
        let version: JSONValue = [
            "name": .string(type.version), "served": true, "storage": true, "schema": ["openAPIV3Schema": root(description, spec, status)],
            "subresources": subresources, "additionalPrinterColumns": .array(columns),
            // Kubernetes 1.30 and newer know it; before 1.31 it has no effect.
            "selectableFields": .array(selectable.map { ["jsonPath": .string($0)] }),
        ]
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": .string("\(type.plural).\(type.group)")],
            "spec": ["group": .string(type.group), "names": names, "scope": "Namespaced", "versions": [version]],
        ]
    }

    private static func root(_ description: String, _ spec: Schema, _ status: Schema) -> JSONValue {
        [
            "description": .string(description), "type": "object", "required": ["spec"],
            "properties": [
                "apiVersion": ["type": "string", "description": "Group and version of this kind."],
                "kind": ["type": "string", "description": "The kind's name."],
                "metadata": ["type": "object"], "spec": spec.openAPI, "status": status.openAPI,
            ],
        ]
    }
}
