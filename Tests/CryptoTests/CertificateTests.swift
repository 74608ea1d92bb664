// Certificates: what they say, who signed them, whom they are for, and that keys and certificates are told apart.
// The TLS stack of another library takes them in SondeOperatorTests; here they are looked at by themselves.
// It never waits for a clock: times are handed in.

import Kubernetes
import Testing

@testable import Crypto

@Suite struct CertificateTests {
    private static let start = Timestamp(secondsSinceEpoch: 1_800_000_000)
    private static let end = Timestamp(secondsSinceEpoch: 1_900_000_000)

    private func authority(_ name: String = "test-ca") throws -> Identity { try .authority(commonName: name, from: Self.start, to: Self.end) }

    @Test func aCertificateSaysWhenItIsValid() throws {
        let certificate = try authority().certificate
        #expect(certificate.notBefore == Self.start && certificate.notAfter == Self.end)
        #expect(certificate.isValid(at: Self.start) && !certificate.isValid(at: Self.end))
        #expect(!certificate.isValid(at: Timestamp(secondsSinceEpoch: 1_799_999_999)))
        #expect(try Certificate(pem: certificate.pem) == certificate)
    }

    /// RFC 5280 writes times from 2050 on in another form.
    @Test func timesBeyond2050AreKept() throws {
        let late = Timestamp(secondsSinceEpoch: 2_600_000_000)
        #expect(try Identity.authority(commonName: "late", from: Self.start, to: late).certificate.notAfter == late)
    }

    @Test func onlyTheSignersCertificateIsTheAuthority() throws {
        let (first, second) = (try authority(), try authority())
        let server = try Identity.server(names: ["a.test"], from: Self.start, to: Self.end, issuer: first)
        #expect(server.certificate.isSigned(by: first.certificate))
        #expect(!server.certificate.isSigned(by: second.certificate), "both authorities have one name; the signature decides")
        #expect(!first.certificate.isSigned(by: server.certificate))
    }

    @Test(arguments: [
        (["webhook.sonde.svc", "webhook.sonde.svc.cluster.local"], "webhook.sonde.svc.cluster.local", true), (["webhook.sonde.svc"], "sonde.svc", false),
        (["127.0.0.1"], "127.0.0.1", true), (["::1"], "::1", true), (["localhost", "10.0.0.1"], "10.0.0.2", false),
    ]) func aServersNamesAreChecked(names: [String], asked: String, isFor: Bool) throws {
        let server = try Identity.server(names: names, from: Self.start, to: Self.end, issuer: try authority())
        #expect(server.certificate.isFor(asked) == isFor)
    }

    @Test(arguments: ["", "a b", "a,DNS:b", "a\nb"]) func aNameThatIsNoneIsRefused(name: String) throws {
        let issuer = try authority()
        #expect(throws: CryptoError.self) { try Identity.server(names: [name], from: Self.start, to: Self.end, issuer: issuer) }
    }

    @Test func aServerWithoutNamesIsRefused() throws {
        let issuer = try authority()
        #expect(throws: CryptoError.self) { try Identity.server(names: [], from: Self.start, to: Self.end, issuer: issuer) }
    }

    @Test func keysBelongToTheirCertificates() throws {
        let (first, second) = (try authority(), try authority())
        #expect(first.key.belongs(to: first.certificate))
        #expect(!first.key.belongs(to: second.certificate))
        #expect(!PrivateKey(pem: "no key").belongs(to: first.certificate))
        #expect(first.key != second.key)
    }

    @Test(arguments: ["", "text", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) func whatIsNoCertificateIsRefused(text: String) {
        #expect(throws: CryptoError.self) { try Certificate(pem: text) }
        #expect(Certificate.all(in: text).isEmpty)
    }

    @Test func aBundleIsReadInOrder() throws {
        let all = [try authority("a").certificate, try authority("b").certificate]
        #expect(Certificate.all(in: "# comment\n" + all.map(\.pem).joined(separator: "\n# next\n")) == all)
        #expect(all[0].fingerprint.count == 64 && all[0].fingerprint != all[1].fingerprint)
    }

    @Test func serialNumbersDiffer() throws {
        let key = { (identity: Identity) in identity.certificate.fingerprint }
        #expect(try key(authority()) != key(authority()))
    }

    @Test func theHashIsTheKnownOne() {
        #expect(SHA256.hexadecimal(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
