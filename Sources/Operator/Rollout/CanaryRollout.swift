// A change of the pod template, tried in one pod beside the others before they get it: what is applied, what stays as it is, and for how long.
// CollectorReconciler renders, then applies what this says; `sonde diff` shows the first step. It is asked for by `sonde.dev/rollout: canary`.
// It never touches the running template before the trial is passed, and never decides by anything but the resource, what is there and the clock.

import CollectorConfig
import JSON
import Kubernetes
import KubernetesRuntime
import Rendering
import SondeAPI

/// What is known when the step of a rollout is decided.
struct CanaryFacts {
    let collector: OpenTelemetryCollector
    /// Everything that is rendered.
    let manifests: [Manifest]
    /// The objects of the resource that are there.
    let live: (ObjectReference) -> JSONValue?
    /// Of the resource.
    var pods: [CollectorPod] = []
    var now: Timestamp
    /// What some pods and the others counted in a time until now.
    var compare: (Set<String>, Duration) -> CanaryComparison? = { _, _ in nil }
}

struct CanaryRollout {
    enum Phase: Hashable, Sendable {
        /// Not asked for: everything is applied as it is rendered.
        case none
        /// The rendered template is the one that all pods have or get.
        case settled
        case trying(CanaryState)
        case failed(CanaryState)
    }

    /// Besides these, everything stays as it is while a change is tried or taken back: old pods serve behind what is in front of them.
    private static let applied: Set<ResourceType> = [.serviceAccounts, .podDisruptionBudgets, .horizontalPodAutoscalers]

    let phase: Phase
    /// What is applied.
    private(set) var manifests: [Manifest]
    /// Rendered, and not applied for now.
    private(set) var held: [Manifest] = []
    private let workload: Manifest?
    private let live: JSONValue?
    private let judge: CanaryJudge
    private let liveRevision: String

    init(_ facts: CanaryFacts) {
        let annotations = CollectorAnnotations(facts.collector.metadata.annotations)
        let isAsked = annotations[.rollout] != nil
        let judge = CanaryJudge(
            window: annotations[.rolloutSeconds]?.int.map { .seconds($0) } ?? CanaryJudge.windowDefault,
            readyLimit: annotations[.progressDeadlineSeconds]?.int.map { .seconds($0) } ?? CanaryJudge.readyLimitDefault)
        let name = CollectorScales.workloadName(of: facts.collector)
        let workload = isAsked ? facts.manifests.first { [.deployments, .statefulSets].contains($0.type) && $0.name == name } : nil
        let live = workload.flatMap { facts.live($0.reference) }
        phase = workload.map { Self.phase($0, live, facts, judge) } ?? .none
        liveRevision = live?.metadata.annotations[CanaryState.revisionAnnotation] ?? "before"
        manifests = facts.manifests
        (self.workload, self.live, self.judge) = (workload, live, judge)
        shape(facts)
    }

    /// Whether what runs is kept although something else is rendered.
    var isHolding: Bool {
        switch phase {
        case .none, .settled: false
        case .trying, .failed: true
        }
    }

    var isTrying: Bool { if case .trying = phase { true } else { false } }

    // MARK: Decision

    private static func phase(_ workload: Manifest, _ live: JSONValue?, _ facts: CanaryFacts, _ judge: CanaryJudge) -> Phase {
        let revision = CanaryState.revision(of: workload)
        // Nothing runs that could be kept, or the workload is made anew in a way of its own.
        guard let live, !live.metadata.isBeingDeleted, live.at("spec", "replicas")?.int != 0, !isMadeAnew(workload, live) else { return .settled }
        if isRolledOut(revision, workload, live) { return .settled }
        var state = CanaryState(revision: revision, startedAt: facts.now)
        if let known = CanaryState(of: live), known.revision == revision { state = known }
        if state.phase == .failed { return .failed(state) }
        let pods =
            workload.type == .statefulSets ? partition(facts.pods, workload, live, revision) : facts.pods.filter { $0.isCanary && $0.revision == revision }
        switch judge.judge(state, pods: pods, now: facts.now, compare: { facts.compare(Set(pods.map(\.uid)), $0) }) {
        case .wait(let state): return .trying(state)
        case .passed: return .settled
        case .failed(let reason): return .failed(state.failed(reason))
        }
    }

    /// Fields that are fixed on a live object change in a way of their own.
    private static func isMadeAnew(_ workload: Manifest, _ live: JSONValue) -> Bool {
        if live.at("spec", "selector") != workload.object.at("spec", "selector") { return true }
        guard workload.type == .statefulSets else { return false }
        return ["serviceName", "podManagementPolicy", "volumeClaimTemplates"].contains { field in
            !includes(live.at("spec", field) ?? [], workload.object.at("spec", field) ?? [])
        }
    }

    /// The pods of a StatefulSet that have the template that is tried; none before its controller has taken it up.
    private static func partition(_ pods: [CollectorPod], _ workload: Manifest, _ live: JSONValue, _ revision: String) -> [CollectorPod] {
        guard CanaryState(of: live)?.revision == revision, live.metadata.annotations[CanaryState.templateAnnotation] != nil,
            (live.at("status", "observedGeneration")?.int ?? 0) >= live.metadata.generation, let update = live.at("status", "updateRevision")?.string
        else { return [] }
        return pods.filter { $0.controllerRevision == update && $0.name == "\(workload.name.name)-\(firstTried(workload, live))" }
    }

    /// The ordinal of the last pod, from which on pods get the template that is tried.
    private static func firstTried(_ workload: Manifest, _ live: JSONValue?) -> Int {
        max(0, (workload.object.at("spec", "replicas")?.int ?? live?.at("spec", "replicas")?.int ?? 1) - 1)
    }

    /// A workload from before the annotation has no revision: what it has is compared.
    private static func isRolledOut(_ revision: String, _ workload: Manifest, _ live: JSONValue) -> Bool {
        if let known = live.metadata.annotations[CanaryState.revisionAnnotation] { return known == revision }
        return includes(CanaryState.stableTemplate(of: live), workload.object.at("spec", "template") ?? .null)
    }

    /// Whether a live value has all that a rendered one says; a server adds defaults.
    static func includes(_ live: JSONValue, _ rendered: JSONValue) -> Bool {
        if let members = rendered.object { return members.allSatisfy { key, value in live[key].map { includes($0, value) } ?? (value == [:] || value == []) } }
        if let elements = rendered.array {
            guard let others = live.array, others.count == elements.count else { return false }
            return zip(others, elements).allSatisfy { includes($0, $1) }
        }
        return live == rendered
    }

    // MARK: What is applied

    private mutating func shape(_ facts: CanaryFacts) {
        guard let workload else { return }
        let revision = CanaryState.revision(of: workload)
        switch phase {
        case .none: return
        case .settled: replaceWorkload(workload.annotated([CanaryState.revisionAnnotation: revision]))
        case .trying(let state) where workload.type == .statefulSets:
            hold(facts)
            replaceWorkload(partitioned(workload, state))
        case .trying(let state):
            hold(facts)
            replaceWorkload(kept(workload, state))
            manifests.append(CollectorRendering.canary(of: workload, revision: revision))
        case .failed(let state):
            hold(facts)
            replaceWorkload(kept(workload, state))
        }
    }

    private mutating func hold(_ facts: CanaryFacts) {
        var kept: [Manifest] = []
        for manifest in manifests {
            if Self.applied.contains(manifest.type) || manifest.reference == workload?.reference || manifest.type == .configMaps && isTrying {
                kept.append(manifest)
            } else if CollectorAccess.types.contains(manifest.type), isTrying {
                // The canary needs its rights, and the others go on needing theirs.
                kept.append(manifest.withRules(of: facts.live(manifest.reference)))
            } else if manifest.type != .configMaps, !CollectorAccess.types.contains(manifest.type), facts.live(manifest.reference) == nil {
                // There is nothing that could stay as it is.
                kept.append(manifest)
            } else {
                held.append(manifest)
            }
        }
        manifests = kept
    }

    private mutating func replaceWorkload(_ workload: Manifest) {
        manifests = manifests.map { $0.reference == workload.reference ? workload : $0 }
    }

    /// The workload with the template that it has; its scale and the rest follow the resource.
    private func kept(_ workload: Manifest, _ state: CanaryState) -> Manifest {
        var object = workload.object
        object.set(["spec", "template"], to: live.map(CanaryState.stableTemplate))
        return Manifest(type: workload.type, name: workload.name, object: object).annotated(notes(state))
    }

    /// A StatefulSet whose last pod gets the new template; its controller makes the others with the one before, also when they start anew.
    private func partitioned(_ workload: Manifest, _ state: CanaryState) -> Manifest {
        var object = workload.object
        object.set(["spec", "updateStrategy"], to: ["type": "RollingUpdate", "rollingUpdate": ["partition": JSONValue(Self.firstTried(workload, live))]])
        var notes = notes(state)
        if let live { notes[CanaryState.templateAnnotation] = CanaryState.stableTemplate(of: live).text() }
        return Manifest(type: workload.type, name: workload.name, object: object).annotated(notes)
    }

    private func notes(_ state: CanaryState) -> [String: String] {
        var notes = [CanaryState.annotation: state.text]
        if let known = live?.metadata.annotations[CanaryState.revisionAnnotation] { notes[CanaryState.revisionAnnotation] = known }
        return notes
    }

    /// Nothing is deleted while something is held but the canary itself, and earlier configurations that no pod needs.
    func adjust(_ plan: inout ResourcePlan) {
        guard isHolding, let workload else { return }
        plan.held += held
        let canary = CollectorRendering.canaryName(of: workload)
        let mounted = ConfigMapUse.mounted(live.map(CanaryState.stableTemplate)?["spec"] ?? .null)
        for reference in plan.prunes where reference.name != canary {
            if reference.type != .configMaps { plan.kept[reference] = .untilReplaced }
            if reference.type == .configMaps, mounted.contains(reference.name.name) { plan.kept[reference] = .mounted }
        }
        let kept = plan.kept
        plan.prunes.removeAll { kept[$0] != nil }
        plan.waiting = verdict?.message
    }

    // MARK: What is said

    private func placeOfTrial(_ workload: Manifest) -> String {
        workload.type == .statefulSets
            ? "\(workload.name.name)-\(Self.firstTried(workload, live))" : "Deployment \(CollectorRendering.canaryName(of: workload).name)"
    }

    /// What the resource's conditions say; nil while nothing is tried or taken back. The text changes only with the phase.
    var verdict: Verdict? {
        switch phase {
        case .none, .settled: return nil
        case .trying(let state):
            let place = workload.map(placeOfTrial) ?? ""
            let message =
                "revision \(state.revision) is tried in one pod (\(place)) until it has been ready for \(judge.window.components.seconds) s and is "
                + "no worse than the others, which keep revision \(liveRevision)"
            return Verdict(.canaryRunning, message, isStalled: false)
        case .failed(let state):
            let message =
                "revision \(state.revision) was tried in one pod and taken back: \(state.reason). The pods keep revision \(liveRevision); change the resource, "
                + "and it is tried again, or take \(CollectorAnnotations.Name.rollout.key) away and it is rolled out all the same"
            return Verdict(.rolledBack, message, isStalled: true)
        }
    }
}

extension Manifest {
    /// With further annotations.
    fileprivate func annotated(_ annotations: [String: String]) -> Manifest {
        var object = object
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) { object.set(["metadata", "annotations", key], to: .string(value)) }
        return Manifest(type: type, name: name, object: object)
    }

    /// A role with the rules that a live one has besides.
    fileprivate func withRules(of live: JSONValue?) -> Manifest {
        guard let rules = object["rules"]?.array, let others = live?["rules"]?.array else { return self }
        var object = object
        object["rules"] = .array(rules + others.filter { !rules.contains($0) })
        return Manifest(type: type, name: name, object: object)
    }
}
