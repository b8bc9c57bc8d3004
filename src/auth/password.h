/* password.h - passwords of accounts, kept as Argon2id hashes.
 * Runs in: gate.  Blocks: hashing takes tens of ms of a core, and 19 MiB; no I/O.
 * So only few gates may hash at once, over all of the machine: the leases lie in the memory that
 * workers share. A lease ends by itself, lest a gate that is killed while it hashes keeps it. */
#ifndef EARSHOT_PASSWORD_H
#define EARSHOT_PASSWORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PASSWORD_BYTES_MIN 8
#define PASSWORD_BYTES_MAX 1024
#define PASSWORD_HASH 128 /* crypto_pwhash_STRBYTES */
#define PASSWORD_LEASES_MAX 64

struct password_leases {
    _Atomic int64_t
        marks[PASSWORD_LEASES_MAX]; /* the end by clock_mono_ms(), and the number of the slot */
};

/* How many of so many gates may hash at once. */
int password_most(int gates);

/* Takes one of the first `most` leases at monotonic time `now_ms`, for `last_ms`. Returns its mark,
 * to be given back by password_done(), or 0 where all are taken. */
int64_t password_begin(struct password_leases *leases, int most, int64_t now_ms, int64_t last_ms);
void password_done(struct password_leases *leases, int64_t mark);

/* Hashes, with the parameters in the text (OWASP: 19 MiB, 2 passes). Returns 0, or -1 without
 * memory.
 */
int password_hash(char out[PASSWORD_HASH], const char *password);

/* Does the password fit the hash? NULL or "": there is no account, which takes as long to find out.
 */
bool password_fits(const char *hash, const char *password);

/* Was it hashed with other parameters than new ones are? */
bool password_stale(const char *hash);

#endif
