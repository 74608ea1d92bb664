// Resources of a file compared with the cluster, resource by resource.
// `sonde diff FILE` uses it.
// It never writes: the live resources are read, and what the operator would send goes as a dry run.

import JSON
import Kubernetes
import Logging
import Operator
import Rendering
import SondeAPI

struct ClusterDiff {
    let api: any KubernetesAPI
    let namespace: String
    let facts: DiffFacts

    /// - Throws: `KubernetesError`.
    func diffs(_ documents: [JSONValue]) async throws -> [ResourceDiff] {
        var diffs: [ResourceDiff] = []
        let known = try await collectors(named: documents)
        for document in ResourceFile(documents: documents, namespace: namespace).objects {
            guard let type = Self.type(of: document) else { continue }
            diffs.append(try await diff(document, type, known: known))
        }
        return diffs
    }

    private static func type(of document: JSONValue) -> ResourceType? {
        [ResourceType.openTelemetryCollectors, .ebpfProbes].first { $0.kind == document.kind }
    }

    /// Collectors that probes name, from the cluster and then from the files.
    private func collectors(named documents: [JSONValue]) async throws -> [JSONValue] {
        let objects = ResourceFile(documents: documents, namespace: namespace).objects
        var found: [JSONValue] = []
        for probe in objects where probe.kind == ResourceType.ebpfProbes.kind {
            guard let name = probe.at("spec", "collectorRef", "name")?.string else { continue }
            let collector = ObjectName(namespace: probe.metadata.namespace, name: name)
            if let live = try await live(.openTelemetryCollectors, collector) { found.append(live) }
        }
        return found + objects.filter { $0.kind == ResourceType.openTelemetryCollectors.kind }
    }

    /// Nil also where the kind itself is not installed.
    private func live(_ type: ResourceType, _ name: ObjectName) async throws -> JSONValue? { try await api.getIfFound(type, name) }

    private func diff(_ document: JSONValue, _ type: ResourceType, known: [JSONValue]) async throws -> ResourceDiff {
        let live = try await live(type, document.metadata.objectName)
        let submission = try await submission(of: document, type, live)
        let new = submission.object
        let facts = try await facts(for: new, live)
        guard
            let rendered = ResourceFile(documents: [new], namespace: namespace, known: known, facts: facts.validation)
                .renderEach(facts.collector, facts.probe).first
        else {
            return ResourceDiff(title: "\(document.kind) \(document.metadata.objectName)")
        }
        var diff = ResourceDiff(title: rendered.report.title, findings: rendered.report.findings)
        if diff.hasErrors {
            diff.note = live == nil ? "" : "what runs now goes on: a resource with errors changes nothing"
            return diff
        }
        if let refusal = submission.refusal {
            diff.changes = [ObjectChange(ObjectReference(type, document.metadata.objectName), .refuse, note: "the API server refuses the resource: \(refusal)")]
            return diff
        }
        diff.remark = submission.remark
        if Self.isPaused(new) {
            diff.note = "its objects stay as they are: the resource is paused or unmanaged"
            return diff
        }
        diff.changes =
            rendered.report.kind == .collector
            ? try await preview.changes(of: OpenTelemetryCollector(object: rendered.object), manifests: rendered.manifests)
            : try await preview.changes(ofProbe: rendered.object, manifests: rendered.manifests)
        if let live { diff.effects = FileDiff.effects(from: live, to: rendered.object, among: known, namespace, facts) }
        return diff
    }

    /// A resource as the API server would store it.
    private struct Submission {
        var object: JSONValue
        /// What the server says against it.
        var refusal: String?
        /// Why the server could not be asked; empty otherwise.
        var remark = ""
    }

    /// What the operator would find after the file was applied: with defaults, and with what webhooks change. A dry run, with the file as the whole
    /// resource: fields that it no longer has are gone.
    private func submission(of document: JSONValue, _ type: ResourceType, _ live: JSONValue?) async throws -> Submission {
        var object = document
        if let live {
            for key in ["uid", "resourceVersion"] { object.set(["metadata", key], to: live.at("metadata", key)) }
            // kubectl writes its own note anew with every apply.
            let note = "kubectl.kubernetes.io/last-applied-configuration"
            if let text = live.metadata.annotations[note] { object.set(["metadata", "annotations", note], to: .string(text)) }
        }
        guard document.apiVersion == type.apiVersion else { return Submission(object: object) }
        do {
            if live != nil { return Submission(object: try await api.replace(type, object, dryRun: true)) }
            var stored = try await api.create(type, object, dryRun: true)
            stored.set(["metadata", "uid"], to: nil)  // Nothing belongs to it yet.
            return Submission(object: stored)
        } catch let error as KubernetesError where error.code == .notFound {
            return Submission(object: object)  // The namespace or the kind is not there yet.
        } catch let error as KubernetesError where [.invalid, .badRequest].contains(error.code) || error.message.contains("admission webhook") {
            return Submission(object: object, refusal: error.message)
        } catch let error as KubernetesError where error.code == .forbidden {
            return Submission(
                object: object, remark: "you may not write it, so it is compared as the file has it, without what the API server fills in")
        }
    }

    /// The operator may have another default image than this program: what runs now tells.
    private func facts(for new: JSONValue, _ live: JSONValue?) async throws -> DiffFacts {
        var facts = facts
        guard new.kind == ResourceType.openTelemetryCollectors.kind, let collector = try? OpenTelemetryCollector(object: new) else { return facts }
        let isNamed = live?.at("spec", "image")?.string?.isEmpty == false
        if !isNamed, let running = live?.at("status", "image")?.string { facts.collector.collectorImage = running }
        facts.collector = try await preview.facts(facts.collector, for: collector)
        return facts
    }

    private var preview: PlanPreview { PlanPreview(api: api, logger: Logger(label: "sonde", factory: { _ in SwiftLogNoOpLogHandler() })) }

    private static func isPaused(_ object: JSONValue) -> Bool {
        object.metadata.annotations["sonde.dev/paused"] == "true" || object.at("spec", "managementState") == "unmanaged" || object.at("spec", "paused") == true
    }
}
