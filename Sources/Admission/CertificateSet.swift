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
    /// Signed before; trusted for a while, since a replica may still serve with what they signed.
    public var retired: [Certificate]
    /// When the last of them was replaced; nil: they stay until they expire.
    public var retiredSince: Timestamp?

    public init(
        authority: Identity, serving: Identity, next: Identity? = nil, nextSince: Timestamp? = nil, retired: [Certificate] = [],
        retiredSince: Timestamp? = nil
    ) {
        self.authority = authority
        self.serving = serving
        self.next = next
        self.nextSince = nextSince
        self.retired = retired
        self.retiredSince = retiredSince
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
        static let retiredSince = "retired-since"
    }

    /// Of a Secret that Sonde made.
    static let labels: JSONValue = ["app.kubernetes.io/part-of": "sonde", "app.kubernetes.io/managed-by": "sonde-operator"]
    /// cert-manager's annotations on each Secret that it writes, also on one that was ours before.
    private static let certManagerPrefix = "cert-manager.io/"

    /// A Secret that somebody else keeps (cert-manager): what to serve with, and whom to trust when it says so.
    public struct Foreign: Hashable, Sendable {
        public let serving: Identity
        public let bundle: String?

        /// What keeps API servers from trusting it; nil: nothing.
        /// - Parameter name: By which they call.
        func problem(now: Timestamp, name: String) -> String? {
            let certificate = serving.certificate
            if now >= certificate.notAfter { return "the certificate expired at \(certificate.notAfter.rfc3339)" }
            if now < certificate.notBefore { return "the certificate begins at \(certificate.notBefore.rfc3339) only" }
            return certificate.isFor(name) ? nil : "the certificate is not for \(name), the name by which API servers call"
        }

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
        /// Ours, and damaged, or nobody's: it may be written; why.
        case unreadable(String)
        /// Somebody else's, and cannot be served with: it must be left alone; why.
        case unusable(String)
    }

    private static func text(_ key: String, of secret: JSONValue) -> String? {
        guard let data = secret.at("data", key)?.string, !data.isEmpty, let bytes = Base64.decode(data) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// One that cert-manager writes; else one that holds something, and has neither the authority's key nor our label.
    private static func isForeign(_ secret: JSONValue) -> Bool {
        if secret.metadata.annotations.keys.contains(where: { $0.hasPrefix(certManagerPrefix) }) { return true }
        let isEmpty = secret["data"]?.object?.values.allSatisfy { $0.string?.isEmpty != false } ?? true
        let isOurs = secret.metadata.labels["app.kubernetes.io/managed-by"] == labels["app.kubernetes.io/managed-by"]?.string
        return !isEmpty && !isOurs && text(Key.authorityKey, of: secret) == nil
    }

    /// Reads a Secret.
    public static func content(of secret: JSONValue) -> Content {
        func text(_ key: String) -> String? { Self.text(key, of: secret) }
        let isForeign = isForeign(secret)
        let foreign: Foreign
        do throws(ReviewError) {
            foreign = try Foreign(certificate: text(Key.serving) ?? "", key: text(Key.servingKey) ?? "", bundle: text(Key.authority))
        } catch {
            return isForeign ? .unusable(error.message) : .unreadable(error.message)
        }
        if isForeign { return .foreign(foreign) }
        guard let authority = identity(text(Key.authority), text(Key.authorityKey)) else {
            return .unreadable("\(Key.authority) and \(Key.authorityKey) are no certificate with its key")
        }
        let next = identity(text(Key.next), text(Key.nextKey))
        let known = [authority.certificate.pem] + (next.map { [$0.certificate.pem] } ?? [])
        return .own(
            CertificateSet(
                authority: authority, serving: foreign.serving, next: next, nextSince: text(Key.nextSince).flatMap { Timestamp(rfc3339: $0) },
                retired: Certificate.all(in: text(Key.bundle) ?? "").filter { !known.contains($0.pem) },
                retiredSince: text(Key.retiredSince).flatMap { Timestamp(rfc3339: $0) }))
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
        if let retiredSince { texts.append((Key.retiredSince, retiredSince.rfc3339)) }
        return .object(JSONObject(texts.map { ($0.0, .string(Base64.encode(Array($0.1.utf8)))) }))
    }
}
