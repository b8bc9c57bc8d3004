/* seen.h - tokens that were verified before, so that who sends much is not verified anew each time.
 * Runs in: gate.  Blocks: never.
 * A token is found again only as the same bytes in the same namespace, and not past its end. What a
 * revocation says is not known here: the scripts see it. Keys do not change within a process.
 * Limit: SEEN_SLOTS tokens, one in the place of another; about 3 KiB each. */
#ifndef EARSHOT_SEEN_H
#define EARSHOT_SEEN_H

#include "auth/token.h"

#define SEEN_SLOTS 64

struct seen;

struct seen *seen_open(void);
void seen_close(struct seen *seen);

/* As token_verify(). What the identity points to is valid until the next call. */
const char *seen_verify(struct seen *seen, const struct keyring *keyring, struct arena *arena,
                        const char *token, size_t len, const char *namespace, int64_t now_ms,
                        struct identity *out);

#endif
