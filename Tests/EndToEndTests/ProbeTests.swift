// A probe, the collector that it names, and the agents' pods.
// Runs in process, and unchanged on the cluster that KUBECONFIG names.
// It never loads an eBPF program: tests say what agents answer, or their pods are not looked at.

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
                #expect(signals["scheduler"]?["active"] == 0, "no agent has answered")
                #expect(signals["http"]?["active"] == 0 && signals["http"]?["unsupported"] == 3)
                #expect(signals["http"]?["reason"]?.string?.contains("not available in this version") == true)
                #expect(signals["syscalls"] == nil, "switched off by default")
                let degraded = try await world.condition("Degraded", .true, .signalNotAvailable, of: .ebpfProbes, "nodes")
                #expect(degraded.message.contains("signals.http"))
            }
        }
    }

    @Test func settingsThatAreLikelyNotMeantAreNamed() async throws {
        try await World.with { world in
            try await world.withOperator { _ in
                try await world.apply(Example.probe(more: "endpoint: http://collector.example:4318\n  namespaces: {include: [a], exclude: [a]}"))
                let warning = try await world.condition("ConfigHealthy", .false, .configWarnings, of: .ebpfProbes, "nodes")
                #expect(warning.message.contains("spec.namespaces.include: a is excluded too"))
                try await world.apply(Example.probe(more: "endpoint: http://collector.example:4318"))
                try await world.eventually("the warning is gone") {
                    let conditions = try await world.get(.ebpfProbes, "nodes").at("status", "conditions")?.array ?? []
                    return !conditions.contains { $0["type"]?.string == "ConfigHealthy" }
                }
            }
        }
    }

    @Test func whatAgentsAnswerIsInTheStatus() async throws {
        try await World.with { world in
            guard !world.hasControllers else { return print("whatAgentsAnswerIsInTheStatus: this cluster's controllers make the pods") }
            try await world.withOperator(world.environment(agents: ThreeAgents())) { _ in
                try await world.apply(Example.probe(more: "endpoint: http://collector.example:4318"))
                try await world.eventually("the agents are there") { try await world.find(.daemonSets, "nodes-agent") != nil }
                try await world.makeAvailable(.daemonSets, "nodes-agent", pods: 3)
                try await world.startPods("nodes-agent", nodes: 3)
                let degraded = try await world.condition("Degraded", .true, .signalsMissing, of: .ebpfProbes, "nodes")
                #expect(degraded.message.contains("tcp is missing on 1 node: no tracepoint (1 node)"))
                try await world.eventually("all three have answered") {
                    try await world.get(.ebpfProbes, "nodes").at("status", "signals")?.array?.first { $0["name"] == "scheduler" }?["active"] == 3
                }
                let status = try await world.get(.ebpfProbes, "nodes")["status"]
                let tcp = status?["signals"]?.array?.first { $0["name"] == "tcp" }
                #expect(tcp == ["name": "tcp", "active": 2, "degraded": 0, "unsupported": 1, "reason": "no tracepoint (1 node)"])
                #expect(status?["kernels"] == [["version": "6.1.0", "nodes": 2], ["version": "5.15.0", "nodes": 1]])
                #expect(status?["overhead"] == ["kernelMillicores": ["p50": 3, "max": 120], "agentMillicores": ["p50": 12, "max": 12]])
                let saving = try await world.condition("OverBudget", .true, .budgetSaving, of: .ebpfProbes, "nodes")
                #expect(saving.message.contains("DNS is off (1 node)"))
                let refused = try await world.condition("DataLoss", .true, .receiverRefuses, of: .ebpfProbes, "nodes")
                #expect(refused.message.contains("HTTP 401 (1 node)"))

                try await world.api.delete(.pods, world.name("nodes-agent-1"))
                try await world.eventually("the node without an agent counts no more") {
                    let status = try await world.get(.ebpfProbes, "nodes")["status"]
                    return status?["kernels"] == [["version": "6.1.0", "nodes": 2]]
                        && Conditions(decoding: status?["conditions"])["Degraded"]?.reason == "SignalNotAvailable"
                }
            }
        }
    }

    /// The first node's kernel is old, the second agent saves, the third is refused.
    private struct ThreeAgents: AgentStatusSource {
        func status(at address: AgentAddress) async throws -> AgentStatus {
            let node = address.host.last ?? "0"
            let missing = AgentStatus.Metric(name: "a", state: .unsupported, reason: "no tracepoint"), active = AgentStatus.Metric(name: "a", state: .active)
            return AgentStatus(
                node: "whatever it says", version: "0.1.0", kernelRelease: node == "1" ? "5.15.0" : "6.1.0",
                signals: [.init(name: "scheduler", metrics: [active]), .init(name: "tcp", metrics: [node == "1" ? missing : active])],
                overhead: .init(kernelMillicores: node == "2" ? 123.4 : 3, agentMillicores: 12), budget: .init(steps: node == "2" ? ["DNS is off"] : []),
                export: node == "3" ? .init(state: .refused, message: "HTTP 401") : .init(state: .working, message: ""))
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
