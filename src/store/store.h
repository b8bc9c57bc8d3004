/* store.h - a gate's own connection to Redis: ask, wait, answer.
 * Runs in: gate.  Blocks: yes, at most conf->redis_timeout_ms a call.
 * A breaker, shared with the other gates, keeps all from waiting for a Redis that does not answer
 * (breaker.h). */
#ifndef EARSHOT_STORE_H
#define EARSHOT_STORE_H

#include <hiredis/hiredis.h>

#include "base/arena.h"
#include "store/breaker.h"
#include "store/script.h"
#include "store/trips.h"

struct conf;
struct store;

enum store_status {
    STORE_OK,
    STORE_REFUSED, /* by a script, for what it is that is asked: see store_refusal() */
    STORE_DOWN,    /* not reachable, not in time, loading, read-only: 503 */
    STORE_FULL     /* out of memory or disk: 507 */
};

/* `breaker` may be NULL (direct mode, tests). Does not connect yet. NULL with the reason when the
 * URL is bad. */
struct store *store_open(const struct conf *conf, struct breaker *breaker, char error[256]);
void store_close(struct store *store);

/* Counts from now on in `trips`, which outlives the store. */
void store_count(struct store *store, struct trips *trips);

/* Does Redis answer? STORE_OK also when it is full: it can be read, and only sends are refused. */
enum store_status store_ping(struct store *store);

/* Queues a command or script for the next store_run(). */
void store_command(struct store *store, int argc, const char **argv, const size_t *lens);
void store_script(struct store *store, enum script script, const char *key, int argc,
                  const char **argv, const size_t *lens);

/* Sends all that is queued in one write and waits for all replies, in order, into replies[] (`max`
 * of them; free with store_free). Calls scripts again that Redis has forgotten. STORE_OK means that
 * replies came; a reply may still be an error: see store_reply_status. Otherwise no reply is set.
 */
enum store_status store_run(struct store *store, redisReply **replies, size_t max);
void store_free(redisReply **replies, size_t count);

/* Why a script refused: "banned" and until when (ms since 1970, 0 = for ever), "limited" and for
 * how long (ms), "hidden", ... part/caller.lua and the scripts have them all. */
struct refusal {
    char code[16];
    int64_t number;
};

/* Reads the refusal that a reply of STORE_REFUSED is. */
void store_refusal(const redisReply *reply, struct refusal *refusal);

/* What an error reply means (OOM, MISCONF: full; LOADING, READONLY, ...: down); STORE_OK for one
 * that is none. */
enum store_status store_reply_status(const redisReply *reply);

#endif
