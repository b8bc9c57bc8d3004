/* issuer.h - somebody who issues tokens, good and bad ones, for test_token and test_keyring.
 * Runs in: unit tests.  Blocks: yes.
 * It signs by OpenSSL, not by what is tested. */
#ifndef EARSHOT_ISSUER_H
#define EARSHOT_ISSUER_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/token.h"
#include "base/arena.h"
#include "base/buf.h"
#include "conf.h"

#define NOW_MS (INT64_C(1000) * 1800000000)
#define SECRET "0123456789abcdef0123456789abcdef"
#define GOOD "{\"sub\":\"alice\",\"exp\":1800000600}"

extern EVP_PKEY *issuer_rsa, *issuer_small_rsa, *issuer_p256, *issuer_p384;
extern struct conf issuer_conf;
extern struct keyring *issuer_keyring;
extern struct arena issuer_arena;
extern struct identity issuer_identity; /* of the last token that was verified */

/* Group set-up and tear-down: keys "default" (SECRET), h384, h512, r256, e256, e384 in files of a
 * new directory. */
int issuer_open_all(void **state);
int issuer_close_all(void **state);

/* Files in that directory; the path is good until the next call. */
char *issuer_path_of(const char *name);
void issuer_write_file(const char *name, const void *bytes, size_t len);

/* Sets jwt_secret and jwt_key of the configuration; %s in a line is the directory. */
void issuer_use_keys(const char *secret, const char *const *lines, size_t count);

void issuer_append_base64(struct buf *out, const void *bytes, size_t len);

/* header.payload, and the signatures that may follow. An ECDSA signature is r and s of `half` bytes
 * (RFC 7518, 3.4); `half` 0 leaves what OpenSSL makes. */
struct buf issuer_unsigned_token(const char *header, const char *payload);
void issuer_sign_hmac(struct buf *token, const EVP_MD *md, const void *key, size_t key_len);
void issuer_sign_private(struct buf *token, EVP_PKEY *key, const EVP_MD *md, size_t half);

/* What token_verify() says of a token, which is freed; of one with these parts, signed with SECRET;
 * of one with this payload. */
const char *issuer_verify_in(struct buf *token, const char *namespace);
const char *issuer_verify(const char *header, const char *payload);
const char *issuer_verify_claims(const char *payload);

/* Fails the test unless the reason says `wanted` and left no identity; or unless it is NULL and
 * alice was let in. */
void issuer_expect_reason(const char *reason, const char *wanted);
void issuer_expect_good(const char *reason);

#endif
