// Takes fields over from the field manager of an operator that was there before, by the rules of client-go's csaupgrade.
// The applier uses it when it adopts an object: what our manager owns and no longer names goes away with an apply.
// It never takes a field of a person or of another program: only `Update` entries of the managers that it is told.

import JSON
import Kubernetes

/// Whose fields are taken over, and the patch that does it.
public struct FieldTakeover: Hashable, Sendable {
    /// Labels and annotations of pods that the manifest does not have: taking them away would replace every pod.
    public enum PodLeftovers: Hashable, Sendable {
        /// They stay on the pods, under a manager of ours: the earlier operator's name may be that of any program.
        case left
        /// They are taken too, and go with the next apply.
        case taken
    }

    /// Field managers of the earlier operator.
    public let managers: Set<String>

    public init(managers: Set<String>) { self.managers = managers }

    /// Who has what was left on pods.
    static func leftoverManager(of manager: String) -> String { "\(manager)-earlier" }

    /// Rewrites `metadata.managedFields`; nil when there is nothing to take.
    ///
    /// The patch replaces the resource version by the one that was read, so that the server answers 409 when the object changed meanwhile.
    /// - Parameters:
    ///   - live: With its managed fields.
    ///   - manager: Who owns the fields afterwards, by server-side apply.
    ///   - manifest: What is applied next; it decides what a leftover is.
    public func patch(_ live: JSONValue, to manager: String, manifest: JSONValue, podLeftovers: PodLeftovers) -> JSONPatch? {
        let entries = live.at("metadata", "managedFields")?.array ?? []
        let apiVersion = manifest.apiVersion
        var kept: [JSONValue] = []
        var taken: [JSONValue] = []
        for entry in entries {
            guard isEarlier(entry) || entry["manager"]?.string == Self.leftoverManager(of: manager) else {
                kept.append(entry)
                continue
            }
            let parts = PodTemplateFields.split(entry["fieldsV1"] ?? [:], manifest, podLeftovers)
            if let fields = parts.taken { taken.append(Self.with(fields, in: entry)) }
            if let fields = parts.left {
                var left = Self.with(fields, in: entry)
                left["manager"] = .string(Self.leftoverManager(of: manager))
                kept.append(left)
            }
        }
        if taken.isEmpty { return kept == entries ? nil : Self.patch(kept, live) }
        let own = kept.firstIndex { $0["manager"]?.string == manager && Self.isApply($0) }
        let target = own.map { kept[$0] } ?? Self.start(taken, apiVersion: apiVersion, manager: manager)
        // Fields of another version cannot be put into the same entry.
        let same = taken.filter { $0["apiVersion"] == target["apiVersion"] }
        let fields = same.reduce(target["fieldsV1"] ?? [:]) { FieldsV1.union($0, $1["fieldsV1"] ?? [:]) }
        let merged = Self.with(fields, in: target)
        if let own { kept[own] = merged } else { kept.append(merged) }
        return Self.patch(kept, live)
    }

    private static func patch(_ entries: [JSONValue], _ live: JSONValue) -> JSONPatch {
        JSONPatch([
            .replace(JSONPointer(["metadata", "managedFields"]), .array(entries)),
            .replace(JSONPointer(["metadata", "resourceVersion"]), .string(live.metadata.resourceVersion)),
        ])
    }

    func isEarlier(_ entry: JSONValue) -> Bool {
        guard entry["operation"] == "Update", (entry["subresource"]?.string ?? "").isEmpty else { return false }
        return entry["manager"]?.string.map(managers.contains) ?? false
    }

    private static func isApply(_ entry: JSONValue) -> Bool { entry["operation"] == "Apply" && (entry["subresource"]?.string ?? "").isEmpty }

    /// Without an entry of our own the newest one of the applied version becomes it, else the newest of all.
    private static func start(_ taken: [JSONValue], apiVersion: String, manager: String) -> JSONValue {
        let newestFirst = taken.sorted { ($0["time"]?.string ?? "") > ($1["time"]?.string ?? "") }
        var entry = newestFirst.first { $0["apiVersion"]?.string == apiVersion } ?? newestFirst[0]
        entry["manager"] = .string(manager)
        entry["operation"] = "Apply"
        return entry
    }

    private static func with(_ fields: JSONValue, in entry: JSONValue) -> JSONValue {
        var entry = entry
        entry["fieldsV1"] = fields
        return entry
    }
}

/// Sets of fields in their JSON form (meta/v1 FieldsV1): `{}` owns the field itself, members own what is below it, `.` both.
enum FieldsV1 {
    static func union(_ left: JSONValue, _ right: JSONValue) -> JSONValue {
        guard let a = left.object, let b = right.object else { return left.object == nil ? right : left }
        if a.isEmpty || b.isEmpty {
            var both = a.isEmpty ? b : a
            if !both.isEmpty { both["."] = [:] }
            return .object(both)
        }
        var both = a
        for (key, value) in b { both[key] = both[key].map { union($0, value) } ?? value }
        return .object(both)
    }
}

/// The labels and annotations of a workload's pods within a set of fields.
enum PodTemplateFields {
    private static let path = ["f:spec", "f:template", "f:metadata"]

    /// Parts a set into what may be taken and the pods' labels and annotations that the manifest does not have; nil where nothing is left.
    static func split(_ fields: JSONValue, _ manifest: JSONValue, _ leftovers: FieldTakeover.PodLeftovers) -> (taken: JSONValue?, left: JSONValue?) {
        guard leftovers == .left, manifest.at("spec", "template", "metadata") != nil else { return (fields, .none) }
        var taken = fields
        var left: JSONValue?
        for map in ["labels", "annotations"] {
            let place = path + ["f:\(map)"]
            let wanted = manifest.at(["spec", "template", "metadata", map])?.object ?? [:]
            for key in fields.at(place)?.object?.keys ?? [] where key.hasPrefix("f:") && !wanted.contains(String(key.dropFirst(2))) {
                var others = left ?? [:]
                others.set(place + [key], to: [:])
                left = others
                taken.set(place + [key], to: nil)
            }
        }
        // A map that has lost all its members would read as one that is owned itself.
        for length in stride(from: path.count + 1, through: 1, by: -1) where left != nil {
            for map in ["f:labels", "f:annotations"] {
                let place = Array((path + [map]).prefix(length))
                if taken.at(place)?.object?.isEmpty == true, fields.at(place)?.object?.isEmpty == false { taken.set(place, to: nil) }
            }
        }
        return (taken.object?.isEmpty == true ? .none : .some(taken), left)
    }
}
