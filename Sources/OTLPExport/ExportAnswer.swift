// What an answer over HTTP means for a batch: the retry rules of the OTLP specification, "OTLP/HTTP Response".
// MetricsExporter classifies every answer and every failed request with it.
// It never looks into the request, and never repeats a body of the receiver in full.

import HTTPClient
import OTLPMessages

extension ExportOutcome {
    /// 429, 502, 503 and 504 may be sent again, with the pause that `Retry-After` asks for; every other status that is no success may not.
    init(_ response: HTTPResponse, url: String) {
        switch response.status {
        case 200..<300:
            let answer = ExportResponse(decoding: response.body) ?? ExportResponse()
            self = .accepted(rejectedPoints: Int(clamping: answer.rejectedPoints), message: String(answer.errorMessage.prefix(Self.messageLengthMax)))
        case 429, 502, 503, 504:
            self = .retry(Self.failure(response.status, url), after: Self.retryAfter(response.headers["retry-after"]))
        default: self = .refused(Self.failure(response.status, url))
        }
    }

    /// A request that got no answer: later it may, unless it could not even be sent.
    init(_ error: HTTPError) {
        let failure = ExportFailure(reason: error.code.rawValue, message: error.message)
        switch error.code {
        case .invalidRequest, .tooLarge: self = .refused(failure)
        case .refused, .resolve, .tls, .timeout, .broken, .shutDown: self = .retry(failure, after: nil)
        }
    }

    private static let messageLengthMax = 256

    /// Seconds (RFC 9110, section 10.2.3). The other form, a date, needs clocks that agree; then our own pause holds.
    private static func retryAfter(_ header: String?) -> Duration? { header.flatMap { Int64($0) }.flatMap { $0 >= 0 ? .seconds(min($0, 86_400)) : nil } }

    private static func failure(_ status: Int, _ url: String) -> ExportFailure {
        let remedy =
            switch status {
            case 300..<400: "It redirects: set the endpoint to the address that it redirects to"
            case 401, 403: "Check the headers that carry the credentials"
            case 404, 405: "Check that the endpoint is the base URL of an OTLP receiver over HTTP (usually port 4318)"
            case 413: "Its limit for requests is too low for this node's series: raise it, or lower the budget's seriesTotal"
            case 429, 502, 503, 504: "It asks for a later try; metrics wait in memory"
            default: "Its log says why"
            }
        return ExportFailure(reason: "http_\(status)", message: "\(url) answered with status \(status). \(remedy).")
    }
}
