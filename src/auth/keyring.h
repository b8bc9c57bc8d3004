/* keyring.h - the keys that tokens are verified with.
 * Runs in: supervisor (opens it before the first fork), gate, earshot command.  Blocks: never, but
 * reads key files at start. Each key is for one algorithm, and known to be fit for it: whoever
 * could choose the algorithm could sign an HS256 token with the public key of RS256. */
#ifndef EARSHOT_KEYRING_H
#define EARSHOT_KEYRING_H

#include <stddef.h>

#include "conf.h"

#define KEYRING_DEFAULT "default" /* the kid of jwt_secret */
#define KEYRING_KID_MAX 128
#define TOKEN_SECRET_MIN 32

struct keyring_key {
    char *kid;
    const char *alg; /* as in a token's header */
    int jwt_alg;     /* the same as libjwt's jwt_alg_t */
    char *bytes;     /* a secret, or a PEM */
    size_t len;
};

struct keyring {
    const struct conf *conf; /* borrowed */
    size_t count;
    struct keyring_key keys[CONF_JWT_KEYS_MAX + 1];
};

/* Reads the keys that the configuration names: jwt_secret as kid "default", alg HS256, and each
 * jwt_key. An HS secret is at least 32 bytes and no PEM; an RS key (of 2048 bits or more) or ES key
 * (on the curve of its algorithm) is a PEM public key. Returns NULL with one line in `error` (key,
 * file, what is wrong, what is allowed). */
struct keyring *keyring_open(const struct conf *conf, char error[512]);
void keyring_close(struct keyring *keyring);

/* The key of this kid, or NULL. Without a kid (NULL): "default", or the only key. */
const struct keyring_key *keyring_find(const struct keyring *keyring, const char *kid);

#endif
