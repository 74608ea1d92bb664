// What a write does to an object before it is stored: unknown fields, defaults, validation, system fields, generation.
// Create, update, patch and apply all pass through it.
// It never stores anything.

import JSON
import Kubernetes

/// What happens to unknown fields (`fieldValidation`).
enum FieldValidation: String, Sendable { case ignore = "Ignore", warn = "Warn", strict = "Strict" }

struct Admission {
    let kind: ServedKind
    let live: JSONValue?
    let validation: FieldValidation
    var warnings: [String] = []

    init(_ request: APIRequest, live: JSONValue?) {
        kind = request.kind
        self.live = live
        validation = request.query["fieldValidation"].flatMap(FieldValidation.init) ?? .warn
    }

    /// The object as it is to be stored.
    /// - Throws: 400 for unknown fields when strict, 422 with a cause for each invalid field.
    mutating func admit(_ proposed: JSONValue) throws(KubernetesError) -> JSONValue {
        var dropped: [String] = []
        var object = kind.schema.pruned(proposed, path: "", dropped: &dropped)
        try report(dropped)
        if !kind.isCustom { object = kind.schema.canonical(object) }
        object = kind.isCustom ? kind.schema.defaulted(object) : BuiltInDefaults.apply(to: object, kind: kind.type, live: live)
        let name = object.metadata.name
        var errors = MetadataRules.errors(object, kind: kind, live: live)
        errors += kind.schema.errors(withoutTypeMeta(object), path: "")
        if errors.isEmpty {
            errors += kind.isCustom ? customErrors(object) : BuiltInRules.errors(object, kind: kind.type, live: live)
        }
        guard errors.isEmpty else { throw .invalid(kind, name, errors) }
        return object
    }

    private func customErrors(_ object: JSONValue) -> [FieldError] { kind.schema.celErrors(object, old: live, path: "") }

    private func withoutTypeMeta(_ object: JSONValue) -> JSONValue {
        guard kind.isCustom, kind.schema.properties["metadata"] == nil else { return object }
        var out = object
        out["metadata"] = nil
        return out
    }

    private mutating func report(_ dropped: [String]) throws(KubernetesError) {
        guard !dropped.isEmpty else { return }
        let texts = dropped.map { "unknown field \"\($0)\"" }
        switch validation {
        case .ignore: break
        case .warn: warnings += texts
        case .strict:
            throw .badRequest(
                "\(kind.type.kind) in version \"\(kind.type.version)\" cannot be handled as a \(kind.type.kind): "
                    + "strict decoding error: \(texts.joined(separator: ", "))"
            )
        }
    }

    /// The generation after this write.
    static func generation(_ object: JSONValue, live: JSONValue?, kind: ServedKind) -> Int? {
        if kind.generation == .none { return nil }
        guard let live else { return 1 }
        let hides = kind.generation == .outsideStatus ? ["metadata", "status"] : ["metadata"]
        func content(_ object: JSONValue) -> JSONValue {
            var out = object
            for key in hides + ["apiVersion", "kind"] { out[key] = nil }
            return out
        }
        let before = live.metadata.generation
        return content(object) == content(live) ? before : before + 1
    }
}
