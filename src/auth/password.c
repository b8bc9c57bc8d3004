#include "auth/password.h"

#include <sodium.h>
#include <string.h>

#define PASSES 2
#define MEMORY_BYTES ((size_t)19 * 1024 * 1024)

_Static_assert(PASSWORD_HASH == crypto_pwhash_STRBYTES, "libsodium's hashes have another length");

int password_most(int gates)
{
    int most = gates / 4;

    return most < 1 ? 1 : most > PASSWORD_LEASES_MAX ? PASSWORD_LEASES_MAX : most;
}

/* A mark is the end of the lease and the number of its slot: no two are the same. */
int64_t password_begin(struct password_leases *leases, int most, int64_t now_ms, int64_t last_ms)
{
    for (int i = 0; i < most; i++) {
        int64_t held = leases->marks[i];
        int64_t until = (now_ms + last_ms) * PASSWORD_LEASES_MAX + i;

        if (held / PASSWORD_LEASES_MAX < now_ms &&
            atomic_compare_exchange_strong(&leases->marks[i], &held, until))
            return until;
    }
    return 0;
}

/* One that ended by itself, and that another has taken, is his. */
void password_done(struct password_leases *leases, int64_t mark)
{
    int64_t held = mark;

    if (mark != 0)
        atomic_compare_exchange_strong(&leases->marks[mark % PASSWORD_LEASES_MAX], &held, 0);
}

int password_hash(char out[PASSWORD_HASH], const char *password)
{
    return crypto_pwhash_str_alg(out, password, strlen(password), PASSES, MEMORY_BYTES,
                                 crypto_pwhash_ALG_ARGON2ID13);
}

bool password_fits(const char *hash, const char *password)
{
    static const char nobodys[] = "$argon2id$v=19$m=19456,t=2,p=1$ss6vqNxN1rLXDrvUhNDAcQ$MQhA4lE/"
                                  "UmJEJSZBtkPocCa0h4ChIvQKaNa8BqCZ6UA";
    bool there = hash != NULL && hash[0] != '\0';
    char copy[PASSWORD_HASH] = "";
    size_t len;

    if (!there)
        hash = nobodys;
    len = strlen(hash);
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, hash, len);
    return crypto_pwhash_str_verify(copy, password, strlen(password)) == 0 && there;
}

bool password_stale(const char *hash)
{
    char copy[PASSWORD_HASH] = "";
    size_t len = strlen(hash);

    if (len >= sizeof(copy))
        return true;
    memcpy(copy, hash, len);
    return crypto_pwhash_str_needs_rehash(copy, PASSES, MEMORY_BYTES) != 0;
}
