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
        #expect(spec.hasNetworkPolicy)
        #expect(!spec.hasMonitors && !spec.hasTargetAllocator && !spec.hasHTTPRoutes)
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
        Row(reason: "a sidecar has no pods to scale", spec: ["mode": "sidecar", "autoscaler": ["maxReplicas": 3]], named: ["autoscaler"]),
        Row(reason: "nor a Service to route to", spec: ["mode": "sidecar", "httpRoute": ["enabled": true]], named: ["httpRoute"]),
        Row(reason: "a switched-off route asks for nothing", spec: ["mode": "sidecar", "httpRoute": ["enabled": false]], named: []),
        Row(
            reason: "spread has no effect on a DaemonSet", spec: ["mode": "daemonset", "topologySpreadConstraints": [[:]]], named: ["topologySpreadConstraints"]
        ),
        Row(reason: "spread works in a StatefulSet", spec: ["mode": "statefulset", "topologySpreadConstraints": [[:]]], named: []),
        Row(
            reason: "a Deployment has neither a governing Service nor an order", spec: ["serviceName": "a", "podManagementPolicy": "Parallel"],
            named: ["podManagementPolicy", "serviceName"]),
    ]

    @Test(arguments: rows) func fieldNotRenderedIsNamed(_ row: Row) {
        #expect(OpenTelemetryCollectorSpec(row.spec).unrenderedFields == row.named)
    }
}
