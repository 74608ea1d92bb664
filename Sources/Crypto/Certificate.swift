// X.509 certificates and their keys, in PEM: made, signed and looked at with the system's libcrypto (RFC 5280; ECDSA on P-256).
// The webhook's authority and the certificate that it serves with are made here; tests check chains with it.
// It never reads a clock, a file or a Secret, and never puts a key into an error.

import CCrypto
import Kubernetes

/// What libcrypto refused.
public struct CryptoError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    public var description: String { message }
}

/// A private key in PKCS #8 PEM. Its text is a secret.
public struct PrivateKey: Hashable, Sendable {
    public let pem: String

    public init(pem: String) { self.pem = pem }

    /// A new ECDSA key on P-256. - Throws: When libcrypto has no randomness or no such curve.
    public static func make() throws(CryptoError) -> PrivateKey {
        guard let pem = text(capacity: 1024, { sonde_make_key($0, $1) }) else { throw CryptoError(message: "libcrypto made no ECDSA key on P-256") }
        return PrivateKey(pem: pem)
    }

    /// Whether this is the key that a certificate is for.
    public func belongs(to certificate: Certificate) -> Bool { sonde_is_key_of(pem, certificate.pem) == 1 }
}

/// One certificate; of a PEM text with several, the first.
public struct Certificate: Hashable, Sendable {
    public let pem: String
    public let notBefore: Timestamp
    public let notAfter: Timestamp

    /// - Throws: When the text holds no certificate.
    public init(pem: String) throws(CryptoError) {
        var (from, to): (Int64, Int64) = (0, 0)
        guard sonde_validity(pem, &from, &to) == 1 else { throw CryptoError(message: "this is no certificate in PEM") }
        self.pem = pem
        notBefore = Timestamp(secondsSinceEpoch: from)
        notAfter = Timestamp(secondsSinceEpoch: to)
    }

    /// The certificates of a bundle in order; what is none is left out.
    public static func all(in bundle: String) -> [Certificate] {
        let end = "-----END CERTIFICATE-----"
        var rest = bundle[...]
        var found: [Certificate] = []
        while let first = rest.firstRange(of: "-----BEGIN CERTIFICATE-----"), let last = rest[first.upperBound...].firstRange(of: end) {
            if let certificate = try? Certificate(pem: String(rest[first.lowerBound..<last.upperBound]) + "\n") { found.append(certificate) }
            rest = rest[last.upperBound...]
        }
        return found
    }

    /// 64 hexadecimal digits: the SHA-256 of the text.
    public var fingerprint: String { SHA256.hexadecimal(Array(pem.utf8)) }

    public func isValid(at time: Timestamp) -> Bool { notBefore <= time && time < notAfter }

    /// Whether this certificate was issued and signed by an authority. Times do not count.
    public func isSigned(by authority: Certificate) -> Bool { sonde_is_signed_by(pem, authority.pem) == 1 }

    /// Whether a server may show it under this DNS name or address.
    public func isFor(_ name: String) -> Bool { sonde_is_for_name(pem, name) == 1 }
}

/// A certificate with its key.
public struct Identity: Hashable, Sendable {
    public let certificate: Certificate
    public let key: PrivateKey
    /// Certificates between this one and an authority that is trusted, if there are any.
    public let intermediates: [Certificate]

    public init(certificate: Certificate, key: PrivateKey, intermediates: [Certificate] = []) {
        self.certificate = certificate
        self.key = key
        self.intermediates = intermediates
    }

    /// What a server shows: its certificate and those above it.
    public var chainPEM: String { ([certificate] + intermediates).map(\.pem).joined() }

    /// A new authority that may sign servers' certificates and no further authorities.
    /// - Parameter commonName: Told apart from other authorities by people; checks go by the key's identifier.
    public static func authority(commonName: String, from: Timestamp, to: Timestamp) throws(CryptoError) -> Identity {
        try make(commonName: commonName, alternativeNames: nil, from: from, to: to, issuer: nil)
    }

    /// A new server certificate, signed by `issuer`.
    /// - Parameter names: DNS names and IP addresses, at least one; the first is the common name too.
    public static func server(names: [String], from: Timestamp, to: Timestamp, issuer: Identity) throws(CryptoError) -> Identity {
        guard let first = names.first else { throw CryptoError(message: "a server's certificate needs a name") }
        for name in names where name.isEmpty || !name.utf8.allSatisfy({ isOfName($0) }) {
            throw CryptoError(message: "\"\(name)\" is no DNS name and no address")
        }
        let list = names.map { (isAddress($0) ? "IP:" : "DNS:") + $0 }.joined(separator: ",")
        return try make(commonName: String(first.prefix(64)), alternativeNames: list, from: from, to: to, issuer: issuer)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "_")].contains(byte)
        }
    }

    /// IPv6 has colons, IPv4 nothing but digits and dots.
    private static func isAddress(_ name: String) -> Bool { name.contains(":") || name.allSatisfy { $0.isNumber || $0 == "." } }

    private static func make(
        commonName: String, alternativeNames: String?, from: Timestamp, to: Timestamp, issuer: Identity?
    ) throws(CryptoError) -> Identity {
        let key = try PrivateKey.make()
        var request = sonde_certificate_request()
        request.not_before = from.secondsSinceEpoch
        request.not_after = to.secondsSinceEpoch
        withUnsafeMutableBytes(of: &request.serial) { bytes in
            for index in bytes.indices { bytes[index] = .random(in: .min ... .max) }
        }
        let pem = withTexts(commonName, alternativeNames, key.pem, issuer?.certificate.pem, issuer?.key.pem) { texts in
            request.common_name = texts[0]
            request.alternative_names = texts[1]
            request.key_pem = texts[2]
            request.issuer_pem = texts[3]
            request.issuer_key_pem = texts[4]
            return text(capacity: 16 << 10) { sonde_make_certificate(&request, $0, $1) }
        }
        guard let pem else { throw CryptoError(message: "libcrypto made no certificate for \(commonName)") }
        return Identity(certificate: try Certificate(pem: pem), key: key)
    }
}

/// What a C function wrote into a buffer; nil when it wrote nothing.
private func text(capacity: Int, _ write: (UnsafeMutablePointer<CChar>, Int) -> Int) -> String? {
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { space, count in
        guard let start = space.baseAddress else { return }
        count = start.withMemoryRebound(to: CChar.self, capacity: capacity) { write($0, capacity) }
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
}

/// Zero-terminated copies for the time of a call.
private func withTexts<Result>(_ texts: String?..., body: ([UnsafePointer<CChar>?]) -> Result) -> Result {
    var pointers: [UnsafePointer<CChar>?] = []
    func next(_ rest: ArraySlice<String?>) -> Result {
        guard let first = rest.first else { return body(pointers) }
        guard let first else {
            pointers.append(nil)
            return next(rest.dropFirst())
        }
        return first.withCString { pointer in
            pointers.append(pointer)
            return next(rest.dropFirst())
        }
    }
    return next(texts[...])
}
