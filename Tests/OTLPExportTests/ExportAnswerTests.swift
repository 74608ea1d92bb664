// Which answers are final: the table of the OTLP specification.

import HTTPClient
import Testing

@testable import OTLPExport

@Suite struct ExportAnswerTests {
    static func outcome(_ status: Int, _ headers: [(String, String)] = [], body: [UInt8] = []) -> ExportOutcome {
        var fields = HTTPHeaders()
        for (name, value) in headers { fields.append(name: name, value: value) }
        return ExportOutcome(HTTPResponse(status: status, headers: fields, body: body), url: "http://h/v1/metrics")
    }

    @Test(arguments: [429, 502, 503, 504]) func theseAreSentAgain(status: Int) {
        guard case .retry(let failure, nil) = Self.outcome(status) else { return #expect(Bool(false), "\(status)") }
        #expect(failure.reason == "http_\(status)" && failure.message.contains("http://h/v1/metrics"))
    }

    @Test(arguments: [301, 400, 401, 403, 404, 405, 408, 413, 415, 500, 501]) func theseAreNot(status: Int) {
        guard case .refused(let failure) = Self.outcome(status) else { return #expect(Bool(false), "\(status)") }
        #expect(failure.reason == "http_\(status)")
    }

    @Test(
        arguments: [("5", Duration.seconds(5)), ("0", .zero), ("-1", nil), ("Wed, 21 Oct 2026 07:28:00 GMT", nil), ("999999999", .seconds(86_400))]
            as [(String, Duration?)])
    func retryAfterIsRead(header: String, expected: Duration?) {
        guard case .retry(_, let after) = Self.outcome(503, [("Retry-After", header)]) else { return #expect(Bool(false)) }
        #expect(after == expected)
    }

    @Test func partialSuccessIsRead() {
        #expect(Self.outcome(200, body: [0x0a, 6, 0x08, 3, 0x12, 2, 0x6e, 0x6f]) == .accepted(rejectedPoints: 3, message: "no"))
        #expect(Self.outcome(200) == .accepted(rejectedPoints: 0, message: ""))
        #expect(Self.outcome(200, body: Array("{}".utf8)) == .accepted(rejectedPoints: 0, message: ""))
    }

    @Test(arguments: [
        (HTTPError.Code.refused, true), (.resolve, true), (.tls, true), (.timeout, true), (.broken, true), (.shutDown, true), (.invalidRequest, false),
        (.tooLarge, false),
    ])
    func failedRequests(code: HTTPError.Code, isRetried: Bool) {
        let failure = ExportFailure(reason: code.rawValue, message: "m")
        #expect(ExportOutcome(HTTPError(code, "m")) == (isRetried ? .retry(failure, after: nil) : .refused(failure)))
    }

    @Test(arguments: [
        ("http://h:4318", "http://h:4318/v1/metrics"), ("http://h:4318/", "http://h:4318/v1/metrics"), ("https://h/otlp", "https://h/otlp/v1/metrics"),
    ])
    func theSignalsPathIsAdded(endpoint: String, url: String) {
        #expect(ExportDestination(endpoint: endpoint).url(of: .metrics) == url)
        #expect(ExportDestination(endpoint: endpoint).url(of: .logs) == url.replacing("v1/metrics", with: "v1/logs"))
    }
}
