/* canary.h - does a send reach every hub?
 * Runs in: gate.  Blocks: yes, at most 1.5 s and one call of the store.
 * Stores an event in a room that no client can name, and listens for it on a stream in each hub, as
 * a client would: what it finds, senders and listeners would find too. One check at a time a
 * daemon; who asks meanwhile, or within a second, is told what that one found, so that no number of
 * them holds the gates. */
#ifndef EARSHOT_CANARY_H
#define EARSHOT_CANARY_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "heritage.h"

/* Fills the reply: 200 with how many hubs had the event and how long the last of them took; 503
 * with the code redis_unavailable, redis_full, hub_silent (the detail says which) or check_running
 * (another check takes long, and there is no recent one to tell of). */
void canary_check(struct api *api, const struct heritage *heritage);

/* The same without a reply. */
void canary_run(struct api *api, const struct heritage *heritage);

struct canary_last {
    bool good;
    int64_t latency_ms; /* where it was good */
    int64_t age_ms;
};

/* What the last check found, however long ago. False when there was none. */
bool canary_last(const struct heritage *heritage, struct canary_last *last);

#endif
