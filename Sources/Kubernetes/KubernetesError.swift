// What a Kubernetes API answers when it does not do what was asked, and the class of each such answer.
// Controllers decide from `code` and `retry`; people read `message`.
// It never carries a request's body: an error text must be safe to log.

import JSON

/// A refused or failed request: a stable code, the server's Status (meta/v1) and what to do next.
public struct KubernetesError: Error, Hashable, Sendable {
    public enum Code: String, Sendable {
        case badRequest, unauthorized, forbidden, notFound, methodNotAllowed, notAcceptable, alreadyExists, conflict, gone
        case payloadTooLarge, unsupportedMediaType, invalid, tooManyRequests, internalError, serviceUnavailable, timeout
        /// No answer: refused connection, TLS, name resolution, broken stream.
        case network
        /// An answer that is no JSON or no object of the kind asked for.
        case undecodable
        case unknown
    }

    /// How a caller should go on. Unknown means retry.
    public enum Retry: Hashable, Sendable {
        /// Again with backoff.
        case backoff
        /// Again, not before this time has passed (429 and 503 with Retry-After).
        case after(Duration)
        /// The same request will be refused again until somebody changes something.
        case never
    }

    /// One entry of Status.details.causes.
    public struct Cause: Hashable, Sendable {
        public let reason: String
        public let message: String
        /// Path of the field in the object: `spec.replicas`.
        public let field: String
        public init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    public var code: Code
    /// The HTTP status; nil when there was no answer.
    public var status: Int?
    /// Status.reason: `Invalid`, `AlreadyExists`.
    public var reason: String
    public var message: String
    public var causes: [Cause]
    public var retryAfter: Duration?

    public init(_ code: Code, status: Int? = nil, reason: String = "", message: String, causes: [Cause] = [], retryAfter: Duration? = nil) {
        self.code = code
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retryAfter = retryAfter
    }

    public var retry: Retry {
        if let retryAfter { return .after(retryAfter) }
        switch code {
        case .badRequest, .invalid, .methodNotAllowed, .notAcceptable, .payloadTooLarge, .unsupportedMediaType: return .never
        default: return .backoff
        }
    }
}

extension KubernetesError: CustomStringConvertible {
    public var description: String {
        let place = [status.map(String.init), reason.isEmpty ? nil : reason].compactMap { $0 }.joined(separator: " ")
        return place.isEmpty ? message : "\(message) (\(place))"
    }
}
