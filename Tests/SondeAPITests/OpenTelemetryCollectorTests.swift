// The collector resource as a view: what counts as default, and which fields are named as not rendered.
// Specs are built in place.
// It never looks into the collector's own configuration.

import JSON
import Testing

@testable import SondeAPI

@Suite struct OpenTelemetryCollectorTests {
    @Test func emptySpecHasTheDefaultsOfTheExistingOperator() {
        let spec = OpenTelemetryCollectorSpec([:])
        #expect(spec.mode == .deployment)
        #expect(spec.isManaged)
        #expect(spec.replicas == 1)
        #expect(spec.configVersions == 3)
        #expect(spec.image.isEmpty)
        #expect(spec.hasPrometheusAnnotations)
        #expect(spec.unrenderedFields.isEmpty)
    }

    @Test func unknownModeIsNil() {
        #expect(OpenTelemetryCollectorSpec(["mode": "Deployment"]).mode == nil)
        #expect(OpenTelemetryCollectorSpec(["mode": .null]).mode == .deployment)
    }

    struct Row: Sendable, CustomStringConvertible {
        let reason: String
        let spec: JSONValue
        let named: [String]
        var description: String { reason }
    }

    static let rows = [
        Row(reason: "autoscaler is never rendered", spec: ["autoscaler": ["maxReplicas": 3]], named: ["autoscaler"]),
        Row(reason: "a switched-off policy asks for nothing", spec: ["networkPolicy": ["enabled": false]], named: []),
        Row(reason: "a switched-on policy does", spec: ["networkPolicy": ["enabled": true]], named: ["networkPolicy"]),
        Row(
            reason: "spread has no effect on a DaemonSet", spec: ["mode": "daemonset", "topologySpreadConstraints": [[:]]], named: ["topologySpreadConstraints"]
        ),
        Row(reason: "spread works in a Deployment", spec: ["topologySpreadConstraints": [[:]]], named: []),
        Row(
            reason: "monitors", spec: ["observability": ["metrics": ["enableMetrics": true, "disablePrometheusAnnotations": true]]],
            named: ["observability.metrics.enableMetrics"]),
        Row(reason: "allocator", spec: ["targetAllocator": ["enabled": true], "ingress": ["type": "ingress"]], named: ["ingress", "targetAllocator"]),
    ]

    @Test(arguments: rows) func fieldNotRenderedIsNamed(_ row: Row) {
        #expect(OpenTelemetryCollectorSpec(row.spec).unrenderedFields == row.named)
    }
}
