// Servers for the tests of this target.
// Every test starts its own on a free port of the loopback and ends it.
// It never reaches beyond the loopback.

import HTTPClient
import HTTPServer
import Logging
import TestSupport
import Testing

/// Runs a test against a server of its own and a client of its own; ends both, and checks that the client left nothing.
func withServer(
    tls: HTTPServerTLS? = nil, configuration: HTTPClient.Configuration = HTTPClient.Configuration(), handler: @escaping HTTPServer.Handler,
    test: (HTTPClient, String) async throws -> Void
) async throws {
    let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, tls: tls, logger: testLogger, handler: handler)
    let client = HTTPClient(configuration)
    do {
        try await test(client, "\(tls == nil ? "http" : "https")://127.0.0.1:\(server.port)")
    } catch {
        await client.shutdown()
        try await server.shutdown(grace: .zero)
        throw error
    }
    await client.shutdown()
    #expect(client.liveTransfers == 0)
    try await server.shutdown(grace: .zero)
}

let testLogger = Logger(label: "test")

/// The error of a request that must fail.
func failure(_ body: () async throws -> Void) async -> HTTPError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? HTTPError
    }
}

/// A TCP server that answers the first bytes of each connection with fixed ones and then closes it.
final class RawServer: Sendable {
    private let server: LoopbackServer

    init(answer: [UInt8]) throws {
        server = try LoopbackServer { connection in
            _ = connection.read(4096)
            connection.write(answer)
            connection.finish()
        }
    }

    convenience init(_ text: String) throws { try self.init(answer: Array(text.utf8)) }

    var port: UInt16 { server.port }
}
