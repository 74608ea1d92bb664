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

    private struct Name: Hashable {
        let group: String
        let kind: String
    }

    private(set) var byPath: [Path: ServedKind] = [:]
    /// In the order of their paths.
    private(set) var all: [ServedKind] = []
    /// One kind for each set of stored objects.
    private(set) var stored: [ServedKind] = []
    /// Garbage collection asks for each owner of each object after each write.
    private var byName: [Name: ServedKind] = [:]

    init() {
        for kind in BuiltInKinds.all { insert(kind) }
        index()
    }

    subscript(_ group: String, _ version: String, _ plural: String) -> ServedKind? { byPath[Path(group: group, version: version, plural: plural)] }

    /// A kind by its name in owner references; any version of the group will do, since they share their objects.
    func kind(apiVersion: String, kind: String) -> ServedKind? {
        let group = apiVersion.firstIndex(of: "/").map { String(apiVersion[..<$0]) } ?? ""
        return byName[Name(group: group, kind: kind)]
    }

    mutating func add(_ kind: ServedKind) {
        insert(kind)
        index()
    }

    mutating func remove(definition: String) {
        byPath = byPath.filter { $0.value.definition != definition }
        index()
    }

    private mutating func insert(_ kind: ServedKind) {
        byPath[Path(group: kind.type.group, version: kind.type.version, plural: kind.type.plural)] = kind
    }

    private mutating func index() {
        all = byPath.values.sorted { ($0.type.group, $0.type.version, $0.type.plural) < ($1.type.group, $1.type.version, $1.type.plural) }
        var seen: Set<String> = []
        stored = all.filter { seen.insert($0.storageKey).inserted }
        byName = Dictionary(all.map { (Name(group: $0.type.group, kind: $0.type.kind), $0) }, uniquingKeysWith: { first, _ in first })
    }
}
