// Puts a collector into a pod that asks for one, as the pod is created: the answer to the pods' mutating webhook.
// WebhookHandler calls it for each new pod; it looks up what it needs live, so that it works before any cache is filled.
// It never keeps a pod from being created, and never says nothing when a pod asked for a sidecar and gets none.

import CollectorConfig
import JSON
import Kubernetes
import KubernetesRuntime
import Rendering
import SondeAPI
import Synchronization

/// Injects sidecars.
public final class SidecarInjection: Sendable {
    /// The kernel's limit of one environment variable with its name (MAX_ARG_STRLEN); a container with a longer one does not start.
    static let configurationBytesMax = (128 << 10) - 64
    /// Native sidecars are on by default from this minor version of Kubernetes 1 on.
    private static let nativeSince = 29
    private static let versionLifetime: Duration = .seconds(600)

    private let api: any KubernetesAPI
    private let facts: CollectorFacts
    private let time: any TimeSource
    private let record: @Sendable (EventNote, EventSubject) -> Void
    private let version = Mutex<(isNative: Bool, until: MonotonicTime)?>(nil)

    /// - Parameter record: Takes events about the owners of pods that get no sidecar.
    public init(
        api: any KubernetesAPI, facts: CollectorFacts, time: any TimeSource = SystemTime(), record: @escaping @Sendable (EventNote, EventSubject) -> Void
    ) {
        self.api = api
        self.facts = facts
        self.time = time
        self.record = record
    }

    /// - Throws: When something cannot be looked up; the API server then goes on without the sidecar, as its failurePolicy says.
    public func answer(_ request: AdmissionRequest) async throws -> AdmissionAnswer {
        guard request.operation == .create, request.subresource.isEmpty, request.kind == "Pod", let namespace = request.name.namespace else {
            return .allowed()
        }
        let pod = request.object
        if pod.metadata.annotations[SidecarWish.annotation]?.lowercased() == "false" { return .allowed() }
        let live = try await api.get(.namespaces, ObjectName(namespace: nil, name: namespace))
        let wish = SidecarWish(pod: pod, namespace: live)
        if wish == .none || SidecarPod.carriesSidecar(pod) { return .allowed() }
        do {
            let collector = try await collector(wish, namespace)
            let parts = SidecarRendering(collector, facts)
            if let container = SidecarPod(pod).conflict(with: parts) { throw SidecarRefusal.taken(container, by: collector.name) }
            let attributes = SidecarPod.attributes(namespace: namespace, owners: try await owners(of: pod, in: namespace))
            let patch = SidecarPod(pod).adding(parts, attributes: attributes, isNative: try await isNative())
            return .allowed(patch: patch)
        } catch let refusal as SidecarRefusal {
            let note = EventNote(.warning, reason: refusal.reason, action: "InjectSidecar", note: "a pod gets no sidecar: \(refusal)")
            if !request.isDryRun, let subject = Self.subject(pod, namespace) { record(note, subject) }
            return .allowed(warnings: ["no sidecar: \(refusal)"])
        }
    }

    private func collector(_ wish: SidecarWish, _ namespace: String) async throws -> OpenTelemetryCollector {
        let found: JSONValue
        switch wish {
        case .named(let name):
            guard let live = try await api.getIfFound(.openTelemetryCollectors, name) else { throw SidecarRefusal.missing(name) }
            found = live
        case .theOnlyOne, .none:
            let all = try await api.listAll(.openTelemetryCollectors, namespace: namespace).items
            let sidecars = all.filter { $0.at("spec", "mode") == "sidecar" }
            guard let first = sidecars.first else { throw SidecarRefusal.none(in: namespace) }
            guard sidecars.count == 1 else { throw SidecarRefusal.several(sidecars.map(\.metadata.name), in: namespace) }
            found = first
        }
        let name = found.metadata.objectName
        let mode = found.at("spec", "mode")?.string ?? "deployment"
        guard mode == "sidecar" else { throw SidecarRefusal.otherMode(name, mode) }
        let known = facts.validation
        if let error = Validation.findings(collector: found, facts: known).errors.first { throw SidecarRefusal.invalid(name, error) }
        guard let collector = try? OpenTelemetryCollector(object: found) else { throw SidecarRefusal.missing(name) }
        let size = SidecarRendering(collector, facts).configurationSizeBytes
        guard size <= Self.configurationBytesMax else { throw SidecarRefusal.tooLong(name, size, Self.configurationBytesMax) }
        return collector
    }

    // MARK: Facts

    /// The ReplicaSet or other controller of the pod, and the one above it. What may not be read is left out: the pod's own names are known anyway.
    private func owners(of pod: JSONValue, in namespace: String) async throws -> [OwnerReference] {
        guard let first = pod.metadata.controller else { return [] }
        guard first.kind == "ReplicaSet" || first.kind == "Job" else { return [first] }
        let type =
            first.kind == "Job"
            ? ResourceType(group: "batch", version: "v1", kind: "Job", plural: "jobs")
            : ResourceType(group: "apps", version: "v1", kind: "ReplicaSet", plural: "replicasets")
        do {
            let owner = try await api.getIfFound(type, ObjectName(namespace: namespace, name: first.name), content: .metadataOnly)
            return [first] + (owner?.metadata.controller.map { [$0] } ?? [])
        } catch let error as KubernetesError where error.code == .forbidden {
            return [first]
        }
    }

    /// Whether init containers may go on beside the others; the server's version is asked for every ten minutes.
    private func isNative() async throws -> Bool {
        let now = time.now
        if let known = version.withLock({ $0 }), now < known.until { return known.isNative }
        let answer = try await api.send(KubernetesRequest(.get, "/version"))
        let major = Int((answer["major"]?.string ?? "").prefix { $0.isNumber }) ?? 1
        let minor = Int((answer["minor"]?.string ?? "").prefix { $0.isNumber }) ?? 0
        let isNative = major > 1 || minor >= Self.nativeSince
        version.withLock { $0 = (isNative, now + Self.versionLifetime) }
        return isNative
    }

    /// What an event is about: the pod's controller, since the pod has no uid yet; a pod by itself has nobody.
    private static func subject(_ pod: JSONValue, _ namespace: String) -> EventSubject? {
        guard let owner = pod.metadata.controller else { return nil }
        let slash = owner.apiVersion.lastIndex(of: "/")
        let version = slash.map { String(owner.apiVersion[owner.apiVersion.index(after: $0)...]) } ?? owner.apiVersion
        let type = ResourceType(group: owner.group, version: version, kind: owner.kind, plural: owner.kind.lowercased() + "s")
        return EventSubject(ObjectReference(type, ObjectName(namespace: namespace, name: owner.name)), uid: owner.uid)
    }
}
