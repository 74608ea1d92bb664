// SHA-256 (FIPS 180-4) by the system's libcrypto.
// The hash of a configuration is made with it; the suffix of its ConfigMap's name comes from there.
// It never handles a secret.

import CCrypto

enum SHA256 {
    /// The digest in 64 lower-case hexadecimal digits.
    static func hexadecimal(_ bytes: [UInt8]) -> String {
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
