// Answers over gRPC: which are final, what they ask for, and what a person is told. And the wire format around them.

import HTTPClient
import OTLPMessages
import Testing

@testable import OTLPExport

@Suite struct GRPCAnswerTests {
    static let batch = ExportBatch(body: [1, 2, 3], contentEncoding: "gzip", points: 1)

    static func outcome(
        status: Int = 200, headers: [(String, String)] = [], body: [UInt8] = [], trailers: [(String, String)] = [], version: HTTPVersion = .http2
    ) -> ExportOutcome {
        let response = HTTPResponse(status: status, headers: HTTPHeaders(headers), body: body, trailers: HTTPHeaders(trailers), version: version)
        return ExportOutcome(grpc: response, of: batch, endpoint: "http://h:4317", unixSeconds: ExportAnswerTests.now)
    }

    /// The table of the OTLP specification.
    @Test(arguments: GRPCCode.allCases.filter { $0 != .ok }) func theTableOfTheSpecificationHolds(code: GRPCCode) {
        let isRetried = [.cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss].contains(code)
        for outcome in [Self.outcome(headers: [("grpc-status", "\(code.rawValue)")]), Self.outcome(trailers: [("grpc-status", "\(code.rawValue)")])] {
            switch outcome {
            case .retry(let failure, nil): #expect(isRetried && failure.reason == "grpc_\(code.name.lowercased())")
            case .refused(let failure): #expect(!isRetried && failure.reason == "grpc_\(code.name.lowercased())" && failure.message.contains(code.name))
            default: Issue.record("\(code): \(outcome)")
            }
        }
    }

    @Test func codesHaveTheirNames() {
        #expect(
            GRPCCode(rawValue: 8)?.name == "RESOURCE_EXHAUSTED" && GRPCCode(rawValue: 13)?.name == "INTERNAL"
                && GRPCCode(rawValue: 16)?.name == "UNAUTHENTICATED")
        #expect(GRPCCode.allCases.count == 17)
    }

    @Test(arguments: ["99", "x", ""]) func anUnknownCodeIsRefused(code: String) {
        guard case .refused(let failure) = Self.outcome(trailers: [("grpc-status", code)]) else { return #expect(Bool(false)) }
        #expect(failure.reason == "grpc_unknown")
    }

    @Test(arguments: [8, 14]) func theDelayOfRetryInfoIsRead(code: Int) {
        let trailers = [("grpc-status", "\(code)"), ("grpc-status-details-bin", Self.status(delay: [0x08, 2, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]))]
        guard case .retry(_, let after) = Self.outcome(trailers: trailers) else { return #expect(Bool(false)) }
        #expect(after == .milliseconds(2500))
    }

    @Test func delaysAreBounded() {
        for (delay, expected) in [
            ([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f] as [UInt8], Duration.seconds(86_400)), ([0x08] + Self.minusOne, .zero),
        ] {
            let trailers = [("grpc-status", "14"), ("grpc-status-details-bin", Self.status(delay: delay))]
            guard case .retry(_, let after) = Self.outcome(trailers: trailers) else { return #expect(Bool(false)) }
            #expect(after == expected)
        }
    }

    private static let minusOne = [UInt8](repeating: 0xff, count: 9) + [1]

    @Test(arguments: ["", "!!", "A", "CA4", "CA4aAwoBeA", "/////w"]) func detailsThatAreNoneAreNoDelay(text: String) {
        guard case .refused = Self.outcome(trailers: [("grpc-status", "8"), ("grpc-status-details-bin", text)]) else { return #expect(Bool(false)) }
    }

    /// A status with a detail of another type before the RetryInfo, in base64.
    private static func status(delay: [UInt8]) -> String {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        let other = field(1, Array("type.googleapis.com/google.rpc.DebugInfo".utf8)) + field(2, [0x0a, 1, 0x78])
        let info = field(1, Array("type.googleapis.com/google.rpc.RetryInfo".utf8)) + field(2, field(1, delay))
        return base64([0x08, 14] + field(2, Array("busy".utf8)) + field(3, other) + field(3, info))
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let piece = bytes[start..<min(start + 3, bytes.count)]
            let bits = piece.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - piece.count))
            for place in 0...piece.count { text.append(digits[Int(bits >> UInt32(18 - 6 * place) & 63)]) }
        }
        return text
    }

    @Test func base64IsReadWithAndWithoutPadding() {
        for text in ["", "f", "fo", "foo", "foob", "fooba", "foobar"] { #expect(GRPC.base64Decoded(Self.base64(Array(text.utf8))) == Array(text.utf8)) }
        #expect(GRPC.base64Decoded("Zm8=") == Array("fo".utf8) && GRPC.base64Decoded("Zg==") == Array("f".utf8))
        #expect(GRPC.base64Decoded("Zg=a") == nil && GRPC.base64Decoded("Z") == nil && GRPC.base64Decoded("Z-8_") == nil)
    }

    @Test(arguments: [("sp%C3%A4ter, 100%25", "später, 100%"), ("50% of", "50% of"), ("%", "%"), ("%4", "%4"), ("a%0Ab", "a b"), ("%zz", "%zz")])
    func messagesAreDecodedAndPrintable(text: String, said: String) {
        guard case .refused(let failure) = Self.outcome(trailers: [("grpc-status", "3"), ("grpc-message", text)]) else { return #expect(Bool(false)) }
        #expect(failure.message == "http://h:4317 answered with INVALID_ARGUMENT: \(said). Its log says why.")
    }

    @Test func aLongMessageIsCut() {
        guard case .refused(let failure) = Self.outcome(trailers: [("grpc-status", "3"), ("grpc-message", String(repeating: "x", count: 9000))]) else {
            return #expect(Bool(false))
        }
        #expect(failure.message.count < 400)
    }

    @Test(arguments: [
        (12, "", "usually 4317"), (12, "identity,deflate", "compression to None"), (12, "identity, gzip", "usually 4317"), (7, "", "credentials"),
        (16, "", "credentials"), (8, "", "seriesTotal"), (13, "", "Its log says why"),
    ]) func aRefusalSaysWhatToDo(code: Int, takes: String, remedy: String) {
        let headers = [("grpc-status", "\(code)")] + (takes.isEmpty ? [] : [("grpc-accept-encoding", takes)])
        guard case .refused(let failure) = Self.outcome(headers: headers) else { return #expect(Bool(false)) }
        #expect(failure.message.contains(remedy), "\(failure.message)")
    }

    // MARK: Answers that are no gRPC

    @Test func anAnswerInHTTP1NamesTheOtherPort() {
        guard case .retry(let failure, nil) = Self.outcome(status: 415, version: .http1) else { return #expect(Bool(false)) }
        #expect(failure.reason == "otherProtocol" && failure.message.contains("4318") && failure.message.contains("HTTPProtobuf"))
    }

    @Test func errorsOfSomethingOnTheWayAreThoseOfHTTP() {
        guard case .retry(let busy, .seconds(4)) = Self.outcome(status: 503, headers: [("retry-after", "4")]) else { return #expect(Bool(false)) }
        #expect(busy.reason == "http_503")
        guard case .refused(let wrong) = Self.outcome(status: 404) else { return #expect(Bool(false)) }
        #expect(wrong.reason == "http_404" && wrong.message.contains("4317"))
        guard case .retry(let cut, nil) = Self.outcome(status: 200) else { return #expect(Bool(false)) }
        #expect(cut.reason == "grpc_no_status")
    }

    // MARK: Messages

    @Test func partialSuccessIsRead() throws {
        let answer: [UInt8] = [0x0a, 6, 0x08, 3, 0x12, 2, 0x6e, 0x6f]
        let ok = [("grpc-status", "0")]
        let plain = Self.outcome(body: [0, 0, 0, 0, 8] + answer, trailers: ok)
        #expect(plain == .accepted(rejectedPoints: 3, message: "no"))
        let packed = try Gzip.compress(answer)
        let framed = [1, 0, 0, 0, UInt8(packed.count)] + packed
        #expect(Self.outcome(headers: [("grpc-encoding", "gzip")], body: framed, trailers: ok) == .accepted(rejectedPoints: 3, message: "no"))
    }

    @Test(arguments: [[], [0, 0, 0, 0, 0], [0, 0, 0, 0, 9, 1], [0, 0, 0], [1, 0, 0, 0, 1, 7], [0, 0xff, 0xff, 0xff, 0xff, 7]] as [[UInt8]])
    func anAcceptedBatchStaysAcceptedWhateverTheMessage(body: [UInt8]) {
        #expect(Self.outcome(body: body, trailers: [("grpc-status", "0")]) == .accepted(rejectedPoints: 0, message: ""))
    }

    @Test func aRequestIsAFrameWithItsHeaders() {
        let destination = ExportDestination(
            endpoint: "http://h:4317/", transport: .grpc,
            headers: [("X-Token", "a"), ("TE", "b"), ("grpc-timeout", "1S"), ("Content-Type", "text/plain"), ("User-Agent", "mine")])
        let request = destination.request(Self.batch, timeout: .milliseconds(2500))
        #expect(request.url == "http://h:4317/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" && request.version == .http2)
        #expect(request.body == [1, 0, 0, 0, 3, 1, 2, 3])
        #expect(
            request.headers.map { "\($0): \($1)" } == [
                "content-type: application/grpc", "te: trailers", "grpc-timeout: 2500m", "grpc-encoding: gzip", "x-token: a", "user-agent: mine",
            ])
        let plain = destination.request(ExportBatch(signal: .logs, body: [9], points: 1), timeout: .seconds(1))
        #expect(plain.url.hasSuffix("/opentelemetry.proto.collector.logs.v1.LogsService/Export") && plain.body == [0, 0, 0, 0, 1, 9])
        #expect(!plain.headers.contains { $0.0 == "grpc-encoding" })
    }

    @Test(arguments: [(Duration.seconds(10), "10000m"), (.zero, "1m"), (.seconds(-1), "1m"), (.seconds(1_000_000), "99000000m"), (.microseconds(1500), "1m")])
    func theTimeoutHasAtMostEightDigits(timeout: Duration, text: String) {
        #expect(GRPC.timeout(timeout) == text)
    }

    @Test func overHTTPTheTransportsOwnHeadersAreThereOnce() {
        let destination = ExportDestination(endpoint: "http://h:4318", headers: [("Content-Type", "text/plain"), ("x-a", "b")], userAgent: "sonde-agent/1")
        #expect(
            destination.request(Self.batch, timeout: .seconds(1)).headers.map { "\($0): \($1)" } == [
                "content-type: application/x-protobuf", "content-encoding: gzip", "x-a: b", "user-agent: sonde-agent/1",
            ])
    }
}
