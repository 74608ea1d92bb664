// A request taken apart: which kind, which object, which subresource, and the options of its query.
// TestAPIServer parses every request into it before anything else.
// It never looks at stored objects.

import JSON
import Kubernetes

/// What a path under `/api` or `/apis` names.
struct ResourcePath: Hashable, Sendable {
    var group: String
    var version: String
    var namespace: String?
    var plural: String
    var name: String?
    var subresource: String?

    /// Nil for paths that name no resource (discovery, health).
    init?(_ path: String) {
        var segments = path.split(separator: "/").map { PercentEncoding.decode($0) }[...]
        switch segments.popFirst() {
        case "api": group = ""
        case "apis":
            guard let name = segments.popFirst() else { return nil }
            group = name
        default: return nil
        }
        guard let version = segments.popFirst(), let first = segments.popFirst() else { return nil }
        self.version = version
        // Namespaces are resources themselves: /namespaces/a/status is a subresource, /namespaces/a/pods a collection in it.
        if first == "namespaces", segments.count >= 2, !(group.isEmpty && segments.count == 2 && ["status", "finalize"].contains(segments.last)) {
            namespace = segments.popFirst()
            plural = segments.popFirst() ?? ""
        } else {
            plural = first
        }
        name = segments.popFirst()
        subresource = segments.popFirst()
        if !segments.isEmpty { return nil }
    }
}

/// One request for objects of a kind that is served.
struct APIRequest: Sendable {
    var method: KubernetesRequest.Method
    var kind: ServedKind
    let path: ResourcePath
    let query: [String: String]
    var body: JSONValue
    var contentType: String
    let accept: String
    /// Who writes, when the query names no field manager: the first part of the user agent.
    let agent: String
    /// What webhooks said about this write so far.
    var verdicts: [WebhookCall: WebhookVerdict] = [:]

    var namespace: String? { kind.type.isNamespaced ? path.namespace : nil }
    var isDryRun: Bool { query["dryRun"] == "All" }
    var isForced: Bool { query["force"] == "true" }
    var isWatch: Bool { method == .get && path.name == nil && ["true", "1"].contains(query["watch"]) }
    var fieldManager: String { query["fieldManager"].flatMap { $0.isEmpty ? nil : $0 } ?? agent }
    var limit: Int? { query["limit"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } }

    /// The verb as RBAC names it.
    var verb: String {
        switch method {
        case .get: isWatch ? "watch" : path.name == nil ? "list" : "get"
        case .post: "create"
        case .put: "update"
        case .patch: "patch"
        case .delete: path.name == nil ? "deletecollection" : "delete"
        }
    }

    func objectName() throws(KubernetesError) -> ObjectName {
        guard let name = path.name else { throw .badRequest("the request names no object") }
        return ObjectName(namespace: namespace, name: name)
    }
}

/// A 2xx answer.
struct Answer: Sendable {
    var status = 200
    var body: JSONValue
    /// Texts of `Warning` headers.
    var warnings: [String] = []
}

extension KubernetesError {
    static func badRequest(_ message: String) -> KubernetesError { KubernetesError(.badRequest, status: 400, reason: "BadRequest", message: message) }

    static func notFound(_ kind: ServedKind, _ name: String) -> KubernetesError {
        KubernetesError(.notFound, status: 404, reason: "NotFound", message: "\(kind.qualifiedPlural) \"\(name)\" not found")
    }

    static func alreadyExists(_ kind: ServedKind, _ name: String) -> KubernetesError {
        KubernetesError(.alreadyExists, status: 409, reason: "AlreadyExists", message: "\(kind.qualifiedPlural) \"\(name)\" already exists")
    }

    static func conflict(_ kind: ServedKind, _ name: String, _ text: String) -> KubernetesError {
        KubernetesError(
            .conflict, status: 409, reason: "Conflict", message: "Operation cannot be fulfilled on \(kind.qualifiedPlural) \"\(name)\": \(text)")
    }

    static func gone(_ message: String) -> KubernetesError { KubernetesError(.gone, status: 410, reason: "Expired", message: message) }

    /// 422 with a cause for each field.
    static func invalid(_ kind: ServedKind, _ name: String, _ errors: [FieldError]) -> KubernetesError {
        let texts = errors.map { "\($0.field): \($0.message)" }
        let all = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        return KubernetesError(
            .invalid, status: 422, reason: "Invalid", message: "\(kind.qualifiedKind) \"\(name)\" is invalid: \(all)",
            causes: errors.map { Cause(reason: $0.reason.rawValue, message: $0.message, field: $0.field) })
    }
}

/// One thing wrong with one field (apimachinery field.Error).
struct FieldError: Hashable, Sendable {
    enum Reason: String, Sendable {
        case required = "FieldValueRequired"
        case invalid = "FieldValueInvalid"
        case notSupported = "FieldValueNotSupported"
        case forbidden = "FieldValueForbidden"
        case duplicate = "FieldValueDuplicate"
        case tooLong = "FieldValueTooLong"
        case tooMany = "FieldValueTooMany"
        case typeInvalid = "FieldValueTypeInvalid"
    }

    let field: String
    let reason: Reason
    let message: String

    static func required(_ field: String, _ detail: String = "") -> FieldError {
        FieldError(field: field, reason: .required, message: detail.isEmpty ? "Required value" : "Required value: \(detail)")
    }

    static func invalid(_ field: String, _ value: JSONValue, _ detail: String) -> FieldError {
        FieldError(field: field, reason: .invalid, message: "Invalid value: \(shown(value)): \(detail)")
    }

    static func notSupported(_ field: String, _ value: JSONValue, _ allowed: [String]) -> FieldError {
        FieldError(
            field: field, reason: .notSupported,
            message: "Unsupported value: \(shown(value)): supported values: \(allowed.map { "\"\($0)\"" }.joined(separator: ", "))")
    }

    static func forbidden(_ field: String, _ detail: String) -> FieldError { FieldError(field: field, reason: .forbidden, message: "Forbidden: \(detail)") }

    static func duplicate(_ field: String, _ value: JSONValue) -> FieldError {
        FieldError(field: field, reason: .duplicate, message: "Duplicate value: \(shown(value))")
    }

    static func tooLong(_ field: String, _ max: Int) -> FieldError {
        FieldError(field: field, reason: .tooLong, message: "Too long: may not be more than \(max) bytes")
    }

    static func tooMany(_ field: String, _ count: Int, _ max: Int) -> FieldError {
        FieldError(field: field, reason: .tooMany, message: "Too many: \(count): must have at most \(max) items")
    }

    /// Long values are cut: a message is read by people.
    private static func shown(_ value: JSONValue) -> String {
        let text = value.text()
        return text.count > 200 ? "\(text.prefix(200))..." : text
    }
}
