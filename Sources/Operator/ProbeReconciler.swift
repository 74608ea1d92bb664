// Brings one EBPFProbe's agents to what its spec asks for, and its status to what was observed.
// The probe controller calls it with a key, also when the collector that a probe names changes.
// It never stops agents that run because something else is missing: they keep what they had.

import CollectorConfig
import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Rendering
import SondeAPI

struct ProbeReconciler: Sendable {
    let context: ReconcilerContext
    let agents: AgentWatcher

    /// Kinds in which leftovers of a probe are looked for.
    static let prunableKinds: [ResourceType] = [.daemonSets, .configMaps, .serviceAccounts]

    /// Probes by the collector that they name, `namespace/name`.
    static let collectorIndex = IndexName("collectorRef")

    static func collectorKeys(_ probe: JSONValue) -> [String] {
        guard let name = probe.at("spec", "collectorRef", "name")?.string else { return [] }
        return [ObjectName(namespace: probe.metadata.namespace, name: name).description]
    }

    func reconcile(_ name: ObjectName) async throws -> ReconcileResult {
        guard let object = context.store(.ebpfProbes).get(name) else {
            context.forget(ObjectReference(.ebpfProbes, name))
            return .done
        }
        if object.metadata.isBeingDeleted { return .done }  // Everything is owned; garbage collection does the rest.
        var observation = ProbeObservation(object: object, daemonSet: currentDaemonSet(object))
        let (result, failure) = try await converge(&observation)
        observation.agents = agents.survey(of: object)
        try await context.writeStatus(observation.status(now: context.time.wallClock), of: object, type: .ebpfProbes)
        if let failure { throw failure }
        return result
    }

    private func converge(_ observation: inout ProbeObservation) async throws -> (ReconcileResult, (any Error)?) {
        observation.probe = try? EBPFProbe(object: observation.object)
        observation.isPaused = ResourceAnnotations.isPaused(observation.object) || observation.object.at("spec", "paused")?.bool == true
        if observation.isPaused { return (.done, nil) }
        let findings = Validation.findings(probe: observation.object)
        observation.findings = findings
        context.findings.report(findings, of: ObjectReference(.ebpfProbes, observation.object.metadata.objectName))
        observation.verdict = Verdict(errors: findings.errors)
        guard observation.verdict == nil, let probe = observation.probe else { return (.done, nil) }
        let destination = resolve(probe)
        observation.destination = destination
        observation.overlap = overlap(probe)
        guard case .resolved(let url) = destination else { return (.done, nil) }
        do {
            observation.daemonSet = try await apply(probe, url) ?? observation.daemonSet
            let (refusal, again) = try await context.podRefusal(observation.daemonSet, type: .daemonSets)
            observation.refusal = refusal
            return (again, nil)
        } catch {
            guard let verdict = Verdict(error) else { throw error }
            observation.verdict = verdict
            if let pause = Verdict.pause(after: error) { return (.after(pause), nil) }
            return (.done, error)
        }
    }

    private func resolve(_ probe: EBPFProbe) -> ResolvedDestination {
        guard case .collector(let name) = probe.spec.destination else {
            if case .endpoint(let url) = probe.spec.destination { return .resolved(url) }
            return .unresolved(.collectorNotFound, "the probe names no destination")
        }
        let reference = ObjectName(namespace: probe.name.namespace, name: name)
        guard let object = context.store(.openTelemetryCollectors).get(reference), !object.metadata.isBeingDeleted else {
            return .unresolved(
                .collectorNotFound,
                "there is no OpenTelemetryCollector \(name) in namespace \(probe.name.namespace ?? ""); "
                    + "make it, correct spec.collectorRef.name, or use spec.endpoint"
            )
        }
        do {
            return .resolved(try OTLPDestination.url(of: OpenTelemetryCollector(object: object), for: probe.spec.export.protocol))
        } catch {
            return .unresolved(.noOTLPReceiver, error.description)
        }
    }

    private func overlap(_ probe: EBPFProbe) -> ProbeOverlap? {
        let others = context.store(.ebpfProbes).list().filter { !$0.metadata.isBeingDeleted }.compactMap { try? EBPFProbe(object: $0) }
        return ProbeOverlap.find(for: probe, among: others) { WorkloadState(currentDaemonSet($0.object), type: .daemonSets).desired }
    }

    /// - Returns: The DaemonSet as the server answered; nil when it did not have to be written.
    private func apply(_ probe: EBPFProbe, _ destination: String) async throws -> JSONValue? {
        let manifests = ProbeRendering.render(probe, destination: destination, context.probeFacts)
        let plan = try await context.plan(manifests, for: probe.object, kinds: Self.prunableKinds, keptVersions: 0)
        let answers = try await context.perform(plan, for: probe.object, type: .ebpfProbes).answers
        return answers.first { $0.key.type == .daemonSets }?.value
    }

    private func currentDaemonSet(_ probe: JSONValue) -> JSONValue? {
        AgentWatcher.daemonSet(of: probe, in: context.store(.daemonSets))
    }
}
