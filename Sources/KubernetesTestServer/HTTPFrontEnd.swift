// The server over HTTP: requests to values, answers to bytes, watches to chunked lines, faults to broken bodies.
// `serve` starts it; kubectl, the Kubernetes client and quickstart talk to it.
// It never decides anything about objects: the same requests in process get the same answers.

public import HTTPServer
import JSON
import Kubernetes
import Logging
import Synchronization
import YAML

/// What is listening.
struct HTTPState: Sendable {
    var servers: [HTTPServer] = []
}

extension TestAPIServer {
    /// Listens until `stop`.
    /// - Returns: The port, also when 0 was asked for.
    /// - Throws: `HTTPServerError` when the address cannot be bound.
    @discardableResult
    public func serve(host: String = "127.0.0.1", port: Int = 0, tls: HTTPServerTLS? = nil) async throws -> Int {
        var limits = HTTPServerLimits()
        limits.maxBodyBytes = 3 << 20  // kube-apiserver's limit of a request body.
        let logger = Logger(label: "kubernetes-test-server", factory: { _ in SwiftLogNoOpLogHandler() })
        let server = try await HTTPServer.start(host: host, port: port, tls: tls, limits: limits, logger: logger) { [self] request in await respond(request) }
        http.withLock { $0.servers.append(server) }
        return server.port
    }

    /// Closes every port that `serve` opened; watches end.
    public func stop() async throws {
        let servers = http.withLock { state in
            defer { state.servers = [] }
            return state.servers
        }
        for server in servers { try await server.shutdown() }
        await webhooks.shutdown()
    }

    /// A kubeconfig for a client of this server.
    public func kubeconfig(url: String) -> String {
        let user: JSONValue = options.bearerToken.map { ["token": .string($0)] } ?? [:]
        return YAML.text([
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [["name": "test", "cluster": ["server": .string(url)]]],
            "users": [["name": "test", "user": user]],
            "contexts": [["name": "test", "context": ["cluster": "test", "user": "test", "namespace": "default"]]],
        ])
    }

    private func respond(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        do {
            try authenticate(request)
            if ["/healthz", "/readyz", "/livez"].contains(where: request.path.hasPrefix) { return .text("ok") }
            let converted = try Self.request(request)
            let agent = request.header("user-agent").map { String($0.prefix { $0 != "/" }) } ?? "unknown"
            let (parsed, effects) = try parse(converted, agent: agent)
            try await delay(effects)
            if let parsed, parsed.isWatch { return stream(try openWatch(parsed, effects), parsed, effects) }
            return Self.response(try await answer(converted, parsed, effects), effects)
        } catch let error as KubernetesError {
            return Self.response(error)
        } catch {
            return Self.response(KubernetesError(.internalError, status: 500, reason: "InternalError", message: "\(error)"))
        }
    }

    private func authenticate(_ request: HTTPServerRequest) throws(KubernetesError) {
        guard let token = options.bearerToken, request.clientCertificateSubject == nil, request.header("authorization") != "Bearer \(token)" else { return }
        throw KubernetesError(.unauthorized, status: 401, reason: "Unauthorized", message: "Unauthorized")
    }

    private static func request(_ request: HTTPServerRequest) throws(KubernetesError) -> KubernetesRequest {
        guard let method = KubernetesRequest.Method(rawValue: request.method) else {
            throw KubernetesError(.methodNotAllowed, status: 405, reason: "MethodNotAllowed", message: "the server does not allow the method \(request.method)")
        }
        let contentType = request.header("content-type").map { String($0.prefix { $0 != ";" }) } ?? "application/json"
        let body = request.body.isEmpty ? JSONValue?.none : try decoded(request.body, contentType)
        return KubernetesRequest(
            method, request.path, query: request.query.map { .init($0.name, $0.value) }, body: body, contentType: contentType, accept: request.header("accept"))
    }

    private static func decoded(_ bytes: [UInt8], _ contentType: String) throws(KubernetesError) -> JSONValue {
        if contentType.contains("protobuf") || contentType.contains("cbor") {
            throw KubernetesError(
                .unsupportedMediaType, status: 415, reason: "UnsupportedMediaType",
                message: "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml")
        }
        do {
            if !contentType.contains("yaml") { return try JSONValue(parsing: bytes) }
            guard let document = try YAML.parse(bytes).first else { throw KubernetesError.badRequest("the body of the request holds no document") }
            return document
        } catch let error as KubernetesError {
            throw error
        } catch {
            throw .badRequest("the body of the request could not be decoded: \(error)")
        }
    }

    private static func response(_ answer: Answer, _ effects: [Fault.Effect]) -> HTTPServerResponse {
        var headers: [(name: String, value: String)] = [("content-type", contentType(answer.body))]
        for warning in answer.warnings { headers.append(("warning", "299 - \(JSONValue.string(warning).text())")) }
        let bytes = answer.body.bytes() + [UInt8(ascii: "\n")]
        let pieces = ByteFaults(effects)
        return HTTPServerResponse(status: answer.status, headers: headers, body: pieces.isNeeded ? pieces.stream(bytes) : .bytes(bytes))
    }

    /// Aggregated discovery is recognised by its media type.
    private static func contentType(_ body: JSONValue) -> String {
        body.kind == "APIGroupDiscoveryList" ? DiscoveryDocuments.aggregatedMediaType : "application/json"
    }

    private static func response(_ error: KubernetesError) -> HTTPServerResponse {
        var headers: [(name: String, value: String)] = [("content-type", "application/json")]
        if let delay = error.retryAfter { headers.append(("retry-after", String(max(1, delay.components.seconds)))) }
        return HTTPServerResponse(status: error.status ?? error.code.httpStatus, headers: headers, body: .bytes(error.statusObject.bytes()))
    }

    private func stream(_ watch: FaultyWatch, _ request: APIRequest, _ effects: [Fault.Effect]) -> HTTPServerResponse {
        let representation = Representation(request.accept)
        let isFirst = Mutex(true)
        let pull: @Sendable () async throws -> [UInt8]? = {
            guard let event = try await watch.next() else { return nil }
            let wasFirst = isFirst.withLock { first in
                defer { first = false }
                return first
            }
            return representation.event(event, request.kind, isFirst: wasFirst).bytes() + [UInt8(ascii: "\n")]
        }
        let pieces = ByteFaults(effects)
        let body: HTTPServerResponse.Body = .stream(pieces.isNeeded ? pieces.wrap(pull) : pull)
        return HTTPServerResponse(status: 200, headers: [("content-type", "application/json")], body: body)
    }
}

/// Splits a body into pieces and cuts it, as faults ask for.
final class ByteFaults: Sendable {
    private let pieceSize: Int?
    private let cutAfter: Int?
    private let state = Mutex((sent: 0, waiting: [UInt8]()))

    init(_ effects: [Fault.Effect]) {
        var (piece, cut): (Int?, Int?) = (nil, nil)
        for effect in effects {
            if case .splitBytes(let size) = effect { piece = max(1, size) }
            if case .cutAfterBytes(let count) = effect { cut = count }
        }
        (pieceSize, cutAfter) = (piece, cut)
    }

    var isNeeded: Bool { pieceSize != nil || cutAfter != nil }

    func stream(_ bytes: [UInt8]) -> HTTPServerResponse.Body {
        let left = Mutex<[UInt8]?>(bytes)
        return .stream(
            wrap {
                left.withLock { rest in
                    defer { rest = nil }; return rest
                }
            })
    }

    func wrap(_ pull: @escaping @Sendable () async throws -> [UInt8]?) -> @Sendable () async throws -> [UInt8]? {
        { [self] in
            if state.withLock({ $0.waiting.isEmpty }) {
                guard let more = try await pull() else { return nil }
                state.withLock { $0.waiting = more }
            }
            return try state.withLock { state in
                if let cutAfter, state.sent >= cutAfter { throw KubernetesError(.network, message: "the connection was cut (asked for by a fault)") }
                var count = min(pieceSize ?? state.waiting.count, state.waiting.count)
                if let cutAfter { count = min(count, cutAfter - state.sent) }
                state.sent += count
                defer { state.waiting.removeFirst(count) }
                return Array(state.waiting.prefix(count))
            }
        }
    }
}
