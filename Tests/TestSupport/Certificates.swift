// Certificates for tests of TLS, made with the openssl command.
// Tests of clients and servers take the shared ones, or sign their own in a folder.
// They never leave the folder, and hold for two days.

import Foundation

/// Files `NAME.crt` and `NAME.key`: authorities `ca` and `other`; signed by `ca`: `server` for 127.0.0.1, api.test and otlp.test, `named` for api.test alone,
/// and `client`, whose subject is O=people, CN=client.
public struct Certificates: Sendable {
    public static let shared = Result { try Certificates() }

    private let made: TemporaryFolder

    private init() throws {
        made = try TemporaryFolder()
        try made.authority("ca")
        try made.authority("other")
        try made.sign("server", by: "ca", "-addext subjectAltName=IP:127.0.0.1,DNS:api.test,DNS:otlp.test")
        try made.sign("named", by: "ca", "-addext subjectAltName=DNS:api.test")
        try made.sign("client", by: "ca")
    }

    public var folder: String { made.path }
    public func path(_ name: String) -> String { made.path(name) }
    public func pem(_ name: String) throws -> [UInt8] { try made.bytes(name) }
}

extension TemporaryFolder {
    private static let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"

    /// Runs openssl in this folder.
    public func openssl(_ arguments: String) throws {
        try ChildProcess.output("/usr/bin/openssl", arguments.split(separator: " ").map(String.init), folder: path)
    }

    /// Makes an authority: `NAME.crt`, `NAME.key`.
    public func authority(_ name: String) throws { try openssl("req -x509 \(Self.key) -keyout \(name).key -out \(name).crt -subj /CN=\(name)") }

    /// Makes a certificate that the authority signs: `NAME.crt`, `NAME.key`.
    public func sign(_ name: String, by authority: String, _ further: String = "") throws {
        try openssl(
            "req -x509 \(Self.key) -CA \(authority).crt -CAkey \(authority).key -keyout \(name).key -out \(name).crt -subj /O=people/CN=\(name) \(further)")
    }
}
