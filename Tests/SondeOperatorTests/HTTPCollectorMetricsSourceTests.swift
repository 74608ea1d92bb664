// Reading a collector's metrics over real sockets, and what servers that are no collectors get said about them.
// Every test starts its own server on loopback.
// It never uses the network beyond it.

import HTTPServer
import Logging
import Operator
import Testing

@testable import sonde_operator

@Suite(.serialized) struct HTTPCollectorMetricsSourceTests {
    private static func ask(_ handler: @escaping HTTPServer.Handler) async throws -> Result<[UInt8], CollectorSilence> {
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, logger: Logger(label: "test"), handler: handler)
        let source = HTTPCollectorMetricsSource()
        let answer: Result<[UInt8], CollectorSilence>
        do {
            answer = .success(try await source.metrics(ofServer: "127.0.0.1:\(server.port)"))
        } catch let error as CollectorSilence {
            answer = .failure(error)
        }
        await source.shutdown()
        try await server.shutdown(grace: .zero)
        return answer
    }

    @Test func metricsAreRead() async throws {
        let answer = try await Self.ask { request in
            #expect(request.method == "GET" && request.path == "/metrics")
            return .text("otelcol_process_uptime 1\n")
        }
        #expect(answer == .success(Array("otelcol_process_uptime 1\n".utf8)))
    }

    @Test func aRedirectIsNotFollowed() async throws {
        let answer = try await Self.ask { request in
            #expect(request.path == "/metrics", "the redirect was followed")
            return HTTPServerResponse(status: 302, headers: [("location", "/other")], body: .bytes([]))
        }
        #expect(answer == .failure(CollectorSilence("the answer is HTTP 302")))
    }

    @Test func aLongAnswerIsCutOff() async throws {
        let long = [UInt8](repeating: 0x20, count: CollectorMetrics.sizeBytesMax + 1)
        let answer = try await Self.ask { _ in HTTPServerResponse(status: 200, headers: [], body: .bytes(long)) }
        #expect(answer == .failure(CollectorSilence("the answer is longer than 2 MiB")))
    }
}
