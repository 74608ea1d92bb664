// The probe resource as a typed value: defaults, the one destination, and what mistakes say.
// Objects are built in place.
// It never renders anything.

import JSON
import Kubernetes
import Testing

@testable import SondeAPI

@Suite struct EBPFProbeTests {
    private func probe(_ spec: JSONValue) -> JSONValue {
        ["apiVersion": "sonde.dev/v1alpha1", "kind": "EBPFProbe", "metadata": ["name": "node", "namespace": "observability"], "spec": spec]
    }

    @Test func destinationAloneIsComplete() throws {
        let probe = try EBPFProbe(object: probe(["collectorRef": ["name": "ebpf-pipeline"]]))
        #expect(probe.spec.destination == .collector(name: "ebpf-pipeline"))
        #expect(probe.name == ObjectName(namespace: "observability", name: "node"))
        let agent = AgentConfiguration(endpoint: "http://unused")
        #expect(probe.spec.signals == agent.signals)
        #expect(probe.spec.budget == agent.budget)
        #expect(probe.spec.namespaces == agent.namespaces)
        #expect(probe.spec.attributes == agent.attributes)
        #expect(probe.spec.export.intervalSeconds == 10)
        #expect(probe.spec["tolerations"] == [["operator": "Exists"]])
        #expect(!probe.spec.hostNetwork && !probe.spec.hostPID && !probe.spec.paused)
    }

    @Test func oneFieldOfASignalLeavesTheOthersAtTheirDefaults() throws {
        let probe = try EBPFProbe(object: probe(["endpoint": "http://a:4318", "signals": ["syscalls": ["enabled": true]]]))
        #expect(probe.spec.signals.syscalls == .init(enabled: true, names: ["read", "write", "epoll_wait"], mode: .latency))
        #expect(probe.spec.signals.tcp.enabled)
    }

    @Test(arguments: [JSONValue.object([:]), ["endpoint": "http://a:4318", "collectorRef": ["name": "a"]]]) func exactlyOneDestination(_ spec: JSONValue) throws
    {
        let error = try #require(throws: ConfigurationError.self) { try EBPFProbe(object: probe(spec)) }
        #expect(error.findings.map(\.rule) == ["one-destination"])
        #expect(error.remedy.contains("collectorRef: {name: NAME}"))
    }

    @Test func otherKindIsRefused() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try EBPFProbe(object: ["apiVersion": "v1", "kind": "Pod", "spec": ["endpoint": "http://a"]])
        }
        #expect(error.findings.map(\.path) == ["apiVersion", "kind", "metadata.name"])
    }

    @Test func missingSpecSaysWhatToAdd() throws {
        var object = probe([:])
        object["spec"] = nil
        let error = try #require(throws: ConfigurationError.self) { try EBPFProbe(object: object) }
        #expect(error.path == "spec")
        #expect(error.remedy.contains("collectorRef"))
    }

    @Test func unknownFieldIsAWarning() throws {
        let findings = EBPFProbe.findings(for: probe(["endpoint": "http://a:4318", "budgets": [:]]))
        #expect(findings.errors.isEmpty)
        #expect(findings.warnings.map(\.path) == ["spec.budgets"])
    }
}
