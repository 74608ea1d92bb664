// What a client trusts and how it proves itself on a TLS connection.
// HTTPClient's configuration and single requests carry it.
// It never reads a file itself: libcurl reads the named ones when it opens a connection, so a rotated file counts from the next connection on.

/// TLS settings of a client or a request. Bytes win over the file of the same thing.
public struct TLSConfiguration: Hashable, Sendable {
    /// PEM bundle of the only authorities that are trusted. Nil and no file: the system's.
    public var caPEM: [UInt8]?
    public var caFile: String?
    /// PEM, leaf first.
    public var clientCertificatePEM: [UInt8]?
    public var clientCertificateFile: String?
    /// PEM without a passphrase.
    public var clientKeyPEM: [UInt8]?
    public var clientKeyFile: String?
    /// The name that is asked for (SNI) and that the server's certificate must carry, in place of the URL's host.
    public var serverName: String?
    /// Takes any certificate: for trying things out, never for credentials that matter.
    public var insecureSkipVerify: Bool

    public init(
        caPEM: [UInt8]? = nil, caFile: String? = nil, clientCertificatePEM: [UInt8]? = nil, clientCertificateFile: String? = nil,
        clientKeyPEM: [UInt8]? = nil, clientKeyFile: String? = nil, serverName: String? = nil, insecureSkipVerify: Bool = false
    ) {
        self.caPEM = caPEM
        self.caFile = caFile
        self.clientCertificatePEM = clientCertificatePEM
        self.clientCertificateFile = clientCertificateFile
        self.clientKeyPEM = clientKeyPEM
        self.clientKeyFile = clientKeyFile
        self.serverName = serverName
        self.insecureSkipVerify = insecureSkipVerify
    }
}
