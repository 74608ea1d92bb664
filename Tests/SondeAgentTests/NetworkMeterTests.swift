// What the status tells of the host's namespaces and of the kernel's files.

import ProbeKernel
import SondeAPI
import Testing

@testable import sonde_agent

@Suite struct NetworkMeterTests {
    private static func states(_ view: NetworkView?, asked: Bool, compares: Bool = true, readsSockets: Bool = false) -> [String: AgentStatus.State] {
        let metrics = NetworkMeter.metrics(view: view, isAsked: asked, comparesSegments: compares, readsSockets: readsSockets)
        return Dictionary(uniqueKeysWithValues: metrics.values.joined().map { ($0.name, $0.state) })
    }

    @Test func whatNobodyAskedForIsNotMissing() {
        #expect(Self.states(.ownNamespace, asked: false).isEmpty)
        #expect(Self.states(nil, asked: true).isEmpty, "no program was loaded yet")
    }

    @Test func whatWasAskedForSaysNamespace() {
        let metrics = NetworkMeter.metrics(view: .ownNamespace, isAsked: true, comparesSegments: false, readsSockets: false).values.joined()
        #expect(Set(metrics.map(\.name)) == [NetworkMeter.dropsMetric, NetworkMeter.driftMetric])
        #expect(metrics.allSatisfy { $0.state == .unsupported && $0.reason.hasPrefix("namespace: ") })
    }

    @Test func theHostsNamespaceGivesDropsAndDriftAndOnOldKernelsSockets() {
        #expect(Self.states(.host(inode: 1), asked: false) == [NetworkMeter.dropsMetric: .active, NetworkMeter.driftMetric: .active])
        #expect(Self.states(.host(inode: 1), asked: true, compares: false)[NetworkMeter.driftMetric] == .unsupported)
        #expect(Self.states(.host(inode: 1), asked: true, readsSockets: true)[NetworkMeter.connectionsMetric] == .degraded)
    }

    @Test func filesStandForAProgramsMetricOfTheSameName() throws {
        let signals = AgentConfiguration(endpoint: "http://localhost:4318").signals
        let missing = AgentStatus.Metric(name: NetworkMeter.connectionsMetric, state: .unsupported, reason: "no walk")
        let files = [
            "tcp": [AgentStatus.Metric(name: NetworkMeter.connectionsMetric, state: .degraded, reason: "files")],
            "scheduler": [AgentStatus.Metric(name: "system.cpu.time", state: .active)],
        ]
        let report = SignalReport.signals(signals, outcomes: ["iter": [missing]], saving: [], files: files)
        #expect(report.first { $0.name == "tcp" }?.metrics == files["tcp"])
        #expect(report.first { $0.name == "scheduler" }?.metrics == files["scheduler"])
    }
}
