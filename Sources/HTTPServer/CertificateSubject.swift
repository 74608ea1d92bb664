// The subject of an X.509 certificate as Kubernetes reads it: the common name is the user, the organizations are its groups.
// The HTTP server fills it from a client certificate that TLS has already verified.
// It never verifies anything: that is BoringSSL's work.

/// The parts of a certificate's subject that name a Kubernetes user (RFC 5280, section 4.1.2.6).
public struct CertificateSubject: Hashable, Sendable {
    /// The last common name (CN).
    public let commonName: String?
    /// Every organization (O), in order.
    public let organizations: [String]

    public init(commonName: String?, organizations: [String]) {
        self.commonName = commonName
        self.organizations = organizations
    }

    /// Reads the subject of a DER certificate; nil when the bytes are no certificate.
    public init?(der: [UInt8]) {
        var outer = DERReader(der[...])
        guard let certificate = outer.next(DERReader.sequence) else { return nil }
        var parts = DERReader(certificate)
        guard let body = parts.next(DERReader.sequence) else { return nil }
        var fields = DERReader(body)
        fields.skip(ifTag: 0xA0)  // [0] version
        guard fields.next(0x02) != nil,  // serialNumber
            fields.next(DERReader.sequence) != nil,  // signature
            fields.next(DERReader.sequence) != nil,  // issuer
            fields.next(DERReader.sequence) != nil,  // validity
            let subject = fields.next(DERReader.sequence)
        else { return nil }
        self.init(name: subject)
    }

    private init(name: ArraySlice<UInt8>) {
        var commonName: String?
        var organizations: [String] = []
        var names = DERReader(name)
        while let set = names.next(0x31) {
            var attributes = DERReader(set)
            while let attribute = attributes.next(DERReader.sequence) {
                var pair = DERReader(attribute)
                guard let type = pair.next(0x06), let value = pair.nextAny() else { continue }
                switch Array(type) {
                case [0x55, 0x04, 0x03]: commonName = String(decoding: value, as: UTF8.self)  // 2.5.4.3
                case [0x55, 0x04, 0x0A]: organizations.append(String(decoding: value, as: UTF8.self))  // 2.5.4.10
                default: continue
                }
            }
        }
        self.init(commonName: commonName, organizations: organizations)
    }
}

/// Walks the elements of one DER level; every length is checked against what is left.
private struct DERReader {
    static let sequence: UInt8 = 0x30
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The content of the next element when it has this tag.
    mutating func next(_ tag: UInt8) -> ArraySlice<UInt8>? { rest.first == tag ? nextAny() : nil }

    mutating func skip(ifTag tag: UInt8) { _ = next(tag) }

    mutating func nextAny() -> ArraySlice<UInt8>? {
        guard rest.count >= 2 else { return nil }
        var start = rest.startIndex + 2
        var length = Int(rest[rest.startIndex + 1])
        if length >= 0x80 {
            let octets = length & 0x7F
            guard (1...4).contains(octets), rest.count >= 2 + octets else { return nil }
            length = rest[start..<start + octets].reduce(0) { $0 << 8 | Int($1) }
            start += octets
        }
        guard length <= rest.endIndex - start else { return nil }
        defer { rest = rest[(start + length)...] }
        return rest[start..<start + length]
    }
}
