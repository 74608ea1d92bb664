// Who owns which field: `metadata.managedFields` read, written and updated by applies and by every other write.
// The write path calls it once for each request.
// It never touches any other part of an object, apart from what an apply is asked to change.

import JSON
import Kubernetes

/// The managers of one object.
struct ManagedFields: Sendable {
    struct Entry: Sendable {
        var manager: String
        /// `Apply` or `Update`.
        var operation: String
        var apiVersion: String
        /// `""` for the main resource.
        var subresource: String
        var time: String
        var fields: FieldSet

        func isSame(_ other: Entry) -> Bool {
            manager == other.manager && operation == other.operation && apiVersion == other.apiVersion && subresource == other.subresource
        }
    }

    var entries: [Entry]

    init(_ object: JSONValue) {
        entries = (object.at("metadata", "managedFields")?.array ?? []).map { entry in
            Entry(
                manager: entry["manager"]?.string ?? "", operation: entry["operation"]?.string ?? "", apiVersion: entry["apiVersion"]?.string ?? "",
                subresource: entry["subresource"]?.string ?? "", time: entry["time"]?.string ?? "", fields: FieldSet(fieldsV1: entry["fieldsV1"] ?? [:]))
        }
    }

    /// The object with these entries, applies first and by time, as Kubernetes sorts them.
    func written(into object: JSONValue) -> JSONValue {
        let kept = entries.filter { !$0.fields.isEmpty }.sorted {
            ($0.operation == "Apply" ? 0 : 1, $0.time, $0.manager, $0.subresource) < ($1.operation == "Apply" ? 0 : 1, $1.time, $1.manager, $1.subresource)
        }
        var out = object
        out.set(["metadata", "managedFields"], to: kept.isEmpty ? nil : .array(kept.map(Self.json)))
        return out
    }

    private static func json(_ entry: Entry) -> JSONValue {
        var out: JSONValue = [
            "manager": .string(entry.manager), "operation": .string(entry.operation), "apiVersion": .string(entry.apiVersion), "time": .string(entry.time),
            "fieldsType": "FieldsV1", "fieldsV1": entry.fields.fieldsV1,
        ]
        if !entry.subresource.isEmpty { out["subresource"] = .string(entry.subresource) }
        return out
    }

    /// What managers can own: not the fields that the server sets or that name the object.
    static func owned(_ object: JSONValue) -> JSONValue {
        var out = object
        for key in ["apiVersion", "kind"] { out[key] = nil }
        guard var metadata = out["metadata"], metadata.object != nil else { return out }
        for key in [
            "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "selfLink", "managedFields", "deletionTimestamp",
            "deletionGracePeriodSeconds", "generateName",
        ] { metadata[key] = nil }
        // JSONValue reads a bare nil as its own null: the member must go, not become null.
        out["metadata"] = metadata.object?.isEmpty == true ? JSONValue?.none : metadata
        return out
    }

    /// Records what a write that is no apply changed: the writer owns it now, nobody else does.
    mutating func update(from old: JSONValue?, to new: JSONValue, schema: Schema, writer: Entry) {
        let difference = TypedValue.difference(Self.owned(old ?? [:]), Self.owned(new), schema)
        let taken = difference.added.union(difference.modified)
        guard !(taken.isEmpty && difference.removed.isEmpty) else { return }
        var own = FieldSet()
        for index in entries.indices {
            if entries[index].isSame(writer) { own = entries[index].fields } else { entries[index].fields = entries[index].fields.subtracting(taken) }
            entries[index].fields = entries[index].fields.subtracting(difference.removed)
        }
        entries.removeAll { $0.isSame(writer) }
        var entry = writer
        entry.fields = own.subtracting(difference.removed).union(taken)
        entries.append(entry)
    }

    /// Merges an applied configuration into the live object, gives the manager what it names and takes away what it no longer names.
    /// - Throws: `.conflict` with a cause for each field that another manager owns with another value, unless `isForced`.
    mutating func apply(_ configuration: JSONValue, to live: JSONValue, schema: Schema, writer: Entry, isForced: Bool) throws(KubernetesError) -> JSONValue {
        let applied = Self.owned(configuration)
        let wanted = TypedValue.fieldSet(applied, schema)
        let merged = TypedValue.merge(live, configuration, schema)
        let difference = TypedValue.difference(Self.owned(live), Self.owned(merged), schema)
        let changed = difference.added.union(difference.modified).intersection(wanted)
        try settleConflicts(changed, writer, isForced: isForced)

        let last = entries.first { $0.isSame(writer) }
        let others = entries.filter { !$0.isSame(writer) }.map(\.fields)
        var out = merged
        if let last { out = TypedValue.prune(merged, schema, last: last.fields, kept: wanted, others: others) ?? merged }
        entries.removeAll { $0.isSame(writer) }
        var entry = writer
        if let last, last.fields == wanted { entry.time = last.time }
        entry.fields = wanted
        entries.append(entry)
        let removed = TypedValue.difference(Self.owned(merged), Self.owned(out), schema).removed
        for index in entries.indices where !entries[index].isSame(writer) { entries[index].fields = entries[index].fields.subtracting(removed) }
        return out
    }

    private mutating func settleConflicts(_ changed: FieldSet, _ writer: Entry, isForced: Bool) throws(KubernetesError) {
        var causes: [KubernetesError.Cause] = []
        for index in entries.indices where !entries[index].isSame(writer) {
            let conflicting = entries[index].fields.intersection(changed)
            guard !conflicting.isEmpty else { continue }
            let entry = entries[index]
            if isForced {
                entries[index].fields = entry.fields.subtracting(conflicting)
                continue
            }
            let kind = entry.operation == "Apply" ? "\"\(entry.manager)\"" : "\"\(entry.manager)\" using \(entry.apiVersion)"
            causes += conflicting.paths.map { .init(reason: "FieldManagerConflict", message: "conflict with \(kind)", field: $0) }
        }
        guard !causes.isEmpty else { return }
        let what = causes.count == 1 ? "1 conflict" : "\(causes.count) conflicts"
        throw KubernetesError(
            .conflict, status: 409, reason: "Conflict",
            message: "Apply failed with \(what): \(causes[0].message): \(causes.map(\.field).joined(separator: ", "))", causes: causes)
    }
}
