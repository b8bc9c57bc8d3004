/* deadline.h - when something is due for a connection.
 * Runs in: hub.  Blocks: never.  No I/O.
 * All its times are ticks of the wheel in the connection; one timer stands for the first of them.
 */
#ifndef EARSHOT_DEADLINE_H
#define EARSHOT_DEADLINE_H

#include <stdint.h>

#include "event/parking.h"

struct connection;

enum deadline {
    DEADLINE_NONE,
    DEADLINE_STALLED,  /* its socket took nothing for conf->stream_stall_ms */
    DEADLINE_RESTART,  /* the hub ends */
    DEADLINE_EXPIRED,  /* its token does */
    DEADLINE_ANNOUNCE, /* its token soon does */
    DEADLINE_REDIS,    /* a long-poll that Redis did not answer in time */
    DEADLINE_WAIT,     /* its wait= is over */
    DEADLINE_AGE,      /* it is as old as it may get */
    DEADLINE_QUIET     /* nothing was sent for conf->heartbeat_ms */
};

/* Sets the times that a parking record says, and the timer. */
void deadline_start(struct connection *c, const struct parking *parking);

/* Sets the timer anew, after a time was changed. */
void deadline_set(struct connection *c);

/* The hub ends, and this connection in so many ms. */
void deadline_restart(struct connection *c, int64_t in_ms);

/* The token ends then (wall clock, ms). */
void deadline_expires(struct connection *c, int64_t expires_ms);

/* A stream begins: its token's end is to be announced a minute before, or at half of what is left
 * of less than two. */
void deadline_announce(struct connection *c);

/* How long the token lasts, s. */
int64_t deadline_left_s(const struct connection *c);

/* What is due now, the most pressing. */
enum deadline deadline_due(struct connection *c);

#endif
