// Which answers are final: the table of the OTLP specification.

import HTTPClient
import Testing

@testable import OTLPExport

@Suite struct ExportAnswerTests {
    /// Wed, 21 Oct 2026 07:28:00 GMT
    static let now: Int64 = 1_792_567_680

    static func outcome(_ status: Int, _ headers: [(String, String)] = [], body: [UInt8] = []) -> ExportOutcome {
        ExportOutcome(HTTPResponse(status: status, headers: HTTPHeaders(headers), body: body), url: "http://h/v1/metrics", unixSeconds: now)
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
        arguments: [
            ("5", Duration.seconds(5)), ("0", .zero), ("-1", nil), ("Wed, 21 Oct 2026 07:29:30 GMT", .seconds(90)), ("Wed, 21 Oct 2026 07:27:59 GMT", nil),
            ("999999999", .seconds(86_400)), ("Wed, 21 Oct 2099 07:28:00 GMT", .seconds(86_400)), ("soon", nil),
        ] as [(String, Duration?)])
    func retryAfterIsRead(header: String, expected: Duration?) {
        guard case .retry(_, let after) = Self.outcome(503, [("Retry-After", header)]) else { return #expect(Bool(false)) }
        #expect(after == expected)
    }

    @Test func aDateIsComparedWithTheReceiversOwnClock() {
        let headers = [("Date", "Wed, 21 Oct 2026 09:00:00 GMT"), ("Retry-After", "Wed, 21 Oct 2026 09:00:07 GMT")]
        guard case .retry(_, let after) = Self.outcome(429, headers) else { return #expect(Bool(false)) }
        #expect(after == .seconds(7), "whatever our own clock says")
    }

    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Sunday, 06-Nov-94 08:49:37 GMT", 3_939_871_777 as Int64),
            ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 CET", nil),
            ("Sun, 06 Now 1994 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 24:49:37 GMT", nil), ("Sun, 06 Nov 1994 08:49 GMT", nil),
            ("Sun, 32 Nov 1994 08:49:37 GMT", nil), ("", nil), ("Sun, 06 Nov 19994 08:49:37 GMT", nil),
        ] as [(String, Int64?)]) func datesAreReadInTheirThreeForms(text: String, seconds: Int64?)
    {
        #expect(HTTPDate.unixSeconds(text) == seconds)
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
        #expect(ExportOutcome(HTTPError(code, "m"), transport: .http) == (isRetried ? .retry(failure, after: nil) : .refused(failure)))
    }

    @Test(arguments: [(ExportDestination.Transport.http, "protocol is GRPC"), (.grpc, "protocol is HTTPProtobuf")])
    func theOtherProtocolsPortIsNamed(transport: ExportDestination.Transport, remedy: String) {
        guard case .retry(let failure, nil) = ExportOutcome(HTTPError(.otherProtocol, "m."), transport: transport) else { return #expect(Bool(false)) }
        #expect(failure.reason == "otherProtocol" && failure.message.contains(remedy))
    }

    @Test(arguments: [
        ("http://h:4318", "http://h:4318/v1/metrics"), ("http://h:4318/", "http://h:4318/v1/metrics"), ("https://h/otlp", "https://h/otlp/v1/metrics"),
    ])
    func theSignalsPathIsAdded(endpoint: String, url: String) {
        #expect(ExportDestination(endpoint: endpoint).url(of: .metrics) == url)
        #expect(ExportDestination(endpoint: endpoint).url(of: .logs) == url.replacing("v1/metrics", with: "v1/logs"))
    }
}

extension HTTPHeaders {
    init(_ fields: [(String, String)]) {
        self.init()
        for (name, value) in fields { append(name: name, value: value) }
    }
}
