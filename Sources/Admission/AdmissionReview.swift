// What an API server asks before it stores an object (admission.k8s.io/v1 AdmissionReview), and the answer, as values.
// The webhook's handlers read requests and make answers with it.
// It never decides anything.

import JSON
import Kubernetes

/// A review that cannot be read.
public struct ReviewError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}

/// Who asked the API server for the change (authentication.k8s.io/v1 UserInfo).
public struct RequestingUser: Hashable, Sendable {
    public var name: String
    public var uid: String
    public var groups: [String]
    /// As it came; access reviews pass it on.
    public var extra: JSONValue?

    public init(name: String, uid: String = "", groups: [String] = [], extra: JSONValue? = nil) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    init(decoding value: JSONValue?) {
        self.init(
            name: value?["username"]?.string ?? "", uid: value?["uid"]?.string ?? "", groups: (value?["groups"]?.array ?? []).compactMap(\.string),
            extra: value?["extra"])
    }
}

/// The request of an AdmissionReview.
public struct AdmissionRequest: Sendable {
    public enum Operation: String, Sendable { case create = "CREATE", update = "UPDATE", delete = "DELETE", connect = "CONNECT" }

    public let uid: String
    public let operation: Operation
    /// The kind that was matched: `OpenTelemetryCollector`.
    public let kind: String
    public let subresource: String
    /// Empty for cluster-scoped objects. An object of `generateName` has no name yet.
    public let name: ObjectName
    public let user: RequestingUser
    /// Null on delete.
    public let object: JSONValue
    /// Null on create.
    public let oldObject: JSONValue
    /// Nothing may be changed anywhere, events included.
    public let isDryRun: Bool

    /// - Throws: When this is no review with a request.
    public init(decoding review: JSONValue) throws(ReviewError) {
        guard review.kind == "AdmissionReview", review.apiVersion == "admission.k8s.io/v1" else {
            throw ReviewError("the body must be an AdmissionReview of admission.k8s.io/v1, and is \(review.kind) of \(review.apiVersion)")
        }
        guard let request = review["request"], let uid = request["uid"]?.string, !uid.isEmpty else {
            throw ReviewError("the AdmissionReview has no request.uid")
        }
        guard let operation = request["operation"]?.string.flatMap(Operation.init) else {
            throw ReviewError("request.operation must be CREATE, UPDATE, DELETE or CONNECT")
        }
        self.uid = uid
        self.operation = operation
        kind = request["kind"]?["kind"]?.string ?? ""
        subresource = request["subResource"]?.string ?? ""
        let namespace = request["namespace"]?.string ?? ""
        name = ObjectName(namespace: namespace.isEmpty ? nil : namespace, name: request["name"]?.string ?? "")
        user = RequestingUser(decoding: request["userInfo"])
        object = request["object"] ?? .null
        oldObject = request["oldObject"] ?? .null
        isDryRun = request["dryRun"]?.bool ?? false
    }
}

/// The answer to an AdmissionRequest.
public struct AdmissionAnswer: Hashable, Sendable {
    public var isAllowed: Bool
    /// Of a refusal: the HTTP status and reason that the user's client gets.
    public var code = 0
    public var reason = ""
    public var message = ""
    public var causes: [KubernetesError.Cause] = []
    /// Texts that the user's client prints; `review` bounds them.
    public var warnings: [String] = []
    /// Changes to the object; nil: none.
    public var patch: JSONPatch?

    public static func allowed(warnings: [String] = [], patch: JSONPatch? = nil) -> AdmissionAnswer {
        AdmissionAnswer(isAllowed: true, warnings: warnings, patch: patch)
    }

    public static func refused(
        code: Int, reason: String, message: String, causes: [KubernetesError.Cause] = [], warnings: [String] = []
    ) -> AdmissionAnswer {
        AdmissionAnswer(isAllowed: false, code: code, reason: reason, message: message, causes: causes, warnings: warnings)
    }

    /// The AdmissionReview to send back.
    public func review(uid: String) -> JSONValue {
        var response: JSONValue = ["uid": .string(uid), "allowed": .bool(isAllowed)]
        let bounded = AdmissionWarnings.bounded(warnings)
        if !bounded.isEmpty { response["warnings"] = .array(bounded.map { .string($0) }) }
        if let patch, !patch.operations.isEmpty {
            response["patchType"] = "JSONPatch"
            response["patch"] = .string(Base64.encode(patch.jsonValue.bytes()))
        }
        if !isAllowed {
            var status: JSONValue = [
                "status": "Failure", "code": JSONValue(code), "reason": .string(reason), "message": .string(message),
            ]
            if !causes.isEmpty {
                let all = causes.map { cause -> JSONValue in
                    ["reason": .string(cause.reason), "message": .string(cause.message), "field": .string(cause.field)]
                }
                status["details"] = ["causes": .array(all)]
            }
            response["status"] = status
        }
        return ["apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response]
    }
}

/// Warnings within what an API server passes on: it cuts each at 256 characters once they are more than 4,096 together, and leaves out the rest.
public enum AdmissionWarnings {
    static let lengthMax = 256
    static let totalMax = 4096

    /// The first warnings that fit, each on one line; the last one says how many were left out.
    public static func bounded(_ warnings: [String]) -> [String] {
        let lines = warnings.map(line)
        var total = 0
        var kept: [String] = []
        for (index, text) in lines.enumerated() {
            let rest = lines.count - index
            let notice = "and \(rest) more warnings: sonde validate prints all"
            let reserve = rest > 1 ? notice.unicodeScalars.count : 0
            guard total + text.unicodeScalars.count + reserve <= totalMax else { return kept + [notice] }
            total += text.unicodeScalars.count
            kept.append(text)
        }
        return kept
    }

    /// A header's value: no line breaks or control characters, and cut where the API server would cut.
    private static func line(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }
        let kept = scalars.count > lengthMax ? scalars.prefix(lengthMax - 1) + ["…"] : scalars[...]
        return String(String.UnicodeScalarView(kept))
    }
}
