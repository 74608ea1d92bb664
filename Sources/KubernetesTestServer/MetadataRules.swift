// The rules for metadata that hold for every kind: names, labels, annotations, finalizers, owner references, what may not change.
// Admission calls it for each write.
// It never looks outside of metadata.

import JSON
import Kubernetes

enum MetadataRules {
    static func errors(_ object: JSONValue, kind: ServedKind, live: JSONValue?) -> [FieldError] {
        let metadata = object.metadata
        var out = nameErrors(metadata.name, kind.type)
        for (key, value) in object.at("metadata", "labels")?.object ?? [:] {
            if !LabelSyntax.isKey(key) {
                out.append(.invalid("metadata.labels", .string(key), "name part must consist of alphanumeric characters, '-', '_' or '.'"))
            }
            if let problem = labelValueProblem(value) { out.append(.invalid("metadata.labels", value, problem)) }
        }
        let annotationBytes = metadata.annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        if annotationBytes > 256 << 10 { out.append(.tooLong("metadata.annotations", 256 << 10)) }
        for key in metadata.annotations.keys.sorted() where !LabelSyntax.isKey(key.lowercased()) {
            out.append(.invalid("metadata.annotations", .string(key), "name part must consist of alphanumeric characters, '-', '_' or '.'"))
        }
        for (index, finalizer) in metadata.finalizers.enumerated() where !finalizer.contains("/") && !["orphan", "foregroundDeletion"].contains(finalizer) {
            out.append(.invalid("metadata.finalizers[\(index)]", .string(finalizer), "name is neither a standard finalizer name nor is it fully qualified"))
        }
        return out + ownerErrors(object) + changeErrors(metadata, live)
    }

    static func labelValueProblem(_ value: JSONValue) -> String? {
        guard let text = value.string else { return nil }
        if text.utf8.count > 63 { return "must be no more than 63 bytes" }
        return LabelSyntax.isValue(text)
            ? nil
            : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
                + "and must start and end with an alphanumeric character"
    }

    private static func nameErrors(_ name: String, _ type: ResourceType) -> [FieldError] {
        if name.isEmpty { return [.required("metadata.name", "name or generateName is required")] }
        let subdomain =
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            + "and must start and end with an alphanumeric character"
        let label =
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
        switch type.kind {
        case "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding":
            let isBad = name == "." || name == ".." || name.contains("/") || name.contains("%")
            return isBad ? [.invalid("metadata.name", .string(name), "may not be '.' or '..' or contain '/' or '%'")] : []
        case "Namespace":
            return isLabel(name) ? [] : [.invalid("metadata.name", .string(name), label)]
        case "Service":
            // RFC 1035 until RelaxedServiceNameValidation is everywhere: a letter first.
            let isGood = isLabel(name) && name.first?.isLetter == true
            return isGood
                ? []
                : [
                    .invalid(
                        "metadata.name", .string(name),
                        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
                            + "start with an alphabetic character, and end with an alphanumeric character"
                    )
                ]
        default:
            return LabelSyntax.isDNSSubdomain(name) ? [] : [.invalid("metadata.name", .string(name), subdomain)]
        }
    }

    static func isLabel(_ text: String) -> Bool { text.utf8.count <= 63 && !text.contains(".") && LabelSyntax.isDNSSubdomain(text) }

    private static func ownerErrors(_ object: JSONValue) -> [FieldError] {
        var out: [FieldError] = []
        for (index, owner) in (object.at("metadata", "ownerReferences")?.array ?? []).enumerated() {
            for key in ["apiVersion", "kind", "name", "uid"] where owner[key]?.string?.isEmpty != false {
                out.append(.invalid("metadata.ownerReferences[\(index)].\(key)", .string(""), "must not be empty"))
            }
        }
        if object.metadata.ownerReferences.count(where: \.controller) > 1 {
            out.append(
                .invalid("metadata.ownerReferences", object.at("metadata", "ownerReferences") ?? .null, "Only one reference can have Controller set to true"))
        }
        return out
    }

    private static func changeErrors(_ metadata: ObjectMetadata, _ live: JSONValue?) -> [FieldError] {
        guard let old = live?.metadata, old.isBeingDeleted else { return [] }
        let added = metadata.finalizers.filter { !old.finalizers.contains($0) }
        return added.isEmpty
            ? []
            : [
                .forbidden(
                    "metadata.finalizers",
                    "no new finalizers can be added if the object is being deleted, found new finalizers [\(added.joined(separator: ", "))]")
            ]
    }
}
