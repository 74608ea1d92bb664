// SHA-256 (FIPS 180-4) by the system's libcrypto.
// The hash of a configuration is made with it, as the suffix of its ConfigMap's name, and the fingerprint of a certificate.
// It never keeps what it hashes.

import CCrypto

/// SHA-256.
public enum SHA256 {
    /// The digest in 64 lower-case hexadecimal digits.
    public static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digest = [UInt8](unsafeUninitializedCapacity: 32) { space, count in
            let isDone = bytes.withUnsafeBytes { sonde_sha256($0.baseAddress, $0.count, space.baseAddress) }
            precondition(isDone == 1, "libcrypto has no SHA-256")
            count = 32
        }
        return digest.reduce(into: "") { text, byte in
            text += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
        }
    }
}
