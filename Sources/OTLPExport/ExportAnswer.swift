// What an answer over HTTP means for a batch: the retry rules of the OTLP specification, "OTLP/HTTP Response".
// ExportDestination classifies answers with it, MetricsExporter failed requests; GRPCAnswer is its counterpart.
// It never looks into the request, and never repeats a body of the receiver in full.

import HTTPClient
import OTLPMessages

extension ExportOutcome {
    /// 429, 502, 503 and 504 may be sent again, with the pause that `Retry-After` asks for; every other status that is no success may not.
    init(_ response: HTTPResponse, url: String, unixSeconds: Int64) {
        switch response.status {
        case 200..<300: self = .accepted(ExportResponse(decoding: response.body))
        default: self.init(failed: response, url: url, remedy: Self.remedy(response.status), unixSeconds: unixSeconds)
        }
    }

    /// An answer whose status is no success.
    init(failed response: HTTPResponse, url: String, remedy: String, unixSeconds: Int64) {
        let failure = ExportFailure(reason: "http_\(response.status)", message: "\(url) answered with status \(response.status). \(remedy).")
        switch response.status {
        case 429, 502, 503, 504: self = .retry(failure, after: Self.retryAfter(response.headers, unixSeconds: unixSeconds))
        default: self = .refused(failure)
        }
    }

    static func accepted(_ answer: ExportResponse?) -> ExportOutcome {
        .accepted(rejectedPoints: Int(clamping: answer?.rejectedPoints ?? 0), message: String((answer?.errorMessage ?? "").prefix(messageLengthMax)))
    }

    /// A request that got no answer: later it may, unless it could not even be sent.
    init(_ error: HTTPError, transport: ExportDestination.Transport) {
        let remedy = error.code == .otherProtocol ? " \(Self.otherProtocolRemedy(transport))." : ""
        let failure = ExportFailure(reason: error.code.rawValue, message: error.message + remedy)
        switch error.code {
        case .invalidRequest, .tooLarge: self = .refused(failure)
        case .refused, .resolve, .tls, .timeout, .broken, .otherProtocol, .shutDown: self = .retry(failure, after: nil)
        }
    }

    static func otherProtocolRemedy(_ transport: ExportDestination.Transport) -> String {
        transport == .grpc
            ? "OTLP over gRPC needs the receiver's gRPC port, usually 4317; for its HTTP port, usually 4318, the protocol is HTTPProtobuf"
            : "OTLP over HTTP needs the receiver's HTTP port, usually 4318; for its gRPC port, usually 4317, the protocol is GRPC"
    }

    static let messageLengthMax = 256
    static let retryAfterMaxSeconds: Int64 = 86_400

    /// RFC 9110, section 10.2.3: seconds, or a date. A date is compared with the receiver's own `Date`, so clocks that differ do no harm.
    private static func retryAfter(_ headers: HTTPHeaders, unixSeconds: Int64) -> Duration? {
        guard let text = headers["retry-after"] else { return nil }
        let now = headers["date"].flatMap { HTTPDate.unixSeconds($0) } ?? unixSeconds
        guard let wish = Int64(text) ?? HTTPDate.unixSeconds(text).map({ $0 - now }), wish >= 0 else { return nil }
        return .seconds(min(wish, retryAfterMaxSeconds))
    }

    private static func remedy(_ status: Int) -> String {
        switch status {
        case 300..<400: "It redirects: set the endpoint to the address that it redirects to"
        case 401, 403: "Check the headers that carry the credentials"
        case 404, 405: "Check that the endpoint is the base URL of an OTLP receiver over HTTP (usually port 4318)"
        case 413: tooLargeRemedy
        case 429, 502, 503, 504: laterRemedy
        default: "Its log says why"
        }
    }

    static let tooLargeRemedy = "Its limit for requests is too low for this node's series: raise it, or lower the budget's seriesTotal"
    static let laterRemedy = "It asks for a later try; metrics wait in memory"
}
