// The comparison of resources as a JSON document, for programs.
// `sonde diff --output json` prints it.
// It never leaves out an object: those that stay are there too, with their action.

import JSON
import Kubernetes
import Operator
import Rendering
import SondeAPI

enum DiffDocument {
    /// `{resources: [{resource, note, remark, errors, fields, objects}]}`.
    static func document(_ diffs: [ResourceDiff]) -> JSONValue { ["resources": .array(diffs.map(resource))] }

    private static func resource(_ diff: ResourceDiff) -> JSONValue {
        [
            "resource": .string(diff.title), "note": .string(diff.note), "remark": .string(diff.remark),
            "errors": .array(diff.findings.errors.map { .string($0.description) }),
            "restartedPods": number(diff.restartedPods),
            "fields": .array(
                diff.effects.map { effect in
                    [
                        "field": .string(effect.field), "objects": .array(effect.objects.map { .string($0.description) }),
                        "replacesPods": .bool(effect.replacesPods),
                    ]
                }),
            "objects": .array(diff.changes.map { object($0, diff) }),
        ]
    }

    private static func object(_ change: ObjectChange, _ diff: ResourceDiff) -> JSONValue {
        [
            "action": .string(change.action.rawValue), "kind": .string(change.reference.type.kind),
            "namespace": .string(change.reference.name.namespace ?? ""), "name": .string(change.reference.name.name),
            "restartedPods": number(change.restartedPods), "because": .array(diff.reasons(change).map { .string($0.field) }), "note": .string(change.note),
            "before": change.before ?? .null, "after": change.after ?? .null,
        ]
    }

    /// Null stands for a number that is not known.
    private static func number(_ count: Int?) -> JSONValue { count.map { JSONValue($0) } ?? .null }
}
