// What both reconcilers share: stores, the applier, the status writer, and the steps that are the same for both resources.
// OperatorScope builds one for its namespace.
// It never holds state of a single resource.

import CollectorConfig
import JSON
import Kubernetes
import KubernetesRuntime
import Logging
import Rendering

struct ReconcilerContext: Sendable {
    let configuration: OperatorConfiguration
    /// Writes pass the gate.
    let api: any KubernetesAPI
    let stores: [ResourceType: ObjectStore]
    /// Kinds of other products that are served at the moment; their stores are empty otherwise.
    let neighbours: NeighbourKinds
    let applier: Applier
    let statusWriter: StatusWriter
    let events: ResourceEvents
    let findings: FindingsBoard
    let ownWrites: OwnWrites<ObjectName>
    let time: any TimeSource
    let logger: Logger

    /// How often a workload whose pods are not there is looked at again: refusals are events, which are not watched.
    private static let refusalPause: Duration = .seconds(15)

    func store(_ type: ResourceType) -> ObjectStore {
        guard let store = stores[type] else { preconditionFailure("\(type.plural) are not watched") }
        return store
    }

    /// What came of the applies of a plan.
    struct Performed: Sendable {
        /// The server's answers for what had to be written.
        var answers: [ObjectReference: JSONValue] = [:]
        /// Objects for other namespaces than the resource's that are not there.
        var withoutNamespace: [ObjectReference] = []
    }

    /// Applies every manifest, going on after a failure. - Throws: The first failure, after all were tried.
    private func applyAll(_ manifests: [Manifest], for owner: JSONValue, type: ResourceType) async throws -> Performed {
        var performed = Performed()
        var firstError: (any Error)?
        for manifest in manifests {
            do {
                guard let answer = try await apply(manifest, for: owner) else { continue }
                performed.answers[manifest.reference] = answer
                ownWrites.record(answer, type: manifest.type, for: owner.metadata.objectName)
            } catch let error where error is CancellationError || error is WriteGateClosed {
                throw error  // Nothing further can be written.
            } catch let error as KubernetesError where error.code == .notFound && Self.isElsewhere(manifest, than: owner) {
                performed.withoutNamespace.append(manifest.reference)
            } catch {
                if firstError == nil { firstError = error }
            }
        }
        if let firstError { throw firstError }
        return performed
    }

    /// A namespace that somebody names may be made later; the resource's own is there.
    private static func isElsewhere(_ manifest: Manifest, than owner: JSONValue) -> Bool {
        manifest.name.namespace != nil && manifest.name.namespace != owner.metadata.namespace
    }

    /// - Returns: The server's answer; nil when nothing was sent, or a workload is made anew and must first be gone.
    private func apply(_ manifest: Manifest, for owner: JSONValue) async throws -> JSONValue? {
        do {
            switch try await applier.apply(manifest.object, type: manifest.type, ownerUID: owner.metadata.uid) {
            case .applied(let answer): return answer
            case .unchanged: return nil
            case .terminating: throw ApplyError.beingDeleted(manifest.reference)
            }
        } catch let error as ApplyError where error.code == .immutableField {
            return try await WorkloadReplacement(context: self, owner: owner, manifest: manifest).perform(after: error)
        }
    }

    /// The plan for what is rendered and what the owner's inventory has.
    func plan(_ manifests: [Manifest], for owner: JSONValue, kinds: [ResourceType], further: [ChildObject] = [], keptVersions: Int) async throws -> ResourcePlan
    {
        let inventory = try await applier.inventory(ownerUID: owner.metadata.uid, kinds: kinds, namespace: owner.metadata.namespace)
        return ResourcePlanner.plan(manifests, inventory: inventory + further, keptVersions: keptVersions)
    }

    /// Applies what the plan applies, then deletes what it deletes, apart from configurations that pods mount.
    func perform(_ plan: ResourcePlan, for owner: JSONValue, type: ResourceType) async throws -> Performed {
        let performed = try await applyAll(plan.applies, for: owner, type: type)
        var plan = plan
        try await plan.keepMounted(api, namespace: owner.metadata.namespace)
        try await applier.prune(plan.prunes, ownerUID: owner.metadata.uid)
        return performed
    }

    /// Writes a status when it says something new, and tells what is new in it.
    @discardableResult
    func writeStatus(_ status: JSONValue, of resource: JSONValue, type: ResourceType) async throws -> StatusWriter.Outcome {
        let before = statusWriter.known(of: resource, ObjectReference(type, resource.metadata.objectName))
        let outcome = try await statusWriter.write(status, of: resource, type: type)
        if case .written = outcome { events.transition(from: before, to: status, of: resource, type: type) }
        return outcome
    }

    /// Forgets a resource that is gone.
    func forget(_ reference: ObjectReference) {
        statusWriter.forget(reference)
        findings.forget(reference)
    }

    /// Looks for a refused pod of a DaemonSet or StatefulSet that has fewer pods than it wants. - Returns: The server's words, and when to look again.
    func podRefusal(_ workload: JSONValue?, type: ResourceType?) async throws -> (String?, ReconcileResult) {
        guard let workload, Self.lacksPods(workload, type) else { return (nil, .done) }
        let events = try await api.list(.events, namespace: workload.metadata.namespace, limit: 500)
        return (PodRefusal.newest(in: events.items, about: workload), .after(Self.refusalPause))
    }

    private static func lacksPods(_ workload: JSONValue, _ type: ResourceType?) -> Bool {
        guard let status = workload["status"] else { return false }
        return switch type {
        case .daemonSets: (status["currentNumberScheduled"]?.int ?? 0) < (status["desiredNumberScheduled"]?.int ?? 0)
        case .statefulSets: (status["replicas"]?.int ?? 0) < (workload.at("spec", "replicas")?.int ?? 1)
        default: false
        }
    }
}

extension Manifest {
    var reference: ObjectReference { ObjectReference(type, name) }
}

extension ReconcilerContext {
    var collectorFacts: CollectorFacts {
        CollectorFacts(
            collectorImage: configuration.collectorImage, proxyVariables: configuration.proxyVariables, labelsFilter: configuration.labelsFilter,
            annotationsFilter: configuration.annotationsFilter, grantsRoles: configuration.grantsRoles)
    }
    var validationFacts: ValidationFacts {
        ValidationFacts(
            collectorImage: configuration.collectorImage, grantsRoles: configuration.grantsRoles, disabledComponents: configuration.disabledComponents)
    }
    var probeFacts: ProbeFacts { ProbeFacts(agentImage: configuration.agentImage, proxyVariables: configuration.proxyVariables) }
}
