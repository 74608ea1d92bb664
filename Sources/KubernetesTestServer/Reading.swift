// Get and list: one object, or a page of many from one consistent state.
// TestAPIServer dispatches to it.
// It never changes the state.

import JSON
import Kubernetes

extension ServerState {
    func get(_ request: APIRequest) throws(KubernetesError) -> Answer {
        let name = try request.objectName()
        guard let object = object(request.kind, name) else { throw .notFound(request.kind, name.name) }
        let shown = request.kind.shown(object)
        switch request.path.subresource {
        case nil, "status": return Answer(body: Representation(request.accept).object(shown, request.kind))
        case "scale": return Answer(body: try ScaleView.scale(of: shown, request.kind))
        case let other: throw .unknownSubresource(request.kind, other ?? "")
        }
    }

    func list(_ request: APIRequest) throws(KubernetesError) -> Answer {
        let filter = try ObjectFilter(request)
        let start = try listStart(request)
        let all =
            start.revision == revision
            ? self.all(request.kind.storageKey, namespace: request.namespace)
            : self.all(request.kind.storageKey, namespace: request.namespace, at: start.revision)
        var matching = all[...].filter { filter.matches(request.kind.shown($0.object)) }[...]
        if let after = start.after { matching = matching.drop { ContinueToken.order($0.name) <= after } }
        var metadata: JSONValue = ["resourceVersion": .string(String(start.revision))]
        if let limit = request.limit, matching.count > limit, let last = matching.prefix(limit).last {
            metadata["continue"] = .string(ContinueToken(revision: start.revision, after: ContinueToken.order(last.name)).text)
            if filter.isEmpty { metadata["remainingItemCount"] = .int(Int64(matching.count - limit)) }
            matching = matching.prefix(limit)
        }
        let objects = matching.map { request.kind.shown($0.object) }
        return Answer(body: Representation(request.accept).list(objects, metadata: metadata, request.kind))
    }

    /// From which revision, and after which object, a list answers.
    private func listStart(_ request: APIRequest) throws(KubernetesError) -> (revision: Int, after: [String]?) {
        if let text = request.query["continue"], !text.isEmpty {
            guard let token = ContinueToken(text) else { throw .badRequest("continue key is not valid: it is none that this server gave out") }
            guard token.revision >= compactedRevision else {
                throw .gone(
                    "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.")
            }
            return (token.revision, token.after)
        }
        let given = request.query["resourceVersion"] ?? ""
        guard !given.isEmpty, given != "0" else { return (revision, nil) }
        guard let wanted = Int(given), wanted > 0 else { throw .badRequest("resourceVersion: Invalid value: \"\(given)\": strconv.ParseUint: invalid syntax") }
        if wanted > revision { throw .tooLarge(wanted, current: revision) }
        let isExact = request.query["resourceVersionMatch"] == "Exact" || (request.query["resourceVersionMatch"] == nil && request.limit != nil)
        guard isExact else { return (revision, nil) }
        guard wanted >= compactedRevision else { throw .gone("The resourceVersion for the provided list is too old.") }
        return (wanted, nil)
    }
}

extension KubernetesError {
    static func tooLarge(_ wanted: Int, current: Int) -> KubernetesError {
        KubernetesError(
            .timeout, status: 504, reason: "Timeout", message: "Too large resource version: \(wanted), current: \(current)",
            causes: [.init(reason: "ResourceVersionTooLarge", message: "Too large resource version", field: "")], retryAfter: .seconds(1))
    }

    static func unknownSubresource(_ kind: ServedKind, _ name: String) -> KubernetesError {
        KubernetesError(
            .notFound, status: 404, reason: "NotFound", message: "the server could not find the requested resource (\(kind.qualifiedPlural)/\(name))")
    }
}

/// Where the next page starts. Written as hexadecimal JSON: opaque for clients, readable in a dump.
struct ContinueToken: Hashable {
    let revision: Int
    /// Namespace and name of the last object of the page before.
    let after: [String]

    init(revision: Int, after: [String]) {
        self.revision = revision
        self.after = after
    }

    init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[start...start + 1], as: UTF8.self), radix: 16) else { return nil }
            bytes.append(byte)
        }
        guard let value = try? JSONValue(parsing: bytes), let revision = value["rv"]?.int, let names = value["after"]?.array?.compactMap(\.string),
            names.count == 2
        else {
            return nil
        }
        self.init(revision: revision, after: names)
    }

    var text: String {
        let value: JSONValue = ["rv": .int(Int64(revision)), "after": .array(after.map { .string($0) })]
        return value.bytes().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    static func order(_ name: ObjectName) -> [String] { [name.namespace ?? "", name.name] }
}

func <= (left: [String], right: [String]) -> Bool { !right.lexicographicallyPrecedes(left) }

/// Label and field selectors of a list or watch.
struct ObjectFilter: Sendable {
    private let labels: LabelSelector?
    private let fields: [(path: [String], value: String, isNegated: Bool)]

    var isEmpty: Bool { labels == nil && fields.isEmpty }

    init(_ request: APIRequest) throws(KubernetesError) {
        do {
            labels = try request.query["labelSelector"].flatMap { $0.isEmpty ? nil : $0 }.map { text throws(SelectorError) in try LabelSelector(parsing: text) }
        } catch {
            throw .badRequest("unable to parse requirement: \(error.message)")
        }
        var fields: [(path: [String], value: String, isNegated: Bool)] = []
        if let name = request.path.name { fields.append((["metadata", "name"], name, false)) }
        for part in (request.query["fieldSelector"] ?? "").split(separator: ",") {
            let isNegated = part.contains("!=")
            let halves = part.split(separator: "=", omittingEmptySubsequences: false)
            guard halves.count >= 2 else { throw .badRequest("invalid selector: '\(part)'; can't understand '\(part)'") }
            let name = isNegated ? String(halves[0].dropLast()) : String(halves[0])
            guard ["metadata.name", "metadata.namespace"].contains(name) || request.kind.selectableFields.contains(name) else {
                throw .badRequest("field label not supported: \(name)")
            }
            fields.append((name.split(separator: ".").map(String.init), String(halves[halves.count - 1]), isNegated))
        }
        self.fields = fields
    }

    func matches(_ object: JSONValue) -> Bool {
        guard labels?.matches(object) ?? true else { return false }
        return fields.allSatisfy { field in
            let value = object.at(field.path)
            return ((value?.string ?? value?.text() ?? "") == field.value) != field.isNegated
        }
    }
}
