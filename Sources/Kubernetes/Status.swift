// meta/v1 Status: the object with which an API server says why it did not do what was asked.
// Clients read errors from it, watches find it in ERROR events, the test server writes it.
// It never decides about retries: KubernetesError.retry does, from the code found here.

import JSON

extension KubernetesError {
    /// Reads a Status object. The server's reason decides the code; without a known reason the HTTP status does.
    /// - Parameters:
    ///   - statusObject: The body; anything that is no Status becomes an error with the HTTP status alone.
    ///   - httpStatus: The status line; nil inside a watch, where the Status' own code counts.
    ///   - retryAfter: The Retry-After header; it wins over `details.retryAfterSeconds`.
    public init(statusObject: JSONValue, httpStatus: Int? = nil, retryAfter: Duration? = nil) {
        let status = httpStatus ?? statusObject["code"]?.int
        let reason = statusObject["reason"]?.string ?? ""
        let details = statusObject["details"]
        let causes = details?["causes"]?.array ?? []
        let delay = retryAfter ?? details?["retryAfterSeconds"]?.int.flatMap { $0 > 0 ? .seconds($0) : nil }
        self.init(
            Code(reason: reason) ?? status.map(Code.init(httpStatus:)) ?? .unknown, status: status, reason: reason,
            message: statusObject["message"]?.string ?? "the server answered \(status.map(String.init) ?? "with an error") and gave no message",
            causes: causes.map { Cause(reason: $0["reason"]?.string ?? "", message: $0["message"]?.string ?? "", field: $0["field"]?.string ?? "") },
            retryAfter: delay)
    }

    /// The Status object of this error: `kind: Status`, `status: Failure`.
    public var statusObject: JSONValue {
        var out: JSONValue = ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message)]
        let reason = reason.isEmpty ? code.reason : reason
        if !reason.isEmpty { out["reason"] = .string(reason) }
        var details: JSONValue = [:]
        if !causes.isEmpty { details["causes"] = .array(causes.map(\.jsonValue)) }
        if let retryAfter { details["retryAfterSeconds"] = .int(max(1, retryAfter.components.seconds)) }
        if details.object?.isEmpty == false { out["details"] = details }
        out["code"] = JSONValue(status ?? code.httpStatus)
        return out
    }

    /// True when a list or watch asked for a version that the server does not have yet (a replica behind another one).
    public var isTooLargeResourceVersion: Bool {
        causes.contains { $0.reason == "ResourceVersionTooLarge" } || message.contains("Too large resource version")
    }
}

extension KubernetesError.Cause {
    fileprivate var jsonValue: JSONValue { ["reason": .string(reason), "message": .string(message), "field": .string(field)] }
}

extension KubernetesError.Code {
    /// The codes that a Status can carry, with meta/v1's reason and the HTTP status. `Expired` also reads as `.gone`.
    private static let table: [(code: Self, reason: String, httpStatus: Int)] = [
        (.badRequest, "BadRequest", 400), (.unauthorized, "Unauthorized", 401), (.forbidden, "Forbidden", 403), (.notFound, "NotFound", 404),
        (.methodNotAllowed, "MethodNotAllowed", 405), (.notAcceptable, "NotAcceptable", 406), (.conflict, "Conflict", 409),
        (.alreadyExists, "AlreadyExists", 409),
        (.gone, "Expired", 410), (.gone, "Gone", 410), (.payloadTooLarge, "RequestEntityTooLarge", 413), (.unsupportedMediaType, "UnsupportedMediaType", 415),
        (.invalid, "Invalid", 422), (.tooManyRequests, "TooManyRequests", 429), (.internalError, "InternalError", 500), (.timeout, "ServerTimeout", 500),
        (.serviceUnavailable, "ServiceUnavailable", 503), (.timeout, "Timeout", 504),
    ]

    fileprivate init?(reason: String) {
        guard let row = Self.table.first(where: { $0.reason == reason }) else { return nil }
        self = row.code
    }

    /// The code of an answer whose body gives no reason.
    public init(httpStatus: Int) {
        if let row = Self.table.first(where: { $0.httpStatus == httpStatus }) {
            self = row.code
        } else {
            switch httpStatus {
            case 400..<500: self = .badRequest
            case 500..<600: self = .internalError
            default: self = .unknown
            }
        }
    }

    /// meta/v1's word for this code; `""` for failures that no server answers with.
    public var reason: String { self == .timeout ? "Timeout" : Self.table.first { $0.code == self }?.reason ?? "" }

    /// The HTTP status that goes with this code; 500 for failures that no server answers with.
    public var httpStatus: Int { self == .timeout ? 504 : Self.table.first { $0.code == self }?.httpStatus ?? 500 }
}
