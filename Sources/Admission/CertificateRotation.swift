// When the webhook's certificates are made anew, and in which order, so that no API server ever meets a certificate that it does not trust.
// CertificateKeeper asks it in every round; tests let years go by.
// It never reads a clock and never stores anything.

import Crypto
import Kubernetes

/// The steps of a rotation.
///
/// A new authority is first only trusted (`next`), and signs when it has been in every registration and `overlap` is over. The old one stays trusted until
/// every replica that is asked serves with the new one: a replica that could not look for as long as `fence` is not ready, and `retention` is longer.
public struct CertificateRotation: Hashable, Sendable {
    /// DNS names and addresses of the webhook; the first is the common name.
    public var names: [String]
    public var authorityLifetime: Duration
    public var servingLifetime: Duration
    /// From the making of a new authority to the first certificate that it signs, if every registration has it by then.
    public var overlap: Duration
    /// Certificates begin so much earlier, for clocks that differ.
    public var skew: Duration

    public init(
        names: [String], authorityLifetime: Duration = .seconds(730 * 86_400), servingLifetime: Duration = .seconds(90 * 86_400),
        overlap: Duration = .seconds(600), skew: Duration = .seconds(3600)
    ) {
        precondition(!names.isEmpty, "a certificate needs a name")
        self.names = names
        self.authorityLifetime = authorityLifetime
        self.servingLifetime = servingLifetime
        self.overlap = overlap
        self.skew = skew
    }

    /// A replica that has not read the certificates for so long may serve with what is not trusted for much longer: it is not ready.
    public var fence: Duration { max(overlap, .seconds(180)) }
    /// From the first certificate of a new authority to the end of trust in the old one, whose beginning another replica's clock may have told.
    public var retention: Duration { fence + skew }

    /// What is to be stored now.
    public struct Step: Sendable {
        public let set: CertificateSet
        /// Past tense, for the log.
        public let reason: String
    }

    /// The next step, or nil when everything stays as it is.
    /// - Parameters:
    ///   - current: What is stored; nil when there is nothing usable.
    ///   - isNextTrusted: Whether every registration holds `current.next` already.
    ///   - isForced: Somebody asked for a new authority.
    public func step(from current: CertificateSet?, now: Timestamp, isNextTrusted: Bool, isForced: Bool = false) throws(CryptoError) -> Step? {
        guard let current, current.authority.certificate.isValid(at: now) else {
            return Step(set: try fresh(now), reason: current == nil ? "made the first authority" : "the authority had expired")
        }
        if let next = current.next, mayPromote(next, current, now, isNextTrusted) {
            let retired = current.retired.filter { $0.isValid(at: now) } + [current.authority.certificate]
            return Step(
                set: CertificateSet(authority: next, serving: try serving(next, now), retired: retired, retiredSince: now),
                reason: "the next authority began to sign")
        }
        var changed = current
        forget(&changed, now)
        var reasons = changed.retired.count < current.retired.count ? ["forgot an authority that nobody serves with"] : []
        if current.next == nil, isForced || isDue(current.authority.certificate, now) {
            changed.next = try authority(now)
            changed.nextSince = now
            reasons.append("made the next authority")
        }
        if let problem = problem(with: current, now) {
            changed.serving = try serving(current.authority, now)
            reasons.append("made a serving certificate: \(problem)")
        }
        return reasons.isEmpty ? nil : Step(set: changed, reason: reasons.joined(separator: "; "))
    }

    private func forget(_ set: inout CertificateSet, _ now: Timestamp) {
        set.retired.removeAll { now >= $0.notAfter }
        if let since = set.retiredSince, now.since(since) >= retention { set.retired = [] }
        if set.retired.isEmpty { set.retiredSince = nil }
    }

    private func mayPromote(_ next: Identity, _ current: CertificateSet, _ now: Timestamp, _ isTrusted: Bool) -> Bool {
        guard next.certificate.isValid(at: now) else { return false }
        let waited = now.since(current.nextSince ?? next.certificate.notBefore.advanced(by: skew))
        if isTrusted, waited >= overlap { return true }
        // Better an authority that is not known everywhere than one that is valid nowhere.
        return current.authority.certificate.notAfter.since(now) <= overlap
    }

    /// Two thirds of its life are over, or it will not outlive another serving certificate by as much again.
    private func isDue(_ authority: Certificate, _ now: Timestamp) -> Bool {
        isTwoThirdsOver(authority, now) || authority.notAfter.since(now) < servingLifetime
    }

    private func isTwoThirdsOver(_ certificate: Certificate, _ now: Timestamp) -> Bool {
        let life = certificate.notAfter.since(certificate.notBefore)
        return now.since(certificate.notBefore) >= life * 2 / 3
    }

    /// Why the serving certificate must be made anew.
    private func problem(with set: CertificateSet, _ now: Timestamp) -> String? {
        let certificate = set.serving.certificate
        if let name = names.first(where: { !certificate.isFor($0) }) { return "the old one was not for \(name)" }
        if !certificate.isSigned(by: set.authority.certificate) { return "the old one was not of this authority" }
        // One that ends with its authority cannot be made to last longer.
        if certificate.notAfter == set.authority.certificate.notAfter, now < certificate.notAfter { return nil }
        return isTwoThirdsOver(certificate, now) ? "two thirds of the old one's life were over" : nil
    }

    private func fresh(_ now: Timestamp) throws(CryptoError) -> CertificateSet {
        let authority = try authority(now)
        return CertificateSet(authority: authority, serving: try serving(authority, now))
    }

    private func authority(_ now: Timestamp) throws(CryptoError) -> Identity {
        try .authority(commonName: "sonde-webhook-ca \(now.rfc3339)", from: now.advanced(by: .zero - skew), to: now.advanced(by: authorityLifetime))
    }

    private func serving(_ authority: Identity, _ now: Timestamp) throws(CryptoError) -> Identity {
        let start = max(now.advanced(by: .zero - skew), authority.certificate.notBefore)
        let end = min(now.advanced(by: servingLifetime), authority.certificate.notAfter)
        return try .server(names: names, from: start, to: end, issuer: authority)
    }
}
