// Answers that are no success, and failures of the connection, as KubernetesError.
// KubernetesClient and its watches throw what is made here.
// It never puts a request's body, header or query into a message.

import HTTPClient
import JSON
import Kubernetes

enum ResponseError {
    /// Of a Status that is read from a refused watch.
    static let bodyBytesMax = 1 << 20

    static func decode(status: Int, headers: HTTPHeaders, body: [UInt8], request: KubernetesRequest) -> KubernetesError {
        // Only the form in seconds: API servers send no other.
        let retryAfter = headers["Retry-After"].flatMap { Int64($0) }.flatMap { $0 >= 0 ? Duration.seconds($0) : nil }
        if let document = try? JSONValue(parsing: body), document["kind"] == "Status" {
            return KubernetesError(statusObject: document, httpStatus: status, retryAfter: retryAfter)
        }
        // A proxy or another server in between: its own words say most, so far as they are short text.
        let text = String(decoding: body.prefix(200), as: UTF8.self).split(whereSeparator: { $0.isNewline || !$0.isASCII }).joined(separator: " ")
        let said = text.isEmpty ? "" : ": \(text)"
        return KubernetesError(
            .init(httpStatus: status), status: status, message: "\(request.method.rawValue) \(request.path) was answered with \(status)\(said)",
            retryAfter: retryAfter)
    }

    static func translate(_ error: HTTPError) -> KubernetesError {
        switch error.code {
        case .timeout: KubernetesError(.timeout, message: error.message)
        case .invalidRequest: KubernetesError(.badRequest, message: error.message)
        case .tooLarge: KubernetesError(.undecodable, message: error.message)
        case .refused, .resolve, .tls, .broken, .otherProtocol, .shutDown: KubernetesError(.network, message: error.message)
        }
    }
}
