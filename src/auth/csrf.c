#include "auth/csrf.h"

#include <sodium.h>
#include <string.h>

#define HASH_BYTES (CSRF_TEXT / 2)

int csrf_make(char out[CSRF_TEXT], const char *secret, const struct identity *identity)
{
    static const char context[] = "earshot csrf";
    const char *id = identity->token_id != NULL ? identity->token_id : identity->user_id;
    unsigned char key[HASH_BYTES], hash[HASH_BYTES];
    crypto_generichash_state state;

    if (identity->user_id == NULL || secret == NULL || secret[0] == '\0')
        return -1;
    /* A secret may be longer than a key of this hash. */
    crypto_generichash(key, sizeof(key), (const unsigned char *)secret, strlen(secret), NULL, 0);
    crypto_generichash_init(&state, key, sizeof(key), sizeof(hash));
    crypto_generichash_update(&state, (const unsigned char *)context, sizeof(context));
    /* No jti may stand for a user, nor the other way round. */
    crypto_generichash_update(
        &state, (const unsigned char *)(identity->token_id != NULL ? "jti" : "sub"), 4);
    crypto_generichash_update(&state, (const unsigned char *)id, strlen(id));
    crypto_generichash_final(&state, hash, sizeof(hash));
    sodium_bin2hex(out, CSRF_TEXT, hash, sizeof(hash));
    sodium_memzero(key, sizeof(key));
    return 0;
}

bool csrf_valid(const char *value, const char *secret, const struct identity *identity)
{
    char wanted[CSRF_TEXT];

    return value != NULL && csrf_make(wanted, secret, identity) == 0 &&
           strlen(value) == CSRF_TEXT - 1 && sodium_memcmp(value, wanted, CSRF_TEXT - 1) == 0;
}
