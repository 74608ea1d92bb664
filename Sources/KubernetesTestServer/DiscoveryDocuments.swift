// The discovery documents of an API server: which groups, versions and kinds it serves and how they are named.
// The server answers /api, /apis and everything below that names no objects with them; kubectl and clients read them first.
// It never looks at requests: whoever calls says which document was asked for.

import JSON
import Kubernetes

/// Discovery as pure functions of the kinds that are served.
struct DiscoveryDocuments {
    /// The media type of aggregated discovery; a client that accepts it gets both levels in one document (KEP-3352).
    static let aggregatedMediaType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

    let kinds: [ServedKind]

    /// The document of a path, or nil when the path is none of discovery or names a group or version that is not served.
    ///
    /// - Parameter accept: The request's Accept header; aggregated documents are given to those who list their media type.
    func document(path: String, accept: String = "") -> JSONValue? {
        let segments = path.split(separator: "/").map(String.init)
        switch (segments.first, segments.count) {
        case ("api", 1): return Self.isAggregated(accept) ? aggregated(isCore: true) : coreVersions
        case ("apis", 1): return Self.isAggregated(accept) ? aggregated(isCore: false) : groupList
        case ("api", 2): return resourceList(group: "", version: segments[1])
        case ("apis", 2): return group(segments[1])
        case ("apis", 3): return resourceList(group: segments[1], version: segments[2])
        default: return nil
        }
    }

    /// True when the first known media type of an Accept header is aggregated discovery v2.
    static func isAggregated(_ accept: String) -> Bool {
        for type in accept.split(separator: ",") {
            let parts = type.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
            guard parts.first == "application/json" else { continue }
            if parts.contains("as=APIGroupDiscoveryList") && parts.contains("g=apidiscovery.k8s.io") {
                if parts.contains("v=v2") { return true }
            } else {
                return false
            }
        }
        return false
    }

    /// `/api`.
    var coreVersions: JSONValue {
        [
            "kind": "APIVersions", "versions": .array(versions(of: "").map { .string($0) }),
            "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"]],
        ]
    }

    /// `/apis`.
    var groupList: JSONValue {
        ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map(groupContent))]
    }

    /// `/apis/GROUP`; nil when it is not served.
    func group(_ name: String) -> JSONValue? {
        guard groups.contains(name) else { return nil }
        var document: JSONValue = ["kind": "APIGroup", "apiVersion": "v1"]
        for (key, value) in groupContent(name).object ?? [:] { document[key] = value }
        return document
    }

    /// `/api/v1` and `/apis/GROUP/VERSION`; nil when nothing of it is served.
    func resourceList(group: String, version: String) -> JSONValue? {
        let served = kinds(group, version)
        if served.isEmpty { return nil }
        return [
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(group.isEmpty ? version : "\(group)/\(version)"),
            "resources": .array(served.flatMap(resources)),
        ]
    }

    /// The named groups, without the core group.
    private var groups: [String] { Set(kinds.map(\.type.group)).subtracting([""]).sorted() }

    private func kinds(_ group: String, _ version: String) -> [ServedKind] {
        kinds.filter { $0.type.group == group && $0.type.version == version }.sorted { $0.type.plural < $1.type.plural }
    }

    private func versions(of group: String) -> [String] {
        Set(kinds.lazy.filter { $0.type.group == group }.map(\.type.version)).sorted { APIVersionOrder.isPreferred($0, over: $1) }
    }

    private func groupContent(_ name: String) -> JSONValue {
        let versions: [JSONValue] = versions(of: name).map { ["groupVersion": .string("\(name)/\($0)"), "version": .string($0)] }
        return ["name": .string(name), "versions": .array(versions), "preferredVersion": versions.first ?? [:]]
    }

    private func resources(_ kind: ServedKind) -> [JSONValue] {
        var main: JSONValue = [
            "name": .string(kind.type.plural), "singularName": .string(kind.singular), "namespaced": .bool(kind.type.isNamespaced),
            "kind": .string(kind.type.kind), "verbs": Self.texts(Self.verbs(kind)),
        ]
        if !kind.shortNames.isEmpty { main["shortNames"] = Self.texts(kind.shortNames) }
        if !kind.categories.isEmpty { main["categories"] = Self.texts(kind.categories) }
        let below = kind.subresources.map { subresource -> JSONValue in
            var out: JSONValue = [
                "name": .string("\(kind.type.plural)/\(subresource.name)"), "singularName": "", "namespaced": .bool(kind.type.isNamespaced),
                "kind": .string(subresource.kind.kind), "verbs": Self.texts(subresource.verbs),
            ]
            if subresource.kind != kind.type {
                out["group"] = .string(subresource.kind.group)
                out["version"] = .string(subresource.kind.version)
            }
            return out
        }
        return [main] + below
    }

    private func aggregated(isCore: Bool) -> JSONValue {
        let items: [JSONValue] = (isCore ? [""] : groups).map { group in
            let versions: [JSONValue] = versions(of: group).map { version in
                [
                    "version": .string(version), "freshness": "Current",
                    "resources": .array(kinds(group, version).map(Self.aggregatedResource)),
                ]
            }
            return ["metadata": group.isEmpty ? [:] : ["name": .string(group)], "versions": .array(versions)]
        }
        return ["kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": [:], "items": .array(items)]
    }

    private static func aggregatedResource(_ kind: ServedKind) -> JSONValue {
        var out: JSONValue = [
            "resource": .string(kind.type.plural), "responseKind": groupVersionKind(kind.type), "scope": kind.type.isNamespaced ? "Namespaced" : "Cluster",
            "singularResource": .string(kind.singular), "verbs": texts(verbs(kind)),
        ]
        if !kind.shortNames.isEmpty { out["shortNames"] = texts(kind.shortNames) }
        if !kind.categories.isEmpty { out["categories"] = texts(kind.categories) }
        let below: [JSONValue] = kind.subresources.map {
            ["subresource": .string($0.name), "responseKind": groupVersionKind($0.kind), "verbs": texts($0.verbs)]
        }
        if !below.isEmpty { out["subresources"] = .array(below) }
        return out
    }

    static func groupVersionKind(_ type: ResourceType) -> JSONValue {
        ["group": .string(type.group), "version": .string(type.version), "kind": .string(type.kind)]
    }

    /// Namespaces are the one kind without deletecollection.
    private static func verbs(_ kind: ServedKind) -> [String] {
        let all = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        return kind.type == .namespaces ? all.filter { $0 != "deletecollection" } : all
    }

    private static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}

/// A path below an object, as discovery names it.
struct ServedSubresource {
    let name: String
    /// The kind that it speaks: the object's own, or autoscaling/v1 Scale.
    let kind: ResourceType
    let verbs: [String]
}

extension ServedKind {
    /// Scale and status, as far as this kind has them, in the order of their names.
    var subresources: [ServedSubresource] {
        let verbs = ["get", "patch", "update"]
        var out: [ServedSubresource] = []
        if scale != nil {
            let scale = ResourceType(group: "autoscaling", version: "v1", kind: "Scale", plural: "scales")
            out.append(ServedSubresource(name: "scale", kind: scale, verbs: verbs))
        }
        if hasStatus { out.append(ServedSubresource(name: "status", kind: type, verbs: verbs)) }
        return out
    }
}

/// The order of versions by stability and age (apimachinery version.CompareKubeAwareVersionStrings): v2, v1, v1beta2, v1beta1, v1alpha1, others by name.
enum APIVersionOrder {
    static func isPreferred(_ left: String, over right: String) -> Bool {
        switch (rank(left), rank(right)) {
        case (let left?, let right?): (left.stability, left.major, left.minor) > (right.stability, right.major, right.minor)
        case (.some, nil): true
        case (nil, .some): false
        case (nil, nil): left < right
        }
    }

    private static func rank(_ version: String) -> (stability: Int, major: Int, minor: Int)? {
        guard let match = version.wholeMatch(of: /v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?/), let major = Int(match.output.1) else { return nil }
        let stability = match.output.2.map { $0 == "beta" ? 1 : 0 } ?? 2
        return (stability, major, match.output.3.flatMap { Int($0) } ?? 0)
    }
}
