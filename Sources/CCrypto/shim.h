// SPDX-License-Identifier: Apache-2.0
// The system's libcrypto (OpenSSL 3, which libcurl brings along anyway); imported by the CollectorConfig target only.
#pragma once
#include <openssl/evp.h>

// Writes the 32 bytes of the SHA-256 of `data` to `digest`; returns 1, or 0 when libcrypto refuses.
static inline int sonde_sha256(const void *data, size_t length, unsigned char *digest) {
    return EVP_Digest(data, length, digest, NULL, EVP_sha256(), NULL);
}
