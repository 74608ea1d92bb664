// Years of certificates in a moment: at every time each replica serves what every API server trusts.
// Time is handed in; replicas and registrations lag, fail and come back at random.
// It never opens a connection: SondeOperatorTests rotates under load.

import Crypto
import JSON
import Kubernetes
import TestSupport
import Testing

@testable import Admission

@Suite struct RotationTests {
    private static let day: Duration = .seconds(86_400)
    private static let start = Timestamp(secondsSinceEpoch: 1_767_225_600)
    private let rotation = CertificateRotation(names: ["webhook.sonde.svc"])

    private func step(_ set: CertificateSet?, after days: Int, isTrusted: Bool = false, isForced: Bool = false) throws -> CertificateRotation.Step? {
        try rotation.step(from: set, now: Self.start.advanced(by: Self.day * days), isNextTrusted: isTrusted, isForced: isForced)
    }

    private func first() throws -> CertificateSet { try #require(try step(nil, after: 0)).set }

    @Test func theFirstSetIsComplete() throws {
        let set = try first()
        #expect(set.serving.certificate.isSigned(by: set.authority.certificate))
        #expect(set.serving.certificate.isFor("webhook.sonde.svc"))
        #expect(set.serving.certificate.notAfter == Self.start.advanced(by: Self.day * 90))
        #expect(set.authority.certificate.notAfter == Self.start.advanced(by: Self.day * 730))
        #expect(set.serving.certificate.notBefore < Self.start, "clocks differ")
        #expect(set.next == nil && set.retired.isEmpty)
        #expect(try step(set, after: 1) == nil)
    }

    @Test func aServingCertificateIsRenewedByTheSameAuthority() throws {
        let set = try first()
        #expect(try step(set, after: 59) == nil)
        let renewed = try #require(try step(set, after: 61))
        #expect(renewed.set.authority == set.authority && renewed.set.serving != set.serving && renewed.set.next == nil)
        #expect(renewed.set.bundle == set.bundle, "whom to trust has not changed")
        #expect(renewed.reason.contains("two thirds"))
    }

    @Test func aNewNameNeedsANewCertificate() throws {
        let set = try first()
        let other = CertificateRotation(names: ["webhook.sonde.svc", "other.svc"])
        let step = try #require(try other.step(from: set, now: Self.start, isNextTrusted: false))
        #expect(step.set.serving.certificate.isFor("other.svc") && step.set.authority == set.authority)
    }

    @Test func aNewAuthorityIsTrustedBeforeItSigns() throws {
        var set = try first()
        set.serving = try Identity.server(
            names: rotation.names, from: Self.start, to: Self.start.advanced(by: Self.day * 600), issuer: set.authority)
        let announced = try #require(try step(set, after: 500))
        #expect(announced.set.next != nil && announced.set.authority == set.authority)
        #expect(announced.set.bundle.contains(try #require(announced.set.next).certificate.pem))
        let waiting = announced.set
        #expect(try step(waiting, after: 501, isTrusted: false) == nil, "somebody does not know it yet")
        #expect(
            try rotation.step(from: waiting, now: Self.start.advanced(by: Self.day * 500 + .seconds(599)), isNextTrusted: true) == nil,
            "every API server gets the overlap to see it")
        let signed = try #require(try step(waiting, after: 501, isTrusted: true))
        #expect(signed.set.authority == waiting.next && signed.set.next == nil && signed.set.retired == [set.authority.certificate])
        #expect(signed.set.retiredSince == Self.start.advanced(by: Self.day * 501))
        #expect(signed.set.serving.certificate.isSigned(by: signed.set.authority.certificate))
        #expect(signed.set.bundle == waiting.bundle, "no registration changes when it begins to sign")
    }

    @Test func anOldAuthorityIsForgottenWhenEveryReplicaHasLooked() throws {
        let old = try Identity.authority(commonName: "old", from: Self.start, to: Self.start.advanced(by: Self.day * 300))
        var set = try first()
        set.retired = [old.certificate]
        set.retiredSince = Self.start
        #expect(rotation.retention == rotation.overlap + rotation.skew)
        let last = Self.start.advanced(by: rotation.retention - .seconds(1))
        #expect(try rotation.step(from: set, now: last, isNextTrusted: false) == nil)
        let step = try #require(try rotation.step(from: set, now: last.advanced(by: .seconds(1)), isNextTrusted: false))
        #expect(step.set.retired.isEmpty && step.set.retiredSince == nil && step.set.serving == set.serving)
    }

    /// Sets of earlier versions do not say since when.
    @Test func anOldAuthorityOfUnknownAgeIsForgottenOnlyWhenItHasExpired() throws {
        let old = try Identity.authority(commonName: "old", from: Self.start, to: Self.start.advanced(by: Self.day * 10))
        var set = try first()
        set.retired = [old.certificate]
        #expect(try step(set, after: 9) == nil)
        #expect(try #require(try step(set, after: 10)).set.retired.isEmpty)
    }

    @Test func anAuthorityThatIsNowhereKnownIsBetterThanNone() throws {
        let set = try #require(try step(first(), after: 720)).set
        #expect(set.next != nil)
        #expect(try step(set, after: 730 - 1, isTrusted: false) == nil, "there is a day left to make it known")
        let last = Self.start.advanced(by: Self.day * 730 - .seconds(300))
        #expect(try #require(try rotation.step(from: set, now: last, isNextTrusted: false)).set.authority == set.next)
    }

    @Test func anExpiredAuthorityIsReplaced() throws {
        let set = try first()
        let step = try #require(try step(set, after: 731))
        #expect(step.set.authority != set.authority && step.reason.contains("expired"))
    }

    @Test func somebodyMayAskForANewAuthority() throws {
        let set = try first()
        let announced = try #require(try step(set, after: 1, isForced: true)).set
        #expect(announced.next != nil)
        #expect(try step(announced, after: 1, isForced: true) == nil, "one at a time")
    }

    @Test func nothingOutlivesItsAuthority() throws {
        let set = try first()
        let end = Self.start.advanced(by: Self.day * 700)
        let step = try #require(try rotation.step(from: set, now: end, isNextTrusted: false))
        #expect(step.set.serving.certificate.notAfter == set.authority.certificate.notAfter)
        #expect(try rotation.step(from: step.set, now: end.advanced(by: Self.day), isNextTrusted: false) == nil, "it is not made anew in each round")
    }

    @Test func theSecretHoldsEverything() throws {
        var set = try #require(try step(first(), after: 1, isForced: true)).set
        set.retired = [try Identity.authority(commonName: "old", from: Self.start, to: Self.start.advanced(by: Self.day)).certificate]
        set.retiredSince = Self.start
        #expect(CertificateSet.content(of: ["data": set.secretData]) == .own(set))
        var foreign = set.secretData
        foreign["ca.key"] = nil
        guard case .foreign(let other) = CertificateSet.content(of: ["data": foreign]) else { throw ReviewError("not taken for somebody else's") }
        #expect(other.serving == set.serving && other.bundle == set.authority.certificate.pem)
    }

    @Test(arguments: ["tls.crt", "tls.key", "ca.crt"]) func aDamagedSecretIsTold(key: String) throws {
        var data = try first().secretData
        data[key] = "bm90aGluZw=="
        guard case .unreadable = CertificateSet.content(of: ["data": data]) else { throw ReviewError("taken as it is") }
    }

    // MARK: Years

    /// A replica that looks at the Secret now and then.
    private struct Replica {
        var serving: Identity
        var lastLook: Timestamp
        var sleepsUntil: Timestamp
    }

    /// Almost three years in rounds of some hours (SONDE_ROUNDS makes them more): registrations are updated by chance, replicas are away for up to two weeks; who
    /// has not looked for the fence's time is not asked.
    @Test func everyReplicaIsTrustedEverywhereForYears() throws {
        var random = Seeded()
        let hour: Duration = .seconds(3600)
        let rotation = CertificateRotation(names: ["a.test"], authorityLifetime: Self.day * 300, servingLifetime: Self.day * 60, overlap: Self.day * 3)
        var now = Self.start
        var set = try #require(try rotation.step(from: nil, now: now, isNextTrusted: false)).set
        var registered = [set.bundle, set.bundle, set.bundle]
        var replicas = (0..<3).map { _ in Replica(serving: set.serving, lastLook: now, sleepsUntil: now) }
        var forgotten = 0
        var authorities = 1
        for _ in 0..<Seeded.rounds(1000) {
            now = now.advanced(by: hour * (1 + random.below(48)))
            let isTrusted = registered.allSatisfy { $0 == set.bundle }
            if random.below(3) > 0, let step = try rotation.step(from: set, now: now, isNextTrusted: isTrusted) {
                if step.set.authority != set.authority { authorities += 1 }
                if step.set.retired.isEmpty, !set.retired.isEmpty { forgotten += 1 }
                set = step.set
            }
            for index in registered.indices where random.below(2) == 0 { registered[index] = set.bundle }
            for index in replicas.indices where replicas[index].sleepsUntil <= now {
                replicas[index].serving = set.serving
                replicas[index].lastLook = now
                if random.below(10) == 0 { replicas[index].sleepsUntil = now.advanced(by: Self.day * random.below(14)) }
            }
            for replica in replicas where now.since(replica.lastLook) <= rotation.fence {
                let certificate = replica.serving.certificate
                try #require(certificate.isValid(at: now), "seed \(random.seed): a replica serves an expired certificate")
                for bundle in registered {
                    let signer = Certificate.all(in: bundle).first { certificate.isSigned(by: $0) }
                    try #require(signer?.isValid(at: now) == true, "seed \(random.seed): a registration does not trust a replica at \(now.rfc3339)")
                }
            }
        }
        #expect(authorities > 2 && forgotten > 1 || Seeded.rounds(1000) < 1000)
    }
}
