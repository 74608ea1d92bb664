// Admission webhooks: which registered ones a write concerns, what they are asked, and what their answers do to the object.
// Writing runs every object through them before it is stored; WebhookCaller does the asking.
// It never waits: a write whose webhook has not been asked yet is broken off with the question, and run again with the answer.

import JSON
import Kubernetes

/// One question to one webhook. Equal questions get the same answer within one request.
struct WebhookCall: Hashable, Sendable {
    /// `mutating` webhooks may answer with a patch.
    let isMutating: Bool
    let name: String
    let client: JSONValue
    let isIgnoredWhenDown: Bool
    let timeoutSeconds: Int
    /// The request of the AdmissionReview without its uid.
    let request: JSONValue
}

/// What a webhook said.
struct WebhookVerdict: Sendable {
    var refusal: KubernetesError?
    var patch: JSONPatch?
    var warnings: [String] = []
}

extension KubernetesError {
    /// Breaks a write off; whoever runs it asks `ServerState.neededCall` and runs it again.
    static let reviewNeeded = KubernetesError(.serviceUnavailable, status: 503, message: "a webhook has to be asked first")
}

extension ServerState {
    /// Who writes here.
    private static let user: JSONValue = ["username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]]

    /// The object after all webhooks of a kind; `admit` checks what a mutating one has changed.
    mutating func reviewed(
        _ proposed: JSONValue, live: JSONValue?, _ request: APIRequest, _ admission: inout Admission
    ) throws(KubernetesError) -> JSONValue {
        var object = proposed
        for isMutating in [true, false] {
            for webhook in webhooks(isMutating: isMutating) where concerns(webhook, object, live, request) {
                let call = Self.call(webhook, isMutating: isMutating, object, live, request)
                guard let verdict = request.verdicts[call] else {
                    neededCall = call
                    throw .reviewNeeded
                }
                if let refusal = verdict.refusal { throw refusal }
                admission.warnings += verdict.warnings
                guard isMutating, let patch = verdict.patch else { continue }
                do {
                    object = try patch.apply(to: object)
                } catch {
                    throw KubernetesError(.internalError, status: 500, reason: "InternalError", message: "admission webhook \"\(call.name)\": \(error)")
                }
                object = try admission.admit(object)
            }
        }
        return object
    }

    private func webhooks(isMutating: Bool) -> [JSONValue] {
        let plural = isMutating ? "mutatingwebhookconfigurations" : "validatingwebhookconfigurations"
        return all(ServedKind.storageKey(group: "admissionregistration.k8s.io", plural: plural), namespace: nil).flatMap { $0.object["webhooks"]?.array ?? [] }
    }

    private func concerns(_ webhook: JSONValue, _ object: JSONValue, _ live: JSONValue?, _ request: APIRequest) -> Bool {
        let type = request.kind.type
        guard type.group != "admissionregistration.k8s.io" else { return false }
        let resource = request.path.subresource.map { "\(type.plural)/\($0)" } ?? type.plural
        let rules = webhook["rules"]?.array ?? []
        guard
            rules.contains(where: { rule in
                Self.lists(rule["apiGroups"], type.group) && Self.lists(rule["apiVersions"], type.version) && Self.lists(rule["resources"], resource)
                    && Self.lists(rule["operations"], live == nil ? "CREATE" : "UPDATE")
            })
        else { return false }
        guard Self.selects(webhook["objectSelector"], object) else { return false }
        guard let namespace = request.namespace, let found = objects["namespaces"]?[ObjectName(namespace: nil, name: namespace)] else { return true }
        var labelled = found
        labelled.set(["metadata", "labels", "kubernetes.io/metadata.name"], to: .string(namespace))
        return Self.selects(webhook["namespaceSelector"], labelled)
    }

    private static func lists(_ list: JSONValue?, _ value: String) -> Bool { list?.array?.contains { $0 == "*" || $0.string == value } == true }

    private static func selects(_ selector: JSONValue?, _ object: JSONValue) -> Bool {
        guard let selector, let parsed = try? LabelSelector(decoding: selector) else { return true }
        return parsed.matches(object)
    }

    private static func call(_ webhook: JSONValue, isMutating: Bool, _ object: JSONValue, _ live: JSONValue?, _ request: APIRequest) -> WebhookCall {
        let type = request.kind.type
        var sent = object
        // A generated name is another one at each attempt.
        if request.body.metadata.name.isEmpty, live == nil { sent.set(["metadata", "name"], to: nil) }
        let kind: JSONValue = ["group": .string(type.group), "version": .string(type.version), "kind": .string(type.kind)]
        let resource: JSONValue = ["group": .string(type.group), "version": .string(type.version), "resource": .string(type.plural)]
        var body: JSONValue = [
            "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource, "name": .string(sent.metadata.name),
            "namespace": .string(request.namespace ?? ""), "operation": live == nil ? "CREATE" : "UPDATE", "userInfo": user, "object": sent,
            "oldObject": live ?? .null, "dryRun": .bool(request.isDryRun), "options": .null,
        ]
        if let subresource = request.path.subresource { body["subResource"] = .string(subresource) }
        return WebhookCall(
            isMutating: isMutating, name: webhook["name"]?.string ?? "", client: webhook["clientConfig"] ?? [:],
            isIgnoredWhenDown: webhook["failurePolicy"] == "Ignore", timeoutSeconds: webhook["timeoutSeconds"]?.int ?? 10, request: body)
    }
}
