// The OpenAPI v3 documents of an API server: an index, and one document for each group and version.
// The server answers /openapi/v3 with them; kubectl explain, apply and validation read them.
// It never looks at requests: whoever calls says which document was asked for.

import JSON
import Kubernetes

struct OpenAPIDocuments {
    let kinds: [ServedKind]

    /// The document of a path; nil when it is none of OpenAPI v3 or names a group or version that is not served.
    func document(path: String) -> JSONValue? {
        let segments = path.split(separator: "/").map(String.init)
        guard segments.first == "openapi", segments.dropFirst().first == "v3" else { return nil }
        switch (segments.count, segments.dropFirst(2).first) {
        case (2, _): return index
        case (4, "api"): return document(group: "", version: segments[3])
        case (5, "apis"): return document(group: segments[3], version: segments[4])
        default: return nil
        }
    }

    /// `/openapi/v3`: where each document stands, with a hash that changes with it, because clients cache by it.
    var index: JSONValue {
        var paths = JSONObject()
        for kind in kinds {
            let place = kind.type.group.isEmpty ? "api/\(kind.type.version)" : "apis/\(kind.type.apiVersion)"
            guard paths[place] == nil, let document = document(group: kind.type.group, version: kind.type.version) else { continue }
            paths[place] = ["serverRelativeURL": .string("/openapi/v3/\(place)?hash=\(Self.hash(document))")]
        }
        return ["paths": .object(paths)]
    }

    private func document(group: String, version: String) -> JSONValue? {
        let served = kinds.filter { $0.type.group == group && $0.type.version == version }.sorted { $0.type.plural < $1.type.plural }
        guard !served.isEmpty else { return nil }
        var components = OpenAPIComponents()
        var paths = JSONObject()
        for kind in served {
            components.add(kind)
            for (path, item) in OpenAPIPaths.items(kind) { paths[path] = item }
        }
        return [
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": "v1.36.0"], "paths": .object(paths),
            "components": ["schemas": .object(components.schemas)],
        ]
    }

    /// FNV-1a with 64 bits: a cache key, no more.
    private static func hash(_ document: JSONValue) -> String {
        let value = document.bytes().reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(value, radix: 16, uppercase: true)
    }
}

/// How schemas are named in OpenAPI documents.
enum OpenAPINames {
    static let objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    static let listMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
    static let status = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
    static let deleteOptions = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
    static let patch = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
    static let scale = "io.k8s.api.autoscaling.v1.Scale"

    /// The schema of a kind: its Go package for built-in kinds, the reversed group for custom ones.
    static func name(_ kind: ServedKind) -> String {
        if let typeName = kind.schema.typeName { return name(typeName: typeName, of: kind.type) }
        return "\(kind.type.group.split(separator: ".").reversed().joined(separator: ".")).\(kind.type.version).\(kind.type.kind)"
    }

    /// The schema of a built-in type. Types of the kind's own group have the kind's version; the only others are core's and meta's, which are v1.
    static func name(typeName: String, of kind: ResourceType) -> String {
        let parts = typeName.split(separator: ".", maxSplits: 1)
        guard parts.count == 2 else { return typeName }
        if parts[0] == "meta" { return "io.k8s.apimachinery.pkg.apis.meta.v1.\(parts[1])" }
        let version = kind.group.hasPrefix(parts[0]) ? kind.version : "v1"
        return "io.k8s.api.\(parts[0]).\(version).\(parts[1])"
    }

    static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }
}
