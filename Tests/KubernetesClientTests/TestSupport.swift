// Servers and certificates for the tests of this target.
// Every test starts its own on a free port of the loopback and ends it.
// It never reaches beyond the loopback.

import HTTPServer
import JSON
import Kubernetes
import KubernetesClient
import Logging
import TestSupport
import Testing

/// Runs a test against a server of its own and a client of its own; ends both, and checks that the client left nothing.
func withServer(
    tls: HTTPServerTLS? = nil, handler: @escaping HTTPServer.Handler, configure: (String) throws -> ClientConfiguration = { ClientConfiguration(server: $0) },
    test: (KubernetesClient) async throws -> Void
) async throws {
    let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, tls: tls, logger: Logger(label: "test"), handler: handler)
    let client = KubernetesClient(try configure("\(tls == nil ? "http" : "https")://127.0.0.1:\(server.port)"))
    do {
        try await test(client)
    } catch {
        await client.shutdown()
        try await server.shutdown(grace: .zero)
        throw error
    }
    await client.shutdown()
    #expect(client.liveRequests == 0)
    try await server.shutdown(grace: .zero)
}

func json(_ value: JSONValue, status: Int = 200, headers: [(name: String, value: String)] = []) -> HTTPServerResponse {
    HTTPServerResponse(status: status, headers: [("content-type", "application/json")] + headers, body: .bytes(value.bytes()))
}

/// The error of a request that must fail.
func failure(_ body: () async throws -> Void) async -> KubernetesError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? KubernetesError
    }
}

extension TemporaryFolder {
    /// A CA and what it signed: `NAME.crt`, `NAME.key`; the server's carries the loopback address.
    func certificates(ca: String, _ names: String...) throws {
        try authority(ca)
        for name in names { try sign(name, by: ca, "-addext subjectAltName=IP:127.0.0.1") }
    }

    func serverTLS(_ name: String, clientCA: String? = nil) throws -> HTTPServerTLS {
        HTTPServerTLS(
            certificatePEM: try bytes("\(name).crt"), privateKeyPEM: try bytes("\(name).key"), clientCAPEM: try clientCA.map { try bytes("\($0).crt") })
    }
}
