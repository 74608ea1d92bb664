// How an answer shows objects: whole, just their metadata, or as a table for people (`Accept: application/json;as=...`).
// Gets, lists and watches pass their objects through it.
// It never reads anything but the objects that it is given.

import JSON
import Kubernetes

enum Representation: Hashable, Sendable {
    case full
    case metadataOnly
    case table

    /// The first form of an Accept header that this server has.
    init(_ accept: String) {
        for part in accept.split(separator: ",") {
            if part.contains("as=Table") && part.contains("v=v1") && !part.contains("v=v1beta1") {
                self = .table
                return
            }
            if part.contains("as=PartialObjectMetadata") && part.contains("v=v1") && !part.contains("v=v1beta1") {
                self = .metadataOnly
                return
            }
            if part.contains("json"), !part.contains("as=") { break }
        }
        self = .full
    }

    func object(_ object: JSONValue, _ kind: ServedKind) -> JSONValue {
        switch self {
        case .full: object
        case .metadataOnly: Self.partial(object)
        case .table: TableView.table([object], metadata: ["resourceVersion": object.at("metadata", "resourceVersion") ?? ""], kind)
        }
    }

    func list(_ objects: [JSONValue], metadata: JSONValue, _ kind: ServedKind) -> JSONValue {
        switch self {
        case .full:
            // Items of built-in kinds carry no type of their own: the Go types drop it when they are read from storage.
            let items =
                kind.isCustom
                ? objects
                : objects.map { object in
                    var out = object
                    out["kind"] = nil
                    out["apiVersion"] = nil
                    return out
                }
            return ["kind": .string(kind.listKind), "apiVersion": .string(kind.type.apiVersion), "metadata": metadata, "items": .array(items)]
        case .metadataOnly:
            return [
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": .array(objects.map(Self.partial)),
            ]
        case .table: return TableView.table(objects, metadata: metadata, kind)
        }
    }

    func event(_ event: WatchEvent, _ kind: ServedKind, isFirst: Bool) -> JSONValue {
        var out = event.jsonValue(type: kind.type)
        guard self != .full, let object = out["object"] else { return out }
        switch event {
        case .added, .modified, .deleted:
            var shown = self.object(object, kind)
            // Only the first table of a watch names its columns.
            if self == .table, !isFirst { shown["columnDefinitions"] = nil }
            out["object"] = shown
        case .bookmark where self == .metadataOnly: out["object"] = Self.partial(object)
        default: break
        }
        return out
    }

    private static func partial(_ object: JSONValue) -> JSONValue {
        ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:]]
    }
}
