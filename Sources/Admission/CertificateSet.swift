// The webhook's certificates as one value, and as the Secret that all replicas share.
// CertificateRotation says how it changes, CertificateKeeper stores it, the server serves with it.
// It never describes a key: its texts are secrets.

import Crypto
import JSON
import Kubernetes

/// An authority that signs, the certificate that is served, and what else is trusted.
public struct CertificateSet: Hashable, Sendable {
    /// Signs the served certificate.
    public var authority: Identity
    public var serving: Identity
    /// Trusted already, signs after the overlap.
    public var next: Identity?
    /// When `next` was made.
    public var nextSince: Timestamp?
    /// Signed before; trusted until they expire, since a replica may still serve with what they signed.
    public var retired: [Certificate]

    public init(authority: Identity, serving: Identity, next: Identity? = nil, nextSince: Timestamp? = nil, retired: [Certificate] = []) {
        self.authority = authority
        self.serving = serving
        self.next = next
        self.nextSince = nextSince
        self.retired = retired
    }

    /// Every authority that API servers must trust, in PEM. Its order does not change when the next authority begins to sign.
    public var bundle: String {
        let all = [authority.certificate] + (next.map { [$0.certificate] } ?? []) + retired
        return all.sorted { ($0.notBefore, $0.fingerprint) < ($1.notBefore, $1.fingerprint) }.map(\.pem).joined()
    }
}

extension CertificateSet {
    fileprivate enum Key {
        static let bundle = "ca-bundle.crt"
        static let authority = "ca.crt"
        static let authorityKey = "ca.key"
        static let serving = "tls.crt"
        static let servingKey = "tls.key"
        static let next = "next-ca.crt"
        static let nextKey = "next-ca.key"
        static let nextSince = "next-since"
    }

    /// A Secret that somebody else keeps (cert-manager): what to serve with, and whom to trust when it says so.
    public struct Foreign: Hashable, Sendable {
        public let serving: Identity
        public let bundle: String?

        /// - Parameters: The texts of `tls.crt`, `tls.key` and, when there is one, `ca.crt`.
        /// - Throws: When the first two do not belong together.
        public init(certificate: String, key: String, bundle: String?) throws(ReviewError) {
            guard let serving = CertificateSet.identity(certificate, key) else {
                throw ReviewError("\(Key.serving) and \(Key.servingKey) are no certificate with its key")
            }
            self.serving = serving
            self.bundle = bundle
        }
    }

    /// What a Secret holds.
    public enum Content: Hashable, Sendable {
        case own(CertificateSet)
        case foreign(Foreign)
        /// Neither; why.
        case unreadable(String)
    }

    /// Reads a Secret. One without the authority's key is somebody else's.
    public static func content(of secret: JSONValue) -> Content {
        func text(_ key: String) -> String? {
            guard let data = secret.at("data", key)?.string, !data.isEmpty, let bytes = Base64.decode(data) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        let foreign: Foreign
        do throws(ReviewError) {
            foreign = try Foreign(certificate: text(Key.serving) ?? "", key: text(Key.servingKey) ?? "", bundle: text(Key.authority))
        } catch {
            return .unreadable(error.message)
        }
        guard let key = text(Key.authorityKey) else { return .foreign(foreign) }
        guard let authority = identity(text(Key.authority), key) else {
            return .unreadable("\(Key.authority) and \(Key.authorityKey) are no certificate with its key")
        }
        let next = identity(text(Key.next), text(Key.nextKey))
        let known = [authority.certificate.pem] + (next.map { [$0.certificate.pem] } ?? [])
        return .own(
            CertificateSet(
                authority: authority, serving: foreign.serving, next: next, nextSince: text(Key.nextSince).flatMap { Timestamp(rfc3339: $0) },
                retired: Certificate.all(in: text(Key.bundle) ?? "").filter { !known.contains($0.pem) }))
    }

    fileprivate static func identity(_ certificate: String?, _ key: String?) -> Identity? {
        guard let certificate, let key, let first = Certificate.all(in: certificate).first else { return nil }
        let identity = Identity(certificate: first, key: PrivateKey(pem: key), intermediates: Array(Certificate.all(in: certificate).dropFirst()))
        return identity.key.belongs(to: first) ? identity : nil
    }

    /// `data` of the Secret.
    public var secretData: JSONValue {
        var texts = [
            (Key.bundle, bundle), (Key.authority, authority.certificate.pem), (Key.authorityKey, authority.key.pem),
            (Key.serving, serving.certificate.pem), (Key.servingKey, serving.key.pem),
        ]
        if let next { texts += [(Key.next, next.certificate.pem), (Key.nextKey, next.key.pem)] }
        if let nextSince { texts.append((Key.nextSince, nextSince.rfc3339)) }
        return .object(JSONObject(texts.map { ($0.0, .string(Base64.encode(Array($0.1.utf8)))) }))
    }
}
