/* trail.h - what the log says of a receive when it ends.
 * Runs in: hub.  Blocks: never (but as the log does).
 * Kept only while such lines are wanted: for access_log = on, and at the level debug. */
#ifndef EARSHOT_TRAIL_H
#define EARSHOT_TRAIL_H

#include "event/parking.h"

struct connection;
struct hub;
struct trail;

/* NULL where no line is wanted. */
struct trail *trail_keep(const struct hub *hub, const struct parking *parking);

/* Why it ends, a literal: the first reason counts. NULL has none. */
void trail_because(struct trail *trail, const char *reason);

/* The line, under the request that opened the receive; frees its trail. Without a reason the client
 * has gone. */
void trail_end(struct connection *c);

#endif
