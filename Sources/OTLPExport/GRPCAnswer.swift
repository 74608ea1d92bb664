// What an answer over gRPC means for a batch: the retry rules of the OTLP specification, "OTLP/gRPC Response" and "OTLP/gRPC Throttling".
// ExportDestination classifies answers with it.
// It never repeats a text of the receiver in full.

import HTTPClient
import OTLPMessages

/// The status of a call (grpc/doc/statuscodes).
enum GRPCCode: Int, CaseIterable {
    case ok, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied, resourceExhausted, failedPrecondition, aborted
    case outOfRange, unimplemented, internalError, unavailable, dataLoss, unauthenticated

    /// As the specification spells it: `RESOURCE_EXHAUSTED`.
    var name: String {
        if self == .internalError { return "INTERNAL" }
        return "\(self)".reduce(into: "") { name, letter in name += letter.isUppercase ? "_\(letter)" : letter.uppercased() }
    }

    /// Whether the same batch may be sent again. `RESOURCE_EXHAUSTED` says both "too much for now" and "too large for ever"; only the first comes with a
    /// delay.
    func isRetryable(hasDelay: Bool) -> Bool {
        switch self {
        case .cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss: true
        case .resourceExhausted: hasDelay
        default: false
        }
    }
}

extension ExportOutcome {
    init(grpc response: HTTPResponse, of batch: ExportBatch, endpoint: String, unixSeconds: Int64) {
        guard response.version == .http2 else {
            let message = "\(endpoint) answers in HTTP/1.1, with status \(response.status). \(Self.otherProtocolRemedy(.grpc))."
            self = .retry(ExportFailure(reason: HTTPError.Code.otherProtocol.rawValue, message: message), after: nil)
            return
        }
        // The status stands behind the message, or in the head of an answer that has none ("Trailers-Only").
        let fields = response.trailers["grpc-status"] == nil ? response.headers : response.trailers
        guard let status = fields["grpc-status"] else {
            self = Self.withoutStatus(response, endpoint, unixSeconds)
            return
        }
        let code = Int(status).flatMap { GRPCCode(rawValue: $0) } ?? .unknown
        if code == .ok {
            let message = GRPC.message(response.body, encoding: response.headers["grpc-encoding"], maxBytes: 1 << 20)
            self = .accepted(message.flatMap { ExportResponse(decoding: $0) })
            return
        }
        let delay = fields["grpc-status-details-bin"].flatMap { GRPC.base64Decoded($0) }.flatMap { RetryInfo(status: $0) }?.delay
        let after = delay.map { min(max($0, .zero), .seconds(Self.retryAfterMaxSeconds)) }
        let isRetryable = code.isRetryable(hasDelay: after != nil)
        let said = Self.printable(GRPC.percentDecoded(fields["grpc-message"] ?? ""))
        let remedy = isRetryable ? Self.laterRemedy : Self.remedy(code, response, batch)
        let failure = ExportFailure(
            reason: "grpc_\(code.name.lowercased())", message: "\(endpoint) answered with \(code.name)\(said.isEmpty ? "" : ": \(said)"). \(remedy).")
        self = isRetryable ? .retry(failure, after: after) : .refused(failure)
    }

    /// Something on the way answered, or the connection ended before the receiver had said how it went.
    private static func withoutStatus(_ response: HTTPResponse, _ endpoint: String, _ unixSeconds: Int64) -> ExportOutcome {
        if response.status != 200 {
            let isBusy = [429, 502, 503, 504].contains(response.status)
            let remedy =
                isBusy ? laterRemedy : "It does not speak gRPC there: check that the endpoint is an OTLP receiver's gRPC address (usually port 4317)"
            return ExportOutcome(failed: response, url: endpoint, remedy: remedy, unixSeconds: unixSeconds)
        }
        let message = "\(endpoint) answered without a gRPC status. If it stays, check that the endpoint is an OTLP receiver's gRPC address (usually port 4317)."
        return .retry(ExportFailure(reason: "grpc_no_status", message: message), after: nil)
    }

    private static func remedy(_ code: GRPCCode, _ response: HTTPResponse, _ batch: ExportBatch) -> String {
        switch code {
        case .unimplemented:
            if batch.contentEncoding != nil, let taken = response.headers["grpc-accept-encoding"], !taken.contains("gzip") {
                return "It does not take gzip: set the export's compression to None"
            }
            return
                "It has no OTLP service for \(batch.signal == .metrics ? "metrics" : "logs") there: check the port (usually 4317) and the receiver's pipelines"
        case .unauthenticated, .permissionDenied: return "Check the headers that carry the credentials"
        case .resourceExhausted: return tooLargeRemedy
        default: return "Its log says why"
        }
    }

    /// A text from outside for a log line.
    private static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(messageLengthMax).map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
    }
}
