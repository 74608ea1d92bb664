// A strategic merge patch of a pod template: mappings are merged, null takes a member away, lists of named things are merged by their name.
// Rendering applies the one that a resource carries; the check of annotations refuses those that cannot work.
// It never merges a list whose elements have no key: such a list is replaced.

import JSON

/// Patches of pod templates, with the merge keys of core/v1 (`patchMergeKey` in k8s.io/api/core/v1/types.go).
public enum PodTemplatePatch {
    /// The name of the collector's own container, which a patch may change but not take away.
    public static let containerName = "otc-container"

    private static let mergeKeys = [
        "containers": "name", "initContainers": "name", "volumes": "name", "env": "name", "imagePullSecrets": "name", "volumeMounts": "mountPath",
        "volumeDevices": "devicePath", "ports": "containerPort", "hostAliases": "ip", "topologySpreadConstraints": "topologyKey", "resourceClaims": "name",
    ]
    private static let depthMax = 64

    /// The template with the patch.
    public static func apply(_ patch: JSONValue, to template: JSONValue) -> JSONValue {
        guard let changes = patch.object else { return patch }
        var members = template.object ?? [:]
        for (key, change) in changes {
            if change.isNull {
                members[key] = nil
            } else if let elements = change.array, let mergeKey = mergeKeys[key] {
                members[key] = .array(list(elements, members[key]?.array ?? [], mergeKey))
            } else if change.object != nil {
                members[key] = apply(change, to: members[key] ?? [:])
            } else {
                members[key] = change
            }
        }
        return .object(members)
    }

    private static func list(_ patch: [JSONValue], _ live: [JSONValue], _ key: String) -> [JSONValue] {
        var out = live
        for element in patch {
            let position = out.firstIndex { $0[key] != nil && $0[key] == element[key] }
            if element["$patch"] == "delete" {
                if let position { out.remove(at: position) }
            } else if let position {
                out[position] = apply(element, to: out[position])
            } else {
                out.append(apply(element, to: [:]))
            }
        }
        return out
    }

    /// Why a patch cannot be used; nil when it can.
    static func problem(with patch: JSONValue) -> String? {
        for key in patch.object?.keys ?? [] where key != "metadata" && key != "spec" { return "\(key.prefix(80)) is no part of a pod template" }
        for key in patch["metadata"]?.object?.keys ?? [] where key != "labels" && key != "annotations" {
            return "metadata.\(key.prefix(80)) cannot be patched; pods take labels and annotations"
        }
        if let label = patch.at("metadata", "labels")?.object?.keys.first(where: CollectorAnnotations.isSelectorKey) {
            return "metadata.labels: \(label) belongs to the selector, which cannot change"
        }
        if let container = patch.at("spec", "containers")?.array?.first(where: { $0["name"]?.string == containerName }), container["$patch"] != nil {
            return "spec.containers: \(containerName) is the collector itself and cannot be taken away"
        }
        for key in ["metadata", "spec"] {
            if let part = patch[key], part.object == nil { return "\(key) must be a mapping" }
        }
        return problem(in: patch, at: "", depth: 0, isKeyed: false)
    }

    /// - Parameter isKeyed: Whether the value is a list that is merged by a key, or an element of one; only there a directive is acted on.
    private static func problem(in value: JSONValue, at path: String, depth: Int, isKeyed: Bool) -> String? {
        guard depth < depthMax else { return "\(path.prefix(200)) is nested too deeply" }
        for (key, member) in value.object ?? [:] {
            let place = path.isEmpty ? key : "\(path).\(key)"
            if key.hasPrefix("$"), key != "$patch" || member != "delete" || !isKeyed {
                return "\(place.prefix(200)): the only directive is $patch: delete, in an element of a list that is merged by a key"
            }
            if let mergeKey = mergeKeys[key], let elements = member.array {
                for (index, element) in elements.enumerated() where element[mergeKey] == nil { return "\(place)[\(index)] has no \(mergeKey)" }
            }
            let isKeyed = mergeKeys[key] != nil && member.array != nil
            if let problem = problem(in: member, at: place, depth: depth + 1, isKeyed: isKeyed) { return problem }
        }
        for (index, element) in (value.array ?? []).enumerated() {
            if let problem = problem(in: element, at: "\(path)[\(index)]", depth: depth + 1, isKeyed: isKeyed) { return problem }
        }
        return nil
    }
}
