// Two versions of resources compared, resource by resource.
// `sonde diff OLD NEW` uses it.
// It never asks a cluster.

import JSON
import Kubernetes
import Operator
import Rendering
import SondeAPI

struct FileDiff {
    let diffs: [ResourceDiff]

    init(old: [JSONValue], new: [JSONValue], namespace: String, facts: DiffFacts) {
        let before = Self.rendered(old, namespace, facts), after = Self.rendered(new, namespace, facts)
        let gone = before.filter { old in !after.contains { $0.report.title == old.report.title } }
        diffs =
            after.map { new in Self.diff(before.first { $0.report.title == new.report.title }, new, old: old, namespace: namespace, facts: facts) }
            + gone.map { ResourceDiff(title: $0.report.title, changes: PlanComparison.changes(from: $0.manifests, to: [], keptVersions: 0)) }
    }

    private static func rendered(_ documents: [JSONValue], _ namespace: String, _ facts: DiffFacts) -> [RenderedResource] {
        ResourceFile(documents: documents, namespace: namespace, facts: facts.validation).renderEach(facts.collector, facts.probe).filter {
            $0.report.kind != .other
        }
    }

    private static func diff(_ old: RenderedResource?, _ new: RenderedResource, old documents: [JSONValue], namespace: String, facts: DiffFacts) -> ResourceDiff
    {
        var diff = ResourceDiff(title: new.report.title, findings: new.report.findings)
        if diff.hasErrors { return diff }
        let spec = OpenTelemetryCollectorSpec(new.object["spec"] ?? .null)
        let keptVersions = new.report.kind == .collector ? spec.configVersions : 0
        diff.changes = PlanComparison.changes(from: old?.manifests ?? [], to: new.manifests, keptVersions: keptVersions)
        if let old { diff.effects = effects(from: old.object, to: new.object, among: documents, namespace, facts) }
        return diff
    }

    /// Each differing field by itself.
    static func effects(from old: JSONValue, to new: JSONValue, among documents: [JSONValue], _ namespace: String, _ facts: DiffFacts) -> [FieldEffect] {
        FieldEffects.between(old, new) { version in
            ResourceFile(documents: [version], namespace: namespace, known: documents, facts: facts.validation).renderEach(facts.collector, facts.probe)
                .flatMap(\.manifests)
        }
    }
}
