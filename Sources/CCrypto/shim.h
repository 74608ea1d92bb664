// SPDX-License-Identifier: Apache-2.0
// The system's libcrypto (OpenSSL 3, which libcurl brings along anyway); imported by the Crypto target only.
// Nothing here keeps memory: texts go into the caller's buffers, and a function that fails returns 0 and leaves no error behind.
#pragma once
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

// Writes the 32 bytes of the SHA-256 of `data` to `digest`; returns 1, or 0 when libcrypto refuses.
static inline int sonde_sha256(const void *data, size_t length, unsigned char *digest) {
    return EVP_Digest(data, length, digest, NULL, EVP_sha256(), NULL);
}

// What a certificate is to say. Texts end with a zero byte and stay the caller's.
struct sonde_certificate_request {
    const char *common_name;
    const char *alternative_names; // "DNS:a,IP:127.0.0.1"; NULL makes an authority that may sign certificates, not authorities.
    int64_t not_before, not_after; // Seconds since 1970.
    unsigned char serial[16];      // The first bit is cleared: serial numbers are positive (RFC 5280, 4.1.2.2).
    const char *key_pem;           // The key that the certificate is for.
    const char *issuer_pem;        // NULL signs with its own key.
    const char *issuer_key_pem;
};

// Moves what was written to `out`; returns its length, or 0 when it does not fit. Frees `from`.
static inline size_t sonde_drain(BIO *from, char *out, size_t capacity) {
    char *text = NULL;
    long length = from ? BIO_get_mem_data(from, &text) : 0;
    size_t taken = length > 0 && (size_t)length <= capacity ? (size_t)length : 0;
    if (taken) memcpy(out, text, taken);
    BIO_free(from);
    ERR_clear_error();
    return taken;
}

static inline EVP_PKEY *sonde_read_key(const char *pem) {
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;
    BIO_free(bio);
    return key;
}

static inline X509 *sonde_read_certificate(const char *pem) {
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, (void *)"") : NULL;
    BIO_free(bio);
    return certificate;
}

// A new ECDSA key on P-256 as PKCS #8 in PEM.
static inline size_t sonde_make_key(char *out, size_t capacity) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *bio = key ? BIO_new(BIO_s_mem()) : NULL;
    int done = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    EVP_PKEY_free(key);
    if (!done) {
        BIO_free(bio);
        ERR_clear_error();
        return 0;
    }
    return sonde_drain(bio, out, capacity);
}

static inline int sonde_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    int done = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static inline int sonde_set_name(X509 *certificate, const char *common_name) {
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"sonde", -1, -1, 0)
        && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
}

static inline int sonde_set_serial(X509 *certificate, const unsigned char serial[16]) {
    unsigned char bytes[16];
    memcpy(bytes, serial, sizeof bytes);
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    int done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

static inline int sonde_fill(X509 *certificate, EVP_PKEY *key, X509 *issuer, const struct sonde_certificate_request *request) {
    int is_authority = request->alternative_names == NULL;
    return X509_set_version(certificate, 2) && sonde_set_serial(certificate, request->serial) && sonde_set_name(certificate, request->common_name)
        && ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)request->not_before)
        && ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)request->not_after)
        && X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) && X509_set_pubkey(certificate, key)
        && sonde_add_extension(certificate, issuer, NID_basic_constraints, is_authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE")
        && sonde_add_extension(certificate, issuer, NID_key_usage, is_authority ? "critical,keyCertSign" : "critical,digitalSignature")
        && sonde_add_extension(certificate, issuer, NID_subject_key_identifier, "hash")
        && sonde_add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always")
        && (is_authority || (sonde_add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth")
                             && sonde_add_extension(certificate, issuer, NID_subject_alt_name, request->alternative_names)));
}

// The certificate in PEM.
static inline size_t sonde_make_certificate(const struct sonde_certificate_request *request, char *out, size_t capacity) {
    EVP_PKEY *key = sonde_read_key(request->key_pem);
    EVP_PKEY *signer = request->issuer_pem ? sonde_read_key(request->issuer_key_pem) : NULL;
    X509 *certificate = X509_new();
    X509 *issuer = request->issuer_pem ? sonde_read_certificate(request->issuer_pem) : certificate;
    EVP_PKEY *signing = request->issuer_pem ? signer : key;
    int done = key && signing && certificate && issuer && sonde_fill(certificate, key, issuer, request)
        && X509_sign(certificate, signing, EVP_sha256()) > 0;
    BIO *bio = done ? BIO_new(BIO_s_mem()) : NULL;
    if (bio && !PEM_write_bio_X509(bio, certificate)) {
        BIO_free(bio);
        bio = NULL;
    }
    if (issuer != certificate) X509_free(issuer);
    X509_free(certificate);
    EVP_PKEY_free(signer);
    EVP_PKEY_free(key);
    return sonde_drain(bio, out, capacity);
}

static inline int sonde_seconds(const ASN1_TIME *time, int64_t *seconds) {
    struct tm parts;
    if (!time || !ASN1_TIME_to_tm(time, &parts)) return 0;
    *seconds = (int64_t)timegm(&parts);
    return 1;
}

// When the first certificate of a PEM text is valid; 0 when it holds none.
static inline int sonde_validity(const char *pem, int64_t *not_before, int64_t *not_after) {
    X509 *certificate = sonde_read_certificate(pem);
    int done = certificate && sonde_seconds(X509_get0_notBefore(certificate), not_before) && sonde_seconds(X509_get0_notAfter(certificate), not_after);
    X509_free(certificate);
    ERR_clear_error();
    return done;
}

// 1 when the certificate's signature is by the authority's key and names it as issuer.
static inline int sonde_is_signed_by(const char *pem, const char *authority_pem) {
    X509 *certificate = sonde_read_certificate(pem);
    X509 *authority = sonde_read_certificate(authority_pem);
    EVP_PKEY *key = authority ? X509_get0_pubkey(authority) : NULL;
    int done = certificate && key && X509_check_issued(authority, certificate) == X509_V_OK && X509_verify(certificate, key) == 1;
    X509_free(authority);
    X509_free(certificate);
    ERR_clear_error();
    return done;
}

// 1 when the certificate may be shown by a server of that name; an address is looked for among the addresses.
static inline int sonde_is_for_name(const char *pem, const char *name) {
    X509 *certificate = sonde_read_certificate(pem);
    int done = certificate && (X509_check_host(certificate, name, 0, 0, NULL) == 1 || X509_check_ip_asc(certificate, name, 0) == 1);
    X509_free(certificate);
    ERR_clear_error();
    return done;
}

// 1 when the key is the one that the certificate is for.
static inline int sonde_is_key_of(const char *key_pem, const char *pem) {
    EVP_PKEY *key = sonde_read_key(key_pem);
    X509 *certificate = sonde_read_certificate(pem);
    int done = key && certificate && X509_check_private_key(certificate, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return done;
}
