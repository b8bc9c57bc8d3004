/* call.h - asks Redis on somebody's behalf, by a script on a room.
 * Runs in: gate.  Blocks: yes (store.h).
 * The script itself sees whether the caller may: banned, muted, revoked, no member, too often. */
#ifndef EARSHOT_CALL_H
#define EARSHOT_CALL_H

#include "store/store.h"

/* Who asks. */
struct caller {
    const char *user_id;  /* NULL = anonymous */
    const char *token_id; /* jti, or NULL */
    int64_t issued_s;     /* when the token was issued, seconds since 1970 */
    char rights[5];       /* what it allows in this room: letters of "rwm", and "a" for an admin */
};

/* Queues a script; `argv` is what follows the caller. `lens` may be NULL. */
void call_queue(struct store *store, const char *namespace, const char *room,
                const struct caller *caller, enum script script, int argc, const char **argv,
                const size_t *lens);

/* Runs one. With STORE_OK the reply is the caller's to free by store_free(); `refusal` is filled in
 * with STORE_REFUSED. */
enum store_status call_run(struct store *store, const char *namespace, const char *room,
                           const struct caller *caller, enum script script, int argc,
                           const char **argv, redisReply **reply, struct refusal *refusal);

#endif
