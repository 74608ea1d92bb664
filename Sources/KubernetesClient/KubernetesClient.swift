// KubernetesAPI over HTTPS: one request in, the decoded answer or a KubernetesError out.
// The operator's runtime and the command line talk to a cluster through it.
// It never retries, except once with a fresh credential after a 401.

import HTTPClient
import JSON
import Kubernetes

/// A client of one API server.
///
/// Thread rules: any task may call it. Cancelling a task ends its request; dropping a watch closes its connection.
public final class KubernetesClient: KubernetesAPI {
    private let configuration: ClientConfiguration
    private let http: HTTPClient

    public init(_ configuration: ClientConfiguration) {
        self.configuration = configuration
        var settings = HTTPClient.Configuration()
        settings.tls = configuration.tls
        settings.proxy = configuration.proxy
        settings.threadName = "kube-http"
        http = HTTPClient(settings)
    }

    /// Requests and watches that are not freed, for tests and metrics.
    public var liveRequests: Int { http.liveTransfers }

    /// Ends the client's thread; what is under way fails. Returns when everything is freed.
    public func shutdown() async { await http.shutdown() }

    public func send(_ request: KubernetesRequest) async throws -> JSONValue {
        let response = try await withFreshCredential { credential in
            let response = try await self.http.send(self.httpRequest(request, credential))
            return (response, response.status == 401)
        }
        guard (200..<300).contains(response.status) else {
            throw ResponseError.decode(status: response.status, headers: response.headers, body: response.body, request: request)
        }
        do {
            let limits = JSONLimits(depthMax: JSONLimits.standard.depthMax, sizeBytesMax: configuration.responseBytesMax)
            return try JSONValue(parsing: response.body, limits: limits, dropping: request.dropsManagedFields ? ["managedFields"] : [])
        } catch {
            throw KubernetesError(
                .undecodable, status: response.status,
                message:
                    "the answer to \(request.method.rawValue) \(request.path) is no JSON: \(error). "
                    + "Check that \(configuration.server) is a Kubernetes API server"
            )
        }
    }

    public func watch(_ request: KubernetesRequest) async throws -> WatchStream {
        let stream = try await withFreshCredential { credential in
            var httpRequest = self.httpRequest(request, credential)
            httpRequest.idleTimeout = self.idleTimeout(request)
            let stream = try await self.http.stream(httpRequest)
            return (stream, stream.status == 401)
        }
        guard stream.status == 200 else {
            let body = try await mapped { try await stream.body.prefix(maxBytes: ResponseError.bodyBytesMax) }
            throw ResponseError.decode(status: stream.status, headers: stream.headers, body: body, request: request)
        }
        let reader = WatchReader(stream.body, client: http, eventBytesMax: configuration.watchEventBytesMax, path: request.path)
        return WatchStream { try await reader.next() }
    }

    // MARK: Requests

    private func httpRequest(_ request: KubernetesRequest, _ credential: Credential) -> HTTPRequest {
        var url = configuration.server + request.path
        for (index, item) in request.query.enumerated() {
            url += "\(index == 0 ? "?" : "&")\(PercentEncoding.encode(item.name))=\(PercentEncoding.encode(item.value))"
        }
        var headers = [("Accept", request.accept ?? "application/json"), ("User-Agent", configuration.userAgent)]
        if request.body != nil { headers.append(("Content-Type", request.contentType ?? "application/json")) }
        if let authorization = credential.authorization { headers.append(("Authorization", authorization)) }
        headers += configuration.impersonation
        return HTTPRequest(
            method: request.method.rawValue, url: url, headers: headers, body: request.body?.bytes(), timeout: configuration.requestTimeout,
            maxResponseBytes: configuration.responseBytesMax, tls: tls(credential))
    }

    /// Nil leaves the client's settings.
    private func tls(_ credential: Credential) -> TLSConfiguration? {
        guard configuration.rotatingCA != nil || credential.clientCertificatePEM != nil else { return nil }
        var tls = configuration.tls
        if let file = configuration.rotatingCA { tls.caPEM = file.content() }
        if let certificate = credential.clientCertificatePEM {
            tls.clientCertificatePEM = certificate
            tls.clientKeyPEM = credential.clientKeyPEM
        }
        return tls
    }

    /// The server ends a watch after `timeoutSeconds`; silence past that means that the connection is dead.
    private func idleTimeout(_ request: KubernetesRequest) -> Duration {
        let seconds = request.query.first { $0.name == "timeoutSeconds" }.flatMap { Int($0.value) }
        return seconds.map { .seconds($0 + 5) } ?? configuration.watchIdleTimeout
    }

    /// Runs an exchange, and once more when the server answers 401 and there is a fresh credential.
    private func withFreshCredential<Answer: Sendable>(_ exchange: @Sendable (Credential) async throws -> (Answer, isUnauthorized: Bool)) async throws -> Answer
    {
        try await mapped {
            let credential = try await self.configuration.credentials.credential()
            let (answer, isUnauthorized) = try await exchange(credential)
            guard isUnauthorized, let renewed = try await self.configuration.credentials.renewed(after: credential) else { return answer }
            return try await exchange(renewed).0
        }
    }

    /// Everything that is thrown leaves as `KubernetesError` or `CancellationError`.
    private func mapped<Answer: Sendable>(_ body: @Sendable () async throws -> Answer) async throws -> Answer {
        do {
            return try await body()
        } catch let error as HTTPError {
            // Perhaps the authority changed a moment ago: the next request shall see it.
            if error.code == .tls { _ = configuration.rotatingCA?.content(.now) }
            throw ResponseError.translate(error)
        } catch let error as ClientConfigurationError {
            throw KubernetesError(.unauthorized, message: error.message)
        }
    }
}
