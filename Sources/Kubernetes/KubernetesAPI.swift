// The seam between everything that talks to a Kubernetes API and how the bytes travel.
// KubernetesClient implements it over HTTPS, KubernetesTestServer in the process, fault injection by wrapping either.
// It never retries: whoever calls decides from the error's class.

import JSON

/// A Kubernetes API server: two primitives; the verbs are extensions that build requests.
///
/// Thread rules: methods may be called from any task. Cancelling the calling task ends the request and leaves nothing behind.
public protocol KubernetesAPI: Sendable {
    /// Sends one request and returns the decoded body of a 2xx answer.
    /// - Throws: `KubernetesError`, or `CancellationError` when the task was cancelled.
    func send(_ request: KubernetesRequest) async throws -> JSONValue

    /// Opens a watch; returns when the server has answered 200.
    /// - Throws: `KubernetesError` (`.gone` when the resource version is too old), or `CancellationError`.
    func watch(_ request: KubernetesRequest) async throws -> WatchStream
}

/// One request as a value: it can be built, compared and tested without a server.
public struct KubernetesRequest: Hashable, Sendable {
    public enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE" }

    public var method: Method
    /// Absolute path without the query: `/api/v1/namespaces/default/configmaps/a`.
    public var path: String
    /// Unencoded query items in order.
    public var query: [QueryItem]
    public var body: JSONValue?
    /// Nil means `application/json`.
    public var contentType: String?
    /// Nil means `application/json`.
    public var accept: String?
    /// The answer is read without `metadata.managedFields`: most of a list's bytes, and nothing that a store reads.
    public var dropsManagedFields = false

    public struct QueryItem: Hashable, Sendable {
        public let name: String
        public let value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(_ method: Method, _ path: String, query: [QueryItem] = [], body: JSONValue? = nil, contentType: String? = nil, accept: String? = nil) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.contentType = contentType
        self.accept = accept
    }
}

/// What a watch delivers (meta/v1 WatchEvent).
public enum WatchEvent: Sendable, Hashable {
    case added(JSONValue)
    case modified(JSONValue)
    /// The object as it last was.
    case deleted(JSONValue)
    /// Everything up to this resource version has been delivered.
    case bookmark(resourceVersion: String, isInitialEventsEnd: Bool)
    /// An ERROR event inside the 200 stream; a `.gone` one means: list again.
    case failed(KubernetesError)
    /// One event that could not be decoded; the stream goes on.
    case undecodable(String)
}

/// The events of one watch, pulled one at a time: nothing is read ahead beyond the transport's bound.
/// Ends (nil) when the server closes the stream; throws `KubernetesError` when the connection breaks.
public struct WatchStream: AsyncSequence, Sendable {
    public typealias Element = WatchEvent
    private let pull: @Sendable () async throws -> WatchEvent?

    /// - Parameter pull: Returns the next event; called by one task at a time. Must end promptly when its task is cancelled.
    public init(_ pull: @escaping @Sendable () async throws -> WatchEvent?) { self.pull = pull }

    public func makeAsyncIterator() -> Iterator { Iterator(pull: pull) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let pull: @Sendable () async throws -> WatchEvent?
        public mutating func next() async throws -> WatchEvent? { try await pull() }
    }
}
