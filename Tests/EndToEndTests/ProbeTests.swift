// A probe, the collector that it names, and the agents' pods.
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never loads an eBPF program: the agents' status is written by the tests, or their pods are not looked at.

import JSON
import Kubernetes
import KubernetesRuntime
import Operator
import SondeAPI
import Testing

@Suite(.timeLimit(.minutes(5))) struct ProbeTests {
    @Test func probeFollowsItsCollector() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.probe())
                let missing = try await world.condition("DestinationResolved", .false, .collectorNotFound, of: .ebpfProbes, "nodes")
                #expect(missing.message.contains("gateway"))
                try await world.condition("Ready", .false, .collectorNotFound, of: .ebpfProbes, "nodes")
                #expect(try await world.children(of: world.get(.ebpfProbes, "nodes")).isEmpty)

                try await world.apply(Example.collector())
                try await world.condition("DestinationResolved", .true, .resolved, of: .ebpfProbes, "nodes")
                try await world.eventually("the agents are there") { try await world.find(.daemonSets, "nodes-agent") != nil }
                let probe = try await world.get(.ebpfProbes, "nodes")
                #expect(probe.at("status", "destination")?.string == "http://gateway-collector.\(world.namespace).svc:4318")
                #expect(try await world.children(of: probe) == ["DaemonSet nodes-agent", "ConfigMap nodes-agent", "ServiceAccount nodes-agent"])

                let before = try await world.get(.configMaps, "nodes-agent")["data"]
                try await world.api.delete(.openTelemetryCollectors, world.name("gateway"))
                try await world.apply(Example.scraper)
                let refused = try await world.condition("DestinationResolved", .false, .noOTLPReceiver, of: .ebpfProbes, "nodes")
                #expect(refused.message.contains("receivers: [otlp]"))
                let ready = try await world.condition("Ready", .false, .noOTLPReceiver, of: .ebpfProbes, "nodes")
                #expect(ready.message.contains("keep their last destination"))
                #expect(try await world.get(.configMaps, "nodes-agent")["data"] == before)
            }
        }
    }

    @Test func nodesAndSignalsAreReported() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.probe(more: "endpoint: http://collector.example:4318"))
                try await world.eventually("the agents are there") { try await world.find(.daemonSets, "nodes-agent") != nil }
                try await world.makeAvailable(.daemonSets, "nodes-agent", pods: 3)
                guard !world.hasControllers else { return print("nodesAndSignalsAreReported: this cluster's controllers write the status of the DaemonSet") }
                try await world.condition("Ready", .true, .reconciled, of: .ebpfProbes, "nodes")
                let status = try await world.get(.ebpfProbes, "nodes")["status"]
                #expect(status?["nodes"]?["desired"] == 3 && status?["nodes"]?["ready"] == 3 && status?["nodes"]?["summary"] == "3/3")
                let signals = Dictionary(uniqueKeysWithValues: (status?["signals"]?.array ?? []).map { ($0["name"]?.string ?? "", $0) })
                #expect(signals["scheduler"]?["active"] == 3 && signals["tcp"]?["active"] == 3)
                #expect(signals["http"]?["active"] == 0 && signals["http"]?["unsupported"] == 3)
                #expect(signals["http"]?["reason"]?.string?.contains("not available in this version") == true)
                #expect(signals["syscalls"] == nil, "switched off by default")
                let degraded = try await world.condition("Degraded", .true, .signalNotAvailable, of: .ebpfProbes, "nodes")
                #expect(degraded.message.contains("signals.http"))
            }
        }
    }

    @Test func podsRefusedByPodSecurityNameTheLabelToSet() async throws {
        try await World.with { world in
            guard !world.hasControllers else { return print("podsRefusedByPodSecurityNameTheLabelToSet: this cluster's controllers write the events") }
            try await world.withOperator { _ in
                try await world.apply(Example.probe(more: "endpoint: http://collector.example:4318"))
                try await world.eventually("the agents are there") { try await world.find(.daemonSets, "nodes-agent") != nil }
                let daemonSet = try await world.get(.daemonSets, "nodes-agent")
                let note = "Error creating: pods \"nodes-agent-x\" is forbidden: violates PodSecurity \"baseline:latest\": non-default capabilities"
                let regarding: JSONValue = [
                    "kind": "DaemonSet", "name": "nodes-agent", "namespace": .string(world.namespace), "uid": .string(daemonSet.metadata.uid),
                ]
                try await world.api.create(
                    .events,
                    [
                        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": ["name": "nodes-agent.1", "namespace": .string(world.namespace)],
                        "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "daemonset-controller", "reportingInstance": "x", "action": "Create",
                        "reason": "FailedCreate", "type": "Warning", "note": .string(note), "regarding": regarding,
                    ])
                let status: JSONValue = [
                    "observedGeneration": JSONValue(daemonSet.metadata.generation), "desiredNumberScheduled": 2, "currentNumberScheduled": 0,
                    "numberMisscheduled": 0,
                    "numberReady": 0,
                ]
                try await world.merge(.daemonSets, "nodes-agent", ["status": status], subresource: "status")
                let condition = try await world.condition("Ready", .false, .podSecurity, of: .ebpfProbes, "nodes")
                #expect(condition.message.contains("pod-security.kubernetes.io/enforce: privileged") && condition.message.contains(world.namespace))
            }
        }
    }

    @Test func youngerProbeOnTheSameNodesSaysSo() async throws {
        try await World.with { world in
            guard !world.hasControllers else { return print("youngerProbeOnTheSameNodesSaysSo: this cluster's controllers write the status of the DaemonSets") }
            try await world.withOperator { _ in
                try await world.apply(Example.probe("older", more: "endpoint: http://collector.example:4318"))
                try await Task.sleep(for: .milliseconds(1050))  // Age has whole seconds.
                try await world.apply(Example.probe("younger", more: "{endpoint: \"http://collector.example:4318\", nodeSelector: {zone: a}}"))
                for name in ["older", "younger"] {
                    try await world.eventually("\(name)'s agents are there") { try await world.find(.daemonSets, "\(name)-agent") != nil }
                    try await world.makeAvailable(.daemonSets, "\(name)-agent", pods: name == "older" ? 3 : 2)
                }
                let condition = try await world.condition("Degraded", .true, .overlap, of: .ebpfProbes, "younger")
                #expect(condition.message.contains("older") && condition.message.contains("2 of the same nodes"))
                try await world.condition("Degraded", .true, .signalNotAvailable, of: .ebpfProbes, "older")
                try await world.api.delete(.ebpfProbes, world.name("older"))
                try await world.condition("Degraded", .true, .signalNotAvailable, of: .ebpfProbes, "younger")
            }
        }
    }

    @Test func pausedProbeIsLeftAlone() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.probe(more: "{endpoint: \"http://collector.example:4318\", paused: true}"))
                try await world.condition("Ready", .true, .paused, of: .ebpfProbes, "nodes")
                #expect(try await world.children(of: world.get(.ebpfProbes, "nodes")).isEmpty)
            }
        }
    }
}
