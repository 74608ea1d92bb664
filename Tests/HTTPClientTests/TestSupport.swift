// Servers and certificates for the tests of this target.
// Every test starts its own on a free port of the loopback and ends it.
// It never reaches beyond the loopback.

import Foundation
import HTTPClient
import HTTPServer
import Logging
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

/// Polls until a condition holds; false after 10 s.
func eventually(_ condition: () async -> Bool) async throws -> Bool {
    for _ in 0..<1000 {
        if await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

/// A TCP server that answers the first bytes of each connection with fixed ones and then closes it.
final class RawServer: Sendable {
    let port: UInt16
    private let listener: Int32

    init(answer: [UInt8]) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0 }
        }
        try #require(bound && listen(listener, 16) == 0)
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 4096)
                _ = read(connection, &buffer, buffer.count)
                _ = answer.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                shutdown(connection, Int32(SHUT_WR))
                while read(connection, &buffer, buffer.count) > 0 {}
                close(connection)
            }
        }
    }

    convenience init(_ text: String) throws { try self.init(answer: Array(text.utf8)) }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

/// A CA, a server certificate for 127.0.0.1 and api.test, and a client certificate, made with openssl once for all tests.
struct Certificates: Sendable {
    let folder: String
    static let shared = Result { try Certificates() }

    private init() throws {
        folder = NSTemporaryDirectory() + "sonde-http-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        try Self.openssl("req -x509 \(key) -keyout ca.key -out ca.crt -subj /CN=test-ca", folder)
        try Self.openssl("req -x509 \(key) -keyout other.key -out other.crt -subj /CN=other-ca", folder)
        for (name, extra) in [("server", "-addext subjectAltName=IP:127.0.0.1,DNS:api.test"), ("named", "-addext subjectAltName=DNS:api.test"), ("client", "")]
        {
            try Self.openssl("req -x509 \(key) -CA ca.crt -CAkey ca.key -keyout \(name).key -out \(name).crt -subj /O=people/CN=\(name) \(extra)", folder)
        }
    }

    private static func openssl(_ arguments: String, _ folder: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments)")
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }
    func pem(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path(name)))) }
}
