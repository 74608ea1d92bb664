// The kinds that are served now: the built-in ones and those of established custom resource definitions.
// Requests, garbage collection and discovery look kinds up here.
// It never holds two kinds under one path.

import JSON
import Kubernetes

struct KindRegistry: Sendable {
    struct Path: Hashable, Sendable {
        let group: String
        let version: String
        let plural: String
    }

    private(set) var byPath: [Path: ServedKind] = [:]

    init() { for kind in BuiltInKinds.all { add(kind) } }

    var all: [ServedKind] { byPath.values.sorted { ($0.type.group, $0.type.version, $0.type.plural) < ($1.type.group, $1.type.version, $1.type.plural) } }

    subscript(_ group: String, _ version: String, _ plural: String) -> ServedKind? { byPath[Path(group: group, version: version, plural: plural)] }

    /// A kind by its name in owner references; any version of the group will do, since they share their objects.
    func kind(apiVersion: String, kind: String) -> ServedKind? {
        let group = apiVersion.firstIndex(of: "/").map { String(apiVersion[..<$0]) } ?? ""
        return all.first { $0.type.group == group && $0.type.kind == kind }
    }

    mutating func add(_ kind: ServedKind) {
        byPath[Path(group: kind.type.group, version: kind.type.version, plural: kind.type.plural)] = kind
    }

    mutating func remove(definition: String) { byPath = byPath.filter { $0.value.definition != definition } }

    /// One kind for each set of stored objects.
    var stored: [ServedKind] {
        var seen: Set<String> = []
        return all.filter { seen.insert($0.storageKey).inserted }
    }
}
