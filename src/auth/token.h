/* token.h - JSON Web Tokens (RFC 7519), read with suspicion.
 * Runs in: gate, earshot command (mints).  Blocks: never.  No I/O but reading key files
 * at start. libjwt checks signatures; everything around it is checked here, before and after, since
 * libjwt 1.10 accepts alg none under a NULL key, HS256 under a PEM, tokens without exp, duplicate
 * claims and 10 MB. */
#ifndef EARSHOT_TOKEN_H
#define EARSHOT_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "auth/keyring.h"
#include "auth/policy.h"
#include "base/arena.h"
#include "base/buf.h"

#define TOKEN_BYTES_MAX 4096

/* Verifies a token at wall time `now_ms` and fills in an identity, in the arena. `namespace` is the
 * request's. A token without kid is verified with the key "default", or with the only key. A token
 * without a `rooms` claim gets conf->members. Returns NULL, or a short English reason ("the token
 * has expired") for the 401. */
const char *token_verify(const struct keyring *keyring, struct arena *arena, const char *token,
                         size_t len, const char *namespace, int64_t now_ms, struct identity *out);

/* What to mint. */
struct token_claims {
    const char *user_id;
    const char *token_id;           /* the jti, or NULL: a random one */
    const char *name;               /* or NULL */
    const char *rooms;              /* "lobby=rw,..." or NULL */
    const struct identity *granted; /* or what this one was granted, or NULL */
    const char *namespace;          /* or NULL */
    const char *role;               /* "admin", "guest" or NULL */
    int64_t ttl_ms;
    int64_t issued_s; /* iat, where it must be later than now; else 0 */
};

#define TOKEN_ID_BYTES 33 /* of a jti that is made here, with the NUL */

/* Appends a token signed with the key "default" (jti random, iat and exp set, iss and aud from the
 * configuration). `id`, unless NULL, takes the jti. Returns 0, or -1 with the reason in `error`. */
int token_mint(const struct keyring *keyring, const struct token_claims *claims, int64_t now_ms,
               struct buf *out, char id[TOKEN_ID_BYTES], char error[256]);

#endif
